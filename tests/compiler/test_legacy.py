"""Every old form that the contract lists (visualflow.md 1.14) is read as what it means today."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime.core.effects import EffectOutcome
from abstractruntime.core.models import Effect, EffectType, RunState
from abstractruntime.nodes.catalog import catalog
from abstractruntime.visualflow_compiler import check, compile_program, errors_of, migrate
from drive import Document, Host, Played, end, flow, node, play, start

# type, side, the old name, today's
RENAMED = [
    ("agent", "inputs", "task", "prompt"),
    ("agent", "inputs", "include_context", "use_context"),
    ("agent", "inputs", "max_input_tokens", "max_in_tokens"),
    ("agent", "inputs", "maxInputTokens", "max_in_tokens"),
    ("agent", "inputs", "max_output_tokens", "max_out_tokens"),
    ("agent", "inputs", "maxOutputTokens", "max_out_tokens"),
    ("agent", "inputs", "response_schema", "resp_schema"),
    ("llm_call", "inputs", "include_context", "use_context"),
    ("llm_call", "inputs", "max_input_tokens", "max_in_tokens"),
    ("llm_call", "inputs", "maxInputTokens", "max_in_tokens"),
    ("llm_call", "inputs", "max_output_tokens", "max_out_tokens"),
    ("llm_call", "inputs", "maxOutputTokens", "max_out_tokens"),
    ("llm_call", "inputs", "response_schema", "resp_schema"),
    ("make_context", "inputs", "extra", "context_extra"),
    ("make_scratchpad", "inputs", "extra", "context_extra"),
    ("on_schedule", "outputs", "time", "timestamp"),
]


def asked_by(document: Document, replies: dict[EffectType, Any]) -> tuple[Played, dict[str, Any]]:
    """Play a flow against a world that replies; return the end, and the payload of each kind of effect."""
    payloads: dict[str, Any] = {}

    def replied(kind: EffectType) -> Any:
        def handler(run: RunState, effect: Effect, next_node: str | None) -> EffectOutcome:
            payloads[kind.value] = effect.payload
            return EffectOutcome.completed(replies[kind])

        return handler

    host = Host(document, handlers={kind: replied(kind) for kind in replies})
    played = host.play({"context": {"messages": [{"role": "user", "content": "before"}]}})
    assert (played.status, played.error) == ("completed", None)
    return played, payloads


@pytest.mark.parametrize(("kind", "side", "old", "now"), RENAMED)
def test_an_old_form_is_read_as_the_new_one(kind: str, side: str, old: str, now: str) -> None:
    assert kind in catalog()
    nodes = {
        "start": start("x"),
        "n": node(kind, pins={old: "kept"}),
        "other": node("make_object", ins=["a"]),
    }
    wire = f"start.x -> n.{old}" if side == "inputs" else f"n.{old} -> other.a"
    today, notes = migrate(flow("f", nodes, wire))
    (edge,) = today.edges
    assert (edge.target_handle if side == "inputs" else edge.source_handle) == now
    kept = today.node("n")
    assert kept is not None
    if side == "inputs":
        assert kept.defaults == {now: "kept"}
    assert "pin.renamed" in {note.code for note in notes}
    again, none = migrate(today.to_json())
    assert (again.to_json(), none) == (today.to_json(), [])


def ended(nodes: dict[str, Document], wires: str, given: dict[str, Any] | None = None) -> Any:
    return play(
        flow("f", {"start": start("x"), "end": end("r"), **nodes}, f"start -> end\n{wires}"), vars=given
    ).output["r"]


@pytest.mark.parametrize(
    ("kind", "pins", "inputs", "out", "expected"),
    [
        ("compare", {"a": 1, "b": 1}, ["a", "b"], "result", True),
        ("stringify_json", {"value": {"a": 1}, "indent": 0}, ["value", "indent"], "result", '{"a":1}'),
        ("stringify_json", {"value": {"a": 1}, "indent": 4}, ["value"], "result", '{\n    "a": 1\n}'),
        ("stringify_json", {"value": {"a": 1}, "pretty": True}, ["value"], "result", '{\n  "a": 1\n}'),
    ],
)
def test_old_settings_of_values_count(
    kind: str, pins: dict[str, Any], inputs: list[str], out: str, expected: Any
) -> None:
    assert ended({"n": node(kind, ins=inputs, pins=pins)}, f"n.{out} -> end.r") == expected


def test_a_trace_id_goes_into_the_trace() -> None:
    meta = ended({"n": node("make_meta", pins={"trace_id": "t1"})}, "n.meta -> end.r")
    assert meta["trace"] == {"trace_id": "t1"}


@pytest.mark.parametrize("key", ["subflowId", "flowId", "workflowId", "workflow_id"])
def test_a_subflow_is_named_by_any_of_its_names_and_gets_its_pins(key: str) -> None:
    child = flow("child", {"start": start("n"), "end": end("n")}, "start -> end, start.n -> end.n")
    parent = flow(
        "parent",
        {
            "start": start(),
            "call": node(
                "subflow", ins=["exec-in", "n"], outs=["exec-out", "n"], pins={"n": 3}, **{key: "child"}
            ),
            "end": end("n"),
        },
        "start -> call, call -> end, call.n -> end.n",
    )
    assert play(parent, child).output == {"n": 3, "success": True}
    op = compile_program(parent).ops["call"]
    assert op.data["subflowId"] == "child"
    assert {"inherit_context", "input", "n"} <= set(op.pins)


def test_a_while_without_its_item_and_a_wait_without_its_prompt_have_them() -> None:
    document = flow(
        "f",
        {
            "start": start(),
            "while": node(
                "while", ins=["exec-in", "condition|boolean"], outs=["loop|execution", "done|execution"]
            ),
            "wait": node("wait_event", ins=["exec-in", "event_key"], outs=["exec-out", "event_data"]),
        },
        "start -> while, while:done -> wait",
    )
    ops = compile_program(document).ops
    assert {"item", "index"} <= set(ops["while"].outs)
    assert {"prompt", "choices", "allow_free_text"} <= set(ops["wait"].pins)


RAW = {"content": "hi", "gen_time": 7, "ttft_ms": 3, "usage": {"total_tokens": 5}}


@pytest.mark.parametrize(
    ("out", "expected"), [("result", RAW), ("raw", RAW), ("gen_time", 7), ("ttft_ms", 3), ("response", "hi")]
)
def test_old_outputs_of_a_model_call_are_still_given(out: str, expected: Any) -> None:
    document = flow(
        "f",
        {
            "start": start(),
            "n": node(
                "llm_call", pins={"prompt": "hi", "provider": "p", "model": "m", "write_context": True}
            ),
            "end": end("r"),
        },
        f"start -> n, n -> end, n.{out} -> end.r",
    )
    handlers = {EffectType.LLM_CALL: lambda run, effect, next_node: EffectOutcome.completed(dict(RAW))}
    found = Host(document, handlers=handlers).play().output["r"]
    assert found == expected or found.items() >= expected.items()


CHOSEN = {"prompt": "hi", "provider": "p", "model": "m"}
CALL = {"name": "search", "arguments": {"q": "tea"}, "call_id": "1"}
FOUND = {"call_id": "1", "name": "search", "success": True, "output": "green"}
TRACES = {"act": {"steps": [{"ts": "1", "effect": {"type": "tool_calls", "payload": {"tool_calls": [CALL]}},
                             "result": {"results": [FOUND]}, "status": "completed"}]}}  # fmt: skip
WORKED = {"sub_run_id": "c", "output": {"answer": "tea", "iterations": 2}, "node_traces": TRACES}


@pytest.mark.parametrize("out", ["result", "tool_calls", "tool_results"])
def test_old_outputs_of_an_agent_are_still_given(out: str) -> None:
    nodes = {
        "start": start(),
        "n": node("agent", pins=CHOSEN),
        "end": end("r", "response", "meta", "scratchpad"),
    }
    wires = f"start -> n, n -> end, n.{out} -> end.r, n.response -> end.response"
    more = ", n.meta -> end.meta, n.scratchpad -> end.scratchpad"
    played, _ = asked_by(flow("f", nodes, wires + more), {EffectType.START_SUBWORKFLOW: WORKED})
    told = {**{pin: played.output[pin] for pin in ("response", "meta", "scratchpad")}, "success": True}
    assert played.output["response"] == "tea"
    pad = played.output["scratchpad"]
    used = {"tool_calls": pad["tool_calls"], "tool_results": pad["tool_results"]}
    assert [each["name"] for each in (*used["tool_calls"], *used["tool_results"])] == ["search", "search"]
    assert played.output["r"] == {"result": told, **used}[out]


def test_the_old_result_of_an_agent_with_a_schema_is_the_data() -> None:
    shape = {"type": "object", "properties": {"drink": {"type": "string"}}, "required": ["drink"]}
    config = {"outputSchema": {"enabled": True, "jsonSchema": shape}}
    nodes = {"start": start(), "n": node("agent", pins=CHOSEN, agentConfig=config), "end": end("r")}
    document = flow("f", nodes, "start -> n, n -> end, n.result -> end.r")
    reply = {"content": '{"drink": "tea"}', "data": {"drink": "tea"}}
    played, _ = asked_by(document, {EffectType.START_SUBWORKFLOW: WORKED, EffectType.LLM_CALL: reply})
    assert played.output["r"] == {"drink": "tea"}


SPANS = {"results": [{"meta": {"span_ids": ["s1"]}}]}
REMINDED = {
    EffectType.MEMORY_QUERY: SPANS,
    EffectType.MEMORY_REHYDRATE: {"results": []},
    EffectType.MEMORY_KG_QUERY: {"active_memory_text": "tea is green"},
    EffectType.LLM_CALL: {"content": "hi"},
    EffectType.START_SUBWORKFLOW: WORKED,
}
MEMORY_PINS = {
    "use_session_attachments": True,
    "use_span_memory": True,
    "use_semantic_search": True,
    "use_kg_memory": True,
    "memory_query": "tea",
    "memory_scope": "session",
    "recall_level": "standard",
    "max_span_messages": 5,
    "kg_max_input_tokens": 100,
    "kg_limit": 3,
    "kg_min_score": 0.5,
}


@pytest.mark.parametrize("wired", [False, True])
@pytest.mark.parametrize("kind", ["agent", "llm_call"])
def test_each_memory_setting_may_be_a_pin_of_its_own_and_wins(kind: str, wired: bool) -> None:
    memory = {name: False for name in MEMORY_PINS if name.startswith("use_")} | {"memory_query": "coffee"}
    pins = CHOSEN | {"memory": memory}
    nodes = {"start": start(**MEMORY_PINS), "n": node(kind, pins=pins if wired else pins | MEMORY_PINS)}
    wires = [f"start.{name} -> n.{name}" for name in MEMORY_PINS] if wired else []
    played, asked = asked_by(flow("f", nodes, ", ".join(["start -> n", *wires])), REMINDED)
    level = {"recall_level": "standard"}
    assert asked["memory_query"] == {"query": "tea", "scope": "session", "return": "meta", **level}
    back = {"span_ids": ["s1"], "placement": "after_summary", "max_messages": 5}
    assert asked["memory_rehydrate"] == {**back, **level}
    graph = {"query_text": "tea", "scope": "session", "min_score": 0.5, "limit": 3, "max_input_tokens": 100}
    assert asked["memory_kg_query"].items() >= {**graph, **level}.items()
    agent = asked.get("start_subworkflow", {}).get("vars")
    told = agent["_runtime"]["control"] if kind == "agent" else asked["llm_call"]["params"]
    assert told["include_session_attachments_index"] is True
    warned = [(each.get("result") or {}).get("visit", {}).get("warnings") for each in played.records()]
    assert ["use_semantic_search has no effect."] in warned


@pytest.mark.parametrize("kept", [True, False])
def test_switches_that_were_saved_in_the_config_count(kept: bool) -> None:
    old = {"include_context": kept}
    nodes = {
        "start": start(),
        "call": node("llm_call", pins=CHOSEN, effectConfig=old),
        "agent": node("agent", pins=CHOSEN, agentConfig=old),
        "note": node("memory_note", pins={"content": "x"}, effectConfig={"keep_in_context": kept}),
    }
    document = flow("f", nodes, "start -> call, call -> agent, agent -> note")
    _, asked = asked_by(document, {**REMINDED, EffectType.MEMORY_NOTE: {"results": []}})
    assert asked["llm_call"]["include_context"] is kept
    messages = asked["start_subworkflow"]["vars"]["context"]["messages"]
    assert [each["content"] for each in messages] == (["before"] if kept else [])
    assert asked["memory_note"].get("keep_in_context", False) is kept


@pytest.mark.parametrize("free", [True, False])
def test_whether_one_may_write_freely_was_saved_in_the_config(free: bool) -> None:
    asking = node(
        "ask_user", pins={"prompt": "Yes?", "choices": ["yes"]}, effectConfig={"allowFreeText": free}
    )
    document = flow("f", {"start": start(), "n": asking, "end": end()}, "start -> n, n -> end")
    host = Host(document)
    waiting = host.drive(host.start()).waiting
    assert waiting is not None
    assert waiting.allow_free_text is free


@pytest.mark.parametrize("kind", ["read_file", "write_file"])
def test_a_kind_of_file_is_no_input_any_more(kind: str) -> None:
    saved = ["exec-in", "file_path|string", "file_type|string"]
    nodes = {"start": start("x"), "n": node(kind, ins=saved, pins={"file_path": "a", "file_type": "txt"})}
    document = flow("f", nodes, "start -> n, start.x -> n.file_type")
    assert errors_of(check(document)) == []
    assert "file_type" not in compile_program(document).ops["n"].pins


def test_models_that_were_saved_as_text_are_models() -> None:
    nodes = {"start": start(), "n": node("llm_call", ins=["exec-in", "provider|string", "model|string"])}
    types = compile_program(flow("f", nodes, "start -> n")).ops["n"].types
    assert (types["provider"], types["model"]) == ("provider", "model")


def test_cases_decide_which_ways_a_switch_has() -> None:
    document = flow(
        "f",
        {
            "start": start(),
            "switch": node(
                "switch",
                outs=["case:old|execution", "default|execution"],
                switchConfig={"cases": [{"id": "new", "value": "1"}]},
            ),
            "end": end(),
        },
        "start -> switch, switch:case:old -> end",
    )
    program = compile_program(document)
    assert "case:new" in program.ops["switch"].outs
    assert program.ops["switch"].exits == {}


def test_types_may_be_written_as_the_reference_writes_them() -> None:
    document = flow("f", {"start": start("x"), "end": end("r")}, "start -> end, start.x -> end.r")
    document["nodes"][0]["type"] = "NodeType.ON_FLOW_START"
    document["nodes"][1]["type"] = {"value": "on_flow_end"}
    assert errors_of(check(document)) == []
    assert play(document, vars={"x": 1}).output == {"r": 1, "success": True}
