"""Files of the workspace: the folder of this server that flows may use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.models import Effect, EffectType
from .authored import pin_value
from .define import EXEC_IN, EXEC_OUT, UNSET, Call, Example, Finding, NodeError, Pin, effect
from .jsontext import decoded
from .values import fitting, items, json_text, text, truth, whole

Json = Any

PATH_HELP = "Its path in the workspace, as in reports/today.md."
_FAMILIES = ("any", "text", "data", "image", "audio", "video", "document", "code")
_MOST = 5_000


def told(reply: Json, call: Call) -> dict[str, Json]:
    """Give the reply by pin."""
    return dict(reply) if isinstance(reply, Mapping) else {}


def path_at(call: Call, pin: str, node: str) -> str:
    """Return the path at a pin; raise NodeError when there is none."""
    path = text(call.get(pin)).strip()
    if not path:
        raise NodeError(f"{node} requires a non-empty '{pin}' input.", code="file.no_path", pin=pin)
    return path


def check_path(data: Mapping[str, Json]) -> list[Finding]:
    """Find a path that is missing or leads out of the workspace."""
    path = pin_value(data, "file_path")
    if path is UNSET or not text(path).strip():
        return [Finding("risk", "file.no_path", "No path is given.", pin="file_path")]
    parts = text(path).strip().split("/")
    if text(path).strip().startswith(("/", "~")) or ".." in parts or "\\" in text(path):
        message = "This path does not lie in the workspace: write it relative, as in reports/today.md."
        return [Finding("error", "file.outside", message, pin="file_path")]
    return []


@effect(
    "read_file",
    family="files",
    gives=True,
    label="Read File",
    sentence="Read {file_path|name}",
    inputs=(EXEC_IN, Pin("file_path", "string", description=PATH_HELP)),
    outputs=(
        EXEC_OUT,
        Pin("content", "any", description="What is in it: data for JSON, else text."),
        Pin("file_path", "workspace_file", hidden=True),
    ),
    settle=told,
    carries="own",
    main="content",
    check=check_path,
    keywords=("open", "load", "document", "text", "json", "disk"),
    examples=(
        Example(
            {"file_path": "prices.json"},
            {
                "effect": {"type": "read_file", "payload": {"file_path": "prices.json"}},
                "settled": {"content": {"tea": 3}, "file_path": "prices.json"},
            },
            reply={"content": {"tea": 3}, "file_path": "prices.json"},
        ),
        Example(
            {"file_path": " notes/a.txt "},
            {
                "effect": {"type": "read_file", "payload": {"file_path": "notes/a.txt"}},
                "settled": {"content": "Hello", "file_path": "notes/a.txt"},
            },
            reply={"content": "Hello", "file_path": "notes/a.txt"},
        ),
        Example({}, error="read_file requires a non-empty 'file_path' input."),
    ),
)
def read_file(call: Call) -> Effect:
    """Read a file of the workspace.

    A file that holds JSON comes as data. A path never leads out of the workspace.
    """
    return Effect(EffectType.READ_FILE, {"file_path": path_at(call, "file_path", "read_file")})


def _written(path: str, content: Json) -> str:
    """Return the text of a file: JSON where the name says so, else text as it is and data as JSON."""
    if path.lower().endswith(".json"):
        if isinstance(content, str):
            try:
                content = decoded(content)
            except ValueError as problem:
                raise NodeError(
                    f"'{path}' is to hold JSON, but the text is none: {problem}.",
                    code="json.invalid",
                    pin="content",
                ) from None
        return json_text(content, indent=2) + "\n"
    return json_text(content, indent=2) if isinstance(content, (dict, list)) else text(content)


@effect(
    "write_file",
    family="files",
    label="Write File",
    sentence="Write {content} to {file_path|name}",
    inputs=(
        EXEC_IN,
        Pin("file_path", "string", description=PATH_HELP),
        Pin("content", "any", None, "What to write; data is written as JSON.", widget="text"),
    ),
    outputs=(
        EXEC_OUT,
        Pin("bytes", "number", description="How long the file is."),
        Pin("file_path", "string", description="Its path in the workspace."),
    ),
    settle=told,
    carries="own",
    main="file_path",
    check=check_path,
    keywords=("save", "store", "document", "text", "json", "disk", "export"),
    examples=(
        Example(
            {"file_path": "prices.json", "content": {"tea": 3}},
            {
                "effect": {
                    "type": "write_file",
                    "payload": {"file_path": "prices.json", "content": '{\n  "tea": 3\n}\n'},
                },
                "settled": {"bytes": 15, "file_path": "prices.json"},
            },
            reply={"bytes": 15, "file_path": "prices.json"},
        ),
        Example(
            {"file_path": "a.txt"},
            {"effect": {"type": "write_file", "payload": {"file_path": "a.txt", "content": ""}}},
            note="Without content the file is empty.",
        ),
        Example({"file_path": "a.json", "content": "{"}, error="'a.json' is to hold JSON"),
    ),
)
def write_file(call: Call) -> Effect:
    """Write a file of the workspace; one that is there is replaced.

    Folders on the way are made. Whoever reads it meanwhile finds the old file or the new one.
    """
    path = path_at(call, "file_path", "write_file")
    body = _written(path, call.get("content"))
    fitting(len(body), "content")
    return Effect(EffectType.WRITE_FILE, {"file_path": path, "content": body})


def _lines(content: Json, pin: str) -> str:
    """Return text as lines: data as JSON in one, and the last line ended."""
    body = json_text(content) if isinstance(content, (dict, list)) else text(content)
    fitting(len(body), pin)
    return body if not body or body.endswith("\n") else body + "\n"


@effect(
    "append_file",
    family="files",
    label="Append To File",
    sentence="Add {content} to {file_path|name}[ under {heading}]",
    inputs=(
        EXEC_IN,
        Pin("file_path", "string", description=PATH_HELP),
        Pin("content", "any", None, "What to add; data is written as JSON, in one line.", widget="text"),
        Pin("heading", "string", "", "What a file begins with that is absent or empty.", widget="text"),
    ),
    outputs=(
        EXEC_OUT,
        Pin("bytes", "number", description="How long the file is now."),
        Pin("file_path", "string", description="Its path in the workspace."),
    ),
    settle=told,
    carries="own",
    main="file_path",
    check=check_path,
    keywords=("add", "row", "line", "log", "csv", "table", "save", "journal"),
    examples=(
        Example(
            {"file_path": "approved.csv", "content": "Ana,80", "heading": "who,amount"},
            {
                "effect": {
                    "type": "append_file",
                    "payload": {
                        "file_path": "approved.csv",
                        "content": "Ana,80\n",
                        "heading": "who,amount\n",
                    },
                },
                "settled": {"bytes": 18, "file_path": "approved.csv"},
            },
            reply={"bytes": 18, "file_path": "approved.csv"},
        ),
        Example(
            {"file_path": "log.jsonl", "content": {"seen": 3}},
            {
                "effect": {
                    "type": "append_file",
                    "payload": {"file_path": "log.jsonl", "content": '{"seen": 3}\n', "heading": ""},
                }
            },
        ),
        Example({"content": "x"}, error="append_file requires a non-empty 'file_path' input."),
    ),
)
def append_file(call: Call) -> Effect:
    """Add lines at the end of a file of the workspace, which is made if it is absent.

    Runs that add at the same instant lose nothing, and a step that is taken again after a crash adds once. A file
    that cannot be read is left as it is, and the step fails.
    """
    path = path_at(call, "file_path", "append_file")
    payload = {
        "file_path": path,
        "content": _lines(call.get("content"), "content"),
        "heading": _lines(call.get("heading"), "heading"),
    }
    return Effect(EffectType.APPEND_FILE, payload)


_FOUND = {
    "folder_path": "in",
    "files": ["in/a.csv"],
    "entries": [{"path": "in/a.csv", "name": "a.csv", "kind": "file", "size_bytes": 4}],
    "count": 1,
    "truncated": False,
}


@effect(
    "list_folder_files",
    family="files",
    gives=True,
    label="List Folder Files",
    sentence="List the files of {folder_path|name}",
    inputs=(
        EXEC_IN,
        Pin("folder_path", "workspace_folder", description="The folder; a dot is the whole workspace."),
        Pin("recursive", "boolean", False, "Whether folders inside are looked into."),
        Pin("family", "string", "any", "Which kind of files.", choices=_FAMILIES),
        Pin("extensions", "array", description="Only these endings, as csv or pdf.", widget="lines"),
        Pin("include_directories", "boolean", False, "Whether folders are listed too."),
        Pin("limit", "number", 500, f"How many at most, up to {_MOST:,}."),
        Pin("max_depth", "number", 0, "How many levels deep; 0: all of them."),
    ),
    outputs=(
        EXEC_OUT,
        Pin("folder_path", "workspace_folder", description="The folder."),
        Pin("files", "array", description="The paths of the files."),
        Pin("entries", "array", description="Path, name, kind, size and time of each."),
        Pin("count", "number", description="How many were found."),
        Pin("truncated", "boolean", description="Whether there are more."),
    ),
    seldom=("include_directories", "limit", "max_depth", "truncated"),
    settle=told,
    carries="own",
    main="files",
    keywords=("directory", "dir", "find", "browse", "search"),
    examples=(
        Example(
            {"folder_path": "in", "extensions": [".CSV", ""], "limit": 9_999},
            {
                "effect": {
                    "type": "list_files",
                    "payload": {
                        "folder_path": "in",
                        "recursive": False,
                        "family": "any",
                        "extensions": ["csv"],
                        "include_directories": False,
                        "limit": 5_000,
                        "max_depth": 0,
                    },
                },
                "settled": _FOUND,
            },
            reply=_FOUND,
        ),
        Example(
            {"folder_path": ".", "recursive": True, "family": "image", "max_depth": 2},
            {
                "effect": {
                    "type": "list_files",
                    "payload": {
                        "folder_path": ".",
                        "recursive": True,
                        "family": "image",
                        "extensions": [],
                        "include_directories": False,
                        "limit": 500,
                        "max_depth": 2,
                    },
                },
            },
            note="All pictures of the workspace, at most two folders deep.",
        ),
        Example({"folder_path": " "}, error="list_folder_files requires a non-empty 'folder_path' input."),
        Example({"folder_path": "in", "family": "sheets"}, error="'sheets' is no kind of files"),
    ),
)
def list_folder_files(call: Call) -> Effect:
    """List the files of a folder in the workspace, by name."""
    folder = path_at(call, "folder_path", "list_folder_files")
    family = text(call.get("family")).strip() or "any"
    if family not in _FAMILIES:
        message = f"'{family}' is no kind of files. Choose one of: {', '.join(_FAMILIES)}."
        raise NodeError(message, code="file.unknown_family", pin="family")
    endings = [text(each).strip().lower().lstrip(".") for each in items(call.get("extensions"))]
    payload: dict[str, Json] = {
        "folder_path": folder,
        "recursive": truth(call.get("recursive"), "recursive"),
        "family": family,
        "extensions": [each for each in endings if each],
        "include_directories": truth(call.get("include_directories"), "include_directories"),
        "limit": min(_MOST, max(1, whole(call.get("limit", 500) or 500, "limit"))),
        "max_depth": max(0, whole(call.get("max_depth", 0) or 0, "max_depth")),
    }
    return Effect(EffectType.LIST_FILES, payload)
