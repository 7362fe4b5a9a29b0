"""The outbox: notices that runs have sent."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from ..studio import TheStudio
from .html import render

router = APIRouter()


@router.get("/outbox")
def outbox(request: Request, studio: TheStudio) -> HTMLResponse:
    """Show the notices, newest first."""
    return render(request, "outbox.html", notices=studio.outbox.notices())
