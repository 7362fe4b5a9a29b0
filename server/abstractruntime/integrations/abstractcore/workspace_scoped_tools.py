"""Keeps the paths of tool calls inside a workspace (source: contract/kernel.md 9.6).

Paths are resolved with their symbolic links before they are judged. `execute_command` only gets a
working directory: a shell can go where it likes, so this is no sandbox for it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .tool_arguments import BadArguments, read_arguments
from .tool_executors import ToolExecutor
from .tool_results import ToolCall, ToolResult, tool_result

MODES = ("workspace_only", "all_except_ignored", "workspace_or_allowed")
BASE_DIR_VARIABLES = ("ABSTRACT_WORKSPACE_BASE_DIR", "ABSTRACTFLOW_WORKSPACE_BASE_DIR")
_FILE_TOOLS = frozenset({"read_file", "write_file", "edit_file", "analyze_code"})
_FILE_KEYS = ("file_path", "path", "filename", "file")


@dataclass(frozen=True)
class WorkspaceScope:
    """A folder that tools may use, and what else they may or may not touch."""

    root: Path
    access_mode: str = "workspace_only"
    ignored_paths: tuple[Path, ...] = ()
    allowed_paths: tuple[Path, ...] = ()

    @classmethod
    def from_input_data(
        cls, data: Any, *, key: str = "workspace_root", base_dir: Path | None = None
    ) -> WorkspaceScope | None:
        """Return the scope that a run's variables ask for; None when they name no root.

        Makes the root if it is not there. Raises ValueError when it is a file, or for an unknown mode.
        """
        given = data if isinstance(data, Mapping) else {}
        named = _value(given, key)
        if not isinstance(named, str) or not named.strip():
            return None
        base = base_dir or resolve_workspace_base_dir()
        root = _absolute(named.strip(), base)
        if root.exists() and not root.is_dir():
            raise ValueError(f"{key} is a file, not a folder: {root}")
        root.mkdir(parents=True, exist_ok=True)
        mode = str(_value(given, "workspace_access_mode") or MODES[0]).strip().lower()
        if mode not in MODES:
            raise ValueError(f"workspace_access_mode must be one of {', '.join(MODES)}, not {mode!r}")
        return cls(
            root.resolve(),
            mode,
            _paths(_value(given, "workspace_ignored_paths"), root),
            _paths(_value(given, "workspace_allowed_paths"), root),
        )


def resolve_workspace_base_dir() -> Path:
    """Return the folder that relative workspace roots start from: an environment variable's, or this one."""
    named = next(filter(None, (os.environ.get(name, "").strip() for name in BASE_DIR_VARIABLES)), "")
    return Path(named).expanduser().resolve() if named else Path.cwd()


def resolve_user_path(*, scope: WorkspaceScope, user_path: str) -> Path:
    """Return where a path leads; raise ValueError when the scope does not let anybody go there."""
    text = str(user_path).strip().removeprefix("@")
    if not text:
        raise ValueError("A path is needed; it is empty")
    if "\0" in text:
        raise ValueError("A path cannot hold a null byte")
    path = Path(text).expanduser()
    if not path.is_absolute():
        return _checked(scope, _relative(scope, path))
    found = path.resolve()
    if scope.access_mode == "workspace_only" and not _inside(found, scope.root):
        raise ValueError(f"Path escapes workspace_root: {user_path}")
    if scope.access_mode == "workspace_or_allowed" and not any(
        _inside(found, folder) for folder in (scope.root, *scope.allowed_paths)
    ):
        raise ValueError(f"Path is outside workspace roots: {user_path}")
    return _checked(scope, found)


def rewrite_tool_arguments(
    *, tool_name: str, args: Mapping[str, Any], scope: WorkspaceScope
) -> dict[str, Any]:
    """Return arguments with every path resolved; raise ValueError for one that may not be used."""
    made = dict(args)

    def resolve(value: Any) -> str:
        return str(resolve_user_path(scope=scope, user_path=str(value)))

    if tool_name in _FILE_TOOLS:
        key = next((key for key in _FILE_KEYS if str(made.get(key) or "").strip()), None)
        if key is None:
            raise ValueError(f"{tool_name} needs file_path")
        value = made.pop(key)
        made["file_path"] = resolve(value)
    elif tool_name == "list_files":
        made["directory_path"] = resolve(made.get("directory_path") or ".")
    elif tool_name == "search_files":
        made["path"] = resolve(made.get("path") or ".")
    elif tool_name == "execute_command":
        made["working_directory"] = resolve(made.get("working_directory") or ".")
    elif tool_name in ("skim_files", "skim_folders"):
        made["paths"] = [resolve(each) for each in _list(made.get("paths"))]
    return made


