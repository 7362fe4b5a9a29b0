"""Runs: the list, one run with its steps, and what one may do to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from starlette.datastructures import FormData

from abstractruntime.core.errors import WorkflowNotFound
from abstractruntime.core.models import RunStatus
from abstractruntime.core.vars import clock_factor

from ..access import actor_of
from ..installed import bundle_of
from ..library import FlowNotFound
from ..runner_trial import asked_of
from ..runner_views import event_name, failure_words
from ..studio import Studio, TheStudio
from .form import Posted, go, text, within
from .html import fragment, one_line, path, render
from .rows import OPEN, reason_of, run_rows
from .steps import MOST_OPEN, NodeWords, Steps, Teller, reuse, stop_open

router = APIRouter()
Json = Any
TABS = (
    ("", "All"),
    (OPEN, "Under way"),
    ("waiting", "Waiting"),
    ("completed", "Done"),
    ("failed", "Failed"),
    ("cancelled", "Cancelled"),
)
_IS = {
    OPEN: "is under way",
    "waiting": "waits",
    "completed": "is done",
    "failed": "has failed",
    "cancelled": "was cancelled",
}
SHOWN = 300  # rows of a run's page before "show earlier"
EVERY = 1_000_000
MOST_ROWS = 500
MOST_KIN = 20


@router.get("/runs")
def list_runs(
    request: Request, studio: TheStudio, status: str = "", flow: str = "", limit: int = 50
) -> HTMLResponse:
    """Show the runs that people started, the newest first."""
    words = _listed(studio, status, flow, limit)
    tabs = [{"word": word, "href": _address(key, flow), "is_here": key == status} for key, word in TABS]
    return render(request, "runs.html", tabs=tabs, flows=studio.library.entries(), digest="", **words)


@router.get("/runs/list")
def runs_part(
    request: Request, studio: TheStudio, status: str = "", flow: str = "", limit: int = 50
) -> Response:
    """Return the list of runs when it has changed."""
    return fragment(request, "partials/_run_list.html", **_listed(studio, status, flow, limit))


@router.get("/runs/{run_id}")
def show_run(request: Request, studio: TheStudio, run_id: str, steps: str = "") -> HTMLResponse:
    """Show a run: where it stands, what it asks, every step."""
    run = run_words(studio, run_id)
    told = tell(studio, run_id, 0)
    if steps != "all" and len(told.rows) > SHOWN:
        told = Steps(told.rows[-SHOWN:], told.cursor, told.total, earlier=len(told.rows) - SHOWN)
    return render(request, "run.html", run=run, steps=told, **_ask_words(run))


@router.get("/runs/{run_id}/live")
def run_part(request: Request, studio: TheStudio, run_id: str, after: int = 0, have: int = 0) -> HTMLResponse:
    """Return the parts of a run's page that may have changed since a cursor."""
    run = run_words(studio, run_id)
    told = tell(studio, run_id, max(0, after), MOST_OPEN)
    return render(request, "partials/_run_live.html", run=run, steps=told, **_ask_words(run))


@router.post("/runs/{run_id}/pause")
def pause(studio: TheStudio, run_id: str, form: Posted) -> Response:
    """Hold a run back after its present step."""
    studio.runner.pause(run_id)
    return _back(form, run_id)


@router.post("/runs/{run_id}/resume")
def resume(request: Request, studio: TheStudio, run_id: str, form: Posted) -> Response:
    """Let a run go on that is paused, or stopped at a breakpoint."""
    studio.runner.resume(run_id, actor=actor_of(request.scope))
    return _back(form, run_id)


@router.post("/runs/{run_id}/cancel")
def cancel(studio: TheStudio, run_id: str, form: Posted) -> Response:
    """End a run."""
    studio.runner.cancel(run_id)
    return _back(form, run_id)


@router.post("/runs/{run_id}/retry")
def retry(request: Request, studio: TheStudio, run_id: str, form: Posted) -> Response:
    """Have a failed run go on at the step that failed."""
    studio.runner.retry(run_id, actor=actor_of(request.scope))
    return _back(form, run_id)


