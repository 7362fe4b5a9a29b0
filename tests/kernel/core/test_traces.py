"""What a step leaves behind besides its result: ids of calls, counted tokens, traces."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime import Effect, EffectType, RunState, WorkflowSpec
from abstractruntime.core import RuntimeConfig
from abstractruntime.core.jsonsafe import decode
from abstractruntime.core.models import WaitReason, WaitState
from abstractruntime.core.records import EffectRecords
from abstractruntime.core.runtime import EffectOutcome
from abstractruntime.core.traces import late_trace
from abstractruntime.storage.codec import SealedRecord
from abstractruntime.testing.flows import ask_for, branch, end, flow

from ..conftest import MakeRuntime

KIND = EffectType.LLM_CALL


def asking() -> WorkflowSpec:
    return flow("ask", ask=ask_for("ask", KIND, {"prompt": "p"}, "end", "got"), end=end("end"))


class Always:
    """A handler that always gives the same result."""

    def __init__(self, result: Any) -> None:
        self.result = result
        self.payloads: list[dict[str, Any]] = []

    def __call__(self, run: RunState, effect: Effect) -> EffectOutcome:
        self.payloads.append(effect.payload)
        return EffectOutcome.completed(self.result)


def test_tool_calls_get_ids_after_the_key_is_made(make_runtime: MakeRuntime) -> None:
    handler = Always({})
    payload = {"tool_calls": [{"name": " t ", "arguments": {}}], "allowed_tools": ["t", "t"]}
    spec = flow("ask", ask=ask_for("ask", EffectType.TOOL_CALLS, payload, "end"), end=end("end"))
    runtime = make_runtime(effect_handlers={EffectType.TOOL_CALLS: handler})
    run_id = runtime.start(spec)
    runtime.tick(spec, run_id)
    key = runtime.get_ledger(run_id)[0]["idempotency_key"]
    call = {
        "name": "t",
        "arguments": {},
        "runtime_call_id": f"rtcall_{key}_1",
        "call_id": f"rtcall_{key}_1",
    }
    assert handler.payloads == [{"tool_calls": [call], "allowed_tools": ["t"]}]
    assert runtime.get_ledger(run_id)[0]["effect"]["payload"]["tool_calls"] == [call]


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"input_tokens": 5, "total_tokens": 9}, 5),
        ({"prompt_tokens": 6}, 6),
        ({"total_tokens": 7}, 7),
        ({"input_tokens": True}, 0),
        ({}, 0),
        ("many", 0),
    ],
)
def test_the_tokens_of_the_last_model_call_are_noted(
    make_runtime: MakeRuntime, usage: Any, tokens: int
) -> None:
    runtime = make_runtime(effect_handlers={KIND: Always({"usage": usage})})
    spec = asking()
    run = runtime.tick(spec, runtime.start(spec))
    assert run.vars["_limits"]["estimated_tokens_used"] == tokens


def test_a_trace_tells_what_a_node_asked_and_got(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(effect_handlers={KIND: Always({"x": 1})})
    spec = asking()
    run_id = runtime.start(spec)
    run = runtime.tick(spec, run_id, max_steps=1)
    trace = run.vars["_runtime"]["node_traces"]["ask"]
    entry = trace["steps"][0]
    assert (trace["node_id"], trace["updated_at"]) == ("ask", entry["ts"])
    assert list(entry) == [
        "ts",
        "node_id",
        "status",
        "idempotency_key",
        "reused_prior_result",
        "effect",
        "duration_ms",
        "result",
    ]
    assert entry["effect"] == {"type": "llm_call", "payload": {"prompt": "p"}, "result_key": "got"}
    assert (entry["result"], entry["status"], entry["reused_prior_result"]) == ({"x": 1}, "completed", False)
    assert isinstance(entry["duration_ms"], float)
    assert runtime.get_node_trace(run_id, "ask") == trace
    assert runtime.get_node_traces(run_id) == {"ask": trace}
    assert runtime.get_node_trace(run_id, "other") == {"node_id": "other", "steps": []}


def test_traces_do_not_grow_with_the_run_nor_with_results(make_runtime: MakeRuntime) -> None:
    big = {"text": "x" * 100_000, "list": list(range(5000)), "more": {str(n): n for n in range(3000)}}
    spec = flow(
        "ask",
        ask=ask_for("ask", KIND, lambda run: {"n": run.vars["n"]}, "more", "got"),
        more=branch("more", lambda vars: "ask" if vars.update(n=vars["n"] + 1) or vars["n"] < 130 else "end"),
        end=end("end"),
    )
    runtime = make_runtime(effect_handlers={KIND: Always(big)})
    run_id = runtime.start(spec, {"n": 0})
    run = runtime.tick(spec, run_id, max_steps=1000)
    steps = run.vars["_runtime"]["node_traces"]["ask"]["steps"]
    assert [step["effect"]["payload"]["n"] for step in steps] == list(range(30, 130))
    assert len(str(steps)) < 100 * 6000
    assert "100000 characters" in str(steps[0]["result"])
    assert runtime.get_ledger(run_id)[1]["result"] == big, "the ledger has it whole"


def test_without_kept_traces_the_ledger_tells_them(make_runtime: MakeRuntime) -> None:
    handlers = {KIND: Always({"x": 1})}
    kept, told = (
        make_runtime(effect_handlers=handlers),
        make_runtime(effect_handlers=handlers, config=RuntimeConfig(record_traces=False)),
    )
    spec = flow(
        "ask",
        ask=ask_for("ask", KIND, {}, "wait", "got"),
        wait=ask_for("wait", EffectType.ASK_USER, {"prompt": "?"}, "end"),
        end=end("end"),
    )
    shapes = []
    for runtime in (kept, told):
        run_id = runtime.start(spec)
        run = runtime.tick(spec, run_id)
        assert ("node_traces" in run.vars["_runtime"]) is (runtime is kept)
        traces = runtime.get_node_traces(run_id)
        shapes.append(
            {
                node: [(s["status"], sorted(s), s.get("result")) for s in t["steps"]]
                for node, t in traces.items()
            }
        )
    assert shapes[0] == shapes[1]
    assert list(shapes[0]) == ["ask", "wait"]


DEEP: Any = 1
for _ in range(150):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("result", "is_made_of_text"),
    [
        ({"n": 1, "ü": ["🙂", None, 2.5]}, True),
        ("text", True),
        (None, False),
        ("long " * 2000, False),
        ({"deep": DEEP}, False),
    ],
)
def test_a_trace_made_of_text_says_what_the_record_says(result: Any, is_made_of_text: bool) -> None:
    run = RunState.new(workflow_id="w", entry_node="a")
    effect = Effect(KIND, {"prompt": 'say "hé"'}, "got")
    told = EffectRecords(run, 'a "node"', effect, "2026-01-01T00:00:00+00:00", 1, "key")
    now = "2026-01-01T00:00:01+00:00"
    wait = WaitState(WaitReason.EVENT, wait_key="k", details={"result": result})
    for record in (told.completed(result, now), told.waiting(wait, now)):
        assert isinstance(record, SealedRecord)
        trace = late_trace('a "node"', record, 0.125, now, "key")
        text = trace.entry_text()
        assert (text is not None) is (is_made_of_text or (result is None and record.status == "waiting"))
        if text is not None:
            assert list(decode(text).items()) == list(trace.entry().items())


def test_traces_made_of_text_are_kept_like_others(make_runtime: MakeRuntime) -> None:
    kinds = iter([1, "long " * 2000, 3, 4])

    def act(run: RunState, effect: Effect) -> EffectOutcome:
        return EffectOutcome.completed({"got": next(kinds)})

    spec = flow(
        "a",
        a=ask_for("a", KIND, {"n": 1}, "b", "got"),
        b=ask_for("b", KIND, {"n": 2}, "wait", "got"),
        wait=ask_for("wait", EffectType.ASK_USER, {"prompt": "?"}, "c"),
        c=ask_for("c", KIND, {"n": 3}, "d", "got"),
        d=ask_for("d", KIND, {"n": 4}, "end", "got"),
        end=end("end"),
    )
    runtime = make_runtime(effect_handlers={KIND: act})
    run_id = runtime.start(spec)
    runtime.tick(spec, run_id)
    parked = runtime.get_node_traces(run_id)
    assert [*parked] == ["a", "b", "wait"]
    run = runtime.resume(spec, run_id, None, {"response": "yes"})
    traces = runtime.get_node_traces(run_id)
    assert run.vars["_runtime"]["node_traces"] == traces
    assert runtime.get_state(run_id) == run
    assert {name: trace["steps"][0]["status"] for name, trace in traces.items()} == {
        "a": "completed", "b": "completed", "wait": "waiting", "c": "completed", "d": "completed",
    }  # fmt: skip
    assert [trace["steps"][0].get("result") for name, trace in traces.items() if name in "acd"] == [
        {"got": 1}, {"got": 3}, {"got": 4},
    ]  # fmt: skip
    for name, trace in traces.items():
        assert trace["node_id"] == trace["steps"][0]["node_id"] == name
        assert trace["updated_at"] == trace["steps"][0]["ts"]
