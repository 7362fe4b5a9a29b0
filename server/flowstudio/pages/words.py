"""How pages say things: states, moments, lengths of time, sizes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True)
class Sign:
    """A state as shown: `key` picks the colour, `icon` and `letter` stand beside it."""

    key: str
    word: str
    icon: str
    letter: str


SIGNS = {
    "running": Sign("running", "Running", "play", "R"),
    "waiting": Sign("waiting", "Waiting", "wait", "W"),
    "completed": Sign("completed", "Done", "check", "D"),
    "pinned": Sign("completed", "Pinned", "pin", "N"),
    "reused": Sign("reused", "Reused", "reused", "="),
    "failed": Sign("failed", "Failed", "cross", "F"),
    "cancelled": Sign("cancelled", "Cancelled", "stop", "C"),
    "paused": Sign("paused", "Paused", "pause", "P"),
    "queued": Sign("queued", "Queued", "queue", "Q"),
    "started": Sign("running", "Running", "play", "R"),
}
WAITS = {
    "user": Sign("waiting", "Asks a person", "person", "A"),
    "until": Sign("waiting", "Waits for time", "clock", "T"),
    "event": Sign("waiting", "Waits for an event", "flag", "E"),
    "subworkflow": Sign("running", "Runs a subflow", "subflow", "S"),
    "job": Sign("waiting", "Waits for a job", "wait", "J"),
    "stop": Sign("stopped", "Stopped", "breakpoint", "B"),
}
UNKNOWN = Sign("queued", "Unknown", "help", "?")


def state(status: str, paused: bool = False, reason: str | None = None) -> Sign:
    """Return how a state is shown; of a waiting run, `reason` says for what."""
    value = str(getattr(status, "value", status))
    if paused and value in ("running", "waiting"):
        return SIGNS["paused"]
    if value == "waiting" and reason in WAITS:
        return WAITS[str(reason)]
    return SIGNS.get(value, UNKNOWN)


def instant(text: Any) -> datetime | None:
    """Read an ISO time; None for anything else. A time without zone is UTC."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def moment(text: str | None) -> str:
    """Write an ISO time so that it can be read without script."""
    found = instant(text)
    return f"{found.astimezone(UTC):%d %b %Y, %H:%M:%S} UTC" if found else str(text or "")


def took(start: str | None, end: str | None) -> str:
    """Write how long something took: "42 ms", "3.4 s", "2 min 5 s", "3 d 4 h"."""
    begin, finish = instant(start), instant(end)
    if begin is None or finish is None:
        return ""
    return lasting(max(0.0, (finish - begin).total_seconds()))


def lasting(seconds: float) -> str:
    """Write a number of seconds as `took` does."""
    if seconds < 0.001:
        return "< 1 ms"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for unit, small, length in (("min", "s", 60), ("h", "min", 3600), ("d", "h", 86400)):
        if whole < length * (60 if unit == "min" else 24) or unit == "d":
            rest = whole % length // {"min": 1, "h": 60, "d": 3600}[unit]
            return f"{whole // length} {unit} {rest} {small}" if rest else f"{whole // length} {unit}"
    return ""


def money(cost: float) -> str:
    """Write what something cost, in whatever currency the prices are: "0.0042", "1.30"."""
    return f"{cost:.2f}" if cost >= 1 else f"{cost:.6f}".rstrip("0")


def short_run(run_id: str) -> str:
    """Write a run's id short: its moment to the millisecond, so that runs of one minute do not look alike."""
    return run_id[:13]


def size(count: int, one: str, many: str) -> str:
    """Write a number of things."""
    return f"{count:,} {one if count == 1 else many}"
