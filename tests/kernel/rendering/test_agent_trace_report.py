"""What an agent did, as Markdown."""

from __future__ import annotations

from typing import Any

from abstractruntime import EffectType, InMemoryLedgerStore, InMemoryRunStore, Runtime
from abstractruntime.core.runtime import EffectOutcome
from abstractruntime.rendering import render_agent_trace_markdown
from abstractruntime.testing.flows import ask_for, end, flow

LONG = "x" * 5000


def scratchpad() -> dict[str, Any]:
    think = {
        "ts": "2026-01-01T10:00:00+00:00",
        "status": "completed",
        "effect": {"type": "llm_call", "payload": {"model": "asked"}},
        "result": {
            "model": "small",
            "finish_reason": "tool_calls",
            "content": LONG,
            "tool_calls": [{"name": "read", "call_id": "c1"}],
        },
    }
    done = {**think, "ts": "2026-01-01T10:00:02+00:00", "result": {"model": "small", "content": "done"}}
    act = {
        "ts": "2026-01-01T10:00:01+00:00",
        "status": "completed",
        "effect": {
            "type": "tool_calls",
            "payload": {
                "tool_calls": [
                    {"name": "read", "call_id": "c1", "arguments": {"path": "a"}},
                    {"name": "write", "call_id": "c2", "arguments": '{"path": "b"}'},
                ]
            },
        },
        "result": {
            "results": [
                {"call_id": "c2", "name": "write", "success": False, "error": "read only"},
                {"call_id": "c1", "name": "read", "success": True, "output": "``` in it"},
            ]
        },
    }
    return {
        "sub_run_id": "run-9",
        "workflow_id": "agent",
        "node_traces": {
            "think": {"node_id": "think", "steps": [think, done]},
            "act": {"node_id": "act", "steps": [act]},
        },
    }


def test_the_report_tells_the_steps_in_order_of_time() -> None:
    report = render_agent_trace_markdown(scratchpad())
    assert report.startswith("# Agent Trace Report\n")
    assert report.endswith("\n")
    assert "- **sub_run_id**: `run-9`\n- **workflow_id**: `agent`\n" in report
    places = [report.index(part) for part in ("## Timeline", "### 1. `think`", "### 2. `act`", "### 3.")]
    assert places == sorted(places)
    assert "### 2. `act` — `tool_calls` (completed)" in report


def test_model_calls_tell_what_they_asked_for() -> None:
    report = render_agent_trace_markdown(scratchpad())
    assert "- **finish_reason**: tool_calls" in report
    assert "- **tool_calls_requested**:\n  - `read` (call_id=c1)" in report
    assert report.count("- **tool_calls_requested**: none") == 1
    assert LONG in report


def test_tool_calls_stand_beside_their_own_results() -> None:
    report = render_agent_trace_markdown(scratchpad())
    read, write = report.index("#### Tool: `read` (call_id=c1)"), report.index("#### Tool: `write`")
    assert '"path": "a"' in report[read:write]
    assert "- **success**: true" in report[read:write]
    assert "````\n``` in it\n````" in report[read:write]
    assert "- **success**: false\n- **error**: read only" in report[write:]
    assert '"path": "b"' in report[write:]


def test_it_reads_what_a_runtime_has_traced() -> None:
    def tool(run: Any, effect: Any) -> EffectOutcome:
        return EffectOutcome.completed({"results": [{"name": "t", "success": True, "output": {"n": 0}}]})

    runtime = Runtime(
        run_store=InMemoryRunStore(),
        ledger_store=InMemoryLedgerStore(),
        effect_handlers={EffectType.TOOL_CALLS: tool},
    )
    spec = flow(
        "act",
        act=ask_for("act", EffectType.TOOL_CALLS, {"tool_calls": [{"name": "t"}]}, "end"),
        end=end("end"),
    )
    run_id = runtime.start(spec)
    runtime.tick(spec, run_id)
    traces = runtime.get_node_traces(run_id)
    for given in ({"node_traces": traces}, traces, traces["act"]):
        report = render_agent_trace_markdown(given)
        assert "### 1. `act` — `tool_calls` (completed)" in report
        assert '"n": 0' in report


def test_what_is_no_scratchpad_gives_an_empty_report() -> None:
    for nothing in (None, {}, {"node_traces": []}, "text"):
        assert render_agent_trace_markdown(nothing) == "# Agent Trace Report\n\n_No trace steps found._\n"
