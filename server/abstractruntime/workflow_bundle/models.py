"""What a bundle says about itself: the manifest, its parts, and what makes it valid.

A bundle is one or more flows under an id and a version. The manifest names its flows by path, which
of them may be started (entrypoints) and which of those is the usual one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from ..core.errors import BadManifest, BundleError, UnsafePath

WORKFLOW_BUNDLE_FORMAT_VERSION_V1 = "1"
"""What `bundle_format_version` of a manifest says; a bundle with another one is refused."""
MANIFEST = "manifest.json"

_PLAIN = re.compile(r"[A-Za-z0-9_.-]{0,199}[A-Za-z0-9_-]")
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


class WorkflowBundleError(BundleError):
    """The bundle cannot be used."""


class BadBundleManifest(WorkflowBundleError, BadManifest):
    """The bundle's manifest is missing or wrong."""

    code = BadManifest.code


class NoManifest(BadBundleManifest, FileNotFoundError):
    """There is no manifest: this is not a bundle."""


class UnsafeBundlePath(WorkflowBundleError, UnsafePath):
    """A path in the bundle leaves the bundle, or cannot be a file everywhere."""

    code = UnsafePath.code


class WorkflowBundleRegistryError(BundleError):
    """The registry has no such bundle, or cannot take it."""

    code = "bundle.registry"


@dataclass(frozen=True)
class WorkflowBundleEntrypoint:
    """A flow of the bundle that may be started."""

    flow_id: str
    name: str | None = None
    description: str = ""
    interfaces: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class WorkflowBundleManifest:
    """The content of `manifest.json`. `flows`, `artifacts` and `assets` map ids to paths in the bundle."""

    bundle_format_version: str
    bundle_id: str
    bundle_version: str = "0.0.0"
    created_at: str = ""
    entrypoints: list[WorkflowBundleEntrypoint] = field(default_factory=list)
    default_entrypoint: str | None = None
    flows: dict[str, str] = field(default_factory=dict)
    artifacts: dict[str, str] = field(default_factory=dict)
    assets: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)

    def validate(self) -> None:
        """Raise WorkflowBundleError naming the first field that is wrong."""
        if self.bundle_format_version != WORKFLOW_BUNDLE_FORMAT_VERSION_V1:
            raise BadBundleManifest(
                f"bundle_format_version is {self.bundle_format_version!r}; this program reads "
                f"{WORKFLOW_BUNDLE_FORMAT_VERSION_V1!r} only."
            )
        _require_name("bundle_id", self.bundle_id)
        _require_name("bundle_version", self.bundle_version)
        if not isinstance(self.created_at, str):
            raise BadBundleManifest("created_at must be text (an ISO time) or absent.")
        for name in ("flows", "artifacts", "assets"):
            _check_paths(name, getattr(self, name))
        if not self.flows:
            raise BadBundleManifest("flows must name at least one flow.")
        for flow_id in self.flows:
            _check_flow_id("flows", flow_id)
        self._check_entrypoints()
        if not isinstance(self.metadata, dict):
            raise BadBundleManifest("metadata must be an object.")

    def _check_entrypoints(self) -> None:
        if not isinstance(self.entrypoints, (list, tuple)) or not self.entrypoints:
            raise BadBundleManifest("entrypoints must be a list with at least one entry.")
        seen: set[str] = set()
        for entry in self.entrypoints:
            _require_text("entrypoints[].flow_id", entry.flow_id)
            _check_flow_id("entrypoints[].flow_id", entry.flow_id)
            if entry.flow_id in seen:
                raise BadBundleManifest(f"entrypoints names {entry.flow_id!r} twice.")
            seen.add(entry.flow_id)
            if entry.name is not None and not isinstance(entry.name, str):
                raise BadBundleManifest(f"The name of entrypoint {entry.flow_id!r} must be text.")
            if not isinstance(entry.description, str):
                raise BadBundleManifest(f"The description of entrypoint {entry.flow_id!r} must be text.")
            if not isinstance(entry.interfaces, list) or not all(
                isinstance(i, str) for i in entry.interfaces
            ):
                raise BadBundleManifest(
                    f"interfaces of entrypoint {entry.flow_id!r} must be a list of texts."
                )
            if entry.flow_id not in self.flows:
                raise BadBundleManifest(
                    f"Entrypoint {entry.flow_id!r} is not among the bundle's flows: {sorted(self.flows)}."
                )
        if self.default_entrypoint is not None and self.default_entrypoint not in seen:
            raise BadBundleManifest(
                f"default_entrypoint {self.default_entrypoint!r} is not among the entrypoints: {sorted(seen)}."
            )

    def flow_path_for(self, flow_id: str) -> str | None:
        """Return the path of a flow in the bundle, None when it is not there."""
        return self.flows.get(str(flow_id).strip())

    def artifact_path_for(self, flow_id: str) -> str | None:
        """Return the path of a compiled artifact of older bundles, None when there is none."""
        return self.artifacts.get(str(flow_id).strip())


