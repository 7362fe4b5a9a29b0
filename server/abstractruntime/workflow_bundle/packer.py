"""Pack a flow and all that it needs into one file; the same flows give the same bytes.

Members are sorted and carry no time of their own, and `created_at`, unless given, is the newest
`updated_at` in the packed flows: two people who pack the same flows get the same file. (The deflate
library of the machine has a say in the bytes too.) The file appears at once and whole, or not at all.
"""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import Any

from ..core.errors import InvalidFlow
from ..nodes.catalog import catalog
from ..visualflow_compiler.problem import errors_of
from ..visualflow_compiler.validate import check
from .closure import FlowFolder, FoundFlow, closure_of, read_flow
from .models import (
    MANIFEST,
    WORKFLOW_BUNDLE_FORMAT_VERSION_V1,
    WorkflowBundleEntrypoint,
    WorkflowBundleError,
    WorkflowBundleManifest,
    file_name_of,
    is_flow_id,
    workflow_bundle_manifest_to_dict,
)
from .reader import inspect_workflow_bundle, unpack_workflow_bundle, verify_workflow_bundle

# Hosts look for the way back where the way there is.
__all__ = [
    "PackedWorkflowBundle",
    "inspect_workflow_bundle",
    "pack_workflow_bundle",
    "unpack_workflow_bundle",
]

_NO_TIME = (1980, 1, 1, 0, 0, 0)
_PLAIN_FILE = 0o100644


@dataclass(frozen=True)
class PackedWorkflowBundle:
    """What was packed, and where it is."""

    path: Path
    manifest: WorkflowBundleManifest

    @property
    def flow_ids(self) -> list[str]:
        """The ids of the packed flows, sorted."""
        return sorted(self.manifest.flows)


def pack_workflow_bundle(
    *,
    root_flow_json: str | PathLike[str],
    out_path: str | PathLike[str],
    bundle_id: str | None = None,
    bundle_version: str = "0.0.0",
    flows_dir: str | PathLike[str] | None = None,
    entrypoints: Sequence[str] | None = None,
    default_entrypoint: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    created_at: str | None = None,
    strict: bool = False,
    assets: Mapping[str, bytes] | None = None,
) -> PackedWorkflowBundle:
    """Write the flow in `root_flow_json` with all its subflows to `out_path` (a `.flow` file).

    Subflows are looked up in `flows_dir` (the root's folder) by the id inside them. `entrypoints` are
    ids of packed flows that may be started (the root); `created_at` is an ISO time. `strict` refuses
    flows that would not run. `assets` are further files by their paths below `assets/`. Raises FileNotFoundError and WorkflowBundleError; then `out_path` is as
    it was.
    """
    root_file = Path(root_flow_json)
    root = read_flow(root_file, "The root flow")
    folder = FlowFolder(Path(flows_dir) if flows_dir is not None else root_file.parent)
    flows = closure_of(root, folder, catalog())
    starts = _entrypoints(flows, entrypoints or [root.flow.id])
    manifest = WorkflowBundleManifest(
        bundle_format_version=WORKFLOW_BUNDLE_FORMAT_VERSION_V1,
        bundle_id=(bundle_id or "").strip() or root.flow.id,
        bundle_version=bundle_version.strip() or "0.0.0",
        created_at=created_at if created_at is not None else _newest(flows.values()),
        entrypoints=starts,
        default_entrypoint=_default(default_entrypoint, root.flow.id, starts),
        flows=_paths(flows),
        assets={name: f"assets/{name}" for name in sorted(assets or {})},
        metadata=dict(metadata or {}),
    )
    if strict:
        _refuse_errors(flows)
    target = Path(out_path)
    _write(target, manifest, flows, assets or {})
    return PackedWorkflowBundle(target, manifest)


