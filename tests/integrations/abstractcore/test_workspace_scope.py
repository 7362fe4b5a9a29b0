"""Where tools may go: each mode of a workspace, its mounts and its gaps, around any executor (kernel contract 9.6)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from abstractruntime.integrations.abstractcore import MappingToolExecutor, PassthroughToolExecutor
from abstractruntime.integrations.abstractcore.workspace_scoped_tools import (
    WorkspaceScope,
    WorkspaceScopedToolExecutor,
    resolve_user_path,
    resolve_workspace_base_dir,
    rewrite_tool_arguments,
)
from integrations.abstractcore.scripted import call

ONLY, IGNORED, ALLOWED = "workspace_only", "all_except_ignored", "workspace_or_allowed"


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    for name in ("ws/docs", "ws/secret", "Shared Files", "out"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "ws" / "link").symlink_to(tmp_path / "out")
    return tmp_path.resolve()


def scope_of(desk: Path, mode: str = ONLY, **more: Any) -> WorkspaceScope:
    data = {"workspace_root": str(desk / "ws"), "workspace_access_mode": mode, **more}
    made = WorkspaceScope.from_input_data(data)
    assert made is not None
    return made


def went(desk: Path, mode: str, path: str, **more: Any) -> str:
    """Say where a path leads, from the desk on, or why it leads nowhere."""
    try:
        found = resolve_user_path(
            scope=scope_of(desk, mode, **more), user_path=path.replace("DESK", str(desk))
        )
    except ValueError as error:
        return str(error).partition(":")[0]
    return str(found.relative_to(desk))


ESCAPES, OUTSIDE, GAP = (
    "Path escapes workspace_root",
    "Path is outside workspace roots",
    "Path is listed in workspace_ignored_paths",
)


@pytest.mark.parametrize(
    ("path", "by_mode"),
    [
        ("docs/a", {ONLY: "ws/docs/a", IGNORED: "ws/docs/a", ALLOWED: "ws/docs/a"}),
        ("@docs/a", {ONLY: "ws/docs/a", IGNORED: "ws/docs/a", ALLOWED: "ws/docs/a"}),
        ("ws/docs/a", {ONLY: "ws/docs/a", IGNORED: "ws/docs/a", ALLOWED: "ws/docs/a"}),
        ("DESK/ws/docs", {ONLY: "ws/docs", IGNORED: "ws/docs", ALLOWED: "ws/docs"}),
        ("../out", {ONLY: ESCAPES, IGNORED: ESCAPES, ALLOWED: ESCAPES}),
        ("link/a", {ONLY: ESCAPES, IGNORED: ESCAPES, ALLOWED: ESCAPES}),
        ("DESK/out/a", {ONLY: ESCAPES, IGNORED: "out/a", ALLOWED: OUTSIDE}),
        ("DESK/Shared Files/a", {ONLY: ESCAPES, IGNORED: "Shared Files/a", ALLOWED: "Shared Files/a"}),
        (
            "shared-files/a",
            {ONLY: "ws/shared-files/a", IGNORED: "ws/shared-files/a", ALLOWED: "Shared Files/a"},
        ),
        ("shared-files/../out", {ONLY: "ws/out", IGNORED: "ws/out", ALLOWED: OUTSIDE}),
        ("secret/key", {ONLY: GAP, IGNORED: GAP, ALLOWED: GAP}),
        ("DESK/ws/secret", {ONLY: GAP, IGNORED: GAP, ALLOWED: GAP}),
    ],
)
@pytest.mark.parametrize("mode", [ONLY, IGNORED, ALLOWED])
def test_each_mode_lets_a_path_lead_where_it_says(
    desk: Path, path: str, by_mode: dict[str, str], mode: str
) -> None:
    more = {"workspace_ignored_paths": ["secret"], "workspace_allowed_paths": [str(desk / "Shared Files")]}
    assert went(desk, mode, path, **more) == by_mode[mode]


@pytest.mark.parametrize("form", [list, json.dumps, "\n".join], ids=["list", "json", "lines"])
def test_paths_are_given_as_a_list_as_json_or_as_lines(desk: Path, form: Any) -> None:
    scope = scope_of(desk, workspace_ignored_paths=form(["secret", "docs"]))
    assert scope.ignored_paths == (desk / "ws" / "secret", desk / "ws" / "docs")


def test_what_a_run_asks_for_is_read_in_either_spelling_and_refused_where_it_is_wrong(
    desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert WorkspaceScope.from_input_data({"workspace_root": " "}) is None
    assert WorkspaceScope.from_input_data(
        {"workspaceRoot": str(desk / "new"), "workspaceAccessMode": ALLOWED}
    ) == (WorkspaceScope(desk / "new", ALLOWED))
    assert (desk / "new").is_dir(), "the root is made"
    (desk / "file").touch()
    with pytest.raises(ValueError, match="is a file"):
        WorkspaceScope.from_input_data({"workspace_root": str(desk / "file")})
    with pytest.raises(ValueError, match="workspace_access_mode must be one of"):
        scope_of(desk, "everything")
    monkeypatch.setenv("ABSTRACT_WORKSPACE_BASE_DIR", str(desk))
    assert resolve_workspace_base_dir() == desk
    assert WorkspaceScope.from_input_data({"workspace_root": "ws"}) == WorkspaceScope(desk / "ws")


@pytest.mark.parametrize(
    ("tool", "given", "made"),
    [
        ("list_files", {}, {"directory_path": "ws"}),
        ("search_files", {"path": "docs", "pattern": "x"}, {"path": "ws/docs", "pattern": "x"}),
        ("execute_command", {"command": "ls"}, {"command": "ls", "working_directory": "ws"}),
        ("read_file", {"filename": "a"}, {"file_path": "ws/a"}),
        ("write_file", {"path": "a", "content": "/x"}, {"file_path": "ws/a", "content": "/x"}),
        ("edit_file", {"file": "a"}, {"file_path": "ws/a"}),
        ("analyze_code", {"file_path": "a"}, {"file_path": "ws/a"}),
        ("skim_files", {"paths": ["a", "docs/b"]}, {"paths": ["ws/a", "ws/docs/b"]}),
        ("skim_folders", {"paths": "docs"}, {"paths": ["ws/docs"]}),
        ("other", {"path": "/anywhere"}, {"path": "/anywhere"}),
    ],
)
def test_the_paths_of_each_tool_are_made_whole(
    desk: Path, tool: str, given: dict[str, Any], made: dict[str, Any]
) -> None:
    def whole(value: Any) -> Any:
        if isinstance(value, list):
            return [whole(each) for each in value]
        return str(desk / value) if value.startswith("ws") else value

    args = rewrite_tool_arguments(tool_name=tool, args=given, scope=scope_of(desk))
    assert args == {key: whole(value) for key, value in made.items()}


def test_a_file_tool_without_a_file_is_told(desk: Path) -> None:
    with pytest.raises(ValueError, match="read_file needs file_path"):
        rewrite_tool_arguments(tool_name="read_file", args={}, scope=scope_of(desk))


def test_any_executor_is_kept_in_its_scope_and_every_call_has_its_result(desk: Path) -> None:
    done: list[str] = []

    def write_file(file_path: str, content: str) -> str:
        done.append(file_path)
        return content

    limits: list[Any] = []
    inner = MappingToolExecutor({"write_file": write_file})
    inner.set_timeout_s = limits.append  # type: ignore[method-assign]
    executor = WorkspaceScopedToolExecutor(scope=scope_of(desk), delegate=inner)
    executor.set_timeout_s(5)
    assert limits == [5]
    calls = [
        call("write_file", "1", path="../out/a", content="x"),
        call("write_file", "2", path="docs/a", content="y"),
        {**call("write_file", "3"), "arguments": "{no json"},
    ]
    first, second, third = executor.execute(tool_calls=calls)["results"]
    assert (first["success"], first["call_id"]) == (False, "1")
    assert "escapes workspace_root" in first["error"]
    assert (second["output"], second["call_id"]) == ("y", "2")
    assert "Invalid arguments" in third["error"]
    assert done == [str(desk / "ws" / "docs" / "a")]


def test_who_only_hands_calls_on_hands_them_on_with_whole_paths(desk: Path) -> None:
    executor = WorkspaceScopedToolExecutor(scope=scope_of(desk), delegate=PassthroughToolExecutor())
    assert executor.delegates is True
    handed = executor.execute(tool_calls=[call("read_file", path="docs/a")])
    assert handed["tool_calls"][0]["arguments"] == {"file_path": str(desk / "ws" / "docs" / "a")}
