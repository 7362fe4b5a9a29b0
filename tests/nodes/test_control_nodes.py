"""Ways and turns: branches, cases, loops, sequences, and where a flow begins and ends."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abstractruntime.nodes.define import Goto, NodeError
from abstractruntime.nodes.pins import pins_of
from abstractruntime.testing.examples import call_of
from nodes.calls import codes, node_type, run


def turns(name: str, inputs: dict[str, Any], most: int = 50, **more: Any) -> list[dict[str, Any]]:
    """Drive a loop by hand: return the outputs of its turns; it must end by `done`."""
    kind = node_type(name)
    frame: dict[str, Any] = {}
    told = []
    for _ in range(most):
        call = call_of(kind, {} if frame and not kind.rereads else inputs, frame=frame, **more)
        answer = kind.run(call)
        assert isinstance(answer, Goto)
        if answer.loop is None:
            assert answer.pin == "done"
            assert not any(value is not None for value in answer.outputs.values())
            assert bool(answer.outputs) is not bool(frame), "the last turn's values stay readable"
            return told
        assert answer.pin == "loop"
        told.append(dict(answer.outputs))
        frame = dict(answer.loop)
    raise AssertionError("the loop did not end")


@given(st.lists(st.integers() | st.none() | st.text(max_size=3), max_size=12))
def test_for_each_gives_each_item_once_in_order(items: list[Any]) -> None:
    expected = [{"item": item, "index": place, "total": len(items)} for place, item in enumerate(items)]
    assert turns("loop", {"items": items}) == expected


def test_for_each_hands_on_the_very_list_so_that_it_is_written_once() -> None:
    items = [{"a": 1}]
    call = call_of(node_type("loop"))
    call.inputs["items"] = items
    answer = node_type("loop").run(call)
    assert answer.loop["items"] is items
    call.frame = answer.loop
    assert node_type("loop").run(call) == Goto("done")


@pytest.mark.parametrize(("given_items", "count"), [(None, 0), ({}, 1), ("", 1), (0, 1), ([[]], 1)])
def test_what_is_no_list_is_one_item(given_items: object, count: int) -> None:
    assert len(turns("loop", {"items": given_items})) == count


def test_a_loop_without_a_branch_is_over_at_once() -> None:
    for name, inputs in (
        ("loop", {"items": [1, 2]}),
        ("for", {"start": 0, "end": 5}),
        ("while", {"condition": True}),
    ):
        assert run(name, inputs, exits=("done",))["goto"] == "done"


@given(st.integers(-50, 50), st.integers(-50, 50), st.integers(-7, 7).filter(bool))
def test_for_counts_like_a_range(start: int, end: int, step: int) -> None:
    told = turns("for", {"start": start, "end": str(end), "step": step}, most=200)
    assert [turn["i"] for turn in told] == list(range(start, end, step))
    assert [turn["index"] for turn in told] == list(range(len(told)))
    assert all(isinstance(turn["i"], int) and turn["total"] == len(told) for turn in told)


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"start": 0, "end": 1, "step": 0.5}, [0, 0.5]),
        ({"start": 1, "end": 0, "step": "-0.5"}, [1, 0.5]),
        ({"start": 0.5, "end": 2.5}, [0.5, 1.5]),
        ({"start": True, "end": 3, "step": None}, [1, 2]),
        ({"start": 0, "end": -1}, []),
        ({"start": 1e300, "end": 1e300}, []),
    ],
)
def test_for_counts_with_points_and_text(inputs: dict[str, object], expected: list[float]) -> None:
    assert [turn["i"] for turn in turns("for", inputs)] == expected


def test_a_tenth_makes_ten_turns() -> None:
    told = turns("for", {"start": 0, "end": 1, "step": 0.1})
    assert len(told) == 10
    assert told[-1]["i"] == pytest.approx(0.9)
    assert len(turns("for", {"start": 0, "end": 1.1, "step": 0.1})) == 11


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(1e-3, 1e6) | st.floats(-1e6, -1e-3))
def test_for_never_reaches_its_end(start: float, end: float, step: float) -> None:
    call = call_of(node_type("for"), {"start": start, "end": end, "step": step})
    try:
        answer = node_type("for").run(call)
    except NodeError:
        assert abs((end - start) / step) >= 9_999
        return
    count = answer.loop["total"] if answer.loop else 0
    last = start + (count - 1) * step
    assert count == 0 or (last < end if step > 0 else last > end)


@pytest.mark.parametrize(
    ("inputs", "code", "pin"),
    [
        ({"end": 3}, "for.not_number", "start"),
        ({"start": 0, "end": None}, "for.not_number", "end"),
        ({"start": 0, "end": "many"}, "for.not_number", "end"),
        ({"start": 0, "end": 3, "step": 0}, "for.no_step", "step"),
        ({"start": 0, "end": 3, "step": "big"}, "value.not_number", "step"),
        ({"start": 0, "end": 1e308, "step": 1e-308}, "for.too_long", "end"),
        ({"start": 0, "end": 10**30}, "for.too_long", "end"),
    ],
)
def test_a_count_that_cannot_be_names_the_pin(inputs: dict[str, object], code: str, pin: str) -> None:
    with pytest.raises(NodeError) as caught:
        run("for", inputs)
    assert (caught.value.code, caught.value.pin) == (code, pin)


def test_the_cap_on_turns_is_an_option_of_the_run() -> None:
    call = call_of(node_type("for"), {"start": 0, "end": 3})
    call.most_turns = 2
    with pytest.raises(NodeError, match="For loop exceeded max_iterations=2"):
        node_type("for").run(call)
    call = call_of(node_type("while"), {"condition": True}, frame={"turn": 2})
    call.most_turns = 2
    with pytest.raises(NodeError, match="While loop exceeded max_iterations=2"):
        node_type("while").run(call)


def test_while_passes_on_what_came_before_or_the_item_of_the_loop_around() -> None:
    assert run("while", {"condition": 1}, ambient=None)["item"] is None
    assert run("while", {"condition": 1}, ambient=[1])["item"] == [1]
    assert run("while", {"condition": 1}, ambient={"item": None, "x": 1})["item"] is None


@pytest.mark.parametrize(
    ("value", "way"),
    [
        ("a", "case:1"),
        (1, "case:2"),
        (1.0, "case:3"),
        (False, "case:4"),
        (None, "case:5"),
        ("", "case:5"),
        ({"k": 1}, "case:6"),
        (" a", "default"),
    ],
)
def test_switch_compares_the_text_of_values(value: object, way: str) -> None:
    cases = [
        {"id": str(place), "value": case}
        for place, case in enumerate(["a", 1, "1.0", "false", "", '{"k": 1}'], 1)
    ]
    assert run("switch", {"value": value}, {"switchConfig": {"cases": cases}})["goto"] == way


def test_the_cases_of_a_switch_are_its_ways_out() -> None:
    cases = [
        {"id": "b", "value": "B"},
        {"id": "a", "value": ""},
        {"id": "b", "value": "other"},
        {"id": "", "value": 1},
    ]
    data = {"switchConfig": {"cases": [*cases, {"id": "c", "value": None}, "broken"]}}
    ways = [pin for pin in pins_of(node_type("switch"), data)[1] if pin.is_exec]
    assert [(pin.id, pin.label) for pin in ways] == [
        ("case:b", "B"),
        ("case:a", "(empty)"),
        ("default", None),
    ]
    assert run("switch", {"value": "other"}, data)["goto"] == "case:b"
    assert set(codes("switch", data)) == {"switch.same_id", "switch.unusable_case"}


def test_cases_are_judged_while_they_are_written() -> None:
    twice = {"switchConfig": {"cases": [{"id": "1", "value": "x"}, {"id": "2", "value": "x"}]}}
    assert codes("switch", twice) == ["switch.same_value"]
    assert codes("switch", {}) == ["switch.no_case"]


@pytest.mark.parametrize("name", ["sequence", "parallel"])
def test_branches_run_in_the_order_of_their_numbers(name: str) -> None:
    exits = ("then:10", "then:2", "then:0", "completed")
    last = "" if name == "sequence" else "completed"
    order = [run(name, frame={"next": place}, exits=exits)["goto"] for place in range(4)]
    assert order == ["then:0", "then:2", "then:10", last]
    assert run(name, exits=())["goto"] == last


def test_conditions_are_judged_while_they_are_written() -> None:
    assert codes("while", {"pinDefaults": {"condition": "yes"}}) == ["while.endless"]
    assert codes("while", {"pinDefaults": {"condition": "maybe"}}) == ["value.not_boolean"]
    assert codes("while", {}) == []
    assert codes("for", {"pinDefaults": {"start": 0, "end": 3, "step": 0}}) == ["for.no_step"]
    assert codes("for", {"pinDefaults": {"start": 0}}) == ["value.not_number"]
    assert codes("compare", {"pinDefaults": {"op": "=~"}}) == ["compare.unknown_operator"]


def test_a_start_gives_null_for_what_nobody_gave() -> None:
    data = {"outputs": [{"id": "exec-out", "type": "execution"}, {"id": "a", "type": "any"}]}
    assert run("on_flow_start", {}, data) == {"a": None}
    assert run("on_flow_start", {}, {"pinDefaults": {"a": 1}}, vars={"b": 2}) == {"a": 1, "b": 2}


def test_the_defaults_of_parameters_are_first_values_of_variables() -> None:
    seed = node_type("on_flow_start").seed
    assert seed is not None
    outputs = [
        {"id": "exec-out", "type": "execution"},
        {"id": "a", "type": "any"},
        {"id": "_s", "type": "any"},
    ]
    data = {"outputs": outputs, "pinDefaults": {"a": {"k": 1}, "gone": 1, "_s": 1}}
    assert seed(data) == {"a": {"k": 1}}
    assert seed({"pinDefaults": {"a": 1}}) == {"a": 1}
    assert codes("on_flow_start", data) == ["start.reserved_name"]


@pytest.mark.parametrize(
    ("ambient", "output"),
    [
        ({"success": False, "x": 1}, {"success": False, "x": 1}),
        ("plain", {"response": "plain", "success": True}),
        (None, {"success": True}),
    ],
)
def test_an_end_without_pins_gives_the_last_output(ambient: object, output: dict[str, object]) -> None:
    assert run("on_flow_end", ambient=ambient) == {"finish": output}


@pytest.mark.parametrize(
    ("a", "op", "b", "expected"),
    [
        (True, "==", 1, True),
        ([1, {"a": None}], "==", [1, {"a": None}], True),
        ("b", ">", "a", True),
        (None, "==", None, True),
        (None, "<", 1, False),
        ({}, "<=", {}, False),
        ([1, 2], "<", [1, 3], True),
        ([1, "x"], "<", [1, 3], False),
        (2, " >= ", 2.0, True),
        (1, "!=", "1", True),
    ],
)
def test_comparing(a: object, op: str, b: object, expected: bool) -> None:
    assert run("compare", {"a": a, "op": op, "b": b}) == {"result": expected}


@given(st.booleans(), st.sampled_from(["on", "off", "", "1", "no"]))
def test_and_or_not_agree(a: bool, b: str) -> None:
    other = b in ("on", "1")
    assert run("and", {"a": a, "b": b})["result"] is (a and other)
    assert run("or", {"a": a, "b": b})["result"] is (a or other)
    assert run("not", {"value": b})["result"] is not other


def test_coalesce_goes_by_the_order_of_the_pins() -> None:
    data = {"inputs": [{"id": name, "type": "any"} for name in ("c", "a")]}
    assert run("coalesce", {"a": "second", "c": "first"}, data) == {"result": "first"}
    assert run("coalesce", {"a": None, "c": None, "z": "undrawn"}, data) == {"result": "undrawn"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("literal_string", 5),
        ("literal_number", "5"),
        ("literal_number", True),
        ("literal_boolean", "true"),
        ("literal_array", {}),
        ("json_schema", "text"),
    ],
)
def test_a_constant_of_another_kind_is_told_and_handed_on(name: str, value: object) -> None:
    assert codes(name, {"literalValue": value}) == ["literal.other_type"]
    assert run(name, {}, {"literalValue": value})["value"] == value


def test_constants_keep_the_type_of_the_document() -> None:
    data = {"outputs": [{"id": "value", "type": "memory"}]}
    assert pins_of(node_type("literal_json"), data)[1][0].type == "memory"
    assert pins_of(node_type("literal_array"), {})[1][0].type == "array"
