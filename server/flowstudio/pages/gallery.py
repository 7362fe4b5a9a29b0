"""The gallery of starter flows: look, run with the sample's values, take a copy."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from abstractruntime.core.errors import InvalidFlow, NotDurable

from ..access import actor_of
from ..studio import Studio, TheStudio
from .coach import begin
from .form import Posted, go
from .html import path, render
from .picture import picture

router = APIRouter()
MODEL = "uses a model"  # the badge of the flows that ask the scripted model in the box


@router.get("/gallery")
def gallery(request: Request, studio: TheStudio, only: str = "") -> HTMLResponse:
    """Show the starter flows, or those with a badge."""
    starters = studio.gallery.starters()
    badges = list(dict.fromkeys(badge for each in starters for badge in each.badges))
    shown = [each for each in starters if only in ("", *each.badges)]
    held = {entry.id for entry in studio.library.entries()}
    return render(
        request,
        "gallery.html",
        starters=[
            {"it": each, "is_held": each.id in held, "picture": picture(each.document, studio.catalog)}
            for each in shown
        ],
        badges=badges,
        chosen=only,
    )


@router.post("/gallery/{flow_id}/run")
def run(request: Request, studio: TheStudio, flow_id: str, form: Posted) -> Response:
    """Run a starter flow with the values of its sample and show it at work in the editor.

    A field `coach` asks for the coach marks.
    """
    starter = studio.gallery.starter(flow_id)
    studio.gallery.keep(flow_id)
    _bring_model(studio, flow_id)
    address = f"/flows/{path(flow_id)}"
    try:
        run_id = studio.runner.launch(flow_id, dict(starter.inputs), actor=actor_of(request.scope))
    except (InvalidFlow, NotDurable):
        return go(address)  # it was changed into something that cannot run: the editor says why
    answer = go(f"{address}?run={path(run_id)}")
    return begin(request, studio, answer) if "coach" in form else answer


@router.post("/gallery/{flow_id}/watch")
def watch(studio: TheStudio, flow_id: str) -> Response:
    """Show the recorded run of a starter flow in the editor, at its first entry."""
    run_id = studio.recorded.bring(flow_id)
    _bring_model(studio, flow_id)
    return go(f"/flows/{path(flow_id)}?run={path(run_id)}&entry=1")


@router.post("/gallery/{flow_id}/copy")
def copy(studio: TheStudio, flow_id: str) -> Response:
    """Take a starter flow into the library and open it."""
    address = f"/flows/{path(studio.gallery.copy(flow_id))}"
    _bring_model(studio, flow_id)
    return go(address)


def _bring_model(studio: Studio, flow_id: str) -> None:
    """Have the model in the box ready for a starter flow that asks it: the editor's *Run* then runs it as it is."""
    if MODEL in studio.gallery.starter(flow_id).badges and studio.ai.bring_the_model_in_the_box():
        studio.programs.rebind()
