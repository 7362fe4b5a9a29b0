"""Loops in loops, sequences, branches that end a run, wires that lead back."""

import json

import pytest

from abstractruntime.visualflow_compiler import Program, bind
from drive import Host, Played, end, flow, node, play, start


def test_an_inner_loop_begins_anew_in_every_outer_turn(store: str) -> None:
    nested = flow(
        "nested",
        {
            "start": start(),
            "rows": node("loop", pins={"items": [[1, 2], [], [3]]}),
            "cells": node("loop"),
            "sofar": node("get_var", pins={"name": "seen"}),
            "grow": node("array_append"),
            "keep": node("set_var", pins={"name": "seen"}),
            "end": end("seen", "row"),
        },
        """
        start -> rows, rows:loop -> cells, cells:loop -> keep, rows:done -> end, rows.item -> cells.items
        sofar.value -> grow.array, cells.item -> grow.item, grow.result -> keep.value
        sofar.value -> end.seen, rows.index -> end.row
        """,
    )
    played = Host(nested, store=store).play()
    assert played.output == {"seen": [1, 2, 3], "row": 2, "success": True}


def test_a_sequence_runs_its_branches_in_order_with_waits_between() -> None:
    ordered = flow(
        "ordered",
        {
            "start": start(),
            "both": node("sequence", outs=["then:0|execution", "then:1|execution", "then:2|execution"]),
            "first": node("ask_user", pins={"prompt": "First?"}),
            "second": node("ask_user", pins={"prompt": "Second?"}),
            "last": end("a", "b"),
        },
        """
        start -> both, both:then:0 -> first, both:then:1 -> second, both:then:2 -> last
        first.response -> last.a, second.response -> last.b
        """,
    )
    played = play(ordered, answers=["one", "two"])
    assert played.asked == ["First?", "Second?"]
    assert played.output == {"a": "one", "b": "two", "success": True}


def test_parallel_goes_on_when_all_branches_have_ended() -> None:
    split = flow(
        "split",
        {
            "start": start(),
            "all": node("parallel", outs=["then:0|execution", "then:1|execution", "completed|execution"]),
            "a": node("ask_user", pins={"prompt": "A?"}),
            "b": node("ask_user", pins={"prompt": "B?"}),
            "end": end("a", "b"),
        },
        """
        start -> all, all:then:0 -> a, all:then:1 -> b, all:completed -> end
        a.response -> end.a, b.response -> end.b
        """,
    )
    played = play(split, answers=["1", "2"])
    assert played.asked == ["A?", "B?"]
    assert played.output == {"a": "1", "b": "2", "success": True}


def test_a_while_that_never_ends_fails_at_its_cap() -> None:
    nodes = {
        "start": start(),
        "while": node("while", pins={"condition": True}),
        "n": node("set_var"),
        "end": end(),
    }
    nodes["n"]["data"]["pinDefaults"] = {"name": "n", "value": 1}
    host = Host(flow("endless", nodes, "start -> while, while:loop -> n, while:done -> end"))
    [(name, text)] = host.programs.items()
    host.registry.specs[name] = bind(Program.from_json(json.loads(text)), most_turns=5)
    played = host.go(Played(host, host.start()), restarts=False)
    assert (played.status, played.failure["node_id"]) == ("failed", "while")
    assert "While loop exceeded max_iterations=5" in str(played.error)
    assert played.visits.count("n") == 5


def test_an_end_inside_a_loop_ends_the_run() -> None:
    search = flow(
        "search",
        {
            "start": start(),
            "each": node("loop", pins={"items": [4, 8, 15, 16]}),
            "big": node("compare", pins={"b": 10, "op": ">"}),
            "if": node("if"),
            "found": end("number"),
            "none": end(number=None),
        },
        """
        start -> each, each:loop -> if, if:true -> found, each:done -> none
        each.item -> big.a, big.result -> if.condition, each.item -> found.number
        """,
    )
    played = play(search)
    assert played.output == {"number": 15, "success": True}
    assert "none" not in played.visits


