"""The page that trades a login link for a session; the trade itself is the API's."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from .html import render

router = APIRouter()


@router.get("/login")
def login(request: Request) -> HTMLResponse:
    """Show the sign-in page."""
    return render(request, "login.html", inbox_count=0)
