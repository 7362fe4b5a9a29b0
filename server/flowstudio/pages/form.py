"""A posted form, read whole before its route runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request, Response
from starlette.datastructures import FormData, UploadFile
from starlette.responses import RedirectResponse


async def posted(request: Request) -> FormData:
    """Return the fields of a form."""
    return await request.form()


Posted = Annotated[FormData, Depends(posted)]


@dataclass(frozen=True)
class Sent:
    """A form with a file, read whole; both are empty where no file came."""

    name: str
    content: bytes
    fields: Mapping[str, str]


async def sent(request: Request) -> Sent:
    """Return the fields and the file of a form."""
    name, content, fields = "", b"", {}
    async with request.form(max_files=1, max_fields=8) as form:
        for key, value in form.items():
            if isinstance(value, UploadFile):
                name, content = value.filename or "", await value.read()
            else:
                fields[key] = value
    return Sent(name, content, fields)


SentFile = Annotated[Sent, Depends(sent)]


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
