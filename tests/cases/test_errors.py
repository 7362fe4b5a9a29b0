"""One rule for errors: whatever goes wrong at a node ends the run there, and says where."""

import json

import pytest

from drive import Host, end, flow, node, play, start


def test_an_error_inside_a_loop_fails_the_run_and_names_the_node() -> None:
    looping = flow(
        "looping",
        {
            "start": start(),
            "each": node("loop", pins={"items": ["1", "one"]}),
            "number": node("add", pins={"b": 1}),
            "keep": node("set_var", pins={"name": "n"}),
            "end": end(),
        },
        "start -> each, each:loop -> keep, each:done -> end, each.item -> number.a, number.result -> keep.value",
    )
    played = play(looping)
    assert played.status == "failed"
    assert played.output is None
    failure = played.failure
    assert failure["node_id"] == "keep"
    assert failure["pin"] == "value"
    assert failure["visit"] == 2
    assert failure["cause"] == {"node_id": "number", "node_type": "add", "pin": "a"}
    assert failure["message"] == played.error
    assert "needs a number" in (played.error or "")


def test_an_error_while_an_effect_is_prepared_fails_the_run_and_nothing_is_told() -> None:
    telling = flow(
        "telling",
        {
            "start": start(),
            "ratio": node("divide", pins={"a": 1, "b": 0}),
            "say": node("answer_user"),
            "end": end(),
        },
        "start -> say, say -> end, ratio.result -> say.message",
    )
    played = play(telling)
    assert (played.status, played.error) == ("failed", "Division by zero")
    assert (played.failure["node_id"], played.failure["pin"]) == ("say", "message")
    assert played.messages == []


def test_a_failed_child_fails_its_parent() -> None:
    child = flow(
        "child",
        {"start": start(), "l": node("for", pins={"start": 0, "end": 3, "step": 0}), "end": end()},
        "start -> l, l:done -> end",
    )
    parent = flow(
        "parent",
        {"start": start(), "call": node("subflow", subflowId="child"), "end": end()},
        "start -> call, call -> end",
    )
    played = play(parent, child)
    assert played.status == "failed"
    assert "For loop requires a non-zero 'step'." in (played.error or "")


def test_an_effect_that_fails_names_its_node_and_the_kind_of_it() -> None:
    """The one rule of the contract's 2.15 for all: what failed is told with `node_id`, `node_type` and `message`."""
    asking = flow(
        "asking",
        {"start": start(), "think": node("llm_call", pins={"prompt": "hi", "provider": "p", "model": "m"})},
        "start -> think",
    )
    played = play(asking)
    assert played.status == "failed"
    told = played.failure
    assert (told["node_id"], told["node_type"], told["visit"]) == ("think", "llm_call", 1)
    assert played.error == f"Effect failed after 1 attempts: {told['message']}"


def test_an_agent_without_a_loop_says_what_is_not_configured() -> None:
    chosen = {"prompt": "Find tea", "provider": "p", "model": "m"}
    nodes = {"start": start(), "agent": node("agent", pins=chosen), "end": end()}
    played = play(flow("alone", nodes, "start -> agent, agent -> end"))
    assert (played.status, played.failure["node_id"]) == ("failed", "agent")
    assert "No agent loop is configured" in str(played.error)


@pytest.mark.parametrize(
    ("kind", "pin", "ending"),
    [
        ("compare", "op", "Choose one of: == != < <= > >=."),
        ("add_to_date", "zone", "Write it as Europe/Paris or UTC."),
        ("model_residency", "operation", "…'."),
        ("memory_query", "scope", "(it is one of run, session, global; all of them where one searches: all)"),
        ("memory_query", "recall_level", "(expected one of urgent, standard, deep)"),
        ("memory_query", "since", "is not an ISO 8601 moment in time."),
        ("stop_with_error", "message", "zzz"),
    ],
)
def test_an_error_never_repeats_a_long_value(kind: str, pin: str, ending: str) -> None:
    """A megabyte handed to the wrong input is no megabyte in the run, its ledger and its page; what to do stays."""
    is_value = kind in ("compare", "add_to_date")
    wires = f"start.long -> x.{pin}, " + (
        "start -> end, x.result -> end.r" if is_value else "start -> x, x -> end"
    )
    parts = {"start": start("long"), "x": node(kind, pins={"date": "2030-01-31"}), "end": end("r")}
    played = Host(flow("long", parts, wires)).play({"long": "z" * 1_000_000})
    assert played.status == "failed"
    assert played.error
    assert len(played.error) < 2_100
    assert played.error.endswith(ending)
    assert len(json.dumps(played.failure)) < 5_000


def test_a_note_without_words_names_its_input() -> None:
    parts = {"start": start(), "note": node("memory_note", pins={"content": " "}), "end": end()}
    played = play(flow("note", parts, "start -> note, note -> end"))
    assert (played.failure["node_id"], played.failure["pin"]) == ("note", "content")
    assert played.error == "There is nothing to remember: give 'content' a text."