@router.post("/runs/{run_id}/again")
def again(request: Request, studio: TheStudio, run_id: str) -> Response:
    """Run the flow with the input of this run: the published version if this run had it, else as it is now.

    Of a trial run it is a trial run again; of a bundle it is the version that this run had.
    """
    run = studio.reader.state(run_id)
    row, trial = studio.reader.row(run), asked_of(run.vars)
    draft = bool(trial) or studio.versions.of_run(run_id) != studio.versions.published(row["flow_id"])
    inputs, actor = inputs_of(studio, run_id), actor_of(request.scope)
    if bundle_of(row["flow_id"]) and not _has_flow(studio, row["flow_id"]):
        return go(f"/runs/{path(studio.runner.launch_kept(run.workflow_id, inputs, actor=actor))}")
    new = studio.runner.launch(row["flow_id"], inputs, actor=actor, draft=draft, trial=trial)
    return go(f"/runs/{path(new)}")


def run_words(studio: Studio, run_id: str) -> dict[str, Json]:
    """Return all that the page of a run says but its steps."""
    page = studio.reader.page(run_id)
    waiting = page["waiting"]
    run = studio.reader.state(run_id)
    names = node_words(studio, run.workflow_id)
    failed = page["failed_node"]
    return {
        **page,
        "error": failure_words(page["error"] or ""),
        "is_over": page["status"] in ("completed", "failed", "cancelled"),
        "reason": reason_of(waiting),
        "asks_itself": bool(waiting and waiting["reason"] == "user" and waiting["run_id"] == page["run_id"]),
        "waiting_name": event_name(waiting["wait_key"]) if waiting else "",
        "has_flow": (has_flow := _has_flow(studio, page["flow_id"])),
        "bundle": "" if has_flow else bundle_of(page["flow_id"]),
        "failed_label": names(failed).label if failed else "",
        "inputs": inputs_of(studio, run_id),
        "clock_factor": clock_factor(run.vars),
        "used": studio.reader.used(run_id),
        "version": studio.versions.of_run(run_id),
        **kin(studio, run_id),
    }


def kin(studio: Studio, run_id: str) -> dict[str, Json]:
    """Return what a run is a fork of, whether that is kept, and the forks of it, the newest first."""
    origin = studio.reader.origins.of(run_id)
    forks = [
        studio.reader.row(studio.reader.state(each))
        for each in studio.reader.origins.forks(run_id)[:MOST_KIN]
    ]
    is_kept = origin is not None and studio.reader.origins.exists(origin.run_id)
    names = [str(each.get("path")).rpartition("/")[2] for each in origin.changes] if origin else []
    changed = ", ".join(dict.fromkeys(names))
    return {"origin": origin, "has_origin": is_kept, "forks": forks, "changed": changed}


def inputs_of(studio: Studio, run_id: str) -> dict[str, Json]:
    """Return the values that a run began with."""
    return studio.reader.begun_with(run_id)


def tell(studio: Studio, run_id: str, after: int, most: int = EVERY) -> Steps:
    """Return the rows of a run and its subflows whose records come after a position."""
    names = cache(lambda each: node_words(studio, studio.reader.state(each).workflow_id))
    roots = {*studio.reader.origins.line(run_id)}

    @cache
    def place(each: str) -> tuple[int, str]:
        state, depth = studio.reader.state(each), 0
        name = studio.reader.flow_name(state.workflow_id)
        while state.run_id not in roots and state.parent_run_id:
            state, depth = studio.reader.state(state.parent_run_id), depth + 1
        return depth, name

    def called(run: str, node: str) -> NodeWords:
        return names(run)(node)

    before = Teller(called, place)
    before.tell(studio.reader.origins.prefix(run_id) if not after else ())
    teller = Teller(called, place)
    records = studio.reader.records(run_id, after, most)
    teller.last = after
    teller.tell(records)
    is_full = len(records) >= most
    cursor = teller.last if is_full else teller.cursor()
    stopped = (RunStatus.CANCELLED, RunStatus.FAILED)
    stop_open(teller.rows, lambda each: studio.reader.state(each).status in stopped)
    rows = [*reuse(before.rows), *teller.rows]
    return Steps(rows, cursor, len(rows), more=is_full)


