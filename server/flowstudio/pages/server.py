"""The server itself: start it anew, to see that runs outlive it."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from ..errors import Refused
from .html import can_restart

router = APIRouter()


@router.post("/server/restart")
def restart(request: Request) -> Response:
    """Stop, and come back on the same port; the page stays, and its streams find their way."""
    if not can_restart(request):
        raise Refused(
            409,
            "server.not_own",
            "Only a server that `flowstudio serve` has started for this machine alone can be restarted from a page. "
            "Restart it where it was started.",
        )
    request.app.state.restart()
    return Response(status_code=204)
