"""Tests of a flow: making one of a run, the list with the last results, one test with all that differs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from ..flow_tests.judging import CHECKS
from ..flow_tests.shelf import BadTest, FlowTest, Result
from ..flow_tests.suite import NoTest
from ..studio import Studio, TheStudio
from .form import Posted, go, text
from .html import path, render
from .words import Sign

router = APIRouter()
Json = Any
SIGNS = {
    "passed": Sign("completed", "Passed", "check", "D"),
    "failed": Sign("failed", "Failed", "cross", "F"),
    "broken": Sign("failed", "Cannot run", "warn", "F"),
    "new": Sign("queued", "Not played yet", "queue", "Q"),
}
CHECKED = {
    "way": "The way through the flow: which steps, in which order, by which exit",
    "outputs": "What comes out: the output and the messages",
    "files": "The files that are written, and what is in them",
    "effects": "How many effects of each kind",
}


@router.get("/runs/{run_id}/test")
def look_at_run(request: Request, studio: TheStudio, run_id: str) -> HTMLResponse:
    """Show the form that makes a test of a run."""
    return _form(request, studio, run_id)


@router.post("/runs/{run_id}/test")
def make(request: Request, studio: TheStudio, run_id: str, form: Posted) -> Response:
    """Make a test of a run; why it cannot be made is told in the form."""
    checks = [each for each in CHECKS if form.get(each)]
    try:
        test = studio.tests.save(run_id, text(form, "name"), checks)
    except (NoTest, BadTest) as error:
        return _form(request, studio, run_id, str(error), text(form, "name"), checks)
    return go(f"/flows/{path(test.flow_id)}/tests?new={path(test.id)}#t-{path(test.id)}")


@router.get("/flows/{flow_id:path}/tests")
def list_tests(request: Request, studio: TheStudio, flow_id: str, new: str = "") -> HTMLResponse:
    """Show the tests of a flow with their last results."""
    shelf, mark = studio.tests.shelf, studio.tests.mark(flow_id)
    found, results = shelf.tests(flow_id), shelf.results(flow_id)
    rows = [_row(each, results.get(each.id), mark) for each in found]
    return render(
        request,
        "tests.html",
        flow=_flow(studio, flow_id),
        rows=rows,
        broken=shelf.broken(flow_id),
        candidates=studio.tests.candidates(flow_id),
        new=new,
        passed=sum(1 for each in rows if each["state"] == "passed"),
    )


@router.post("/flows/{flow_id:path}/tests/run")
def run_all(studio: TheStudio, flow_id: str) -> Response:
    """Play all tests of a flow on the draft."""
    studio.tests.run_all(flow_id)
    return go(f"/flows/{path(flow_id)}/tests")


@router.get("/flows/{flow_id:path}/tests/{test_id}")
def show_test(request: Request, studio: TheStudio, flow_id: str, test_id: str) -> HTMLResponse:
    """Show a test: its result, all that differs, what it checks and ignores."""
    return _one(request, studio, flow_id, test_id)


@router.post("/flows/{flow_id:path}/tests/{test_id}/run")
def run_test(studio: TheStudio, flow_id: str, test_id: str, form: Posted) -> Response:
    """Play a test on the draft."""
    studio.tests.run(flow_id, test_id)
    is_listed = text(form, "back") == "list"
    return go(f"/flows/{path(flow_id)}/tests{f'#t-{path(test_id)}' if is_listed else f'/{path(test_id)}'}")


@router.post("/flows/{flow_id:path}/tests/{test_id}/expectation")
def update(request: Request, studio: TheStudio, flow_id: str, test_id: str) -> Response:
    """Have a test expect what the draft does now."""
    try:
        studio.tests.update(flow_id, test_id)
    except NoTest as error:
        return _one(request, studio, flow_id, test_id, str(error))
    return go(f"/flows/{path(flow_id)}/tests/{path(test_id)}")


@router.post("/flows/{flow_id:path}/tests/{test_id}/change")
def change(request: Request, studio: TheStudio, flow_id: str, test_id: str, form: Posted) -> Response:
    """Rename a test, say what it checks and what it ignores, and play it."""
    checks = [each for each in CHECKS if form.get(each)]
    try:
        studio.tests.rename(flow_id, test_id, text(form, "name"))
    except BadTest as error:
        return _one(request, studio, flow_id, test_id, str(error))
    studio.tests.leave_out(flow_id, test_id, text(form, "ignore").split("\n"), checks)
    return go(f"/flows/{path(flow_id)}/tests/{path(test_id)}")


@router.post("/flows/{flow_id:path}/tests/{test_id}/ignore")
def ignore(studio: TheStudio, flow_id: str, test_id: str, form: Posted) -> Response:
    """Ignore one more field, and play the test."""
    test = studio.tests.shelf.test(flow_id, test_id)
    studio.tests.leave_out(flow_id, test_id, [*test.left_out, text(form, "path")[:400]], None)
    return go(f"/flows/{path(flow_id)}/tests/{path(test_id)}")


@router.post("/flows/{flow_id:path}/tests/{test_id}/remove")
def remove(studio: TheStudio, flow_id: str, test_id: str) -> Response:
    """Remove a test."""
    studio.tests.shelf.remove(flow_id, test_id)
    return go(f"/flows/{path(flow_id)}/tests")


def outcome(studio: Studio, flow_id: str) -> list[dict[str, Json]]:
    """Return the rows of a flow's tests as they go on the draft as it is now."""
    results, mark = studio.tests.present(flow_id), studio.tests.mark(flow_id)
    return [_row(each, results.get(each.id), mark) for each in studio.tests.shelf.tests(flow_id)]


