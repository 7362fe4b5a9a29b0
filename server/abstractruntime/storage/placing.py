"""Records that have no position yet: in which order they get one."""

from __future__ import annotations

from collections.abc import Sequence

Timed = tuple[str, str, int]  # when, which run, which seq


def in_turn(fresh: Sequence[Timed]) -> list[Timed]:
    """Order new records of several runs by time without reordering any run's own."""
    latest: dict[str, str] = {}
    timed: list[Timed] = []
    for at, run_id, seq in fresh:
        latest[run_id] = max(at, latest.get(run_id, ""))
        timed.append((latest[run_id], run_id, seq))
    return sorted(timed)
