"""Reckoning with dates, in a time zone.

Days, weeks, months and years are counted on the calendar of the zone: a day later is the same time of day, also
when the clock changes in between. Seconds, minutes and hours are elapsed time.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from .define import Call, Example, NodeError, Pin, pure
from .instants import zone_of
from .values import described, number, text

Json = Any

_ELAPSED = {"seconds": 1, "minutes": 60, "hours": 3600}
_CALENDAR = {"days": 1, "weeks": 7}
_MONTHS = {"months": 1, "years": 12}
_UNITS = (*_ELAPSED, *_CALENDAR, *_MONTHS)
_SIGN = re.compile(r"%(.?)", re.DOTALL)
_SIGNS = frozenset("aAbBdHIjmMpSyYfzZUWwuVG%")
_FORMAT_HELP = "As in %d.%m.%Y %H:%M: day, month, year, hour, minute."
_ZONE = Pin("zone", "string", "", "The time zone, such as Europe/Paris; empty: UTC.")


def moment(value: Json, zone: tzinfo, pin: str) -> datetime:
    """Read a date, with or without time; without a zone of its own it is one of `zone`."""
    try:
        found = datetime.fromisoformat(value.strip()) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None:
        raise NodeError(
            f"'{pin}' needs a date such as 2030-01-31 or 2030-01-31T09:00, but got {described(value)}.",
            code="date.unreadable",
            pin=pin,
        )
    return _at(found if found.tzinfo is not None else found.replace(tzinfo=zone), zone)


def _at(found: datetime, zone: tzinfo) -> datetime:
    """Return the moment on the clock of a zone; a time that the zone skips moves to after the gap."""
    try:
        return found.astimezone(UTC).astimezone(zone)
    except OverflowError:
        raise NodeError("The date is too far away.", code="date.out_of_range") from None


def _format(value: Json) -> str:
    form = text(value)
    unknown = next((sign for sign in _SIGN.findall(form) if sign not in _SIGNS), None)
    if unknown is not None:
        raise NodeError(f"'format' has the unknown sign '%{unknown}'.", code="date.format", pin="format")
    return form


def _unit(value: Json) -> str:
    unit = text(value).strip().lower()
    if unit not in _UNITS:
        raise NodeError(
            f"'unit' takes one of {', '.join(_UNITS)}, but got {described(value)}.",
            code="date.unit",
            pin="unit",
        )
    return unit


@pure(
    "parse_date",
    family="events",
    label="Parse Date",
    sentence="Date in {text}",
    inputs=(
        Pin("text", "string", "", "A date as somebody wrote it."),
        Pin("format", "string", "", f"{_FORMAT_HELP} Empty: as in 2030-01-31T09:00."),
        _ZONE,
    ),
    outputs=(
        Pin("date", "string", description="The date with its distance from UTC; empty when it is none."),
        Pin("valid", "boolean", description="Whether it is a date."),
    ),
    keywords=("read", "time", "datetime", "iso", "convert", "valid"),
    examples=(
        Example(
            {"text": "31.01.2030", "format": "%d.%m.%Y", "zone": "Europe/Paris"},
            {"date": "2030-01-31T00:00:00+01:00", "valid": True},
        ),
        Example({"text": "2030-01-31 09:30Z"}, {"date": "2030-01-31T09:30:00+00:00", "valid": True}),
        Example(
            {"text": "31.02.2030", "format": "%d.%m.%Y"},
            {"date": "", "valid": False},
            note="There is no such day; the run goes on, and you decide what it means.",
        ),
        Example({"text": "1", "format": "%Q"}, error="unknown sign"),
    ),
)
def parse_date(call: Call) -> dict[str, Json]:
    """Read a date from a text, and tell whether it is one."""
    written, zone, form = (
        text(call.get("text")).strip(),
        zone_of(call.get("zone"), "zone"),
        _format(call.get("format")),
    )
    try:
        found = datetime.strptime(written, form) if form else datetime.fromisoformat(written)
    except ValueError:
        return {"date": "", "valid": False}
    except re.error:
        raise NodeError("'format' says the same thing twice.", code="date.format", pin="format") from None
    if found.tzinfo is None:
        found = found.replace(tzinfo=zone)
    return {"date": _at(found, zone).isoformat(), "valid": True}


@pure(
    "format_date",
    family="events",
    label="Format Date",
    sentence="{date} as {format}",
    inputs=(
        Pin(
            "date", "string", description="The date, as in 2030-01-31T09:00.", required=True, widget="moment"
        ),
        Pin("format", "string", "%Y-%m-%d", _FORMAT_HELP),
        _ZONE,
    ),
    outputs=(Pin("text", "string", description="The date as you want it written."),),
    keywords=("write", "time", "datetime", "text", "show", "convert"),
    examples=(
        Example(
            {"date": "2030-07-01T22:30:00Z", "format": "%d.%m.%Y %H:%M", "zone": "Europe/Berlin"},
            {"text": "02.07.2030 00:30"},
        ),
        Example({"date": "2030-01-31T09:00"}, {"text": "2030-01-31"}),
        Example({"date": "soon"}, error="needs a date"),
    ),
)
def format_date(call: Call) -> dict[str, Json]:
    """Write a date the way people of a place expect it."""
    found = moment(call.get("date"), zone_of(call.get("zone"), "zone"), "date")
    return {"text": found.strftime(_format(call.get("format")))}


@pure(
    "add_to_date",
    family="events",
    label="Add to Date",
    sentence="{date} plus {amount} {unit|name}",
    inputs=(
        Pin("date", "string", description="The date to begin with.", required=True, widget="moment"),
        Pin("amount", "number", 1, "How much later; negative: earlier."),
        Pin("unit", "string", "days", "What the amount counts.", choices=_UNITS),
        _ZONE,
    ),
    outputs=(Pin("date", "string", description="The later date, with its distance from UTC."),),
    keywords=("plus", "minus", "later", "due", "deadline", "arithmetic", "shift"),
    examples=(
        Example(
            {"date": "2030-03-30T09:00", "amount": 1, "zone": "Europe/Berlin"},
            {"date": "2030-03-31T09:00:00+02:00"},
            note="The same time of day, though the night was an hour short.",
        ),
        Example(
            {"date": "2030-01-31", "amount": 1, "unit": "months"},
            {"date": "2030-02-28T00:00:00+00:00"},
            note="A month that is too short ends on its last day.",
        ),
        Example(
            {"date": "2030-03-30T09:00", "amount": 24, "unit": "hours", "zone": "Europe/Berlin"},
            {"date": "2030-03-31T10:00:00+02:00"},
        ),
        Example({"date": "2030-01-01", "unit": "moons"}, error="takes one of"),
        Example({"date": "2030-01-01", "amount": 1e9, "unit": "years"}, error="too far away"),
    ),
)
def add_to_date(call: Call) -> dict[str, Json]:
    """Go some time forward or back from a date."""
    zone, unit = zone_of(call.get("zone"), "zone"), _unit(call.get("unit"))
    begin, amount = moment(call.get("date"), zone, "date"), number(call.get("amount", 1), "amount")
    try:
        if unit in _ELAPSED:
            later = begin.astimezone(UTC) + timedelta(seconds=amount * _ELAPSED[unit])
        elif unit in _CALENDAR:
            later = begin.replace(tzinfo=None) + timedelta(days=amount * _CALENDAR[unit])
            later = later.replace(tzinfo=zone)
        else:
            later = _months_later(begin, int(amount * _MONTHS[unit]))
        return {"date": _at(later, zone).isoformat()}
    except (OverflowError, ValueError):
        raise NodeError("The date is too far away.", code="date.out_of_range", pin="amount") from None


def _months_later(begin: datetime, months: int) -> datetime:
    year, month = divmod(begin.year * 12 + begin.month - 1 + months, 12)
    return begin.replace(
        year=year, month=month + 1, day=min(begin.day, monthrange(year, month + 1)[1]), fold=0
    )


@pure(
    "date_difference",
    family="events",
    label="Date Difference",
    sentence="From {begin} to {end} in {unit|name}",
    inputs=(
        Pin("begin", "string", description="The earlier date.", required=True, widget="moment"),
        Pin("end", "string", description="The later date.", required=True, widget="moment"),
        Pin("unit", "string", "days", "What is counted.", choices=_UNITS),
        _ZONE,
    ),
    outputs=(
        Pin(
            "amount",
            "number",
            description="How many whole ones lie between; negative when the end is earlier.",
        ),
        Pin("seconds", "number", description="The elapsed time in seconds."),
    ),
    keywords=("between", "age", "duration", "days", "elapsed", "minus", "arithmetic"),
    examples=(
        Example(
            {"begin": "2030-03-30T12:00", "end": "2030-03-31T12:00", "zone": "Europe/Berlin"},
            {"amount": 1, "seconds": 82800},
            note="One day on the calendar, though only 23 hours.",
        ),
        Example(
            {"begin": "2030-01-31", "end": "2030-03-30", "unit": "months"}, {"amount": 1, "seconds": 5011200}
        ),
        Example(
            {"begin": "2030-01-02", "end": "2030-01-01", "unit": "hours"}, {"amount": -24, "seconds": -86400}
        ),
        Example({"begin": "", "end": "2030-01-01"}, error="'begin' needs a date"),
    ),
)
def date_difference(call: Call) -> dict[str, Json]:
    """Count the time between two dates."""
    zone, unit = zone_of(call.get("zone"), "zone"), _unit(call.get("unit"))
    begin, end = moment(call.get("begin"), zone, "begin"), moment(call.get("end"), zone, "end")
    seconds = (end.astimezone(UTC) - begin.astimezone(UTC)).total_seconds()
    sign = 1 if seconds >= 0 else -1
    first, last = (begin, end) if sign > 0 else (end, begin)
    if unit in _ELAPSED:
        amount = int(abs(seconds) // _ELAPSED[unit])
    elif unit in _CALENDAR:
        amount = (last.replace(tzinfo=None) - first.replace(tzinfo=None)).days // _CALENDAR[unit]
    else:
        months = (last.year - first.year) * 12 + last.month - first.month
        whole_month = _months_later(first, months).replace(tzinfo=None) <= last.replace(tzinfo=None)
        amount = (months if whole_month else months - 1) // _MONTHS[unit]
    return {"amount": sign * amount, "seconds": int(seconds) if seconds.is_integer() else seconds}
