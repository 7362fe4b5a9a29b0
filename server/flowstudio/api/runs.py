"""Runs: start, list, look, hold back, end."""

from __future__ import annotations

from time import monotonic, sleep
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from abstractruntime.core.models import RunState, RunStatus
from abstractruntime.core.waits import is_paused
from abstractruntime.storage.base import MOST_POSITION

from ..access import actor_of
from ..errors import BODY, problems
from ..json_body import JsonRoute
from ..runner_fork import Wanted
from ..runner_pins import given
from ..runner_trial import Told
from ..runner_views import place_of
from ..studio import Studio, TheStudio
from .bundles import deprecation
from .launch_models import Breakpoints, Launch
from .models import (
    Forking,
    Launched,
    LedgerPage,
    NodeOutputs,
    Reason,
    RunList,
    RunPage,
    RunRow,
    RunStanding,
    Variables,
)

router = APIRouter(route_class=JsonRoute, prefix="/api/runs", tags=["runs"])
CHANGE = (*BODY, "run.not_found", "run.stale_revision")
FORK = (
    *BODY,
    "run.not_found",
    "conflict",
    "run.does_not_fit",
    "flow.not_found",
    "flow.invalid",
    "run.bad_input",
    "value.not_durable",
    "workflow.not_found",
)
LOOK_SECONDS = 0.02  # between two looks at a run that is waited for
LAUNCH = (
    *(*BODY, "flow.not_found", "flow.invalid", "run.bad_input", "value.not_durable"),
    *("bundle.not_found", "bundle.deprecated", "bundle.error", "flow.malformed"),
)


@router.post("", status_code=201, responses=problems(*LAUNCH), response_model_exclude_unset=True)
def start_run(body: Launch, request: Request, response: Response, studio: TheStudio) -> Launched:
    """Start a flow as it is published, else as it is now, or one of an installed bundle; 422 with its problems."""
    started = _launched(body, studio, actor_of(request.scope))
    run_id = started.run_id
    response.headers["Location"] = f"/api/runs/{run_id}"
    if body.wait_seconds:
        until = monotonic() + body.wait_seconds
        while studio.reader.is_moving(run_id) and monotonic() < until:
            sleep(LOOK_SECONDS)
        started.run = get_run(run_id, studio)
    return started


def _launched(body: Launch, studio: Studio, actor: str) -> Launched:
    if body.bundle_ref is not None:
        chosen = studio.installed.start(body.bundle_ref, body.flow_id or "")
        run_id = studio.runner.launch_kept(
            chosen.workflow_id, body.inputs, actor=actor, session_id=body.session_id
        )
        started = _begun(studio, run_id)
        if chosen.mark is not None:
            started.deprecated = deprecation(chosen.mark)
        return started
    run_id = studio.runner.launch(
        body.flow_id or "",
        body.inputs,
        actor=actor,
        session_id=body.session_id,
        draft=body.draft,
        trial=body.trial.model_dump() if body.trial else None,
        document=body.document,
        clock_factor=body.clock_factor,
    )
    return _begun(studio, run_id)


def _begun(studio: Studio, run_id: str) -> Launched:
    return Launched(run_id=run_id, session_id=studio.reader.state(run_id).session_id or run_id)


@router.get("", responses=problems())
def list_runs(
    studio: TheStudio,
    flow_id: str | None = None,
    session_id: str | None = None,
    status: RunStatus | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str, Query(pattern=r"^([0-9]{1,18}-.{1,400})?$")] = "",
) -> RunList:
    """List the runs that people started, those that changed last first; go on with `cursor`, the `next` of a list."""
    rows = studio.reader.rows(
        flow_id=flow_id, status=status, session_id=session_id, limit=limit + 1, cursor=cursor
    )
    more = place_of(rows[limit - 1]) if len(rows) > limit else None
    return RunList(runs=[RunRow.model_validate(row) for row in rows[:limit]], next=more)


@router.get("/{run_id}", responses=problems("run.not_found"))
def get_run(run_id: str, studio: TheStudio) -> RunPage:
    """Return where a run stands, its output or error, and what it waits for."""
    return RunPage.model_validate({**studio.reader.page(run_id), "version": studio.versions.of_run(run_id)})


@router.get("/{run_id}/input", responses=problems("run.not_found"))
def get_input(run_id: str, studio: TheStudio) -> Variables:
    """Return the values that a run began with."""
    studio.reader.state(run_id)
    return Variables(values=studio.reader.begun_with(run_id))


@router.get("/{run_id}/vars", responses=problems("run.not_found"))
def get_vars(run_id: str, studio: TheStudio) -> Variables:
    """Return a run's variables as they stand; what the kernel keeps beside them (`_...`) is left out."""
    found = studio.reader.state(run_id).vars.items()
    return Variables(values={name: value for name, value in found if not name.startswith("_")})


