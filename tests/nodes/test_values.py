"""Text, truth and numbers: one rule each, for every node."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abstractruntime.nodes.define import NodeError
from abstractruntime.nodes.values import (
    LONGEST_TEXT,
    described,
    fitting,
    items,
    json_text,
    number,
    text,
    truth,
    unescaped,
    whole,
)

FINITE = st.integers(-(10**300), 10**300) | st.floats(allow_nan=False, allow_infinity=False)


@given(st.text())
def test_text_stays_text(value: str) -> None:
    assert text(value) == value


@given(FINITE | st.booleans() | st.lists(st.none() | st.text(max_size=3)))
def test_other_values_have_their_json_text(value: Any) -> None:
    assert json.loads(text(value)) == value


def test_null_is_no_text() -> None:
    assert text(None) == ""
    assert text(True) == "true"
    assert text({"ü": None}) == '{"ü": null}'


@given(st.integers(-(10**30), 10**30))
def test_whole_numbers_stay_whole_also_as_text(value: int) -> None:
    assert number(value) == value
    assert isinstance(number(f" {value} "), int)
    assert number(f" {value} ") == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_with_a_point_are_exact(value: float) -> None:
    assert number(repr(value)) == value


@pytest.mark.parametrize("value", [True, False])
def test_true_and_false_count_as_one_and_zero(value: bool) -> None:
    assert number(value) == int(value)
    assert not isinstance(number(value), bool)


@pytest.mark.parametrize(
    "value", [None, "", "two", "1_000", "nan", "inf", "-Infinity", "1e999", math.inf, [], {}, "9" * 5000]
)
def test_what_is_no_number_is_named_with_its_pin(value: Any) -> None:
    with pytest.raises(NodeError, match="'price' needs a number, but got") as caught:
        number(value, "price")
    assert caught.value.code == "value.not_number"
    assert caught.value.pin == "price"
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize("word", ["true", "TRUE", " yes ", "1", "on", "On"])
def test_words_that_mean_yes(word: str) -> None:
    assert truth(word) is True


@pytest.mark.parametrize("word", ["false", "No", " 0 ", "off", "", "   "])
def test_words_that_mean_no(word: str) -> None:
    assert truth(word) is False


@pytest.mark.parametrize("word", ["perhaps", "2", "truee", "t" * 100_000])
def test_other_words_are_refused(word: str) -> None:
    with pytest.raises(NodeError, match="'flag' needs true or false") as caught:
        truth(word, "flag")
    assert caught.value.code == "value.not_boolean"


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, False), (0, False), (0.0, False), ([], False), ({}, False), ([0], True), (-1, True)],
)
def test_other_values_count_as_they_do(value: Any, expected: bool) -> None:
    assert truth(value) is expected


def test_a_whole_number_is_cut_off_not_rounded() -> None:
    assert (whole(2.9), whole(-2.9), whole("7.5")) == (2, -2, 7)


def test_a_list_is_a_list_and_a_single_value_one_item() -> None:
    listed = [1]
    assert items(listed) is listed
    assert items(None) == []
    assert items({"a": 1}) == [{"a": 1}]
    assert items("text") == ["text"]


def test_written_signs_become_signs() -> None:
    assert unescaped("a\\n\\tb\\r") == "a\n\tb\r"


def test_a_text_that_would_be_too_long_is_not_made() -> None:
    assert fitting(LONGEST_TEXT) == LONGEST_TEXT
    with pytest.raises(NodeError, match="at most"):
        fitting(LONGEST_TEXT + 1)


def test_a_value_without_end_is_refused() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(NodeError, match="nested too deeply"):
        json_text(deep)
    while deep:  # taken apart by hand: the collector would recurse
        deep = deep[0]


@given(
    st.recursive(st.none() | st.booleans() | FINITE | st.text(), st.lists, max_leaves=5) | st.just(10**5000)
)
def test_a_value_can_be_told_in_a_few_words(value: Any) -> None:
    assert 0 < len(described(value)) < 70