def workflow_bundle_manifest_to_dict(manifest: WorkflowBundleManifest) -> dict[str, Any]:
    """Return the JSON form of a manifest; raise WorkflowBundleError when it is not valid."""
    manifest.validate()
    written: dict[str, Any] = {
        "bundle_format_version": manifest.bundle_format_version,
        "bundle_id": manifest.bundle_id,
        "bundle_version": manifest.bundle_version,
        "created_at": manifest.created_at,
        "entrypoints": [
            {
                "flow_id": entry.flow_id,
                "name": entry.name,
                "description": entry.description,
                "interfaces": list(entry.interfaces),
            }
            for entry in manifest.entrypoints
        ],
    }
    if manifest.default_entrypoint is not None:
        written["default_entrypoint"] = manifest.default_entrypoint
    written["flows"] = dict(manifest.flows)
    written["artifacts"] = dict(manifest.artifacts)
    written["assets"] = dict(manifest.assets)
    written["metadata"] = dict(manifest.metadata)
    return written


def workflow_bundle_manifest_from_dict(raw: Any) -> WorkflowBundleManifest:
    """Read a manifest's JSON, in snake_case or camelCase; raise WorkflowBundleError when it is not valid."""
    if not isinstance(raw, dict):
        raise BadBundleManifest("The manifest must be a JSON object.")
    default = _first(
        raw,
        "default_entrypoint",
        "defaultEntrypoint",
        "default_entrypoint_flow_id",
        "defaultEntrypointFlowId",
    )
    entries = raw.get("entrypoints")
    manifest = WorkflowBundleManifest(
        bundle_format_version=_text(
            _first(raw, "bundle_format_version", "bundleFormatVersion"), WORKFLOW_BUNDLE_FORMAT_VERSION_V1
        ),
        bundle_id=_text(_first(raw, "bundle_id", "bundleId")),
        bundle_version=_text(_first(raw, "bundle_version", "bundleVersion"), "0.0.0"),
        created_at=_text(_first(raw, "created_at", "createdAt")),
        entrypoints=[
            _entrypoint(entry)
            for entry in (entries if isinstance(entries, list) else [])
            if isinstance(entry, dict)
        ],
        default_entrypoint=_text(default) or None,
        flows=_paths(raw.get("flows")),
        artifacts=_paths(raw.get("artifacts")),
        assets=_paths(raw.get("assets")),
        metadata=dict(raw["metadata"]) if isinstance(raw.get("metadata"), dict) else {},
    )
    manifest.validate()
    return manifest