@pytest.mark.parametrize("back", [False, True], ids=["the branch ends", "a wire leads back"])
def test_a_wire_to_the_loop_head_is_the_same_as_the_end_of_the_branch(back: bool) -> None:
    counting = flow(
        "counting",
        {
            "start": start(),
            "zero": node("set_var", pins={"name": "n", "value": 0}),
            "while": node("while"),
            "n": node("get_var", pins={"name": "n"}),
            "few": node("compare", pins={"b": 3, "op": "<"}),
            "more": node("add", pins={"b": 1}),
            "keep": node("set_var", pins={"name": "n"}),
            "end": end("n", "index"),
        },
        "start -> zero, zero -> while, while:loop -> keep, while:done -> end\n"
        "n.value -> few.a, few.result -> while.condition, n.value -> more.a, more.result -> keep.value\n"
        "n.value -> end.n, while.index -> end.index\n" + ("keep -> while" if back else ""),
    )
    played = play(counting)
    assert played.output == {"n": 3, "index": 2, "success": True}


def test_a_wire_from_an_inner_branch_to_an_outer_head_leaves_the_inner_loop() -> None:
    skipping = flow(
        "skipping",
        {
            "start": start(),
            "outer": node("loop", pins={"items": ["a", "b"]}),
            "inner": node("loop", pins={"items": [1, 2, 3]}),
            "say": node("answer_user"),
            "text": node("concat", ins=["a", "b"], concatConfig={"separator": ""}),
            "end": end(),
        },
        """
        start -> outer, outer:loop -> inner, inner:loop -> say, say -> outer, outer:done -> end
        outer.item -> text.a, inner.item -> text.b, text.result -> say.message
        """,
    )
    assert play(skipping).messages == ["a1", "b1"]


def test_the_run_of_a_loop_without_an_end_node_tells_the_ambient_value() -> None:
    bare = flow(
        "bare",
        {"start": start("x"), "each": node("loop", pins={"items": [7]}), "say": node("answer_user")},
        "start -> each, each:loop -> say",
    )
    played = play(bare, vars={"x": 1})
    assert played.output == {"success": True, "result": {"x": 1, "item": 7, "index": 0, "total": 1}}


def test_a_wait_in_a_sequence_in_a_loop_in_a_while_survives_every_restart(store: str) -> None:
    deep = flow(
        "deep",
        {
            "start": start(),
            "zero": node("set_var", pins={"name": "n", "value": 0}),
            "while": node("while"),
            "n": node("get_var", pins={"name": "n"}),
            "few": node("compare", pins={"b": 2, "op": "<"}),
            "each": node("loop", pins={"items": ["a", "b"]}),
            "both": node("sequence", outs=["then:0|execution", "then:1|execution"]),
            "place": node("concat", ins=["n", "item"], concatConfig={"separator": ""}),
            "ask": node("ask_user"),
            "say": node("answer_user"),
            "last": node("compare", pins={"b": "b"}),
            "if": node("if"),
            "more": node("add", pins={"b": 1}),
            "keep": node("set_var", pins={"name": "n"}),
            "end": end("n"),
        },
        """
        start -> zero, zero -> while, while:loop -> each, while:done -> end, each:loop -> both
        both:then:0 -> ask, both:then:1 -> if, ask -> say, if:true -> keep
        n.value -> few.a, few.result -> while.condition, n.value -> place.n, each.item -> place.item
        place.result -> ask.prompt, ask.response -> say.message, each.item -> last.a, last.result -> if.condition
        n.value -> more.a, more.result -> keep.value, n.value -> end.n
        """,
    )
    played = Host(deep, store=store).play(answers=["1", "2", "3", "4"])
    assert played.asked == ["0a", "0b", "1a", "1b"]
    assert played.messages == ["1", "2", "3", "4"]
    assert played.output == {"n": 2, "success": True}
