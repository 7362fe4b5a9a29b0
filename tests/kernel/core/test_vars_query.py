"""Looking into the variables of a run, as a tool does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from abstractruntime import EffectType, Runtime
from abstractruntime.testing.flows import ask_for, end, flow

VARS = {"scratchpad": {"list": [1, 2, {"é": True}], "b": {"y": 1, "x": 2}}, "context": {"task": "t"}}


def look(runtime: Runtime, **payload: Any) -> dict[str, Any]:
    spec = flow("look", look=ask_for("look", EffectType.VARS_QUERY, payload, "end", "seen"), end=end("end"))
    run = runtime.tick(spec, runtime.start(spec, VARS))
    envelope = run.vars["seen"]
    assert envelope["mode"] == "executed"
    result: dict[str, Any] = envelope["results"][0]
    return result


@pytest.mark.parametrize(
    ("payload", "output"),
    [
        ({}, {"path": "scratchpad", "type": "dict", "value": VARS["scratchpad"]}),
        ({"path": "context.task"}, {"path": "context.task", "type": "str", "value": "t"}),
        (
            {"path": "/scratchpad/list/2"},
            {"path": "/scratchpad/list/2", "type": "dict", "value": {"é": True}},
        ),
        (
            {"path": "scratchpad.b", "keys_only": True},
            {"path": "scratchpad.b", "type": "dict", "keys": ["x", "y"]},
        ),
        (
            {"path": "scratchpad.list", "keys_only": True},
            {"path": "scratchpad.list", "type": "list", "length": 3},
        ),
        ({"path": "_temp"}, {"path": "_temp", "type": "dict", "value": {}}),
    ],
)
def test_what_is_seen(runtime: Runtime, payload: dict[str, Any], output: dict[str, Any]) -> None:
    result = look(runtime, **payload)
    assert (result["success"], result["error"]) == (True, None)
    assert result["output"] == json.dumps(output, ensure_ascii=False, indent=2, sort_keys=True)


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        ({"path": "scratchpad.gone"}, "Missing key 'gone' at scratchpad"),
        ({"path": "scratchpad.list[9]"}, "Index 9 out of range at scratchpad.list (len=3)"),
        ({"target_run_id": "nobody"}, "Unknown target_run_id: nobody"),
    ],
)
def test_what_cannot_be_seen(runtime: Runtime, payload: dict[str, Any], error: str) -> None:
    result = look(runtime, **payload, tool_name="spy", call_id="c1")
    assert result == {"call_id": "c1", "name": "spy", "success": False, "output": None, "error": error}


def test_another_run_is_only_looked_at(runtime: Runtime) -> None:
    other = runtime.start(flow("end", end=end("end")), {"x": [1]})
    before = runtime.get_state(other)
    result = look(runtime, path="x[0]", target_run_id=other)
    assert json.loads(result["output"])["value"] == 1
    assert runtime.get_state(other) == before