def safe_path(path: Any, field_name: str = "path") -> str:
    """Return a path inside the bundle unchanged; raise when it could lead out or is no file name everywhere.

    Refused are: absolute paths, drive letters, `.` and `..` segments, backslashes, control and
    direction-changing characters, names that end in a dot or a space, and names of devices.
    """
    if not isinstance(path, str) or not path.strip():
        raise UnsafeBundlePath(f"{field_name} must be a path inside the bundle, not {path!r}.")
    bad = None
    segments = path.split("/")
    if path.startswith("/"):
        bad = "it is absolute"
    elif "\\" in path:
        bad = "it has a backslash"
    elif ":" in segments[0]:
        bad = "it names a drive"
    elif any(segment in ("", ".", "..") for segment in segments):
        bad = "it has an empty, '.' or '..' part"
    elif _has_invisible(path):
        bad = "it has an invisible character"
    elif any(segment[-1] in ". " for segment in segments) or any(map(_DEVICES.fullmatch, segments)):
        bad = "it cannot be a file name on every system"
    elif len(path) > 240:
        bad = "it is longer than 240 characters"
    if bad:
        raise UnsafeBundlePath(f"{field_name} {path[:80]!r} is not allowed in a bundle: {bad}.")
    return path


def is_flow_id(value: Any) -> bool:
    """Whether a flow id may stand in a bundle: 200 visible characters at most, no slash, not all dots."""
    if not isinstance(value, str) or not 0 < len(value.strip()) == len(value) <= 200:
        return False
    return not set(value) & set("/\\") and value.strip(".") != "" and not _has_invisible(value)


def file_name_of(flow_id: str) -> str:
    """Return the name of a flow's file without its suffix: the id where every system can hold it, else a digest."""
    if _PLAIN.fullmatch(flow_id) and not _DEVICES.fullmatch(flow_id):
        return flow_id
    return f"flow-{sha256(flow_id.encode('utf-8')).hexdigest()[:12]}"


def _entrypoint(raw: Mapping[str, Any]) -> WorkflowBundleEntrypoint:
    name = raw.get("name")
    interfaces = raw.get("interfaces")
    return WorkflowBundleEntrypoint(
        flow_id=_text(_first(raw, "flow_id", "flowId")),
        name=_text(name) if name is not None else None,
        description=_text(raw.get("description")),
        interfaces=[i.strip() for i in interfaces if isinstance(i, str) and i.strip()]
        if isinstance(interfaces, list)
        else [],
    )


def _first(raw: Mapping[str, Any], *names: str) -> Any:
    return next((raw[name] for name in names if raw.get(name) is not None), None)


def _text(value: Any, default: str = "") -> str:
    text = value.strip() if isinstance(value, str) else "" if value is None else str(value)
    return text or default


def _paths(value: Any) -> dict[str, str]:
    return dict(value) if isinstance(value, dict) else {}


def _require_text(name: str, value: Any) -> None:
    if not isinstance(value, str) or not value.strip():
        raise BadBundleManifest(f"{name} must be a text that is not empty.")


def _require_name(name: str, value: Any) -> None:
    """Refuse what leads elsewhere once a file, an address or a log is named after the bundle."""
    _require_text(name, value)
    if set(value) & set("/\\") or not value.strip(". ") or len(value) > 200 or _has_invisible(value):
        raise BadBundleManifest(
            f"{name} {value[:80]!r} is a path or no name; use letters, digits, '_', '-' and '.'."
        )


def _has_invisible(text: str) -> bool:
    return any(unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp") for sign in text)


def _check_flow_id(name: str, flow_id: Any) -> None:
    if not is_flow_id(flow_id):
        raise BadBundleManifest(
            f"{name}: {str(flow_id)[:80]!r} cannot be a flow id in a bundle: "
            "it has a slash, an invisible character or a space around it, is all dots, or is longer than 200 characters."
        )


def _check_paths(name: str, paths: Any) -> None:
    if not isinstance(paths, dict):
        raise BadBundleManifest(f"{name} must be an object of ids and paths.")
    for key, path in paths.items():
        if not isinstance(key, str) or not key.strip():
            raise BadBundleManifest(f"{name} has a blank id.")
        safe_path(path, f"{name}[{key[:80]!r}]")