def _form(
    request: Request,
    studio: Studio,
    run_id: str,
    wrong: str = "",
    name: str = "",
    checks: list[str] | None = None,
) -> HTMLResponse:
    run = studio.reader.state(studio.reader.root_of(run_id))
    row = studio.reader.row(run)
    return render(
        request,
        "test_form.html",
        422 if wrong else 200,
        run=row,
        is_over=run.status.is_over,
        name=name or studio.tests.suggested_name(run.run_id),
        checked=CHECKED,
        chosen=CHECKS if checks is None else checks,
        wrong=wrong,
    )


def _one(request: Request, studio: Studio, flow_id: str, test_id: str, wrong: str = "") -> HTMLResponse:
    test = studio.tests.shelf.test(flow_id, test_id)
    row = _row(test, studio.tests.shelf.results(flow_id).get(test_id), studio.tests.mark(flow_id))
    return render(
        request,
        "test.html",
        422 if wrong else 200,
        flow=_flow(studio, flow_id),
        test=row,
        inputs=test.inputs,
        ignore=test.left_out,
        checked=CHECKED,
        chosen=test.checks,
        wrong=wrong,
    )


def _flow(studio: Studio, flow_id: str) -> dict[str, Json]:
    return {"id": flow_id, "name": studio.library.entry(flow_id).name}


def _row(test: FlowTest, result: Result | None, mark: str) -> dict[str, Json]:
    partings: tuple[Mapping[str, Json], ...] = result.partings if result is not None else ()
    state = "new" if result is None else result.state
    return {
        "id": test.id,
        "name": test.name,
        "run_id": test.recording.run_id,
        "made_at": test.made_at,
        "effects": test.expected.effects,
        "state": state,
        "sign": SIGNS.get(state, SIGNS["new"]),
        "ms": result.ms if result is not None else 0.0,
        "at": result.at if result is not None else "",
        "is_old": result is not None and state != "broken" and result.revision != mark,
        "partings": partings,
        "may_update": bool(partings)
        and not any(each["kind"] in ("request", "wait", "flow") for each in partings),
    }