def node_words(studio: Studio, workflow_id: str) -> Callable[[str], NodeWords]:
    """Return a function that says how the nodes of a workflow's flow are called.

    Without the program's file the nodes are called by their ids: the run can still be read.
    """
    try:
        document = studio.programs.document(workflow_id)
    except WorkflowNotFound:
        document = {}
    nodes = {str(node.get("id")): node for node in document.get("nodes", []) if isinstance(node, Mapping)}

    def words(node_id: str) -> NodeWords:
        node = nodes.get(node_id)
        if node is None:
            return NodeWords(node_id)
        kind = studio.catalog.resolve(str(node.get("type")))
        data = node.get("data")
        label = data.get("label") if isinstance(data, Mapping) else None
        if kind is None:
            return NodeWords(str(label or node_id))
        return NodeWords(str(label or kind.label), kind.name, kind.label, kind.family)

    return words


def _back(form: FormData, run_id: str) -> Response:
    """Go back to the page on which a button was pressed, else to the run."""
    return go(within(text(form, "back")) or f"/runs/{path(run_id)}")


def _listed(studio: Studio, status: str, flow_id: str, limit: int) -> dict[str, Json]:
    most = min(max(limit, 1), MOST_ROWS)
    runs, more = run_rows(studio, status, flow_id, most)
    is_none = not runs and not status and not flow_id
    newest = (
        max(studio.library.entries(), key=lambda flow: flow.updated_at, default=None) if is_none else None
    )
    words = {
        "newest": newest,
        "runs": runs,
        "more": more,
        "limit": most,
        "status": status,
        "flow_id": flow_id,
    }
    return words if runs else {**words, **_nothing(studio, status, flow_id)}


def _nothing(studio: Studio, status: str, flow_id: str) -> dict[str, Json]:
    """Return what was looked for in words, and the nearest that there is: `(word, address)` each."""
    name = studio.library.entry(flow_id).name if flow_id and _has_flow(studio, flow_id) else flow_id
    of_flow = f" of “{one_line(name, 40)}”" if flow_id else ""
    near = []
    if status and flow_id:
        if run_rows(studio, "", flow_id, 1)[0]:
            near.append((f"All runs{of_flow}", _address("", flow_id)))
        if run_rows(studio, status, "", 1)[0]:
            near.append((f"Every run that {_IS.get(status, status)}", _address(status, "")))
    return {"sought": f"No run{of_flow} {_IS.get(status, 'is here yet')}.", "near": near}


def _address(status: str, flow_id: str) -> str:
    parts = [f"status={path(status)}"] if status else []
    parts += [f"flow={path(flow_id)}"] if flow_id else []
    return "/runs" + ("?" + "&".join(parts) if parts else "")


def _has_flow(studio: Studio, flow_id: str) -> bool:
    try:
        studio.library.entry(flow_id)
    except FlowNotFound:
        return False
    return True


def _ask_words(run: Mapping[str, Json]) -> dict[str, Json]:
    """Return what the place of the open question needs; its key changes with the question."""
    asked = [f"{prompt['run_id']}@{prompt['asked_at']}" for prompt in run["prompts"]]
    waiting = run["waiting"] or {}
    wait = f"{waiting.get('reason')}:{waiting.get('until')}:{waiting.get('wait_key')}"
    key = "|".join([str(run["status"]), str(run["paused"]), wait, *asked])
    return {
        "ask_key": key,
        "back": f"/runs/{path(run['run_id'])}",
        "wrong": "",
        "text": "",
        "autofocus": False,
        "heading": "h2",
        "edited": {},
    }
