"""Values as JSON text."""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime.rendering import JsonStringifyMode, stringify_json

VALUE = {"a": 1, "b": [2, 3]}


@pytest.mark.parametrize(
    ("mode", "text"),
    [
        ("none", '{"a": 1, "b": [2, 3]}'),
        (JsonStringifyMode.MINIFIED, '{"a":1,"b":[2,3]}'),
        ("beautify", '{\n  "a": 1,\n  "b": [\n    2,\n    3\n  ]\n}'),
        ("no such mode", '{\n  "a": 1,\n  "b": [\n    2,\n    3\n  ]\n}'),
    ],
)
def test_the_layout_follows_the_mode(mode: Any, text: str) -> None:
    assert stringify_json(VALUE, mode=mode) == text


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "b": [2, 3]}',
        '```json\n{"a": 1, "b": [2, 3]}\n```',
        'Here it is: {"a": 1, "b": [2, 3]} as asked.',
        "{'a': 1, 'b': (2, 3)}",
    ],
)
def test_text_that_holds_data_is_shown_as_data(text: str) -> None:
    assert stringify_json(text, mode="minified") == '{"a":1,"b":[2,3]}'
    assert stringify_json(text, mode="minified", parse_strings=False).startswith('"')


def test_other_text_stays_text_and_letters_stay_letters() -> None:
    assert stringify_json("grün", mode="none") == '"grün"'
    assert stringify_json({"b": 1, "ä": 2, "a": 3}, mode="none", sort_keys=True) == '{"a": 3, "b": 1, "ä": 2}'
    assert stringify_json({"a": 1}, beautify_indent=4) == '{\n    "a": 1\n}'


def test_what_json_does_not_know_is_shown_as_its_text() -> None:
    loop: dict[str, Any] = {}
    loop["self"] = loop
    assert stringify_json({"x": {1}}, mode="none") == '{"x": "{1}"}'
    assert stringify_json({(1, 2): 3}, mode="none") == '"{(1, 2): 3}"'
    assert stringify_json(loop, mode="none") == "\"{'self': {...}}\""
