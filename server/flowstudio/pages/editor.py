"""The editor's page: the shell around the canvas. The island loads the flow and draws it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import HTMLResponse

from ..access import actor_of
from ..library import FlowNotFound
from ..links import wanted
from ..studio import Studio, TheStudio
from .coach import coach_of
from .html import path, render

router = APIRouter(include_in_schema=False)
MOST_CALLERS = 20
REASONS = Path(__file__).resolve().parents[1] / "problem_reasons.json"  # made from docs/problems.md


@dataclass(frozen=True)
class Crumb:
    """A flow that was stepped out of: its name, and the way back to the node that was left.

    `bound` is the version of the inner flow that the node is bound to, if to any.
    """

    name: str
    address: str
    bound: str = ""


@router.get("/editor/habits")
def habits(studio: TheStudio) -> dict[str, Any]:
    """Return what the person's own flows tell: `follows`, what follows what in them, is offered first; `mine`
    are the flows themselves as steps, those that others run most first. `starters` are the flows of the gallery."""
    mine = [asdict(own) for own in studio.habits.mine()]
    starters = [
        {
            "id": each.id,
            "name": each.name,
            "problem": each.problem,
            "about": f"{each.description} {each.learn}",
        }
        for each in studio.gallery.starters()
    ]
    return {"follows": studio.habits.follows(), "mine": mine, "starters": starters}


@router.get("/editor/problems")
def reasons() -> Response:
    """Return by the code of a problem what it means and what to do about it, as plain text."""
    return Response(REASONS.read_bytes(), media_type="application/json")


@router.get("/flows/{flow_id:path}", response_class=HTMLResponse)
def editor(
    request: Request,
    flow_id: str,
    studio: TheStudio,
    run: str = "",
    via: Annotated[list[str] | None, Query()] = None,
) -> HTMLResponse:
    """Show a flow in the editor; `?run=` lays that run over it, `?via=` says from where it was stepped into."""
    document, _ = studio.library.get(flow_id)
    name, actor = name_of(document, flow_id), actor_of(request.scope)
    crumbs = crumbs_of(studio, via or [])
    shown = {
        "name": name,
        "actor": actor,
        "run_id": run,
        "callers": crumbs,
        "coach": coach_of(request, studio),
    }
    return render(request, "editor.html", flow_id=flow_id, **shown)


def crumbs_of(studio: Studio, via: list[str]) -> list[Crumb]:
    """Return the flows on the way to this one; what is no way (an edited address) is left out.

    Each part is the JSON of `[flow id, node id, run id or ""]`, the outermost caller first.
    """
    found: list[Crumb] = []
    way: list[tuple[str, str]] = []
    for part in via[:MOST_CALLERS]:
        try:
            caller, node, run = json.loads(part)
            document = studio.library.get(str(caller))[0]
            title = name_of(document, str(caller))
        except (ValueError, TypeError, FlowNotFound):
            continue
        back = [*way, ("at", str(node)), *([("run", str(run))] if run else [])]
        left = [each.get("data") for each in document.get("nodes", []) if each.get("id") == node]
        bound = next(map(wanted, left), "")
        found.append(Crumb(title, f"/flows/{path(str(caller))}?{urlencode(back)}", bound))
        way.append(("via", part))
    return found


def name_of(document: dict[str, Any], flow_id: str) -> str:
    """Return the flow's name, or its id where it has none."""
    name = document.get("name")
    return name if isinstance(name, str) and name.strip() else flow_id
