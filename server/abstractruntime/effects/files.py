"""Files of a workspace: reading, writing, listing.

The workspace of a run is the folder that its variable `workspace_root` names, else the folder that the
process works in. A host that keeps flows to a folder of its own gives the runtime `file_handlers`
with its rule. Reading and writing a file twice is the same as once, so no such step is claimed first; adding to one
is not, so that step is claimed, and goes by its key.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..core.effects import EffectOutcome, HostHandler, Services, handles
from ..core.models import Effect, EffectType, RunState
from ..storage.workspace import DEEPEST, Entry, Workspace, WorkspaceError

Json = Any
RuleOf = Callable[[RunState], Workspace]

MOST_ENTRIES = 5_000
_FAMILIES = {
    "text": ("txt", "md", "rst", "log", "csv", "tsv", "html", "xml"),
    "data": ("json", "jsonl", "yaml", "yml", "toml", "csv", "tsv", "xml"),
    "image": ("png", "jpg", "jpeg", "gif", "webp", "bmp", "svg", "tiff"),
    "audio": ("wav", "mp3", "ogg", "flac", "m4a", "opus"),
    "video": ("mp4", "webm", "mov", "mkv", "avi"),
    "document": ("pdf", "doc", "docx", "odt", "rtf", "md", "txt"),
    "code": ("py", "js", "ts", "css", "html", "sh", "c", "h", "cpp", "rs", "go", "java"),
}


def workspace_of(run: RunState) -> Workspace:
    """Return the workspace that a run's own variables name; raise WorkspaceError for a bad one."""
    root = run.vars.get("workspace_root")
    if root is not None and not isinstance(root, str):
        raise WorkspaceError("workspace_root must be a text: the path of a folder.")
    ignored = run.vars.get("workspace_ignored_paths")
    names = tuple(each for each in ignored if isinstance(each, str)) if isinstance(ignored, list) else ()
    return Workspace(Path(root.strip()) if root and root.strip() else Path.cwd(), ignored=names)


