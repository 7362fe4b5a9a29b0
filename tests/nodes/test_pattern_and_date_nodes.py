"""Patterns cannot hang, and dates are reckoned on the calendar of their zone."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from abstractruntime.nodes import borrowed as library
from abstractruntime.nodes.define import NodeError
from nodes.calls import codes, run

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|aa)+$", "(.*)*b", "(a?){40}a{40}$", "^(([a-z])+.)+[A-Z]([a-z])+$"]
)
def test_a_pattern_that_hangs_other_engines_is_answered(pattern: str) -> None:
    found = run("match_text", {"text": "a" * 20_000 + "!", "pattern": pattern})
    assert found["matched"] is False


def test_more_matches_than_asked_for_are_left_out() -> None:
    found = run("match_text", {"text": "x" * 50_000, "pattern": "x", "limit": 99_999})
    assert len(found["matches"]) == 10_000


def test_places_count_characters_not_bytes() -> None:
    found = run("match_text", {"text": "äöü 7", "pattern": "[0-9]"})
    assert found["matches"][0]["start"] == 4


@pytest.mark.parametrize("pattern", ["(", "(?=x)", "a{2000}", "[z-a]", "\\8"])
def test_a_bad_pattern_is_found_while_editing(pattern: str) -> None:
    assert codes("match_text", {"pinDefaults": {"pattern": pattern}}) == ["text.bad_pattern"]


def test_a_bad_pattern_is_quoted_as_far_as_a_person_reads() -> None:
    with pytest.raises(NodeError, match=r"The pattern '\(ab ab ab") as refused:
        run("match_text", {"text": "x", "pattern": "(" + "ab\n" * 3000})
    assert len(str(refused.value)) < 400


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    library.borrowed.cache_clear()
    with pytest.raises(NodeError, match="pip install google-re2") as caught:
        library.borrowed("re2_that_is_not_there", "google-re2")
    assert caught.value.code == "node.needs_package"


MOMENTS = st.datetimes(datetime(1980, 1, 1), datetime(2100, 1, 1)).map(
    lambda found: found.replace(microsecond=0)
)


@PATIENT
@given(
    MOMENTS,
    st.integers(-4000, 4000),
    st.sampled_from(["days", "weeks", "hours", "seconds"]),
    st.sampled_from(ZONES),
)
def test_what_was_added_is_the_difference(begin: datetime, amount: int, unit: str, zone: str) -> None:
    added = run("add_to_date", {"date": begin.isoformat(), "amount": amount, "unit": unit, "zone": zone})[
        "date"
    ]
    later = datetime.fromisoformat(added)
    first = run("add_to_date", {"date": begin.isoformat(), "amount": 0, "unit": unit, "zone": zone})["date"]
    if unit in ("days", "weeks"):
        assume(later.time() == datetime.fromisoformat(first).time())  # no gap of the clock was hit
    inputs = {"begin": first, "end": added, "unit": unit, "zone": zone}
    assert run("date_difference", inputs)["amount"] == amount


@PATIENT
@given(MOMENTS, st.sampled_from(ZONES))
def test_a_written_date_is_read_back(moment: datetime, zone: str) -> None:
    form = "%d.%m.%Y %H:%M:%S %z"
    text = run("format_date", {"date": moment.isoformat(), "format": form, "zone": zone})["text"]
    read = run("parse_date", {"text": text, "format": form, "zone": zone})
    assert read["valid"]
    same = run("add_to_date", {"date": moment.isoformat(), "amount": 0, "zone": zone})["date"]
    assert datetime.fromisoformat(read["date"]) == datetime.fromisoformat(same)


@PATIENT
@given(st.text(max_size=30), st.text(max_size=8))
def test_any_text_is_a_date_or_not(text: str, form: str) -> None:
    try:
        read = run("parse_date", {"text": text, "format": form})
    except NodeError as problem:
        read = {"valid": False, "date": "", "code": problem.code}
    assert read["valid"] is bool(read["date"])
    assert read.get("code", "date.format") in ("date.format", "date.out_of_range")


def test_a_format_that_says_something_twice_is_refused() -> None:
    with pytest.raises(NodeError, match="twice"):
        run("parse_date", {"text": "1 1", "format": "%d %d"})


def test_equal_values_have_equal_fingerprints() -> None:
    one = run("hash", {"value": {"a": [1, 2.0], "b": None}})
    assert one == run("hash", {"value": {"b": None, "a": [1.0, 2]}})
    assert one != run("hash", {"value": '{"a":[1,2],"b":null}x'})
