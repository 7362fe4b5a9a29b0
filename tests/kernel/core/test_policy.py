"""Keys that say which requests are one, and how often a request is tried."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime import (
    DefaultEffectPolicy,
    Effect,
    EffectType,
    NoRetryPolicy,
    RetryPolicy,
    RunState,
    compute_idempotency_key,
)
from abstractruntime.core.errors import NotDurable
from abstractruntime.core.policy import (
    count_visit,
    ensure_call_ids,
    visit_key,
    visits_before,
)

CALL = {
    "name": " t ",
    "arguments": '{"x":1}',
    "call_id": "c",
    "id": "i",
    "runtime_call_id": "r",
    "extra": 1,
}


def key(effect_type: EffectType, payload: Any) -> str:
    return compute_idempotency_key(run_id="run-1", node_id="node-1", effect=Effect(effect_type, payload))


def test_golden_keys() -> None:
    assert key(EffectType.LLM_CALL, {"prompt": "test"}) == "564fe8958917cea0cd42b1f242cccc34"
    tools = {"tool_calls": [CALL], "allowed_tools": ["b", "a", "a "]}
    assert key(EffectType.TOOL_CALLS, tools) == "d0adc922309921e1ac8ea412c70d3529"


def test_the_policy_gives_the_same_key() -> None:
    run = RunState.new(workflow_id="w", entry_node="n")
    run.run_id = "run-1"
    effect = Effect(EffectType.LLM_CALL, {"prompt": "test"}, "somewhere")
    given = DefaultEffectPolicy().idempotency_key(run=run, node_id="node-1", effect=effect)
    assert given == "564fe8958917cea0cd42b1f242cccc34"


def test_the_result_key_makes_no_difference() -> None:
    one = compute_idempotency_key(run_id="r", node_id="n", effect=Effect(EffectType.ASK_USER, {"a": 1}, "x"))
    two = compute_idempotency_key(run_id="r", node_id="n", effect=Effect(EffectType.ASK_USER, {"a": 1}))
    assert one == two


@pytest.mark.parametrize(
    "call",
    [
        {**CALL, "call_id": "other", "id": None, "model_call_id": "m", "idempotency_key": "k"},
        {**CALL, "name": "t"},
        {**CALL, "arguments": {"x": 1}},
    ],
)
def test_ids_of_calls_make_no_difference(call: dict[str, Any]) -> None:
    assert key(EffectType.TOOL_CALLS, {"tool_calls": [call]}) == key(
        EffectType.TOOL_CALLS, {"tool_calls": [CALL]}
    )


@pytest.mark.parametrize("arguments", [None, "no json", "[1]", 7, []])
def test_arguments_that_are_no_object_count_as_none(arguments: Any) -> None:
    calls = {"tool_calls": [{"name": "t", "arguments": arguments}]}
    assert key(EffectType.TOOL_CALLS, calls) == key(
        EffectType.TOOL_CALLS, {"tool_calls": [{"name": "t", "arguments": {}}]}
    )


def test_a_nested_function_is_read_like_a_call() -> None:
    short = {"tool_calls": [{"function": {"name": "t ", "id": "1"}}, "text"]}
    full = {"tool_calls": [{"function": {"name": "t", "arguments": {}}, "arguments": {}}, "text"]}
    assert key(EffectType.TOOL_CALLS, short) == key(EffectType.TOOL_CALLS, full)


def test_a_payload_that_is_no_object_counts_as_empty() -> None:
    assert key(EffectType.ASK_USER, None) == key(EffectType.ASK_USER, {})


def test_a_payload_that_is_not_json_is_refused() -> None:
    with pytest.raises(TypeError, match="Node 'node-1' asks for ask_user with a payload that is not JSON"):
        key(EffectType.ASK_USER, {"a": object()})
    with pytest.raises(NotDurable):
        key(EffectType.ASK_USER, {"a": {1, 2}})


def test_backoff_doubles_up_to_the_maximum() -> None:
    policy = DefaultEffectPolicy(default_backoff_base=0.5, default_backoff_max=3.0)
    effect = Effect(EffectType.ASK_USER)
    assert [policy.backoff_seconds(effect=effect, attempt=n) for n in (1, 2, 3, 4)] == [0.5, 1.0, 2.0, 3.0]


def test_attempts_by_type() -> None:
    llm, tools, ask = (Effect(t) for t in (EffectType.LLM_CALL, EffectType.TOOL_CALLS, EffectType.ASK_USER))
    default = DefaultEffectPolicy(default_max_attempts=2, effect_max_attempts={"llm_call": 5})
    assert [default.max_attempts(e) for e in (llm, tools)] == [5, 2]
    assert [RetryPolicy().max_attempts(e) for e in (llm, tools, ask)] == [3, 2, 1]
    assert [NoRetryPolicy().max_attempts(e) for e in (llm, tools, ask)] == [1, 1, 1]
    assert RetryPolicy(backoff_base=4.0, backoff_max=5.0).backoff_seconds(effect=llm, attempt=2) == 5.0


def test_the_first_visit_keeps_the_key_and_others_get_their_own() -> None:
    keys = [visit_key("k" * 32, n) for n in range(1, 50)]
    assert keys[0] == "k" * 32
    assert len(set(keys)) == 49
    assert all(len(one) == 32 for one in keys)


def test_visits_are_counted_per_request() -> None:
    vars: dict[str, Any] = {}
    for request in ("a", "a", "b"):
        count_visit(vars, "node", request)
    assert [visits_before(vars, "node", request) for request in "abc"] == [2, 1, 0]
    assert visits_before(vars, "other", "a") == 0


def test_counting_visits_does_not_grow_with_the_run() -> None:
    vars: dict[str, Any] = {}
    used: set[str] = set()
    for number in range(500):
        request = f"{number % 300:08x}" * 4
        used.add(visit_key(request, visits_before(vars, "node", request) + 1))
        count_visit(vars, "node", request)
    assert len(used) == 500, "every visit has a key of its own"
    assert vars["_runtime"]["visits"]["node"] == 500, "one number once there are many requests"


def test_calls_get_ids_that_a_second_attempt_repeats() -> None:
    effect = Effect(
        EffectType.TOOL_CALLS,
        {
            "tool_calls": [
                {"name": " t "},
                {"id": 7, "runtime_call_id": " "},
                {"call_id": " c ", "runtime_call_id": "own"},
                "text",
            ],
            "allowed_tools": ["b ", "a", "", 3, "b"],
        },
    )
    filled = ensure_call_ids(effect=effect, idempotency_key="k").payload
    assert filled == {
        "tool_calls": [
            {"name": "t", "runtime_call_id": "rtcall_k_1", "call_id": "rtcall_k_1"},
            {"id": 7, "runtime_call_id": "rtcall_k_2", "call_id": "7"},
            {"call_id": "c", "runtime_call_id": "own"},
            "text",
        ],
        "allowed_tools": ["a", "b"],
    }
    assert effect.payload["tool_calls"][0] == {"name": " t "}, "the node's own payload stays as it is"
