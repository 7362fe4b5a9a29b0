"""The value of an output beside what it was in another run, or in the visit before: where the two differ."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from ..runner_pins import NoOutputs, outputs_of, visit_at
from ..studio import Studio, TheStudio
from .data_views import MOST_CHANGES, differing
from .html import render
from .words import state

router = APIRouter(include_in_schema=False)
Json = Any
VISIT = "visit"  # stands for the visit before in the list of what to compare with


@router.get("/editor/compare")
def compare(
    request: Request,
    studio: TheStudio,
    flow: str,
    run: str,
    node: str,
    pin: str,
    at: int = 0,
    other: str = "",
) -> HTMLResponse:
    """Show where an output of a visit differs from that of the visit before, or of the last one in another run."""
    visit = visit_at(studio.stories, run, node, at)
    count = studio.stories.story(run).counts[node]
    place = min(at, count) or count
    runs = [
        {**row, "sign": state(row["status"], row["paused"])}
        for row in studio.stories.offered(flow)
        if row["run_id"] != run
    ]
    choices = [*([VISIT] if place > 1 else []), *(row["run_id"] for row in runs)]
    ended = (row["run_id"] for row in runs if row["status"] == "completed")
    usual = VISIT if place > 1 else next(ended, next(iter(choices), ""))
    picked = other if other in choices else usual
    words: dict[str, Json] = {"runs": runs, "has_visit": place > 1, "visit_word": VISIT, "picked": picked}
    words |= {"reason": "", "changed": []}
    if picked:
        now = outputs_of(studio.stories, run, visit)[0]
        words |= _difference(studio, (run, place - 1) if picked == VISIT else (picked, 0), node, pin, now)
    return render(request, "partials/_compare.html", pin=pin, most=MOST_CHANGES, **words)


def _difference(studio: Studio, other: tuple[str, int], node: str, pin: str, now: Any) -> dict[str, Json]:
    try:
        visit = visit_at(studio.stories, other[0], node, other[1])
    except NoOutputs as error:
        return {"reason": str(error)}
    before = outputs_of(studio.stories, other[0], visit)[0]
    return {"changed": differing(pin, before, now)}
