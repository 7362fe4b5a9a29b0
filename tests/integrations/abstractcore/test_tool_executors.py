"""Tools of this process: how their arguments are read, how they fail, how long they may take."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path
from typing import Any

import pytest

from abstractruntime.integrations.abstractcore import (
    AbstractCoreToolExecutor,
    MappingToolExecutor,
    PassthroughToolExecutor,
)
from abstractruntime.integrations.abstractcore.tool_executor import ToolExecutor
from integrations.abstractcore.optional import core
from integrations.abstractcore.scripted import call


def add(a: int, b: int = 2) -> int:
    return a + b


def edit(file_path: str, start_line: int = 1, dry_run: bool = False) -> dict[str, Any]:
    return {"file_path": file_path, "start_line": start_line, "dry_run": dry_run}


def anything(**given: Any) -> dict[str, Any]:
    return given


TOOLS = MappingToolExecutor.from_tools([add, edit, anything])


def run(name: str, arguments: Any, executor: ToolExecutor = TOOLS) -> dict[str, Any]:
    done = executor.execute(tool_calls=[{"name": name, "arguments": arguments, "call_id": "c"}])
    assert done["mode"] == "executed"
    [result] = done["results"]
    return dict(result)


@pytest.mark.parametrize(
    ("name", "given", "output"),
    [
        ("add", {"a": 1}, 3),
        ("add", '{"a": "5", "b": "6"}', 11),
        ("add", {"A": 1, "B": 1}, 2),
        ("add", {"name": "add", "arguments": {"arguments": {"a": 4}}}, 6),
        ("add", {"a": 9, "arguments": '{"a": 1}'}, 3),
        ("edit", {"File-Path": "x"}, {"file_path": "x", "start_line": 1, "dry_run": False}),
        ("edit", {"path": "x", "start": "3"}, {"file_path": "x", "start_line": 3, "dry_run": False}),
        ("edit", {"filename": "x", "dryRun": "true"}, {"file_path": "x", "start_line": 1, "dry_run": True}),
        ("anything", {"x": 1, "arguments": {"y": 2}}, {"x": 1, "y": 2}),
    ],
)
def test_arguments_are_taken_as_they_are_meant(name: str, given: Any, output: Any) -> None:
    result = run(name, given)
    assert (result["success"], result["output"], result["error"]) == (True, output, None)


@pytest.mark.parametrize(
    ("name", "given", "reason"),
    [
        ("add", {}, "missing a; it takes a, b"),
        ("add", {"a": "five"}, "a should be int, not 'five'"),
        ("add", "{", "not JSON"),
        ("add", [1], "list, not an object"),
        ("nope", {}, "Tool 'nope' not found"),
    ],
)
def test_what_cannot_be_meant_is_a_failed_result(name: str, given: Any, reason: str) -> None:
    result = run(name, given)
    assert result["success"] is False
    assert reason in result["error"]


def test_what_nothing_takes_is_left_out_and_told() -> None:
    result = run("add", {"a": 1, "c": 3})
    assert result["output"] == 3
    assert result["meta"]["ignored_arguments"] == ["c"]


@dataclasses.dataclass
class Point:
    x: int
    where: Path


@pytest.mark.parametrize(
    ("value", "success", "output", "error"),
    [
        ({"success": False, "error": "no disk"}, False, {"success": False, "error": "no disk"}, "no disk"),
        ({"ok": False}, False, {"ok": False}, "Tool reported failure"),
        ("Error: no such city", False, None, "no such city"),
        ("❌ refused", False, None, "refused"),
        (Point(1, Path("a")), True, {"x": 1, "where": "a"}, None),
        ({1: {2}}, True, {"1": [2]}, None),
        (float("nan"), True, "nan", None),
        (b"hi", True, {"base64": "aGk=", "size_bytes": 2}, None),
        ("half \ud800", True, "half ?", None),
    ],
)
def test_what_a_tool_returns_is_judged_and_made_json(
    value: Any, success: bool, output: Any, error: str | None
) -> None:
    result = run("t", {}, MappingToolExecutor({"t": lambda: value}))
    assert (result["success"], result["output"], result["error"]) == (success, output, error)


def test_an_exception_is_a_failed_result() -> None:
    def broken() -> None:
        raise RuntimeError("out of paper")

    assert run("t", {}, MappingToolExecutor({"t": broken}))["error"] == "out of paper"


def test_a_coroutine_is_run_to_its_end() -> None:
    async def slow() -> str:
        return "done"

    assert run("slow", {}, MappingToolExecutor.from_tools([slow]))["output"] == "done"


def test_a_tool_that_hangs_runs_out_of_time() -> None:
    release = threading.Event()
    executor = MappingToolExecutor({"t": lambda: release.wait(20)}, timeout_s=0.05)
    result = run("t", {}, executor)
    release.set()
    assert result["error"] == "Tool execution timed out after 0.05s"
    assert result["meta"]["still_running"] is True
    executor.set_timeout_s(0)
    assert run("t", {}, executor)["success"] is True


@pytest.mark.parametrize("tools", [[lambda: 1, lambda: 2], ["no function"], [add, add]])
def test_nameless_and_doubled_tools_are_refused(tools: list[Any]) -> None:
    with pytest.raises(ValueError, match="tool"):
        MappingToolExecutor.from_tools(tools)


def test_a_passthrough_carries_nothing_out() -> None:
    calls = [call("add", a=1)]
    assert PassthroughToolExecutor().execute(tool_calls=calls) == {"mode": "passthrough", "tool_calls": calls}
    asked = PassthroughToolExecutor(mode="approval_required").execute(tool_calls=calls)
    assert asked["mode"] == "approval_required"


def test_the_registry_of_abstractcore_is_used() -> None:
    registry = core("tools.registry")
    registry.clear_registry()
    registry.get_registry().register(add)
    executor = AbstractCoreToolExecutor(timeout_s=5)
    assert run("add", '{"a": "5"}', executor)["output"] == 7
    missing = run("nope", {}, executor)
    assert missing["success"] is False
    assert "nope" in missing["error"]
    registry.clear_registry()
