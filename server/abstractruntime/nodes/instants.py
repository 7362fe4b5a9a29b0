"""The instants that a schedule names: every so often, by cron, or once.

Three ways to write one: `15s` (`ms`, `s`, `m`, `h`, `d`), five or six fields of cron (six: seconds first),
or a date and time. An interval is counted in elapsed time on a fixed grid, so it never drifts; a
line of cron is read on the clock of its time zone, by the rules of Debian's cron: a time that the
change to summer time skips happens right after the gap, a fixed time that autumn repeats happens
once, and `*` goes on through both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from math import floor
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .borrowed import borrowed
from .define import NodeError
from .values import clipped, described

Json = Any

_INTERVAL = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*(ms|s|m|h|d)", re.IGNORECASE)
_UNIT_MS = {"ms": 1.0, "s": 1e3, "m": 60e3, "h": 3600e3, "d": 86400e3}
_NAMED = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_FORMS = (
    "Write an interval such as 15s, 5m or 1d, five fields of cron such as 0 7 * * 1-5, "
    "or a date and time such as 2030-01-31T09:00"
)


def zone_of(name: Json, pin: str | None = None) -> tzinfo:
    """Return the time zone of a name; empty is UTC. Raises NodeError `time.unknown_zone`."""
    if not isinstance(name, str) or not name.strip():
        return UTC
    try:
        return ZoneInfo(name.strip())
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise NodeError(
            f"'{clipped(name, 60)}' is no time zone. Write it as Europe/Paris or UTC.",
            code="time.unknown_zone",
            pin=pin,
        ) from None


@dataclass(frozen=True)
class Schedule:
    """One of `every` (elapsed time), `cron` (fields), or `once` (an instant), read in `zone`."""

    zone: tzinfo = UTC
    every: timedelta | None = None
    cron: str | None = None
    once: datetime | None = None

    def goes_by_a_clock(self, written: Json) -> bool:
        """Say whether another zone would mean other instants: a time of day or a day in cron, a date without offset."""
        if self.cron is not None:
            return self.cron.split()[-4:] != ["*"] * 4
        return self.once is not None and datetime.fromisoformat(str(written).strip()).tzinfo is None

    def in_words(self) -> str:
        """Say it in plain words: "Every 5 minutes", "At 07:00 on Monday through Friday", "Once"."""
        if self.every is not None:
            return f"Every {_long(self.every)}"
        if self.once is not None:
            return f"Once, on {self.once.astimezone(self.zone):%d %b %Y at %H:%M:%S}"
        simulator = borrowed("cronsim", "cronsim")
        return str(simulator.CronSim(self.cron, datetime(2024, 1, 1, tzinfo=self.zone)).explain())

    def after(self, last: datetime) -> Iterator[datetime]:
        """Yield the instants later than `last`, in order; an interval counts from `last` itself."""
        if self.every is not None:
            moment = last
            while True:
                try:
                    moment = moment + self.every
                except OverflowError:
                    return
                yield moment
        elif self.once is not None:
            if self.once > last:
                yield self.once
        else:
            simulator = borrowed("cronsim", "cronsim")
            try:
                yield from simulator.CronSim(self.cron, last.astimezone(self.zone))
            except (simulator.CronSimError, OverflowError):
                return

    def next(self, last: datetime, now: datetime) -> datetime | None:
        """Return the first instant later than both, on the grid that `last` lies on; None: there is none."""
        if self.every is not None and now > last:
            last = last + self.every * floor((now - last) / self.every)
        return next(self.after(max(last, now) if self.every is None else last), None)

    def passed(self, last: datetime, now: datetime, most: int) -> tuple[list[datetime], int]:
        """Return the newest `most` instants in (last, now], oldest first, and how many there were."""
        skipped = 0
        if self.every is not None and now > last:
            skipped = max(0, floor((now - last) / self.every) - most)
            last = last + self.every * skipped
        found: list[datetime] = []
        for moment in self.after(last):
            if moment > now:
                break
            found.append(moment)
            if len(found) > most:
                del found[0]
                skipped += 1
        return found, skipped + len(found)


def read_schedule(value: Json, zone: tzinfo) -> Schedule:
    """Read how a schedule is written; raise NodeError `schedule.unreadable` with the forms there are."""
    words = value.strip() if isinstance(value, str) else ""
    interval = _INTERVAL.fullmatch(words)
    if interval is not None:
        return Schedule(zone, every=_elapsed(interval, words))
    fields = _NAMED.get(words.lower(), words)
    if len(fields.split()) in (5, 6):
        return Schedule(zone, cron=_cron(fields, zone))
    try:
        moment = datetime.fromisoformat(words)
    except ValueError:
        raise _unreadable(f"{described(value)} is no schedule.") from None
    return Schedule(zone, once=moment if moment.tzinfo is not None else moment.replace(tzinfo=zone))


def _elapsed(interval: re.Match[str], words: str) -> timedelta:
    try:
        every = timedelta(milliseconds=float(interval[1]) * _UNIT_MS[interval[2].lower()])
    except OverflowError:
        raise _unreadable(f"'{words}' is too long.") from None
    if every <= timedelta():
        raise _unreadable(f"'{words}' is no time at all.")
    return every


def _long(every: timedelta) -> str:
    """Write a length of time in the largest unit that holds it whole: "15 seconds", "day", "36 hours"."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        count, rest = divmod(every, timedelta(seconds=length))
        if count and not rest:
            return unit if count == 1 else f"{count} {unit}s"
    seconds = every / timedelta(seconds=1)
    return "second" if seconds == 1 else f"{seconds:g} seconds"


def _cron(fields: str, zone: tzinfo) -> str:
    simulator = borrowed("cronsim", "cronsim")
    try:
        simulator.CronSim(fields, datetime(2024, 1, 1, tzinfo=zone))
    except simulator.CronSimError as error:
        raise _unreadable(f"'{fields}' is no line of cron: {error}.") from None
    return fields


def _unreadable(what: str) -> NodeError:
    return NodeError(f"{what} {_FORMS}.", code="schedule.unreadable", pin="schedule")
