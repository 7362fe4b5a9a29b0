"""The page that looks for a value in the data of all runs."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from abstractruntime.core.errors import RunNotFound

from ..runner_search import RunHits, search, wanted
from ..studio import Studio, TheStudio
from .html import render
from .runs import node_words
from .words import state

router = APIRouter()
Json = Any
LONGEST = 2_000


@router.get("/runs/search")
def search_runs(
    request: Request, studio: TheStudio, q: str = "", exact: bool = False, flow: str = "", after: str = ""
) -> HTMLResponse:
    """Show in which steps of which runs words or a value stand."""
    sought = q.strip()[:LONGEST]
    answer = search(studio.reader, wanted(sought, exact), flow or None, after) if sought else None
    on = {"q": sought, "flow": flow, "after": answer.next if answer else None, "exact": 1 if exact else None}
    return render(
        request,
        "run_search.html",
        query=sought,
        is_exact=exact,
        flow_id=flow,
        flows=studio.library.entries(),
        answer=answer,
        found=[_told(studio, each) for each in answer.found] if answer else [],
        further=f"/runs/search?{urlencode({key: value for key, value in on.items() if value})}",
        is_further=bool(after),
    )


def _told(studio: Studio, found: RunHits) -> dict[str, Json]:
    run = found.run
    names = {each.run_id: _names(studio, each.run_id) for each in found.hits}
    rows = [{"hit": each, "label": names[each.run_id](each.node_id).label} for each in found.hits]
    return {"run": run, "sign": state(run["status"], run["paused"]), "rows": rows}


def _names(studio: Studio, run_id: str) -> Any:
    try:
        return node_words(studio, studio.reader.state(run_id).workflow_id)
    except RunNotFound:
        return node_words(studio, "")  # it was cleared away meanwhile
