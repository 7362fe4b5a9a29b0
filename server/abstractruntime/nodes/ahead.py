"""Moments ahead of a run: what it waits for, on its own clock.

A run that was started on a fast clock waits so many times shorter (`core.vars.clock_factor`). What it asks for says so in
the ledger, by `clock_factor` beside `until`. Schedules keep to the clock: their times are those of the day.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from ..core.vars import clock_factor
from .define import Call

Json = Any


def ahead(call: Call, seconds: float) -> str:
    """Return the instant after so many seconds of the run's clock; raise OverflowError for one too far away."""
    return (
        datetime.fromisoformat(call.now) + timedelta(seconds=seconds / clock_factor(call.vars))
    ).isoformat()


def sooner(call: Call, moment: str) -> str:
    """Return when a moment of the calendar comes on the run's clock."""
    factor, now = clock_factor(call.vars), datetime.fromisoformat(call.now)
    left = datetime.fromisoformat(moment) - now
    return moment if factor == 1 or left <= timedelta() else (now + left / factor).isoformat()


def told(call: Call) -> dict[str, Json]:
    """Return what the ledger says of a fast clock, nothing of the usual one."""
    factor = clock_factor(call.vars)
    return {"clock_factor": factor} if factor != 1 else {}
