"""Schedules: what waits for the clock, when it comes next, and what became of the last times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from abstractruntime.nodes.schedule import Timetable

from ..access import actor_of
from ..runner_schedules import Moment, Scheduled
from ..studio import Studio, TheStudio
from .form import Posted, go, text, within
from .html import fragment, one_line, render
from .rows import last_runs
from .runs import node_words
from .words import SIGNS, WAITS, Sign

router = APIRouter()
Json = Any
MISSED = {
    "once": "one run for all of them",
    "skip": "left out",
    "all": "each is run, the newest {most} of them",
}
OVERLAP = {
    "skip": "that time is left out",
    "queue": "it waits its turn, {most} at most",
    "allow": "both run at once",
}
SIGN = {
    "waiting": WAITS["until"],
    "busy": SIGNS["running"],
    "paused": SIGNS["paused"],
    "failed": SIGNS["failed"],
}


@dataclass(frozen=True)
class Ahead:
    """A time to come: as ISO, and in words on the clock of its schedule."""

    iso: str
    words: str


@router.get("/schedules")
def schedules(request: Request, studio: TheStudio) -> HTMLResponse:
    """Show what waits for the clock."""
    return render(request, "schedules.html", **_shown(studio), digest="")


@router.get("/schedules/list")
def schedules_part(request: Request, studio: TheStudio) -> Response:
    """Return the list of what waits for the clock when it has changed."""
    return fragment(request, "partials/_schedule_list.html", **_shown(studio))


@router.post("/schedules/{run_id}/fire")
def fire(request: Request, studio: TheStudio, run_id: str, form: Posted) -> Response:
    """Have a schedule fire now, beside its other times."""
    studio.schedules.fire(run_id, actor=actor_of(request.scope))
    return go(within(text(form, "back")) or "/schedules")


def _shown(studio: Studio) -> dict[str, Json]:
    found = studio.schedules.all()
    alive = Counter(str(each.run["flow_id"]) for each in found.schedules if each.state != "failed")
    shown = [
        {**_schedule_words(studio, each), "others": alive[str(each.run["flow_id"])] - 1}
        for each in found.schedules
    ]
    moments = [_moment_words(studio, each) for each in found.moments]
    idle = [*_idle(studio, {str(each.run["flow_id"]) for each in found.schedules})]
    return {"schedules": shown, "moments": moments, "idle": idle, "more": found.more, "back": "/schedules"}


def _schedule_words(studio: Studio, each: Scheduled) -> dict[str, Json]:
    table, ahead = each.table, [_ahead(moment, each.table) for moment in each.next]
    return {
        "run": each.run,
        "node_id": each.node_id,
        "title": _title(studio, each),
        "sign": _sign(each),
        "state": each.state,
        "why": one_line(each.why, 300),
        "words": table.in_words,
        "written": table.written,
        "is_cron": table.schedule is not None and table.schedule.cron is not None,
        "wrong": table.wrong,
        "zone": table.zone or "UTC",
        "goes_by_clock": table.schedule is not None and table.schedule.goes_by_a_clock(table.written),
        "recurrent": table.recurrent,
        "ahead": ahead,
        "is_late": each.is_late,
        "missed": MISSED[table.missed].format(most=table.most),
        "overlap": OVERLAP[table.overlap].format(most=table.most),
        "last": [
            {"firing": firing, "sign": SIGNS.get(firing.state, SIGNS["queued"])} for firing in each.last
        ],
        "left_out": sum(firing.missed for firing in each.last),
    }


def _moment_words(studio: Studio, each: Moment) -> dict[str, Json]:
    sign = SIGNS["paused"] if each.is_paused else WAITS["until"]
    return {
        "run": each.run,
        "title": _title(studio, each),
        "node_id": each.node_id,
        "sign": sign,
        "wait": each,
    }


def _title(studio: Studio, each: Scheduled | Moment) -> str:
    return node_words(studio, each.workflow_id)(each.node_id).label


def _sign(each: Scheduled) -> Sign:
    return SIGN[each.state]


def _ahead(moment: datetime, table: Timetable) -> Ahead:
    there = moment.astimezone(table.schedule.zone) if table.schedule is not None else moment
    return Ahead(moment.isoformat(), f"{there:%a %d %b %Y, %H:%M:%S}")


def _idle(studio: Studio, shown: set[str]) -> Iterator[dict[str, Json]]:
    """Yield the flows with a schedule of which no run is alive, with their last run."""
    last = last_runs(studio)
    for entry in studio.schedules.flows():
        if entry.id not in shown:
            yield {"id": entry.id, "name": entry.name, "last_run": last.get(entry.id)}
