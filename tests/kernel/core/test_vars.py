"""Namespaces, result keys, paths; events' names; limits that a host may set."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime.core.config import DEFAULT_RECOMMENDED_MAX_INPUT_TOKENS, RuntimeConfig
from abstractruntime.core.event_keys import build_event_wait_key
from abstractruntime.core.vars import (
    clear_temp,
    ensure_limits,
    ensure_namespaces,
    get_context,
    get_limits,
    get_node_trace,
    get_node_traces,
    get_runtime,
    get_scratchpad,
    get_temp,
    parse_vars_path,
    resolve_vars_path,
    set_result,
)


def test_namespaces_are_made_where_they_are_missing_or_no_dicts() -> None:
    vars: dict[str, Any] = {"context": {"task": "t"}, "scratchpad": 3}
    assert ensure_namespaces(vars) is vars
    assert vars == {"context": {"task": "t"}, "scratchpad": {}, "_runtime": {}, "_temp": {}}
    assert get_context(vars) is vars["context"]
    assert get_scratchpad(vars) is vars["scratchpad"]
    assert get_runtime(vars) is vars["_runtime"]
    get_temp(vars)["x"] = 1
    clear_temp(vars)
    assert vars["_temp"] == {}


def test_default_limits() -> None:
    vars: dict[str, Any] = {"_limits": "gone"}
    limits = ensure_limits(vars)
    assert limits is get_limits(vars) is vars["_limits"]
    assert limits == RuntimeConfig().to_limits_dict()
    assert limits["max_tokens"] == 32768


def test_traces_of_nodes_without_any() -> None:
    vars: dict[str, Any] = {}
    assert get_node_trace(vars, "n") == {"node_id": "n", "steps": []}
    assert get_node_traces(vars) == {}


@pytest.mark.parametrize(
    ("path", "tokens"),
    [
        ("", []),
        ("  ", []),
        ("a", ["a"]),
        ("a.b", ["a", "b"]),
        ("foo[0][1]", ["foo", 0, 1]),
        ("a.0.b", ["a", 0, "b"]),
        ("/a/b/0", ["a", "b", 0]),
        ("/a~1b/~0", ["a/b", "~"]),
        ("//a//b", ["a", "b"]),
    ],
)
def test_paths_are_split(path: str, tokens: list[str | int]) -> None:
    assert parse_vars_path(path) == tokens


@pytest.mark.parametrize(
    ("path", "value"),
    [("", {"a": [1, {"b": 2}], "7": "x"}), ("a[1].b", 2), ("/a/0", 1), ("7", "x"), ("a.1", {"b": 2})],
)
def test_paths_are_followed(path: str, value: Any) -> None:
    root = {"a": [1, {"b": 2}], "7": "x"}
    assert resolve_vars_path(root, parse_vars_path(path)) == value


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("b", r"Missing key 'b' at \(root\)"),
        ("a[9]", r"Index 9 out of range at a \(len=1\)"),
        ("a.b", "Expected object at a but found list"),
        ("n[0]", "Expected list at n but found int"),
        ("[0]", r"Expected list at \(root\) but found dict"),
        ("n.x", "Expected object at n but found int"),
    ],
)
def test_a_path_that_leads_nowhere_says_where(path: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        resolve_vars_path({"a": [1], "n": 1}, parse_vars_path(path))


def test_a_result_key_makes_its_way() -> None:
    vars: dict[str, Any] = {"a": 1, "b": {"keep": True}}
    set_result(vars, "a.x.y", [1])
    set_result(vars, "b.c", 2)
    set_result(vars, "d", 3)
    assert vars == {"a": {"x": {"y": [1]}}, "b": {"keep": True, "c": 2}, "d": 3}


@pytest.mark.parametrize(
    ("ids", "key"),
    [
        ({"scope": "session", "session_id": "s"}, "evt:session:s:n"),
        ({"scope": None, "session_id": "s"}, "evt:session:s:n"),
        ({"scope": " Workflow ", "workflow_id": "w"}, "evt:workflow:w:n"),
        ({"scope": "run", "run_id": "r"}, "evt:run:r:n"),
        ({"scope": "global"}, "evt:global:global:n"),
    ],
)
def test_event_keys(ids: dict[str, Any], key: str) -> None:
    assert build_event_wait_key(name=" n ", **ids) == key


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ({"scope": "global", "name": " "}, "event name is required"),
        ({"scope": "planet", "name": "n"}, "Unknown event scope 'planet'"),
        ({"scope": "session", "name": "n"}, "session_id is required for scope 'session'"),
    ],
)
def test_bad_event_keys(ids: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_event_wait_key(**ids)


@pytest.mark.parametrize(
    ("config", "limits"),
    [
        (RuntimeConfig(), {"max_tokens": 32768, "max_output_tokens": None, "max_input_tokens": None}),
        (
            RuntimeConfig(model_capabilities={"max_tokens": 1000, "max_output_tokens": 200}),
            {"max_tokens": 1000, "max_output_tokens": 200, "max_input_tokens": None},
        ),
        (
            RuntimeConfig(max_tokens=1000, max_output_tokens=200, max_input_tokens=900),
            {"max_tokens": 1000, "max_output_tokens": 200, "max_input_tokens": 544},
        ),
        (RuntimeConfig(max_tokens=100, max_output_tokens=90, max_input_tokens=50), {"max_input_tokens": 0}),
        (
            RuntimeConfig(max_tokens=1000, max_output_tokens=200, max_input_tokens="x"),  # type: ignore[arg-type]
            {"max_input_tokens": 544},
        ),
        (RuntimeConfig(max_input_tokens=5), {"max_input_tokens": 5}),
        (RuntimeConfig(max_iterations=3, warn_tokens_pct=50), {"max_iterations": 3, "warn_tokens_pct": 50}),
    ],
)
def test_limits_of_new_runs(config: RuntimeConfig, limits: dict[str, Any]) -> None:
    made = config.to_limits_dict()
    assert made | limits == made
    assert list(made) == list(RuntimeConfig().to_limits_dict())


def test_capabilities_replace_the_former_ones() -> None:
    config = RuntimeConfig(model_capabilities={"max_tokens": 1, "x": 2}).with_capabilities({"max_tokens": 9})
    assert config.model_capabilities == {"max_tokens": 9}
    assert DEFAULT_RECOMMENDED_MAX_INPUT_TOKENS == -1
