"""A clock that tests move by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class MovableClock:
    """Call it for the present moment; move it with `advance`."""

    def __init__(self, start: datetime | None = None) -> None:
        self.moment = start or datetime(2026, 1, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, seconds: float) -> datetime:
        """Let time pass and return the new moment."""
        self.moment += timedelta(seconds=seconds)
        return self.moment

    def after(self, seconds: float) -> str:
        """Return the moment so many seconds from now as ISO text."""
        return (self.moment + timedelta(seconds=seconds)).isoformat()