@router.get("/{run_id}/children", responses=problems("run.not_found"))
def list_children(run_id: str, studio: TheStudio) -> RunList:
    """List the runs that a run has started itself."""
    studio.reader.state(run_id)
    rows = [studio.reader.row(child) for child in studio.reader.children(run_id)]
    return RunList(runs=[RunRow.model_validate(row) for row in rows])


@router.get("/{run_id}/ledger", responses=problems("run.not_found"))
def get_ledger(
    run_id: str,
    studio: TheStudio,
    after: Annotated[int, Query(ge=0, le=MOST_POSITION)] = 0,
    limit: Annotated[int, Query(ge=1, le=2000)] = 500,
) -> LedgerPage:
    """Return records of a run and its children after a position, in order."""
    studio.reader.state(run_id)
    placed = studio.reader.records(run_id, after, limit)
    records: list[dict[str, Any]] = [
        {**item.record, "position": item.position, "seq": item.seq, "run_id": item.run_id} for item in placed
    ]
    return LedgerPage(records=records, next=placed[-1].position if placed else after)


@router.get("/{run_id}/flow", responses=problems("run.not_found", "workflow.not_found"))
def get_run_flow(run_id: str, studio: TheStudio) -> dict[str, Any]:
    """Return the flow as this run executes it, whatever became of it in the library."""
    return studio.programs.document(studio.reader.state(run_id).workflow_id)


@router.get(
    "/{run_id}/outputs", responses=problems("run.not_found", "run.no_outputs", "outputs.not_pinnable")
)
def get_outputs(
    run_id: str, studio: TheStudio, node_id: str, at: Annotated[int, Query(ge=0, le=MOST_POSITION)] = 0
) -> NodeOutputs:
    """Return what a node gave in its last visit, or in the one at a place (from 1), as it can be pinned."""
    found = given(studio.stories, run_id, node_id, at)
    return NodeOutputs(outputs=dict(found.outputs), exit=found.exit)


@router.post("/{run_id}/pause", responses=problems(*CHANGE))
def pause_run(run_id: str, studio: TheStudio, body: Reason | None = None) -> RunStanding:
    """Hold a run and its children back after their present step; what is over, or waits, stays as it is."""
    return _standing(studio.runner.pause(run_id, reason=body.reason if body else None))


@router.post("/{run_id}/resume", responses=problems(*CHANGE))
def resume_run(run_id: str, request: Request, studio: TheStudio, body: Reason | None = None) -> RunStanding:
    """Let a run and its children go on that are paused, or stopped at a breakpoint."""
    return _standing(studio.runner.resume(run_id, actor=actor_of(request.scope)))


@router.put("/{run_id}/breakpoints", status_code=204, response_class=Response, responses=problems(*CHANGE))
def put_breakpoints(run_id: str, body: Breakpoints, studio: TheStudio) -> Response:
    """Tell a trial run under way which breakpoints a flow has now, and what it stops at anywhere; other runs are not changed."""
    places = [each.model_dump(exclude_defaults=True) for each in body.places]
    anywhere = body.anywhere.model_dump() if body.anywhere else None
    studio.runner.set_breaks(run_id, Told(body.flow_id, [*body.nodes, *places], body.to or "", anywhere))
    return Response(status_code=204)


@router.post("/{run_id}/retry", responses=problems(*CHANGE, "run.is_over"))
def retry_run(run_id: str, request: Request, studio: TheStudio) -> RunStanding:
    """Have a failed run go on at the step that failed, or one that waits for a further attempt make it now.

    What was done before is not done again.
    """
    return _standing(studio.runner.retry(run_id, actor=actor_of(request.scope)))


@router.post("/{run_id}/fork", status_code=201, responses=problems(*FORK))
def fork_run(run_id: str, body: Forking, request: Request, response: Response, studio: TheStudio) -> Launched:
    """Start a run from an entry of this one, with values changed; of a child's entry, a fork of the whole run then.

    409 says why it cannot begin there, 422 what of the values is not there.
    """
    instant = studio.forks.instant(run_id, body.seq)
    changes = studio.forks.places(instant, Wanted(body.inputs, body.variables, body.outputs))
    new = studio.runner.fork(
        run_id,
        body.seq,
        changes,
        effects=body.effects,
        actor=actor_of(request.scope),
        reason=body.reason,
        version=body.version,
    )
    response.headers["Location"] = f"/api/runs/{new}"
    return _begun(studio, new)


@router.post("/{run_id}/cancel", responses=problems(*CHANGE))
def cancel_run(run_id: str, studio: TheStudio, body: Reason | None = None) -> RunStanding:
    """End a run and its children; what is over stays as it is."""
    return _standing(studio.runner.cancel(run_id, reason=body.reason if body else None))


def _standing(run: RunState) -> RunStanding:
    return RunStanding(run_id=run.run_id, status=run.status.value, paused=is_paused(run))
