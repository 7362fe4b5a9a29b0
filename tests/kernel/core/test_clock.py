"""The moment as text: told fast, read back exactly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from abstractruntime.core import clock
from abstractruntime.core.clock import instant_micros, iso_clock, parse_instant, utc_now, utc_now_iso


def test_the_text_of_the_present_moment_is_read_back() -> None:
    before = utc_now()
    text = utc_now_iso()
    assert before - timedelta(seconds=1) <= parse_instant(text) <= utc_now() + timedelta(seconds=1)
    assert text == parse_instant(text).isoformat(timespec="microseconds")
    assert iso_clock(utc_now) is utc_now_iso


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2024, 3, 1, tzinfo=UTC),
        datetime(2024, 2, 29, 23, 59, 58, 7, tzinfo=UTC),  # the clock was set back
        datetime(2024, 2, 29, 23, 59, 58, 8, tzinfo=UTC),
        datetime(2099, 12, 31, 12, tzinfo=UTC),
    ],
)
def test_every_moment_has_its_text_and_its_number(moment: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    micros = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    monkeypatch.setattr(clock, "time_ns", lambda: micros * 1000 + 999)
    texts = [utc_now_iso() for _ in range(4)]
    assert {*texts} == {moment.isoformat(timespec="microseconds")}
    assert {instant_micros(text) for text in texts} == {instant_micros(str(texts[0])), micros}


def test_a_clock_of_the_host_is_asked() -> None:
    moment = datetime(2030, 1, 1, 12, tzinfo=UTC)
    assert iso_clock(lambda: moment)() == "2030-01-01T12:00:00+00:00"
