"""What a search in the data of runs answers."""

from __future__ import annotations

from pydantic import BaseModel

from .models import RunRow


class RunDataHit(BaseModel):
    """A place in a run: its ledger record, the part that the value has in the step, its path there, the text around it."""

    run_id: str
    node_id: str
    position: int
    part: str
    path: str
    excerpt: str


class RunDataRow(BaseModel):
    """The first places found in one run."""

    run: RunRow
    hits: list[RunDataHit]


class RunDataFound(BaseModel):
    """What was found in so many runs; `next` is the run after which to ask on, null when all were read."""

    found: list[RunDataRow]
    looked_at: int
    next: str | None
