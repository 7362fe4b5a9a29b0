"""The list of flows, a new flow, and the form that runs one."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from starlette.datastructures import FormData

from abstractruntime.core.errors import Conflict, InvalidFlow, KernelError, NotDurable
from abstractruntime.nodes.catalog import Catalog, new_data

from ..access import actor_of
from ..errors import problem_json
from ..flow_inputs import waits_for_time
from ..studio import Studio, TheStudio
from .form import Posted, go
from .html import path, render
from .inputs import BadValue, InputField, fields_of, filled, read_inputs
from .rows import flow_rows
from .starting import api_call, examples_of

router = APIRouter()
PLAIN_NAME = "Untitled flow"
DAY_IN_A_SECOND = 86_400


@router.get("/flows")
def list_flows(request: Request, studio: TheStudio, q: str = "") -> HTMLResponse:
    """Show the flows of the library, or those that match a search."""
    found = flow_rows(studio, q)
    return render(request, "flows.html", flows=found, broken=studio.library.broken(), query=q)


@router.post("/flows")
def new_flow(studio: TheStudio) -> Response:
    """Make an empty flow and open it."""
    taken = {entry.name for entry in studio.library.entries()}
    document = blank_flow(studio.catalog, taken)
    studio.library.put(document["id"], document)
    return go(f"/flows/{path(document['id'])}")


@dataclass(frozen=True)
class Asked:
    """A form that starts a run: what is run, where the form goes, and where its page leads back to."""

    name: str
    description: str
    action: str
    crumbs: tuple[tuple[str, str], ...]
    back: tuple[str, str]
    fields: list[InputField]
    waits: bool = False  # so that a fast clock can be chosen
    examples: tuple[str, ...] = ()
    example: str = ""  # the one whose values stand in the fields
    call: str = ""  # the start as an API call
    can_call: bool = False

    def show(self, request: Request, problems: list[Any], status: int = 200) -> HTMLResponse:
        """Return the page of the form."""
        return render(request, "run_form.html", status, asked=self, problems=problems)


def begin(
    request: Request, asked: Asked, form: FormData, launch: Callable[[dict[str, Any]], str]
) -> Response:
    """Start a run with the values of a form and show it; what is wrong is told in the form."""
    try:
        inputs = read_inputs(asked.fields, form) if form else {}  # a bare button: the defaults
        run_id = launch(inputs)
    except BadValue as error:
        return replace(asked, fields=error.fields).show(request, [], 422)
    except (NotDurable, Conflict) as error:
        return asked.show(request, [_told(error)], 422)
    except InvalidFlow as error:
        return asked.show(request, [problem_json(each) for each in error.problems] or [_told(error)], 422)
    return go(f"/runs/{path(run_id)}")


@router.get("/flows/{flow_id:path}/run")
def run_form(request: Request, studio: TheStudio, flow_id: str, example: str = "") -> HTMLResponse:
    """Ask for the values of the start node; those of an example stand in the fields if one is named."""
    document = studio.versions.for_runs(flow_id)
    problems = studio.programs.problems(flow_id, document)
    errors = [each for each in map(problem_json, problems) if _severity(each) == "error"]
    asked, known = _asked(studio, flow_id, document), examples_of(document)
    if example in known:
        asked = replace(asked, example=example, fields=filled(asked.fields, known[example]))
    return asked.show(request, errors)


@router.post("/flows/{flow_id:path}/run/call")
def show_call(request: Request, studio: TheStudio, flow_id: str, form: Posted) -> Response:
    """Show what the form would start as an API call; nothing is started."""
    asked = _asked(studio, flow_id, studio.versions.for_runs(flow_id))
    try:
        inputs = read_inputs(asked.fields, form)
    except BadValue as error:
        return replace(asked, fields=error.fields).show(request, [], 422)
    fields = filled(asked.fields, inputs)
    return replace(asked, fields=fields, call=api_call(studio, flow_id, inputs)).show(request, [])


@router.post("/flows/{flow_id:path}/run")
def start(request: Request, studio: TheStudio, flow_id: str, form: Posted) -> Response:
    """Run a flow with the values of the form and show the run."""
    document = studio.versions.for_runs(flow_id)

    def launch(inputs: dict[str, Any]) -> str:
        factor = DAY_IN_A_SECOND if "fast_clock" in form else 1
        return studio.runner.launch(flow_id, inputs, actor=actor_of(request.scope), clock_factor=factor)

    return begin(request, _asked(studio, flow_id, document), form, launch)


def _asked(studio: Studio, flow_id: str, document: dict[str, Any]) -> Asked:
    flow, place = studio.library.entry(flow_id), f"/flows/{path(flow_id)}"
    return Asked(
        name=flow.name,
        description=flow.description,
        action=f"{place}/run",
        crumbs=(("/flows", "Flows"), (place, flow.name)),
        back=(place, "Open the flow"),
        fields=fields_of(document),
        waits=waits_for_time(document),
        examples=tuple(examples_of(document)),
        can_call=True,
    )


def _told(error: KernelError) -> dict[str, Any]:
    return {"severity": "error", "code": error.code, "node": None, "pin": None, "message": str(error)}


def _severity(problem: Any) -> str:
    return str(problem["severity"])


def blank_flow(catalog: Catalog, taken: set[str]) -> dict[str, Any]:
    """Return a new document with a start node, under a name that nobody has."""
    kind = catalog.start
    node = {
        "id": "node-1",
        "type": kind.name if kind else "",
        "position": {"x": 96, "y": 160},
        "data": new_data(kind) if kind else {},
    }
    names = (PLAIN_NAME, *(f"{PLAIN_NAME} {number}" for number in range(2, len(taken) + 3)))
    name = next(each for each in names if each not in taken)
    return {
        "id": uuid.uuid4().hex[:8],
        "name": name,
        "description": "",
        "interfaces": [],
        "nodes": [node],
        "edges": [],
        "entryNode": "node-1",
    }
