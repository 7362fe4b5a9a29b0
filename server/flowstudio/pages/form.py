"""A posted form, read whole before its route runs."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request, Response
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse


async def posted(request: Request) -> FormData:
    """Return the fields of a form."""
    return await request.form()


Posted = Annotated[FormData, Depends(posted)]


def text(form: FormData, name: str) -> str:
    """Return a field's text, "" when it is absent or a file."""
    value = form.get(name)
    return value.replace("\r\n", "\n") if isinstance(value, str) else ""


def go(address: str) -> Response:
    """Send the browser on to another page, with GET."""
    return RedirectResponse(address, 303)


def within(address: str) -> str | None:
    """Return an address if it is a path of this server."""
    parts = urlsplit(address)
    is_ours = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if is_ours and not parts.scheme and not parts.netloc else None
