"""Waiting for a moment, and telling what moment it is."""

from __future__ import annotations

import locale
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from ..core.models import Effect, EffectType
from .ahead import ahead, sooner, told
from .authored import pin_value, setting
from .define import EXEC_IN, EXEC_OUT, UNSET, Call, Example, Field, Finding, NodeError, Pin, effect, pure
from .instants import zone_of
from .values import described, number

Json = Any

_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}
_UNITS = (*_SECONDS, "timestamp")


DURATION = Field("effectConfig.durationType", "string", "seconds", "Unit", "What the amount counts.", _UNITS)


def _amount(value: Json) -> float:
    """Read how long to wait; what is no number counts as no wait at all."""
    try:
        return float(number(value, "duration"))
    except NodeError:
        return 0.0


def _moment(value: Json) -> str:
    """Read a date and time; without a zone it is meant in UTC."""
    try:
        moment = datetime.fromisoformat(value.strip()) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None:
        raise NodeError(
            "'duration' needs a date and time such as 2030-01-31T09:00:00+01:00, but got "
            f"{described(value)}.",
            code="wait.bad_moment",
            pin="duration",
        )
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC).isoformat()
    return str(value).strip()


def _check_wait(data: Mapping[str, Json]) -> list[Finding]:
    unit = setting(data, "effectConfig.durationType", "seconds")
    if unit not in _UNITS:
        return [
            Finding(
                "risk",
                "wait.unknown_unit",
                f"'{unit}' is no unit of time, so seconds are meant. Choose one of: {', '.join(_UNITS)}.",
            )
        ]
    value = pin_value(data, "duration")
    if value is UNSET:
        return []
    if unit == "timestamp":
        try:
            _moment(value)
        except NodeError as problem:
            return [Finding("risk", problem.code, str(problem), pin="duration")]
    elif _amount(value) <= 0:
        return [Finding("note", "wait.no_time", "This delay waits no time at all.", pin="duration")]
    return []


_DURATION = Pin(
    "duration",
    "number",
    0,
    "How long to wait, in the unit chosen below; for a timestamp the date and time itself.",
)
_LEFT = (
    EXEC_OUT,
    Pin("until", "string", description="The moment that was waited for.", hidden=True),
    Pin("ready", "boolean", description="Whether the moment had already passed.", hidden=True),
)


def _wait_shape(data: Mapping[str, Json]) -> tuple[tuple[Pin, ...], tuple[Pin, ...]]:
    """A moment is written as text, an amount as a number."""
    is_moment = setting(data, "effectConfig.durationType") == "timestamp"
    return (EXEC_IN, replace(_DURATION, type="string", label="moment") if is_moment else _DURATION), _LEFT


@effect(
    "wait_until",
    family="events",
    label="Delay",
    sentence="Wait {duration|name} {effectConfig.durationType|unit}",
    inputs=(EXEC_IN, _DURATION),
    outputs=_LEFT,
    shape=_wait_shape,
    fields=(DURATION,),
    settle=lambda reply, call: dict(reply) if isinstance(reply, Mapping) else {},
    check=_check_wait,
    template={"pinDefaults": {"duration": 10}, "effectConfig": {"durationType": "seconds"}},
    keywords=("sleep", "wait", "pause", "timer", "delay", "time", "later"),
    examples=(
        Example(
            {"duration": 90},
            {
                "effect": {"type": "wait_until", "payload": {"until": "2030-01-01T00:01:30+00:00"}},
                "settled": {"until": "2030-01-01T00:01:30+00:00", "ready": True},
            },
            reply={"until": "2030-01-01T00:01:30+00:00", "ready": True},
        ),
        Example(
            {"duration": "2030-05-01T08:00"},
            {"effect": {"type": "wait_until", "payload": {"until": "2030-05-01T08:00:00+00:00"}}},
            data={"effectConfig": {"durationType": "timestamp"}},
            note="A moment without a zone is meant in UTC.",
        ),
        Example(
            {"duration": "soon"},
            data={"effectConfig": {"durationType": "timestamp"}},
            error="needs a date and time",
        ),
    ),
)
def wait_until(call: Call) -> Effect:
    """Wait for some time, or until a date, and then go on.

    The wait survives a restart of the server and costs nothing while it lasts. Zero, or a moment that
    has passed, goes on at once.
    """
    value = call.get("duration")
    unit = str(setting(call.data, "effectConfig.durationType", "seconds"))
    if unit == "timestamp":
        until = sooner(call, _moment(value))
    else:
        try:
            until = ahead(call, _amount(value) * _SECONDS.get(unit, 1))
        except OverflowError:
            raise NodeError(
                f"'duration' is too long: {described(value)} in {unit}.", code="wait.too_long", pin="duration"
            ) from None
    return Effect(EffectType.WAIT_UNTIL, {"until": until, **told(call)})


def _zone(name: Json) -> tzinfo | None:
    """Return the zone of this name; None, the server's own, when it is empty."""
    return zone_of(name) if isinstance(name, str) and name.strip() else None


def _check_zone(data: Mapping[str, Json]) -> list[Finding]:
    try:
        _zone(data.get("timeZone"))
    except NodeError as problem:
        return [Finding("error", problem.code, str(problem))]
    return []


@pure(
    "system_datetime",
    family="events",
    label="System Date/Time",
    sentence="Now[ in {timeZone|name}]",
    outputs=(
        Pin("iso", "string", description="Date and time with the distance from UTC."),
        Pin("timezone", "string", description="The name of the time zone."),
        Pin("utc_offset_minutes", "number", description="Minutes ahead of UTC."),
        Pin("locale", "string", description="Language and country of the server."),
    ),
    seldom=("timezone", "utc_offset_minutes", "locale"),
    fields=(
        Field("timeZone", "string", "", "Time zone", "Such as Europe/Paris; empty: the server's own zone."),
    ),
    check=_check_zone,
    once=True,
    keywords=("now", "clock", "today", "date", "time", "timestamp"),
    examples=(
        Example(
            data={"timeZone": "UTC"},
            outputs={"iso": "2030-01-01T00:00:00+00:00", "timezone": "UTC", "utc_offset_minutes": 0},
        ),
        Example(
            data={"timeZone": "Asia/Kolkata"},
            outputs={"iso": "2030-01-01T05:30:00+05:30", "timezone": "IST", "utc_offset_minutes": 330},
        ),
        Example(data={"timeZone": "Mars/Base"}, error="no time zone"),
    ),
)
def system_datetime(call: Call) -> dict[str, Json]:
    """Tell the date and time of this step.

    All readers of one step see the same moment, also when the step is repeated after a restart.
    """
    moment = datetime.fromisoformat(call.now).astimezone(_zone(call.data.get("timeZone")))
    offset = moment.utcoffset() or timedelta()
    return {
        "iso": moment.isoformat(),
        "timezone": moment.tzname() or "",
        "utc_offset_minutes": int(offset.total_seconds() // 60),
        "locale": locale.getlocale()[0] or "C",
    }