def _entrypoints(flows: Mapping[str, FoundFlow], ids: Iterable[str]) -> list[WorkflowBundleEntrypoint]:
    found = []
    for flow_id in dict.fromkeys(str(each).strip() for each in ids):
        if flow_id not in flows:
            raise WorkflowBundleError(
                f"The entrypoint {flow_id!r} is not among the packed flows: {sorted(flows)}. "
                "Name the root or one of its subflows."
            )
        flow = flows[flow_id].flow
        found.append(
            WorkflowBundleEntrypoint(
                flow_id=flow_id,
                name=flow.name.strip() or flow_id,
                description=flow.description,
                interfaces=list(flow.interfaces),
            )
        )
    return found


def _default(wanted: str | None, root_id: str, starts: Sequence[WorkflowBundleEntrypoint]) -> str:
    ids = [entry.flow_id for entry in starts]
    if wanted is not None and wanted.strip():
        if wanted.strip() not in ids:
            raise WorkflowBundleError(f"default_entrypoint {wanted!r} is not among the entrypoints: {ids}.")
        return wanted.strip()
    return root_id if root_id in ids else ids[0]


def _paths(flows: Mapping[str, FoundFlow]) -> dict[str, str]:
    """Return a path for each flow: the name of its file, numbered where two differ by case only."""
    paths: dict[str, str] = {}
    taken: set[str] = set()
    for flow_id in sorted(flows):
        if not is_flow_id(flow_id):
            raise WorkflowBundleError(
                f"The flow id {flow_id[:80]!r} cannot stand in a bundle. "
                "Rename the flow: use 200 visible characters at most, no slash, no spaces around them, not only dots."
            )
        name = plain = file_name_of(flow_id)
        number = 2
        while name.casefold() in taken:
            name, number = f"{plain}~{number}", number + 1
        taken.add(name.casefold())
        paths[flow_id] = f"flows/{name}.json"
    return paths


def _newest(flows: Iterable[FoundFlow]) -> str:
    """Return the newest instant at which a packed flow was saved, in UTC; empty when none says so."""
    times = []
    for found in flows:
        for key in ("updated_at", "created_at"):
            value = found.flow.raw.get(key)
            try:
                moment = datetime.fromisoformat(value) if isinstance(value, str) else None
            except ValueError:
                continue
            if moment is not None:
                times.append(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    return max(times).astimezone(UTC).isoformat() if times else ""


def _refuse_errors(flows: Mapping[str, FoundFlow]) -> None:
    wrong = []
    for flow_id in sorted(flows):
        try:
            problems = errors_of(check(flows[flow_id].flow, catalog(), frozenset(flows)))
        except InvalidFlow as error:
            wrong.append(f"{flow_id}: {error}")
            continue
        wrong += [f"{flow_id}: {problem.message}" for problem in problems]
    if wrong:
        more = f" And {len(wrong) - 5} more." if len(wrong) > 5 else ""
        raise WorkflowBundleError(f"These flows would not run: {' '.join(wrong[:5])}{more}")


def _write(
    target: Path,
    manifest: WorkflowBundleManifest,
    flows: Mapping[str, FoundFlow],
    assets: Mapping[str, bytes],
) -> None:
    """Write the file beside its place, open it as any reader would, and move it there."""
    text = json.dumps(workflow_bundle_manifest_to_dict(manifest), indent=2, ensure_ascii=False) + "\n"
    members = {manifest.flows[flow_id]: flows[flow_id].content for flow_id in sorted(flows)}
    members |= {manifest.assets[name]: content for name, content in assets.items()}
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".packing", dir=target.parent)
    made = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            with zipfile.ZipFile(file, "w") as archive:
                _add(archive, MANIFEST, text.encode("utf-8"))
                for path, content in sorted(members.items()):
                    _add(archive, path, content)
            file.flush()
            os.fsync(file.fileno())
        verify_workflow_bundle(made)
        os.chmod(made, 0o644)
        os.replace(made, target)
    finally:
        made.unlink(missing_ok=True)


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    info = zipfile.ZipInfo(name, date_time=_NO_TIME)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = 3
    info.external_attr = _PLAIN_FILE << 16
    archive.writestr(info, content)
