"""Text nodes beyond their examples: unicode, sizes, safety."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abstractruntime.nodes.define import NodeError
from abstractruntime.nodes.templating import brace_format, fill
from abstractruntime.nodes.values import LONGEST_TEXT
from nodes.calls import codes, run

MANY = "x" * 1_000_000
PINS = [{"id": name, "type": "any"} for name in ("a", "b", "c")]


@given(st.text(), st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=3))
def test_a_template_never_reads_more_than_it_is_given(template: str, values: dict[str, str]) -> None:
    try:
        filled = fill(template, values)
    except NodeError as problem:
        filled = problem.code
    assert isinstance(filled, str)
    if "{{" not in template:
        assert filled == template


@given(st.text(alphabet="{}[].:!rs0a<>^ _", max_size=24))
def test_formatting_answers_or_explains(template: str) -> None:
    try:
        result = brace_format(template, {"a": {"s": [1, "x"]}, "s": 2.5, "0": None})
    except NodeError as problem:
        result = problem.code
    assert isinstance(result, str)


@pytest.mark.parametrize(
    "template",
    [
        "{a.__class__}",
        "{a.__class__.__mro__[1].__subclasses__}",
        "{a[0].__init__.__globals__}",
        "{a!x}",
        "{a:{b}}",
        "{a:>999999999}",
        "{a:.999999999f}",
        "{}",
        "{0}",
        "{a",
        "a}",
        "{a[}",
        "{a[0]}",
    ],
)
def test_formatting_reaches_plain_data_only(template: str) -> None:
    with pytest.raises(NodeError) as caught:
        brace_format(template, {"a": 1.5, "b": 3})
    assert caught.value.code in {
        "format.bad",
        "format.attribute",
        "format.missing",
        "format.no_name",
        "path.bad",
    }
    assert caught.value.pin == "template"


def test_formatting_shows_values_as_people_write_them() -> None:
    values = {"n": 1234.5, "t": "ü", "b": True, "none": None, "o": {"k": [1, {"deep": "x"}]}}
    assert brace_format("{n:,.2f}|{t:>3}|{b}|{none}|{o[k]}|{o[k][1][deep]}", values) == (
        '1,234.50|  ü|true||[1, {"deep": "x"}]|x'
    )
    assert brace_format("{t!r} {n!s}", values) == '"ü" 1234.5'


def test_a_template_keeps_what_it_cannot_close() -> None:
    assert fill("a {{b", {"b": 1}) == "a {{b"
    assert fill("{{}} {{ }} {b}", {"b": 1}) == "  {b}"
    assert fill("it's {{a}} and it's {{b}}", {"a": 1, "b": 2}) == "it's 1 and it's 2"


def test_a_template_reads_quoted_keys_and_arguments() -> None:
    values = {"a|b": 1, "l": ["x", None, 3]}
    assert fill('{{ ["a|b"] }}', values) == "1"
    assert fill("{{ l | join('|') }}", values) == "x||3"
    assert fill("{{ l | join( - ) }}", values) == "x -  - 3"
    assert fill("{{ l | join }}", values) == "x, , 3"
    assert fill("{{ l | JSON | upper }}", values) == '["X", NULL, 3]'


def test_a_template_tells_its_mistakes_while_it_is_written() -> None:
    data = {"pinDefaults": {"template": "{{a | shout}} {{b[}} {{"}}
    assert codes("string_template", data) == ["template.mistake"] * 3
    assert codes("string_template", {"pinDefaults": {"template": "{{a | upper}}"}}) == []


def test_values_of_pins_win_over_the_object() -> None:
    inputs = {"template": "{{a}}{{b}}", "vars": {"a": 1, "b": 1}, "b": 2}
    assert run("string_template", inputs) == {"result": "12"}
    assert run("string_template", {"template": "{{a}}", "vars": "no object", "a": 3}) == {"result": "3"}


def test_texts_that_would_fill_the_memory_are_refused() -> None:
    templates = {
        "string_template": {"template": "{{a}}" * 1000, "vars": {"a": MANY}},
        "format": {"template": "{a}" * 1000, "values": {"a": MANY}},
        "replace": {"text": MANY, "pattern": "x", "replacement": MANY},
        "join": {"items": [""] * 100_000, "delimiter": MANY},
    }
    for name, inputs in templates.items():
        with pytest.raises(NodeError, match=f"at most {LONGEST_TEXT:,}"):
            run(name, inputs)
    with pytest.raises(NodeError, match="at most"):
        run("string_template", {"template": "{{a | join('" + MANY + "')}}", "vars": {"a": [0] * 100}})


def test_a_megabyte_passes_through_every_text_node() -> None:
    assert run("concat", {"a": MANY, "b": MANY})["result"] == f"{MANY} {MANY}"
    assert run("length", {"text": MANY})["result"] == 1_000_000
    assert len(run("split", {"text": "x," * 500_000})["result"]) == 500_000
    assert run("replace", {"text": MANY, "pattern": "x", "replacement": "yy"})["result"] == "yy" * 1_000_000
    assert run("contains", {"text": MANY, "pattern": "xy"})["result"] is False


@pytest.mark.parametrize(
    ("name", "inputs", "expected"),
    [
        ("length", {"text": "👩‍👩‍👧"}, 5),
        ("uppercase", {"text": "ﬁ"}, "FI"),
        ("lowercase", {"text": "İ"}, "i̇"),
        ("substring", {"text": "日本語", "start": 1}, "本語"),
        ("substring", {"text": "abc", "start": None, "end": ""}, "abc"),
        ("trim", {"text": "\u00a0\u2003x\n"}, "x"),
        ("split", {"text": "日、本", "delimiter": "、"}, ["日", "本"]),
        ("contains", {"text": "straße", "pattern": "ß"}, True),
        ("replace", {"text": "a\u0000b", "pattern": "\u0000"}, "ab"),
        ("length", {"text": {"a": 1, "b": 2}}, 2),
        ("length", {"text": 12345}, 5),
    ],
)
def test_signs_of_all_writings(name: str, inputs: dict[str, object], expected: object) -> None:
    assert run(name, inputs) == {"result": expected}


@pytest.mark.parametrize("name", ["trim", "uppercase", "lowercase"])
def test_null_and_a_missing_text_are_empty(name: str) -> None:
    assert run(name, {"text": None}) == run(name) == {"result": ""}


def test_parts_keep_the_order_of_their_pins() -> None:
    data = {"inputs": [PINS[2], PINS[0]], "concatConfig": {"separator": ""}}
    assert run("concat", {"a": "1", "c": "3", "b": "2", "_x": "no", "zz": "9"}, data)["result"] == "3129"
    assert run("concat", {"a": "x", "b": {"k": 1.5}}, {"concatConfig": {"separator": "\\t"}})["result"] == (
        'x\t{"k": 1.5}'
    )


@pytest.mark.parametrize(
    ("mode", "expected"), [("once", "bxx"), ("2", "bbx"), (0, "xxx"), ("?", "bbb"), (None, "bbb")]
)
def test_replace_as_often_as_asked(mode: object, expected: str) -> None:
    inputs = {"text": "xxx", "pattern": "x", "replacement": "b", "mode": mode}
    assert run("replace", inputs) == {"result": expected}
