"""What publishing leaves as it is: the runs of a flow that are not over, and its schedules, each with its version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from abstractruntime.core.models import RunStatus

from ..studio import Studio

Json = Any
MOST = 200


@dataclass(frozen=True)
class Staying:
    """Runs of one version that go on with it: those that wait, those under way, and those that are schedules."""

    version: int | None
    waiting: int = 0
    running: int = 0
    schedules: int = 0

    @property
    def words(self) -> str:
        """Say how many there are of each."""
        told = (
            (self.running, "run under way", "runs under way"),
            (self.waiting, "run that waits", "runs that wait"),
            (self.schedules, "schedule", "schedules"),
        )
        return ", ".join(f"{count} {one if count == 1 else many}" for count, one, many in told if count)


def staying(studio: Studio, flow_id: str) -> list[Staying]:
    """Return what of a flow is not over, by the version that it began with, the newest first."""
    clocks = {
        each.run["run_id"]
        for each in studio.schedules.all().schedules
        if each.state != "failed" and each.run["flow_id"] == flow_id
    }
    counts: dict[int | None, dict[str, int]] = {}
    for status in (RunStatus.RUNNING, RunStatus.WAITING):
        for row in studio.reader.rows(flow_id=flow_id, status=status, limit=MOST):
            kind = "schedules" if row["run_id"] in clocks else status.value
            held = counts.setdefault(studio.versions.of_run(row["run_id"]), {})
            held[kind] = held.get(kind, 0) + 1
    return [Staying(number, **counts[number]) for number in sorted(counts, key=lambda each: -(each or 0))]


def results_by_version(studio: Studio, flow_id: str, draft: int | None) -> Mapping[int, tuple[int, int]]:
    """Return of versions how many tests pass and how many were played on them last; `draft` says what the draft does."""
    mark = studio.tests.mark(flow_id)
    found: dict[int, tuple[int, int]] = {}
    for result in studio.tests.shelf.results(flow_id).values():
        number = int(result.of) if result.of.isdigit() else None
        if result.of == "draft" and mark and result.revision == mark:
            number = draft
        if number is not None:
            passed, played = found.get(number, (0, 0))
            found[number] = (passed + (result.state == "passed"), played + 1)
    return found
