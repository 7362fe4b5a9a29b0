"""The value of an output beside what it was in another run, version or visit: where the two differ."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from ..runner_pins import NoOutputs, outputs_of, visit_at
from ..studio import TheStudio
from .against import VISIT, others, visit_of
from .data_views import MOST_CHANGES, differing
from .html import render

router = APIRouter(include_in_schema=False)
Json = Any


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
    """Show where an output of a visit differs from that of the visit before, of another run or version."""
    visit = visit_at(studio.stories, run, node, at)
    count = len(studio.stories.story(run).of(node))
    place = min(at, count) or count
    choices = others(studio, flow, run, place)
    keys = [each.key for each in choices]
    ended = (row["run_id"] for row in studio.stories.offered(flow) if row["status"] == "completed")
    usual = VISIT if place > 1 else next((each for each in ended if each in keys), next(iter(keys), ""))
    picked = other if other in keys else usual
    words: dict[str, Json] = {"choices": choices, "picked": picked, "reason": "", "changed": []}
    if picked:
        now = outputs_of(studio.stories, run, visit)[0]
        try:
            whose, old = visit_of(studio, flow, run, picked, node, place)
            words["changed"] = differing(pin, outputs_of(studio.stories, whose, old)[0], now)
        except NoOutputs as error:
            words["reason"] = str(error)
    return render(request, "partials/_compare.html", pin=pin, most=MOST_CHANGES, **words)
