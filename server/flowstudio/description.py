"""The OpenAPI description: the routes, the one form that all errors have, and both ways to sign in."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .access_gate import is_open
from .errors import Problem
from .live.shapes import EVENTS

SHORT = "/openapi.json"  # where clients look for what lies at /api/openapi.json
NAMED: tuple[type[BaseModel], ...] = (Problem, *EVENTS.values())  # what no route returns by itself


def install(app: FastAPI) -> None:
    """Make the app describe itself, at both addresses."""
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]

    async def answer(request: Request) -> Response:
        return JSONResponse(app.openapi())

    app.add_route(SHORT, answer, include_in_schema=False)


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version="1", routes=app.routes)
        parts = schema.setdefault("components", {})
        for model in NAMED:
            shape = model.model_json_schema(ref_template="#/components/schemas/{model}")
            inner = shape.pop("$defs", {})
            parts.setdefault("schemas", {}).update({**inner, model.__name__: shape})
        waits = parts["schemas"]["RunPage"]["properties"]["waiting"]
        parts["schemas"]["StateEvent"]["properties"]["waiting"] = waits  # one thing, one description
        parts["securitySchemes"] = {
            "token": {"type": "http", "scheme": "bearer"},
            "session": {"type": "apiKey", "in": "cookie", "name": "sid_<port>"},
        }
        schema["security"] = [{"token": []}, {"session": []}]
        for path in filter(is_open, schema["paths"]):
            for operation in schema["paths"][path].values():
                _open(operation)
        app.openapi_schema = schema
    return app.openapi_schema


def _open(operation: dict[str, Any]) -> None:
    """Describe a route that answers without a session."""
    operation["security"] = []
    content = operation["responses"]["401"]["content"]["application/problem+json"]
    codes = content["schema"]["properties"]["code"]["enum"]
    codes.remove("session.required")
    told = operation["responses"]["401"]["description"].split("\n\n")
    operation["responses"]["401"]["description"] = "\n\n".join(
        line for line in told if "`session.required`" not in line
    )
    if not codes:
        del operation["responses"]["401"]
