"""The one walk that copies a plain document gives what its text gives, and leaves all others to the text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from abstractruntime.visualflow_compiler.plain import plain_copy

MB = 1024 * 1024
VALUES = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=8),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(some.dictionaries(some.text(max_size=4), VALUES, max_size=3))
def test_what_is_copied_is_what_the_text_says(document: dict[str, object]) -> None:
    copy = plain_copy(document, 100, MB)
    if copy is not None:
        assert json.dumps(copy) == json.dumps(json.loads(json.dumps(document, allow_nan=False)))


@given(some.dictionaries(some.text(max_size=9), VALUES, max_size=3), some.integers(2, 2_000))
def test_what_is_copied_has_a_text_within_the_bound(document: dict[str, object], size: int) -> None:
    if (copy := plain_copy(document, 100, size)) is not None:
        assert len(json.dumps(copy, ensure_ascii=False).encode()) <= size


def test_a_copy_shares_nothing_with_the_document() -> None:
    shared = [1]
    document = {"a": {"b": [shared, shared]}}
    copy = plain_copy(document, 100, MB)
    assert copy == document
    assert copy is not None
    copy["a"]["b"][0].append(2)
    assert document == {"a": {"b": [[1], [1]]}}
    assert copy["a"]["b"][1] == [1]


class Words(str):
    """A text that is more than a text."""


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), 2**70, "\ud800", {"\ud800": 1}, {1: 1}, (1,), {1}, Words("x"), object()],
    ids=lambda value: type(value).__name__ if type(value) is object else str(value),
)
def test_what_is_not_plain_is_left_to_the_text(value: object) -> None:
    assert plain_copy({"a": [value]}, 100, MB) is None


def test_the_bounds_are_kept() -> None:
    deep: object = []
    for _ in range(98):
        deep = [deep]
    assert plain_copy({"a": deep}, 100, MB) == {"a": deep}
    assert plain_copy({"a": [deep]}, 100, MB) is None
    assert plain_copy({"a": "x" * MB}, 100, MB) is None


def test_what_holds_itself_or_doubles_at_each_level_ends() -> None:
    circle: dict[str, object] = {}
    circle["a"] = circle
    assert plain_copy(circle, 100, MB) is None
    doubling: object = "x"
    for _ in range(90):
        doubling = [doubling, doubling]
    assert plain_copy({"a": doubling}, 100, MB) is None
