"""The path language: what is written can be read, and nobody's value changes under them."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abstractruntime.nodes.paths import DEEPEST, PathError, Segment, find, parse, read, write, written

KEYS = st.text(min_size=0, max_size=8)
PLAIN = st.builds(Segment, KEYS)
PLACES = st.integers(-99, 99).map(lambda place: Segment(str(place), place, listed=True))
DOTTED = st.integers(0, 99).map(lambda place: Segment(str(place), place))
PATHS = st.lists(PLAIN | PLACES | DOTTED, min_size=1, max_size=5).map(tuple)
VALUES: Any = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@given(PATHS)
def test_a_written_path_reads_back_the_same(path: tuple[Segment, ...]) -> None:
    assert parse(written(path)) == path


@given(st.text(max_size=30))
def test_any_text_is_a_path_or_a_clear_error(path: str) -> None:
    try:
        segments = parse(path)
    except PathError:
        with pytest.raises(PathError, match=re.escape(path[:20])):
            parse(path)
        return
    assert parse(written(segments)) == segments


@given(VALUES, PATHS, VALUES)
def test_what_is_put_at_a_place_is_found_there_and_the_old_value_stays(
    root: Any, path: tuple[Segment, ...], value: Any
) -> None:
    before = copy.deepcopy(root)
    try:
        changed = write(root, path, value)
    except PathError:
        assert root == before
        return
    assert root == before
    assert find(changed, path) == (True, value)


@given(VALUES, PATHS)
def test_what_a_write_does_not_touch_is_shared_not_copied(root: Any, path: tuple[Segment, ...]) -> None:
    if not isinstance(root, dict):
        return
    try:
        changed = write(root, path, 1)
    except PathError:
        return
    for key, value in root.items():
        if key != path[0].key:
            assert changed[key] is value


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a.b", 1),
        ("a[b]", 1),
        ("l.1", "y"),
        ("l[1]", "y"),
        ("l[-1]", "y"),
        ("a..b", 1),
        (".a.b.", 1),
        ('["k.k"]', 2),
        ("['k.k']", 2),
        ('["say \\"hi\\""]', 3),
        ("n.0", "zero"),
        ("n[0]", "zero"),
        ("ключ[0].ключ", 4),
        ("l.x", None),
        ("l[2]", None),
        ("a.b.c", None),
        ("²", None),
        ("", None),
    ],
)
def test_reading(path: str, value: Any) -> None:
    root = {
        "a": {"b": 1},
        "l": ["x", "y"],
        "k.k": 2,
        'say "hi"': 3,
        "n": {"0": "zero"},
        "ключ": [{"ключ": 4}],
    }
    assert read(root, path) == value


@pytest.mark.parametrize("path", ["a[", "a[0", 'a["x"', 'a["x', "a[]", "a[ ]", 'a["x"y]'])
def test_a_bracket_left_open_is_named(path: str) -> None:
    with pytest.raises(PathError, match=r"lacks|empty"):
        read({"a": 1}, path, pin="key")


@pytest.mark.parametrize(
    ("root", "path", "expected"),
    [
        (None, "a.b", {"a": {"b": 9}}),
        ({"a": "text"}, "a.b", {"a": {"b": 9}}),
        ({"a": [1]}, "a.b", {"a": {"b": 9}}),
        ({"a": [1, 2]}, "a.0", {"a": [9, 2]}),
        ({"a": [1, 2]}, "a[-1]", {"a": [1, 9]}),
        ({}, "a[0].b", {"a": [{"b": 9}]}),
        ({}, "a.0", {"a": {"0": 9}}),
        ({"a": {"0": 1}}, "a[0]", {"a": {"0": 9}}),
    ],
)
def test_writing(root: Any, path: str, expected: Any) -> None:
    assert write(root, parse(path), 9) == expected


def test_a_list_has_no_holes() -> None:
    with pytest.raises(PathError, match="no position 3 in a list of 1"):
        write({"a": [1]}, parse("a[3]"), 0, "key")
    with pytest.raises(PathError, match="no position -2 in a list of 1"):
        write({"a": [1]}, parse("a[-2]"), 0, "key")


def test_a_path_has_an_end() -> None:
    with pytest.raises(PathError, match=f"at most {DEEPEST}"):
        parse(".".join("a" * (DEEPEST + 1)))
    assert len(parse(".".join("a" * DEEPEST))) == DEEPEST
    assert parse("9" * 5000)[0].index is None
