"""Home: what waits for the reader, what runs, what failed, what was drawn last."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from abstractruntime.core.models import RunState, RunStatus

from ..studio import Studio, TheStudio
from .form import go
from .html import fragment, render
from .rows import OPEN, flow_rows, run_rows

router = APIRouter()
DEMO = "hello-durable-world"  # of the gallery: it asks within a second and is over within twenty
HIDES = "first_steps"  # the cookie of who wants to see the first steps no more
YEAR_S = 365 * 24 * 3600


@router.get("/")
def home(request: Request, studio: TheStudio) -> HTMLResponse:
    """Show the start page."""
    return render(request, "home.html", **_shown(request, studio), digest="")


@router.get("/home")
def home_part(request: Request, studio: TheStudio) -> Response:
    """Return the lists of the start page when they have changed."""
    return fragment(request, "partials/_home.html", **_shown(request, studio))


@router.get("/app.webmanifest", include_in_schema=False)
def manifest(studio: TheStudio) -> JSONResponse:
    """Say how the pages are installed as an app: by their mark, without the browser's own bars."""
    icon = {"src": studio.assets.url("css/mark.svg"), "sizes": "any", "type": "image/svg+xml"}
    words = {"name": "FlowStudio", "short_name": "FlowStudio", "start_url": "/start", "display": "standalone"}
    return JSONResponse({**words, "scope": "/", "icons": [icon]}, media_type="application/manifest+json")


@router.get("/start", include_in_schema=False)
def start_page(request: Request) -> Response:
    """Open the installed app: on a telephone (client hint `Sec-CH-UA-Mobile`) at the inbox, else at home."""
    return go("/inbox" if request.headers.get("sec-ch-ua-mobile") == "?1" else "/")


@router.post("/first-steps/hide")
def hide_steps(studio: TheStudio) -> Response:
    """Show the first steps no more, in this browser."""
    answer = go("/")
    answer.set_cookie(
        HIDES, "hidden", max_age=YEAR_S, httponly=True, samesite="strict", secure=studio.settings.is_secure
    )
    return answer


def _shown(request: Request, studio: Studio) -> dict[str, Any]:
    flows = sorted(flow_rows(studio), key=lambda flow: str(flow["updated_at"]), reverse=True)
    under_way, _ = run_rows(studio, OPEN, limit=20)
    open_runs = [run for run in under_way if run["reason"] not in ("user", "stop")][
        :5
    ]  # questions stand above
    failed, _ = run_rows(studio, "failed", limit=5)
    is_new = not under_way and not failed and not studio.reader.rows(limit=1)
    return {
        "prompts": studio.reader.prompts(),
        "open_runs": open_runs,
        "failed_runs": failed,
        "flows": flows[:6],
        "is_new": is_new,
        "steps": () if is_new or HIDES in request.cookies else first_steps(studio, flows),
        "demo": DEMO,
        "back": "/",
    }


def first_steps(studio: Studio, flows: list[dict[str, Any]]) -> tuple[tuple[str, str, str, bool], ...]:
    """Return the first steps as words, address, its word, and whether it is done; none when all are."""
    own = [flow for flow in flows if not studio.gallery.holds(str(flow["id"]))]
    begun, ended = _runs(studio), _runs(studio, RunStatus.COMPLETED)
    outlived = any(_outlived(studio, run) for run in begun)
    steps = (
        ("Start a run", "/gallery", "Starter flows", bool(begun)),
        ("See one to its end: answer what it asks", "/inbox", "Inbox", bool(ended)),
        ("Stop the server while a run waits, and start it again", "/runs", "Runs", outlived),
        ("Draw a flow of your own", "/flows", "Flows", bool(own)),
        ("Run it", "/flows", "Flows", any(flow["last_run"] for flow in own)),
    )
    return () if all(step[3] for step in steps if step[1] != "/runs") else steps


def _runs(studio: Studio, status: RunStatus | None = None) -> list[RunState]:
    """Return the newest runs that are no recordings: as many as there are starters."""
    rows = studio.reader.rows(status=status, limit=len(studio.gallery.starters()), recordings=False)
    return [studio.reader.state(str(row["run_id"])) for row in rows]


def _outlived(studio: Studio, run: RunState) -> bool:
    """Say whether the server was away in the life of a run."""
    over = run.updated_at if run.status.is_over else None
    return bool(run.created_at and studio.presence.between(run.created_at, over))
