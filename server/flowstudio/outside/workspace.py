"""The workspace: one folder of this server that flows may use, and the artifacts beside it.

A run may keep to a folder below it by its input `workspace_root`; a root elsewhere is refused, whoever
names it. Reading and writing files is the kernel's; PDF files and artifacts are handled here.
"""

from __future__ import annotations

import base64
import hashlib
import json
import mimetypes
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from abstractruntime.core.effects import EffectOutcome, HostHandler
from abstractruntime.core.models import Effect, EffectType, RunState
from abstractruntime.effects.files import file_handlers, guarded_act
from abstractruntime.storage.artifacts import Artifact, ArtifactStore, artifact_ref
from abstractruntime.storage.workspace import LARGEST_WRITE, Workspace, WorkspaceError

from .pdf import pdf_of, read_pdf

Json = Any

MOST_TEXT = 262_144
MOST_BINARY = 131_072
_TEXT_TYPES = ("application/xml", "application/yaml", "application/javascript", "application/x-ndjson")


@dataclass(frozen=True)
class WorkspaceFolder:
    """Answers all effects about files and artifacts, within `root`."""

    root: Path
    artifacts: ArtifactStore

    def handlers(self) -> dict[EffectType, HostHandler]:
        """Return the handlers, by effect."""
        return {
            **file_handlers(self.of),
            EffectType.READ_PDF: guarded_act(_read_pdf, self.of),
            EffectType.WRITE_PDF: guarded_act(_write_pdf, self.of),
            EffectType.IMPORT_FILE: self._act(self._import_file),
            EffectType.EXPORT_ARTIFACT: self._act(self._export),
            EffectType.READ_ARTIFACT: self._act(self._read),
        }

    def of(self, run: RunState) -> Workspace:
        """Return the folder that a run may use; raise WorkspaceError for one outside."""
        wanted, ignored = run.vars.get("workspace_root"), run.vars.get("workspace_ignored_paths")
        names = tuple(each for each in ignored if isinstance(each, str)) if isinstance(ignored, list) else ()
        if wanted in (None, ""):
            return Workspace(self.root, ignored=names)
        if not isinstance(wanted, str):
            raise WorkspaceError("workspace_root must be a text: the path of a folder.")
        if wanted.startswith("/"):
            try:
                wanted = Path(wanted).relative_to(self.root.resolve()).as_posix()
            except ValueError:
                raise WorkspaceError(
                    "The workspace_root of this run lies outside this server's workspace."
                ) from None
        return Workspace(self.root, wanted, names)

    def _act(self, act: Callable[[RunState, dict[str, Json]], Json]) -> HostHandler:
        def handler(run: RunState, effect: Effect) -> EffectOutcome:
            try:
                return EffectOutcome.completed(act(run, effect.payload))
            except WorkspaceError as error:
                return EffectOutcome.failed(f"{effect.type.value}: {error}")

        handler.external = False  # type: ignore[attr-defined]
        return handler

    def _import_file(self, run: RunState, payload: dict[str, Json]) -> Json:
        path = str(payload["file_path"])
        body = self.of(run).read(path, LARGEST_WRITE)
        kind = payload.get("content_type") or mimetypes.guess_type(path)[0] or "application/octet-stream"
        tags = {"filename": path.rsplit("/", 1)[-1], "source_path": path}
        if payload.get("modality"):
            tags["modality"] = str(payload["modality"])
        made = self.artifacts.store(body, content_type=str(kind), run_id=run.run_id, tags=tags)
        return {
            "artifact": {**artifact_ref(made.artifact_id), **made.to_dict()},
            **_reference(made.artifact_id, made.content_type),
            "size_bytes": made.size_bytes,
            "source_path": path,
        }

    def _loaded(self, artifact_id: str) -> Artifact:
        try:
            found = self.artifacts.load(artifact_id)
        except ValueError as error:
            raise WorkspaceError(str(error)) from None
        if found is None:
            raise WorkspaceError(f"There is no artifact '{artifact_id[:80]}'.")
        return found

    def _export(self, run: RunState, payload: dict[str, Json]) -> Json:
        found = self._loaded(str(payload["artifact_id"]))
        path = self.of(run).write(str(payload["file_path"]), found.content)
        return {
            "artifact_id": found.artifact_id,
            "file_path": path,
            "bytes": len(found.content),
            "sha256": hashlib.sha256(found.content).hexdigest(),
            "content_type": found.content_type,
        }

    def _read(self, run: RunState, payload: dict[str, Json]) -> Json:
        found = self._loaded(str(payload["artifact_id"]))
        tags = found.metadata.tags
        return {
            "artifact": {**artifact_ref(found.artifact_id), **found.metadata.to_dict()},
            **_reference(found.artifact_id, found.content_type),
            "size_bytes": len(found.content),
            "filename": tags.get("filename", ""),
            "source_path": tags.get("source_path", ""),
            **_projected(found),
        }


def _reference(artifact_id: str, content_type: str) -> dict[str, Json]:
    ref = {**artifact_ref(artifact_id), "artifact_id": artifact_id, "content_type": content_type}
    return {"artifact_ref": ref, "artifact_id": artifact_id, "content_type": content_type}


def _projected(found: Artifact) -> dict[str, Json]:
    """Return what is in an artifact: as data, as text, or as base64, with a word on what was left out."""
    kind = found.content_type.split(";", 1)[0].strip().lower()
    body, warnings = found.content, []
    shape: dict[str, Json] = {"text": None, "json": None, "binary_base64": None, "is_binary": False}
    is_cut = False
    if kind.endswith("json"):
        try:
            data = json.loads(body)
            return {
                **shape,
                "json": data,
                "content": data,
                "content_family": "json",
                "warnings": [],
                "truncated": False,
            }
        except ValueError as error:
            warnings.append(f"It says it is JSON, but is not: {error}")
    is_named_text = kind.startswith("text/") or kind in _TEXT_TYPES or kind.endswith("json")
    try:
        text: str | None = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = None
        if is_named_text:
            warnings.append("It says it is text, but is not UTF-8.")
    if text is not None and "\0" not in text:
        if not is_named_text and len(body) > MOST_TEXT:
            text, is_cut = body[:MOST_TEXT].decode("utf-8-sig", "ignore"), True
            warnings.append(f"Only the first {MOST_TEXT:,} bytes are here.")
        told = {**shape, "text": text, "content": text, "content_family": "text"}
    else:
        if len(body) > MOST_BINARY:
            body, is_cut = body[:MOST_BINARY], True
            warnings.append(f"Only the first {MOST_BINARY:,} bytes are here.")
        encoded = base64.b64encode(body).decode()
        told = {
            **shape,
            "binary_base64": encoded,
            "content": encoded,
            "content_family": "binary",
            "is_binary": True,
        }
    return {**told, "warnings": warnings, "truncated": is_cut}


def _read_pdf(workspace: Workspace, payload: dict[str, Json]) -> Json:
    path = str(payload["file_path"])
    told = read_pdf(
        workspace.read(path, LARGEST_WRITE),
        first=int(payload.get("page_start") or 1),
        last=payload.get("page_end"),
        most=payload.get("max_chars"),
        name=path,
    )
    return {**told, "file_path": path, "content_type": "application/pdf"}


def _write_pdf(workspace: Workspace, payload: dict[str, Json]) -> Json:
    body = pdf_of(str(payload["content"]), title=str(payload.get("title") or ""))
    path = workspace.write(str(payload["file_path"]), body)
    return {
        "bytes": len(body),
        "file_path": path,
        "sha256": hashlib.sha256(body).hexdigest(),
        "content_type": "application/pdf",
    }
