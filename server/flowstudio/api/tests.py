"""Tests of flows over HTTP: make of a run, list, play, change, remove."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Query, Response

from ..errors import BODY, problems
from ..flow_tests.judging import CHECKS
from ..flow_tests.past import MOST_RUNS, USUAL_RUNS, past_runs
from ..flow_tests.shelf import FlowTest, Result
from ..json_body import JsonRoute
from ..studio import Studio, TheStudio
from .body import DOCUMENT
from .tests_models import (
    Changing,
    FlowTestList,
    FlowTestRow,
    Making,
    PartingRow,
    PastRunList,
    PastRunRow,
    Playing,
    ResultRow,
)

router = APIRouter(route_class=JsonRoute, prefix="/api/flows", tags=["tests"])
MISSING = ("flow.not_found", "test.not_found")


@router.get("/{flow_id:path}/tests", responses=problems("flow.not_found"))
def list_tests(flow_id: str, studio: TheStudio) -> FlowTestList:
    """List the tests of a flow with their last results."""
    shelf = studio.tests.shelf
    results = shelf.results(flow_id)
    rows = [_row(each, results.get(each.id)) for each in shelf.tests(flow_id)]
    return FlowTestList(tests=rows, broken=shelf.broken(flow_id))


@router.post(
    "/{flow_id:path}/tests",
    status_code=201,
    responses=problems(*BODY, "flow.not_found", "run.not_found", "test.not_possible", "test.malformed"),
)
def make_test(flow_id: str, body: Making, studio: TheStudio) -> FlowTestRow:
    """Make a test of a run of this flow that has ended, and play it on the draft."""
    studio.library.entry(flow_id)
    checks = CHECKS if body.checks is None else body.checks
    return _told(studio, studio.tests.save(body.run_id, body.name or "", checks, flow_id=flow_id))


@router.post("/{flow_id:path}/tests/run", responses=problems(*BODY, "flow.not_found", "version.not_found"))
def run_tests(flow_id: str, body: Playing, studio: TheStudio) -> FlowTestList:
    """Play all tests of a flow; nothing leaves the machine for it."""
    results = studio.tests.run_all(flow_id, body.of)
    shelf = studio.tests.shelf
    rows = [_row(each, results.get(each.id)) for each in shelf.tests(flow_id)]
    return FlowTestList(tests=rows, broken=shelf.broken(flow_id))


@router.get("/{flow_id:path}/past-runs", responses=problems("flow.not_found", "version.not_found"))
def play_past_runs(
    flow_id: str,
    studio: TheStudio,
    of: Annotated[str, Query(max_length=20)] = "draft",
    limit: Annotated[int, Query(ge=1, le=MOST_RUNS)] = USUAL_RUNS,
) -> PastRunList:
    """Play the last runs that have ended on `of`: `draft`, `published` or a version; nothing leaves the machine."""
    found = past_runs(studio.tests, flow_id, of, limit)
    rows = [
        PastRunRow(
            run_id=each.row["run_id"],
            started_at=each.row["created_at"],
            **{key: value for key, value in vars(each).items() if key not in ("row", "way")},
        )
        for each in found.runs
    ]
    return PastRunList(of=of, runs=rows, is_cut=found.is_cut)


@router.get(
    "/{flow_id:path}/tests/{test_id}",
    response_class=Response,
    responses={
        200: {"description": "The document", "content": DOCUMENT},
        **problems(*MISSING, "test.malformed"),
    },
)
def get_test(flow_id: str, test_id: str, studio: TheStudio) -> Response:
    """Return a test as it is kept: inputs, recording, what is expected."""
    text = json.dumps(studio.tests.shelf.test(flow_id, test_id).to_json(), ensure_ascii=False)
    return Response(text.encode("utf-8", "backslashreplace"), media_type="application/json")


@router.patch("/{flow_id:path}/tests/{test_id}", responses=problems(*BODY, *MISSING, "test.malformed"))
def change_test(flow_id: str, test_id: str, body: Changing, studio: TheStudio) -> FlowTestRow:
    """Rename a test, say what it checks, which fields it ignores."""
    tests = studio.tests
    if body.name is not None:
        tests.rename(flow_id, test_id, body.name)
    if body.checks is not None or body.ignore is not None:
        tests.leave_out(flow_id, test_id, body.ignore, body.checks)
    return _told(studio, tests.shelf.test(flow_id, test_id))


@router.delete(
    "/{flow_id:path}/tests/{test_id}",
    status_code=204,
    response_class=Response,
    responses=problems(*MISSING),
)
def remove_test(flow_id: str, test_id: str, studio: TheStudio) -> None:
    """Remove a test."""
    studio.tests.shelf.remove(flow_id, test_id)


@router.post(
    "/{flow_id:path}/tests/{test_id}/run",
    responses=problems(*BODY, *MISSING, "version.not_found", "test.malformed"),
)
def run_test(flow_id: str, test_id: str, body: Playing, studio: TheStudio) -> ResultRow:
    """Play a test on the draft, on the published version or on another one."""
    return _result(studio.tests.run(flow_id, test_id, body.of))


@router.post(
    "/{flow_id:path}/tests/{test_id}/expectation",
    responses=problems(*MISSING, "test.not_possible", "test.malformed"),
)
def update_test(flow_id: str, test_id: str, studio: TheStudio) -> FlowTestRow:
    """Have a test expect what the draft does now."""
    return _told(studio, studio.tests.update(flow_id, test_id))


def _told(studio: Studio, test: FlowTest) -> FlowTestRow:
    return _row(test, studio.tests.shelf.results(test.flow_id).get(test.id))


def _row(test: FlowTest, result: Result | None) -> FlowTestRow:
    return FlowTestRow(
        id=test.id,
        name=test.name,
        run_id=test.recording.run_id,
        version=test.version,
        made_at=test.made_at,
        checks=list(test.checks),
        ignore=list(test.left_out),
        result=None if result is None else _result(result),
    )


def _result(result: Result) -> ResultRow:
    told = [PartingRow.model_validate(each) for each in result.partings]
    return ResultRow(state=result.state, at=result.at, ms=result.ms, of=result.of, differences=told)
