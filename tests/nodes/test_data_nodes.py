"""Objects, JSON text and lists beyond their examples."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abstractruntime.nodes.define import NodeError
from abstractruntime.nodes.pins import pins_of
from nodes.calls import codes, node_type, run

JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
BOXED = JSON.filter(lambda value: isinstance(value, (dict, list)))


@given(BOXED, st.sampled_from(["beautify", "none", "minified"]))
def test_what_is_written_as_json_reads_back_the_same(value: Any, mode: str) -> None:
    written = run("stringify_json", {"value": value, "mode": mode})["result"]
    assert run("parse_json", {"text": written}) == {"result": value}
    fenced = f"```json\n{written}\n```"
    assert run("parse_json", {"text": fenced}) == {"result": value}


@given(BOXED)
def test_json_is_found_between_sentences(value: Any) -> None:
    text = f"Sure! The answer is: {json.dumps(value)} - anything else?"
    assert run("parse_json", {"text": text}) == {"result": value}


@given(st.text(max_size=60))
def test_any_text_is_json_or_a_clear_error(text: str) -> None:
    try:
        result = run("parse_json", {"text": text})["result"]
    except NodeError as problem:
        result = [problem.code, problem.pin]
        assert result in (["json.empty", "text"], ["json.invalid", "text"])
    assert isinstance(result, (dict, list))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("```\n[1]\n```", [1]),
        ("```json\n{}", {}),
        ('[not this] but {"a": 1}', {"a": 1}),
        ("('a', None, 2.5)", ["a", None, 2.5]),
        ("true", {"value": True}),
        ("null", {"value": None}),
        ("'quoted'", {"value": "quoted"}),
        ('"\\ud83d\\ude00"', {"value": "😀"}),
        ({"a": 1}, {"a": 1}),
        ([1], [1]),
        (12, {"value": 12}),
        (False, {"value": False}),
        ("{1: 'a'}" + '["b"]', ["b"]),
    ],
)
def test_json_as_people_and_models_write_it(text: object, expected: object) -> None:
    assert run("parse_json", {"text": text}) == {"result": expected}


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "[1e999]",
        "{'a': {1, 2}}",
        "b'x'",
        "{1: 2}",
        "1 + 1",
        "__import__('os')",
        "[" * 100_000,
        "(" * 100_000,
        "-" * 100_000 + "1",
        '{"a":' * 5_000,
        "'\\d{",
        "9" * 5_000,
    ],
)
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(NodeError, match="Invalid JSON") as caught:
        run("parse_json", {"text": text})
    assert len(str(caught.value)) < 300


def test_old_settings_of_json_text() -> None:
    value = {"b": 1, "a": [2]}
    assert run("stringify_json", {"value": value, "indent": 0})["result"] == '{"b":1,"a":[2]}'
    assert (
        run("stringify_json", {"value": value, "indent": -1, "mode": "none"})["result"] == '{"b":1,"a":[2]}'
    )
    assert run("stringify_json", {"value": {"a": 1}, "indent": 4})["result"] == '{\n    "a": 1\n}'
    assert (
        run("stringify_json", {"value": {"a": 1}, "indent": 10**9})["result"]
        == "{\n" + " " * 16 + '"a": 1\n}'
    )
    assert run("stringify_json", {"value": value, "sort_keys": "yes", "mode": "none"})["result"] == (
        '{"a": [2], "b": 1}'
    )
    assert run("stringify_json", {"value": {"a": 1}, "mode": "??"})["result"] == '{\n  "a": 1\n}'
    assert run("stringify_json", {"value": "{broken"})["result"] == '"{broken"'
    assert run("stringify_json")["result"] == "null"


def test_set_shares_nothing_with_the_object_it_changes() -> None:
    inner = {"deep": [1]}
    source = {"a": {"b": inner}, "other": inner}
    kind = node_type("set")
    result = run("set", {"object": source, "key": "a.b.deep[0]", "value": 2})["result"]
    assert source == {"a": {"b": {"deep": [1]}}, "other": {"deep": [1]}}
    assert result == {"a": {"b": {"deep": [2]}}, "other": {"deep": [1]}}
    assert kind.kind == "pure"


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"object": {}, "key": "", "value": 1}, {"": 1}),
        ({"object": {"a": 1}, "key": "a"}, {"a": None}),
        ({"object": [1, 2], "key": "[0]", "value": 9}, [9, 2]),
        ({"object": {"a.b": 1}, "key": '["a.b"]', "value": 2}, {"a.b": 2}),
        ({"object": None, "key": "x[0]", "value": 1}, {"x": [1]}),
        ({"object": {"a": "text"}, "key": "a.b", "value": 1}, {"a": {"b": 1}}),
    ],
)
def test_set(inputs: dict[str, object], expected: object) -> None:
    assert run("set", inputs) == {"result": expected}


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"object": [{"a": 1}], "key": "[0].a"}, 1),
        ({"object": [{"a": 1}], "key": "0.a"}, 1),
        ({"object": '{"a": 1}', "key": "a", "default": "text is not read"}, "text is not read"),
        ({"object": {"a": 0}, "key": "a", "default": 5}, 0),
        ({"object": {"a": 1}, "key": "", "default": 5}, 5),
        ({"object": {"a": 1}, "key": None}, None),
        ({"object": {"The Metric": 1}, "key": "The Metric"}, 1),
    ],
)
def test_get(inputs: dict[str, object], expected: object) -> None:
    assert run("get", inputs) == {"value": expected}


def test_a_key_with_a_mistake_is_found_while_it_is_written() -> None:
    assert codes("get", {"pinDefaults": {"key": "a["}}) == ["path.bad"]
    assert codes("set", {"pinDefaults": {"key": ""}}) == ["path.none"]
    assert codes("get", {"pinDefaults": {"key": "a[0].b"}}) == []
    assert codes("break_object", {"breakConfig": {"selectedPaths": ["a", "b["]}}) == ["path.bad"]
    assert codes("break_object", {}) == ["break.no_path"]
    assert codes("array_map", {}) == ["map.no_key"]


def test_chosen_entries_are_the_pins_of_break_object() -> None:
    data = {
        "breakConfig": {"selectedPaths": ["a", "b.c", "a", " ", 5]},
        "outputs": [
            {"id": "a", "type": "string"},
            {"id": "gone", "type": "any"},
            {"id": "b.c", "type": "execution"},
        ],
    }
    inputs, outputs = pins_of(node_type("break_object"), data)
    assert [pin.id for pin in inputs] == ["object"]
    assert [(pin.id, pin.type) for pin in outputs] == [("a", "string"), ("b.c", "any")]


def test_entries_of_make_object_are_its_pins_and_typed_values() -> None:
    data = {
        "inputs": [{"id": "b", "type": "any"}, {"id": "a", "type": "any"}],
        "pinDefaults": {"a": 1, "z": 2},
    }
    result = run("make_object", {"b": 3}, data)["result"]
    assert list(result.items()) == [("b", 3), ("a", 1), ("z", 2)]


@given(st.lists(JSON, max_size=6), JSON)
def test_a_list_with_one_more_item_leaves_the_list_alone(array: list[Any], item: Any) -> None:
    result = run("array_append", {"array": array, "item": item})["result"]
    assert result == [*array, item]
    assert run("array_length", {"array": result}) == {"result": len(array) + 1}


@given(st.lists(JSON, max_size=8))
def test_no_item_is_there_twice_after_dedup(array: list[Any]) -> None:
    result = run("array_dedup", {"array": array})["result"]
    written = [json.dumps(item, sort_keys=True) for item in result]
    assert len(set(written)) == len(written)
    assert set(written) == {json.dumps(item, sort_keys=True) for item in array}
    assert run("array_dedup", {"array": result})["result"] == result


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (0, ["a", True]),
        (1.9, ["b", True]),
        ("-1", ["b", True]),
        (True, ["a", True]),
        (None, ["a", True]),
        (2, [0, False]),
    ],
)
def test_an_element_is_found_by_its_place(index: object, expected: list[object]) -> None:
    result = run("get_element", {"array": ["a", "b"], "index": index, "default": 0})
    assert [result["result"], result["found"]] == expected


def test_lists_take_single_values_and_skip_nothing_that_counts() -> None:
    data = {"inputs": [{"id": name, "type": "array"} for name in ("a", "b", "c")]}
    assert run("array_concat", {"a": [None], "b": {"k": 1}, "c": []}, data) == {"result": [None, {"k": 1}]}
    assert run("make_array", {"a": 0, "q": "wired but not drawn", "b": ""}) == {
        "result": [0, "", "wired but not drawn"]
    }


def test_an_entry_is_taken_by_its_very_name_before_it_is_a_path() -> None:
    items = [{"a.b": 1, "a": {"b": 2}}, {"a": {"b": 3}}]
    assert run("array_map", {"items": items, "key": "a.b"}) == {"result": [1, 3]}
    assert run("array_filter", {"items": items, "key": "a.b", "value": 3}) == {"result": [items[1]]}


def test_chance_picks_every_item() -> None:
    drawn = {run("get_random_element", {"array": ["a", "b", "c"]}, seed=seed)["result"] for seed in range(50)}
    assert drawn == {"a", "b", "c"}
