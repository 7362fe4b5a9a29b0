"""JSON bodies: one strict reading for all routes, that of the library's documents.

Where and what is wrong is told: line and column, the key that is there twice, the value that no
store could keep. Routers whose routes take JSON bodies are made with `route_class=JsonRoute`.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from .errors import BadBody
from .library_text import BadText, read_json


def read_body(raw: bytes) -> Any:
    """Return the value of a body; raise BadBody with the place of the first fault."""
    try:
        return read_json(raw)
    except BadText as error:
        raise BadBody(str(error), error.path) from None


class JsonRoute(APIRoute):
    """A route whose JSON body is read strictly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Hand the route a request that reads its body strictly."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            return await handler(_StrictRequest(request.scope, request.receive))

        return handle


class _StrictRequest(Request):
    async def json(self) -> Any:
        """Return the value of the body; raise BadBody."""
        return read_body(await self.body())
