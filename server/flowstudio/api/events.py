"""Events from outside: tell the runs that wait for them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request

from ..access import actor_of
from ..errors import BODY, problems
from ..json_body import JsonRoute
from ..studio import TheStudio
from .models import Emitting, Signalling, Woken

router = APIRouter(route_class=JsonRoute, prefix="/api", tags=["events"])


@router.post("/events", responses=problems(*BODY, "event.invalid", "value.not_durable"))
def emit(body: Emitting, studio: TheStudio) -> Woken:
    """Tell an event to the runs that wait for it, as the node Emit Event does; an event nobody waits for is gone."""
    ids = {"session_id": body.session_id, "workflow_id": body.workflow_id, "run_id": body.run_id}
    return Woken(runs=studio.events.emit(body.name, body.payload, scope=body.scope, **ids))


@router.post("/waits/{wait_key:path}", responses=problems(*BODY, "wait.not_found", "value.not_durable"))
def signal(
    wait_key: Annotated[str, Path(max_length=1000)], body: Signalling, request: Request, studio: TheStudio
) -> Woken:
    """Let the runs go on that wait for an event under exactly this key."""
    return Woken(runs=studio.events.signal(wait_key, body.payload, actor=actor_of(request.scope)))