class WorkspaceScopedToolExecutor:
    """Any executor, with the paths of its calls kept inside a scope."""

    def __init__(self, *, scope: WorkspaceScope, delegate: ToolExecutor) -> None:
        self._scope = scope
        self._delegate = delegate

    @property
    def delegates(self) -> bool:
        """Whether the executor behind carries nothing out itself."""
        return bool(getattr(self._delegate, "delegates", False))

    def set_timeout_s(self, timeout_s: float | None) -> None:
        """Pass the limit on to the executor that does the work."""
        setter = getattr(self._delegate, "set_timeout_s", None)
        if callable(setter):
            setter(timeout_s)

    def execute(self, *, tool_calls: list[ToolCall]) -> dict[str, Any]:
        """Carry out the calls whose paths are allowed; the others fail with the reason."""
        refused: dict[int, ToolResult] = {}
        rewritten = []
        for place, call in enumerate(tool_calls):
            try:
                rewritten.append(scoped_call(call, self._scope))
            except ValueError as error:
                refused[place] = tool_result(call, error=str(error))
        done = self._delegate.execute(tool_calls=rewritten)
        if not refused or not isinstance(done.get("results"), list):
            return done
        others = iter(done["results"])
        return {**done, "results": [refused.get(place) or next(others) for place in range(len(tool_calls))]}


def scoped_call(call: ToolCall, scope: WorkspaceScope) -> ToolCall:
    """Return a call with its paths resolved; raise ValueError with the reason when it may not run."""
    try:
        arguments = read_arguments(call.get("arguments"))
    except BadArguments as bad:
        raise ValueError(f"Invalid arguments for tool '{call.get('name')}': {bad}") from None
    name = str(call.get("name") or "")
    return {**call, "arguments": rewrite_tool_arguments(tool_name=name, args=arguments, scope=scope)}


def _relative(scope: WorkspaceScope, path: Path) -> Path:
    first, *rest = path.parts or (".",)
    if scope.access_mode == "workspace_or_allowed":
        mount = next((each for each in scope.allowed_paths if _slug(each.name) == first), None)
        if mount is not None and not (scope.root / first).exists():
            found = mount.joinpath(*rest).resolve()
            if not _inside(found, mount):
                raise ValueError(f"Path is outside workspace roots: {path}")
            return found
    if first == scope.root.name and not (scope.root / first).exists():
        path = Path(*rest)
    found = (scope.root / path).resolve()
    if not _inside(found, scope.root):
        raise ValueError(f"Path escapes workspace_root: {path}")
    return found


def _checked(scope: WorkspaceScope, path: Path) -> Path:
    if any(_inside(path, ignored) for ignored in scope.ignored_paths):
        raise ValueError(f"Path is listed in workspace_ignored_paths: {path}")
    return path


def _inside(path: Path, folder: Path) -> bool:
    return path == folder or folder in path.parents


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-")


def _absolute(text: str, base: Path) -> Path:
    path = Path(text).expanduser()
    return path if path.is_absolute() else base / path


def _paths(value: Any, root: Path) -> tuple[Path, ...]:
    return tuple(_absolute(text, root).resolve() for text in _list(value))


def _list(value: Any) -> list[str]:
    """Return the texts of a list, of a JSON list in a text, or of the lines of a text."""
    if isinstance(value, str):
        text = value.strip()
        if text.startswith("["):
            try:
                value = json.loads(text)
            except ValueError:
                value = text.splitlines()
        else:
            value = text.splitlines()
    if not isinstance(value, list | tuple):
        return []
    return [str(each).strip() for each in value if str(each).strip()]


def _value(given: Mapping[str, Any], key: str) -> Any:
    """Return a value under its name or its name in camel case."""
    first, *rest = key.split("_")
    return given.get(key, given.get(first + "".join(word.capitalize() for word in rest)))
