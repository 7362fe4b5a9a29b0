"""What time it is, and the comparison of instants.

Timestamps are kept as ISO text with a zone. Text is never compared as text: `2026-01-01T10:00Z`
and `2026-01-01T11:00+01:00` are the same instant. A value without a zone means UTC.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import time_ns

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_OUR_LENGTH = 32  # of the text of an instant as we write it
_MILLION = 1_000_000
_second = (0, "1970-01-01T00:00:00")  # the last that was told, in microseconds and as text
_now = ("", 0, "", 0)  # the last two moments that were told, as text and in microseconds


def utc_now() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)


def utc_now_iso() -> str:
    """Return the present moment as ISO text with microseconds and `+00:00`."""
    global _second, _now
    micros = time_ns() // 1000
    since, text = _second
    past = micros - since
    if not 0 <= past < _MILLION:
        since = micros - micros % _MILLION
        past, text = micros - since, (_EPOCH + timedelta(microseconds=since)).isoformat()[:-6]
        _second = since, text
    told = f"{text}.{past:06d}+00:00"
    _now = told, micros, _now[0], _now[1]
    return told


def iso_clock(clock: Callable[[], datetime]) -> Callable[[], str]:
    """Return what tells the present moment of a clock as ISO text."""
    return utc_now_iso if clock is utc_now else lambda: clock().isoformat()


def parse_instant(value: object) -> datetime:
    """Read an ISO timestamp (any offset, `Z`, or none for UTC); raise ValueError otherwise."""
    if isinstance(value, datetime):
        moment = value
    else:
        text = str(value).strip() if value is not None else ""
        if not text:
            raise ValueError("A moment in time is needed, but the value is empty.")
        if text[-1] in "zZ":
            text = text[:-1] + "+00:00"
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(f"{value!r:.80} is not an ISO 8601 moment in time.") from None
    if moment.tzinfo is UTC:
        return moment
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC)


def instant_micros(value: object) -> int:
    """Return the instant as whole microseconds since 1970, for indexes."""
    last, micros, before, micros_before = _now
    if value is last or value is before:
        return micros if value is last else micros_before
    if type(value) is str and len(value) == _OUR_LENGTH and value[-6:] == "+00:00":
        try:
            since = datetime.fromisoformat(value) - _EPOCH
        except ValueError:
            since = parse_instant(value) - _EPOCH
        return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    return (parse_instant(value) - _EPOCH) // _MICROSECOND