def read_file(workspace: Workspace, payload: dict[str, Json]) -> Json:
    """Read a UTF-8 file; one that is JSON, or looks so, comes back as data."""
    path = str(payload.get("file_path") or "")
    try:
        content = workspace.read(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise WorkspaceError(
            f"Cannot read '{path}' as UTF-8: {error.reason} at byte {error.start}."
        ) from None
    if path.lower().endswith(".json"):
        try:
            return {"content": json.loads(content), "file_path": path}
        except ValueError as error:
            raise WorkspaceError(f"Invalid JSON in '{path}': {error}") from None
    if content.lstrip()[:1] in ("{", "["):
        try:
            return {"content": json.loads(content), "file_path": path}
        except ValueError:
            return {"content": content, "file_path": path}
    return {"content": content, "file_path": path}


def write_file(workspace: Workspace, payload: dict[str, Json]) -> Json:
    """Replace a file by a text."""
    body = str(payload.get("content") or "").encode()
    return {"bytes": len(body), "file_path": workspace.write(str(payload.get("file_path") or ""), body)}


def append_file(workspace: Workspace, payload: dict[str, Json], key: str) -> Json:
    """Add lines to a file, once for each key."""
    path, length = workspace.append(
        str(payload.get("file_path") or ""),
        str(payload.get("content") or "").encode(),
        key=key,
        heading=str(payload.get("heading") or "").encode(),
    )
    return {"bytes": length, "file_path": path}


def list_files(workspace: Workspace, payload: dict[str, Json]) -> Json:
    """List a folder, filtered by family and extensions."""
    wanted = {str(each).lower().lstrip(".") for each in payload.get("extensions") or []}
    wanted |= set(_FAMILIES.get(str(payload.get("family")), ()))
    limit = min(max(1, int(payload.get("limit") or 500)), MOST_ENTRIES)
    deep = bool(payload.get("recursive"))
    depth = int(payload.get("max_depth") or 0) or DEEPEST if deep else 1
    folder = str(payload.get("folder_path") or "")
    found, was_cut = workspace.entries(folder, depth=depth, limit=MOST_ENTRIES * 4)
    kept = [
        entry
        for entry in found
        if (payload.get("include_directories") if entry.is_folder else not wanted or _ending(entry) in wanted)
    ]
    shown = kept[:limit]
    return {
        "folder_path": folder,
        "files": [entry.path for entry in shown if not entry.is_folder],
        "entries": [_told(entry) for entry in shown],
        "count": len(shown),
        "truncated": was_cut or len(kept) > limit,
    }


def _ending(entry: Entry) -> str:
    name = entry.path.rsplit("/", 1)[-1]
    return name.rsplit(".", 1)[-1].lower() if "." in name.lstrip(".") else ""


def _told(entry: Entry) -> dict[str, Json]:
    return {
        "path": entry.path,
        "name": entry.path.rsplit("/", 1)[-1],
        "kind": "folder" if entry.is_folder else "file",
        "size_bytes": entry.size,
        "modified_at": datetime.fromtimestamp(entry.modified_at, UTC).isoformat(),
    }


_ACTS = {
    EffectType.READ_FILE: read_file,
    EffectType.WRITE_FILE: write_file,
    EffectType.LIST_FILES: list_files,
}


def file_handlers(rule: RuleOf) -> dict[EffectType, HostHandler]:
    """Return handlers for a host that decides itself which folder a run may use."""
    return {
        **{kind: guarded_act(act, rule) for kind, act in _ACTS.items()},
        EffectType.APPEND_FILE: _appending(rule),
    }


def _appending(rule: RuleOf) -> HostHandler:
    def handler(run: RunState, effect: Effect, *, idempotency_key: str) -> EffectOutcome:
        return _appended(rule, run, effect, idempotency_key)

    return handler


def _appended(rule: RuleOf, run: RunState, effect: Effect, key: str) -> EffectOutcome:
    try:
        return EffectOutcome.completed(append_file(rule(run), effect.payload, key))
    except WorkspaceError as error:
        return EffectOutcome.failed(f"{effect.type.value}: {error}")


def guarded_act(act: Callable[[Workspace, dict[str, Json]], Json], rule: RuleOf) -> HostHandler:
    """Return a handler that does `act` in a run's workspace and tells what cannot be done."""

    def handler(run: RunState, effect: Effect) -> EffectOutcome:
        try:
            return EffectOutcome.completed(act(rule(run), effect.payload))
        except WorkspaceError as error:
            return EffectOutcome.failed(f"{effect.type.value}: {error}")

    handler.external = False  # type: ignore[attr-defined]
    return handler


def _enrol(kind: EffectType) -> None:
    do = guarded_act(_ACTS[kind], workspace_of)

    def handler(run: RunState, effect: Effect, next_node: str | None, services: Services) -> EffectOutcome:
        return do(run, effect)

    handles(kind)(handler)


for _kind in _ACTS:
    _enrol(_kind)


@handles(EffectType.APPEND_FILE, external=True)
def _append(run: RunState, effect: Effect, next_node: str | None, services: Services) -> EffectOutcome:
    return _appended(workspace_of, run, effect, services.key)


CASES: list[tuple[EffectType, dict[str, Any], str | None, str, Any]] = [
    (EffectType.READ_FILE, {"file_path": "../outside"}, "next", "failed", "leads out of the workspace"),
    (EffectType.READ_FILE, {"file_path": "no such file.txt"}, "next", "failed", "File not found"),
    (EffectType.WRITE_FILE, {"file_path": "/etc/x", "content": ""}, "next", "failed", "is not relative"),
    (EffectType.APPEND_FILE, {"file_path": "../outside"}, "next", "failed", "leads out of the workspace"),
    (EffectType.LIST_FILES, {"folder_path": "no such folder"}, "next", "failed", "File not found"),
]
