"""The versions of a flow, what differs between two of them, publishing, and the log of edits."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse

from ..access import actor_of
from ..errors import problem_json
from ..flow_tests.past import USUAL_RUNS, past_runs
from ..library import StaleFlow
from ..library_compare import Difference, is_layout, short_path
from ..library_text import revision_of
from ..studio import Studio, TheStudio
from .behaviour import behaviour
from .form import Posted, go, text
from .html import compact, path, render
from .phone import form_address
from .tests import outcome
from .text_difference import text_difference
from .under_way import results_by_version, staying

router = APIRouter()
Json = Any
ROWS = 60
WithRuns = Annotated[bool, Query(alias="runs")]
AsText = Annotated[bool, Query(alias="text")]
WHY = {
    "start": "Before the first edit",
    "run": "Before a run",
    "interval": "After a while of work",
    "publish": "Published",
    "restore": "Before a restore",
    "merge": "My changes before a merge",
    "named": "Named",
}


@router.get("/flows/{flow_id:path}/versions")
def versions(request: Request, studio: TheStudio, flow_id: str, before: int | None = None) -> HTMLResponse:
    """Show the versions of a flow and the newest edits."""
    document, revision = studio.library.get(flow_id)
    rows = studio.history.newest(flow_id, before, ROWS + 1)
    draft = studio.versions.of_revision(flow_id, revision)
    return render(
        request,
        "versions.html",
        flow=_flow(studio, flow_id),
        versions=studio.versions.newest(flow_id),
        published=studio.versions.published(flow_id),
        draft=draft,
        tested=results_by_version(studio, flow_id, draft),
        edits=studio.history.told(flow_id, rows[:ROWS]),
        older=rows[ROWS - 1].seq if len(rows) > ROWS else None,
        before=before,
        last=studio.history.last(flow_id),
        why=WHY,
        is_live=_is_published(studio, flow_id, document),
        address=form_address(studio, flow_id),
        reachable=studio.settings.origin is not None,
    )


@router.post("/flows/{flow_id:path}/versions")
def name_version(request: Request, studio: TheStudio, flow_id: str, form: Posted) -> Response:
    """Keep the draft under a name."""
    document, _ = studio.library.get(flow_id)
    name = text(form, "name").strip()[:200] or "Unnamed"
    studio.versions.make(flow_id, document, "named", actor_of(request.scope), name)
    return go(f"/flows/{path(flow_id)}/versions")


@router.post("/flows/{flow_id:path}/versions/{number}/restore")
def restore_version(request: Request, studio: TheStudio, flow_id: str, number: int) -> Response:
    """Make the draft what a version was."""
    studio.versions.restore(flow_id, number, actor_of(request.scope))
    return go(f"/flows/{path(flow_id)}/versions")


@router.post("/flows/{flow_id:path}/edits/{seq}/restore")
def restore_edit(request: Request, studio: TheStudio, flow_id: str, seq: int) -> Response:
    """Make the draft what it was after an edit."""
    studio.history.go_back(flow_id, seq, actor_of(request.scope))
    return go(f"/flows/{path(flow_id)}/versions")


@router.get("/flows/{flow_id:path}/diff")
def choose(flow_id: str, a: str = "published", b: str = "draft") -> Response:
    """Go to the comparison of two versions that a form names."""
    return go(f"/flows/{path(flow_id)}/diff/{path(a)}..{path(b)}")


@router.get("/flows/{flow_id:path}/diff/{span}")
def diff(
    request: Request,
    studio: TheStudio,
    flow_id: str,
    span: str,
    with_runs: WithRuns = False,
    as_text: AsText = False,
) -> HTMLResponse:
    """Show what differs between two versions, as a list and on the canvas; with `runs=1` what past runs would do.

    With `text=1` the lines of both as files stand in place of list and canvas.
    """
    before, after, difference = studio.versions.difference(flow_id, span)
    return _compared(
        request, studio, flow_id, before, after, difference, with_runs=with_runs, as_text=as_text
    )


@router.get("/flows/{flow_id:path}/publish")
def look_first(
    request: Request,
    studio: TheStudio,
    flow_id: str,
    with_runs: WithRuns = False,
    as_text: AsText = False,
) -> HTMLResponse:
    """Show what publishing the draft would change; with `runs=1` what past runs would do."""
    before = "published" if studio.versions.published(flow_id) else ""
    document, revision = studio.library.get(flow_id)
    difference = studio.versions.difference(flow_id, "published..draft")[2] if before else Difference()
    found = [problem_json(each) for each in studio.programs.problems(flow_id, document)]
    errors = [each for each in found if isinstance(each, dict) and each["severity"] == "error"]
    return _compared(
        request,
        studio,
        flow_id,
        before,
        "draft",
        difference,
        with_runs=with_runs,
        as_text=as_text,
        publish=revision,
        errors=errors,
        risks=[each for each in found if isinstance(each, dict) and each["severity"] == "risk"],
        is_first=not before,
        goes_on=staying(studio, flow_id),
        tests=[] if errors else outcome(studio, flow_id),
    )


@router.post("/flows/{flow_id:path}/publish")
def publish(request: Request, studio: TheStudio, flow_id: str, form: Posted) -> Response:
    """Publish the draft that was looked at; another one meanwhile is shown first."""
    try:
        studio.versions.publish(flow_id, actor_of(request.scope), revision=text(form, "revision"))
    except StaleFlow:
        return go(f"/flows/{path(flow_id)}/publish")
    return go(f"/flows/{path(flow_id)}/versions")


@router.post("/flows/{flow_id:path}/withdraw")
def withdraw(studio: TheStudio, flow_id: str) -> Response:
    """Publish no version any more."""
    studio.library.entry(flow_id)
    studio.versions.withdraw(flow_id)
    return go(f"/flows/{path(flow_id)}/versions")


def _compared(
    request: Request,
    studio: Studio,
    flow_id: str,
    before: str,
    after: str,
    difference: Difference,
    *,
    with_runs: bool,
    as_text: bool,
    **more: Json,
) -> HTMLResponse:
    known = {"publish": "", "errors": [], "risks": [], "is_first": False, "tests": [], "goes_on": [], **more}
    told = behaviour(studio, flow_id, before, after) if before and not difference.is_empty else None
    texts = [studio.versions.named(flow_id, each) for each in (before, after)] if before and as_text else []
    may_play = told is not None and not told.unknown and not told.is_same
    return render(
        request,
        "diff.html",
        flow=_flow(studio, flow_id),
        before=before,
        after=after,
        words={"a": _called(studio, flow_id, before), "b": _called(studio, flow_id, after)},
        refs={"a": _reference(studio, flow_id, before), "b": _reference(studio, flow_id, after)},
        difference=difference,
        behaviour=told,
        text=text_difference(*texts) if texts else None,
        address=request.url.path,
        past=past_runs(studio.tests, flow_id, after) if with_runs and may_play else None,
        past_limit=USUAL_RUNS,
        versions=studio.versions.newest(flow_id, 100),
        short=short_path,
        type_label=lambda name: kind.label if (kind := studio.catalog.resolve(name)) else name,
        shown=shown,
        is_layout=is_layout,
        **known,
    )


def shown(value: Json, has: bool) -> str:
    """Write one side of a changed field in a line."""
    if not has:
        return "nothing"
    return (value or "empty text") if isinstance(value, str) else compact(value)


def _called(studio: Studio, flow_id: str, word: str) -> str:
    if word == "draft":
        return "the draft"
    if word == "published":
        return f"the published version {studio.versions.published(flow_id)}"
    if not word:
        return "nothing published"
    name = studio.versions.get(flow_id, int(word)).name
    return f"version {word}{f' “{name}”' if name else ''}"


def _reference(studio: Studio, flow_id: str, word: str) -> str:
    """Return the number that `published` stands for."""
    return str(studio.versions.published(flow_id)) if word == "published" else word


def _flow(studio: Studio, flow_id: str) -> dict[str, Json]:
    entry = studio.library.entry(flow_id)
    return {"id": flow_id, "name": entry.name, "revision": entry.revision}


def _is_published(studio: Studio, flow_id: str, document: dict[str, Json]) -> bool:
    live = studio.versions.published_document(flow_id)
    return live is not None and revision_of(live) == revision_of(document)
