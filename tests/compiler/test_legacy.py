"""Every old form that the contract lists (visualflow.md 1.14) is read as what it means today."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime.core.effects import EffectOutcome
from abstractruntime.core.models import EffectType
from abstractruntime.nodes.catalog import catalog
from abstractruntime.visualflow_compiler import check, compile_program, errors_of, migrate
from drive import Document, Host, end, flow, node, play, start

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


def known(kind: str) -> None:
    if kind not in catalog():
        pytest.skip(f"there is no node type '{kind}' yet")


@pytest.mark.parametrize(("kind", "side", "old", "now"), RENAMED)
def test_an_old_form_is_read_as_the_new_one(kind: str, side: str, old: str, now: str) -> None:
    known(kind)
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
    known(kind)
    assert ended({"n": node(kind, ins=inputs, pins=pins)}, f"n.{out} -> end.r") == expected


def test_a_trace_id_goes_into_the_trace() -> None:
    known("make_meta")
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


def test_old_outputs_of_an_agent_are_still_given() -> None:
    kind = catalog().resolve("agent")
    assert kind is not None
    assert {"result", "tool_calls", "tool_results"} <= {pin.id for pin in kind.outputs}


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
