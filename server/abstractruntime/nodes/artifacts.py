"""Artifacts: bytes that are kept by reference, so that large things do not travel through a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.models import Effect, EffectType
from .define import EXEC_IN, EXEC_OUT, Call, Example, NodeError, Pin, effect
from .files import PATH_HELP, check_path, path_at, told
from .values import described, text

Json = Any

ARTIFACT = Pin("artifact", "artifact", description="The artifact: its reference or its id.")
_REF = Pin("artifact_ref", "artifact", description="A short reference to it.")
_ID = Pin("artifact_id", "string", description="Its id.")
_TYPE = Pin("content_type", "string", description="Its kind, as in image/png.")
_ONE = {"artifact_id": "a1", "content_type": "text/plain"}


def artifact_id_of(value: Json, pin: str = "artifact") -> str:
    """Return the id in a reference: text, `{"$artifact": id}` or `{"artifact_id": id}`; raise NodeError."""
    if isinstance(value, Mapping):
        inner = value.get("artifact")
        found = value.get("artifact_id") or value.get("$artifact")
        if not found and isinstance(inner, Mapping):
            return artifact_id_of(inner, pin)
        value = found
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise NodeError(
        f"'{pin}' needs a reference to an artifact, but got {described(value)}.",
        code="artifact.none",
        pin=pin,
    )


@effect(
    "import_workspace_file",
    family="files",
    label="Import Server File",
    sentence="Take in {file_path|name}",
    inputs=(
        EXEC_IN,
        Pin("file_path", "workspace_file", description=PATH_HELP),
        Pin("content_type", "string", description="Its kind; unset: by its name."),
        Pin("modality", "string", hidden=True),
    ),
    outputs=(
        EXEC_OUT,
        Pin("artifact", "artifact", description="The artifact with what is known of it."),
        _REF,
        _ID,
        _TYPE,
        Pin("size_bytes", "number", description="How large it is."),
        Pin("source_path", "workspace_file", description="The path of the file."),
    ),
    seldom=("content_type", "artifact_ref", "artifact_id", "size_bytes", "source_path"),
    settle=told,
    carries="own",
    main="artifact",
    check=check_path,
    keywords=("upload", "load", "attach", "artifact"),
    examples=(
        Example(
            {"file_path": "a.txt", "modality": "text"},
            {
                "effect": {"type": "import_file", "payload": {"file_path": "a.txt", "modality": "text"}},
                "settled": {"artifact": _ONE, "artifact_id": "a1"},
            },
            reply={"artifact": _ONE, "artifact_id": "a1"},
        ),
        Example(
            {"file_path": "a.bin", "content_type": "image/png"},
            {
                "effect": {
                    "type": "import_file",
                    "payload": {"file_path": "a.bin", "content_type": "image/png"},
                }
            },
        ),
        Example({}, error="import_workspace_file requires a non-empty 'file_path' input."),
    ),
)
def import_workspace_file(call: Call) -> Effect:
    """Keep a copy of a workspace file as an artifact."""
    payload = {"file_path": path_at(call, "file_path", "import_workspace_file")}
    payload |= {pin: said for pin in ("content_type", "modality") if (said := text(call.get(pin)).strip())}
    return Effect(EffectType.IMPORT_FILE, payload)


@effect(
    "export_artifact",
    family="files",
    label="Export Artifact",
    sentence="Write {artifact} to {file_path|name}",
    inputs=(EXEC_IN, ARTIFACT, Pin("file_path", "workspace_file", description=PATH_HELP)),
    outputs=(
        EXEC_OUT,
        _ID,
        Pin("file_path", "workspace_file", description="The path of the file."),
        Pin("bytes", "number", description="How long the file is."),
        Pin("sha256", "string", description="Its fingerprint."),
        _TYPE,
    ),
    seldom=("bytes", "sha256", "content_type"),
    settle=told,
    carries="own",
    main="file_path",
    check=check_path,
    keywords=("save", "download", "store", "artifact"),
    examples=(
        Example(
            {"artifact": {"$artifact": "a1"}, "file_path": "out/a.txt"},
            {
                "effect": {
                    "type": "export_artifact",
                    "payload": {"artifact_id": "a1", "file_path": "out/a.txt"},
                },
                "settled": {"artifact_id": "a1", "bytes": 5},
            },
            reply={"artifact_id": "a1", "bytes": 5},
        ),
        Example(
            {"artifact": {"artifact_id": "a2", "content_type": "image/png"}, "file_path": "out/rain.png"},
            {
                "effect": {
                    "type": "export_artifact",
                    "payload": {"artifact_id": "a2", "file_path": "out/rain.png"},
                }
            },
            note="A picture, as Generate Image gives it.",
        ),
        Example({"artifact": 7, "file_path": "a"}, error="needs a reference to an artifact"),
        Example({"artifact": "a1"}, error="export_artifact requires a non-empty 'file_path' input."),
    ),
)
def export_artifact(call: Call) -> Effect:
    """Write an artifact to a file of the workspace; one that is there is replaced."""
    payload = {
        "artifact_id": artifact_id_of(call.get("artifact")),
        "file_path": path_at(call, "file_path", "export_artifact"),
    }
    return Effect(EffectType.EXPORT_ARTIFACT, payload)


@effect(
    "read_artifact",
    family="files",
    gives=True,
    label="Read Artifact",
    sentence="Read {artifact}",
    inputs=(EXEC_IN, ARTIFACT),
    outputs=(
        EXEC_OUT,
        Pin("artifact", "artifact", description="The artifact with what is known of it."),
        _REF,
        _ID,
        _TYPE,
        Pin("content_family", "string", description="json, text or binary."),
        Pin("size_bytes", "number", description="How large it is."),
        Pin("filename", "string", description="The name it came with."),
        Pin("source_path", "string", description="The path it came from."),
        Pin("content", "any", description="What is in it: data, text, or base64."),
        Pin("text", "string", description="The text, when it is one."),
        Pin("json", "object", description="The data, when it is JSON."),
        Pin("binary_base64", "string", description="The bytes as base64, when it is neither."),
        Pin("is_binary", "boolean", description="Whether it is neither text nor JSON."),
        Pin("warnings", "array", description="What is to be known of the reading."),
        Pin("truncated", "boolean", description="Whether something was left out."),
    ),
    seldom=(
        "artifact_ref",
        "artifact_id",
        "content_type",
        "content_family",
        "size_bytes",
        "filename",
        "source_path",
        "binary_base64",
        "is_binary",
        "warnings",
        "truncated",
    ),
    settle=told,
    carries="own",
    main="content",
    keywords=("open", "load", "bytes", "artifact"),
    examples=(
        Example(
            {"artifact": _ONE},
            {
                "effect": {"type": "read_artifact", "payload": {"artifact_id": "a1"}},
                "settled": {"content": "Hello", "text": "Hello", "is_binary": False},
            },
            reply={"content": "Hello", "text": "Hello", "is_binary": False},
        ),
        Example(
            {"artifact": {"artifact": {"artifact_id": " a2 "}}},
            {"effect": {"type": "read_artifact", "payload": {"artifact_id": "a2"}}},
        ),
        Example({}, error="needs a reference to an artifact, but got nothing"),
    ),
)
def read_artifact(call: Call) -> Effect:
    """Read what is in an artifact."""
    return Effect(EffectType.READ_ARTIFACT, {"artifact_id": artifact_id_of(call.get("artifact"))})
