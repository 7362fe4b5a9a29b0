"""Errors as answers: problem JSON with a stable code, or a page, by who asked.

Services raise kernel errors and the few of their own; here alone they get a status. A person's
browser gets a page (`app.state.error_page`, set by the app), everything else problem JSON.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from abstractruntime.core.errors import (
    ArtifactNotFound,
    BundleError,
    Conflict,
    InvalidFlow,
    InvalidId,
    KernelError,
    NotDurable,
    NotFound,
    StoreBusy,
    StoreError,
    StoreFull,
)
from abstractruntime.integrations.abstractcore.guard import NotInstalled

from .access import TooManyGuesses
from .access_gate import wants_page
from .ai.facts import BadFactQuery
from .library import StaleFlow
from .runner import NotAChoice

log = logging.getLogger("flowstudio")
ErrorPage = Callable[[Request, "Answer"], Response]

STATUS: tuple[tuple[type[BaseException], int], ...] = (
    (ArtifactNotFound, 404),
    (NotFound, 404),
    (StaleFlow, 412),
    (NotAChoice, 422),
    (BadFactQuery, 422),
    (NotInstalled, 501),
    (InvalidFlow, 422),
    (BundleError, 422),
    (NotDurable, 422),
    (InvalidId, 422),
    (Conflict, 409),
    (StoreBusy, 503),
    (StoreFull, 507),
    (StoreError, 500),
    (KernelError, 500),
)
# What a route may answer, by code: status and meaning. Programs rely on the codes.
CODES: Mapping[str, tuple[int, str]] = {
    "request.malformed": (400, "The body is not what its type says"),
    "range.malformed": (400, "`Range` is not one part of the bytes"),
    "stream.bad_cursor": (400, "The cursor is not an id of this stream"),
    "session.required": (401, "Neither a session nor a right token came with the request"),
    "login.wrong_token": (401, "The token is wrong, used or too old"),
    "csrf": (403, "The page of another site caused the request"),
    "cors": (403, "Other sites may not use this server: their preflight (`OPTIONS`) is refused"),
    "not_found": (404, "There is nothing here"),
    "bundle.not_found": (404, "No bundle of this id, version or flow is installed"),
    "flow.not_found": (404, "The library has no flow with this id"),
    "edit.not_found": (404, "The edit log of the flow does not reach back to this place"),
    "test.not_found": (404, "The flow has no test with this id"),
    "version.not_found": (404, "The flow has no version of this number or name"),
    "run.not_found": (404, "No run has this id"),
    "artifact.not_found": (404, "The run has no artifact with this id"),
    "run.no_outputs": (404, "The node gave no outputs in the run, or none that are kept"),
    "workflow.not_found": (404, "The program of the run is missing"),
    "provider.not_found": (404, "There is no provider of models with this name"),
    "mcp.not_found": (404, "There is no MCP server with this id"),
    "wait.not_found": (404, "No run waits for an event under this key"),
    "node_type.unknown": (404, "There is no node type of this name"),
    "method.not_allowed": (405, "This place does not know the method"),
    "request.too_slow": (408, "The body did not arrive in time"),
    "prompt.gone": (409, "The question is not open any more, and nobody answered it"),
    "prompt.answered": (409, "Somebody else was first; `answered_by` and `answered_at` say who and when"),
    "prompt.timed_out": (409, "Nobody answered before the deadline; `timed_out_at` says when that was"),
    "test.not_possible": (409, "No test can be made of this run, or what it would expect is not known"),
    "bundle.conflict": (409, "Flows of the bundle exist with other content; `flows` names them"),
    "bundle.installed": (409, "The version is installed with other content"),
    "bundle.deprecated": (
        409,
        "Nobody should start it any more; `reason` says why, `deprecated_at` since when",
    ),
    "run.is_paused": (409, "The run is held back"),
    "run.stale_revision": (409, "The run moves faster than it can be changed; try again"),
    "server.not_own": (409, "The server cannot be restarted from a page"),
    "server.not_reachable": (409, "No other device can reach the server"),
    "conflict": (409, "The request does not fit the present state"),
    "run.does_not_fit": (409, "What the run has done does not fit that version of its flow"),
    "run.is_over": (409, "The run has ended, or ended otherwise than the request needs"),
    "flow.stale": (412, "The flow was saved meanwhile; `document` and `revision` are the newer ones"),
    "request.too_large": (413, "The body is larger than allowed here"),
    "request.wrong_type": (415, "The content type is not the one of this route"),
    "range.not_satisfiable": (416, "The part lies outside of the bytes"),
    "request.invalid": (422, "Parts of the request are wrong; `fields` names them"),
    "test.malformed": (422, "The text is not a test of a flow, or it is too long"),
    "flow.malformed": (422, "The document is not a flow"),
    "flow.bad_id": (422, "A new flow cannot have this id"),
    "version.bad_span": (422, "Two versions to compare are named as `a..b`"),
    "flow.invalid": (422, "The flow cannot run; `problems` says why"),
    "event.invalid": (422, "The event names nobody it could be meant for"),
    "run.bad_input": (422, "An input cannot be used"),
    "outputs.not_pinnable": (
        422,
        "The outputs are too large to be pinned, or not kept whole; `detail` says which",
    ),
    "value.not_durable": (422, "A value is not JSON; `path` says which"),
    "memory.bad_query": (422, "What is asked of the facts cannot be understood"),
    "prompt.not_a_choice": (422, "The question takes only one of its choices"),
    "bundle.missing": (422, "The form holds no file"),
    "bundle.error": (422, "The bundle cannot be used"),
    "bundle.bad_manifest": (422, "The manifest is missing or wrong"),
    "bundle.registry": (422, "The id or version of the bundle cannot be part of a file name"),
    "bundle.unsafe_path": (422, "A path in the bundle leaves the bundle"),
    "host.wrong": (421, "The request names another host than this server's"),
    "revision.required": (428, "Send the revision that you have seen in If-Match"),
    "login.too_many": (429, "Too many wrong tokens; come back later"),
    "server.error": (500, "A fault of the server"),
    "store.error": (500, "The store could not do its work"),
    "store.damaged": (500, "Something stored cannot be read"),
    "integration.not_installed": (501, "A package that this needs is not installed; `detail` says which"),
    "store.busy": (503, "The store is busy; try again"),
    "store.unsynced": (500, "The disk did not take what was written: the server has to be restarted"),
    "store.full": (507, "There is no room for the run's data; nothing was written"),
    "storage.full": (507, "There is no space left; nothing was saved"),
    "stream.too_many": (503, "Too many event streams are open"),
}
NO_SPACE = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})
STORE = ("store.error", "store.damaged", "store.busy", "store.unsynced", "store.full", "storage.full")
ALWAYS = (
    *("session.required", "csrf", "cors", "method.not_allowed", "host.wrong"),
    *("request.too_slow", "request.too_large", "request.invalid", "server.error", *STORE),
)
BODY = ("request.malformed", "request.wrong_type")  # of routes that read a JSON body
TEXT = {"type": "string"}
PROBLEMS = {"problems": {"type": "array", "items": {"$ref": "#/components/schemas/ProblemRow"}}}
PLACE = {"place": {**TEXT, "description": "Where in the body; empty for the whole"}}
# What an answer has besides, by its code: member and schema.
MEMBERS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "bundle.conflict": {"flows": {"type": "array", "items": TEXT}},
    "bundle.deprecated": {"deprecated_at": TEXT, "reason": TEXT},
    "flow.invalid": PROBLEMS,
    "flow.stale": {
        "document": {"type": ["object", "null"], "additionalProperties": True},
        "revision": {"type": ["string", "null"]},
    },
    "prompt.answered": {"answered_by": {"type": ["string", "null"]}, "answered_at": TEXT},
    "prompt.timed_out": {"timed_out_at": TEXT},
    "request.malformed": PLACE,
    "request.invalid": {
        **PLACE,
        "fields": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["place", "message"],
                "properties": {"place": TEXT, "message": TEXT},
            },
        },
    },
    "stream.too_many": {"retry_after": {"type": "integer", "description": "Seconds"}},
    "value.not_durable": {"path": TEXT},
}
PLAIN_CODES = {
    400: "request.malformed",
    401: "session.required",
    404: "not_found",
    405: "method.not_allowed",
    408: "request.too_slow",
    413: "request.too_large",
    415: "request.wrong_type",
    422: "request.invalid",
}


class Refused(Exception):
    """A request that a route turns down: status, stable code, and a sentence for people."""

    def __init__(self, status: int, code: str, detail: str, **extra: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.extra = extra


class BadBody(HTTPException):
    """A JSON body that cannot be read (400), or that holds a value at `place` that cannot be kept (422)."""

    def __init__(self, detail: str, place: str) -> None:
        super().__init__(422 if place else 400, detail)
        self.extra: dict[str, Any] = {"place": place}
        if place:
            self.extra["fields"] = [{"place": place, "message": detail}]


@dataclass(frozen=True)
class Answer:
    """What is said about an error, whatever the form."""

    status: int
    code: str
    detail: str
    extra: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Return the standard name of the status."""
        return HTTPStatus(self.status).phrase

    def json(self) -> dict[str, Any]:
        """Return the problem document."""
        known = {"type": "about:blank", "title": self.title, "status": self.status, "code": self.code}
        return {**self.extra, **known, "detail": self.detail}


class Problem(BaseModel):
    """An error: `code` is stable and meant for programs, `detail` for people."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str


def problems(*codes: str) -> dict[int | str, dict[str, Any]]:
    """Describe a route's errors for OpenAPI by code; those of every route come by themselves."""
    described: dict[int | str, dict[str, Any]] = {}
    for code in sorted({*ALWAYS, *codes}, key=lambda each: (CODES[each][0], each)):
        status, meaning = CODES[code]
        schema = {
            "allOf": [{"$ref": "#/components/schemas/Problem"}],
            "properties": {"code": {"enum": []}},
        }
        content = {"application/problem+json": {"schema": schema}}
        entry = described.setdefault(status, {"description": "", "content": content})
        said = entry["description"]
        entry["description"] = f"{said}\n\n`{code}`: {meaning}." if said else f"`{code}`: {meaning}."
        told = entry["content"]["application/problem+json"]["schema"]["properties"]
        told["code"]["enum"].append(code)
        for name, shape in MEMBERS.get(code, {}).items():
            told[name] = {**shape}
    return described


def answer_of(error: BaseException) -> Answer:
    """Say what an exception means to the one who asked."""
    if isinstance(error, Refused):
        later = {"Retry-After": str(error.extra["retry_after"])} if "retry_after" in error.extra else {}
        return Answer(error.status, error.code, str(error), error.extra, later)
    if isinstance(error, TooManyGuesses):
        return Answer(429, "login.too_many", str(error), headers={"Retry-After": str(error.seconds)})
    if isinstance(error, RequestValidationError):
        return _invalid(error)
    if isinstance(error, OSError) and error.errno in NO_SPACE:
        return Answer(507, "storage.full", "There is no space left on the disk; nothing was saved.")
    if isinstance(error, HTTPException):
        code = PLAIN_CODES.get(error.status_code, "http.error")
        extra = error.extra if isinstance(error, BadBody) else {}
        return Answer(error.status_code, code, str(error.detail), extra, error.headers or {})
    if isinstance(error, KernelError):
        status = next(number for kind, number in STATUS if isinstance(error, kind))
        headers = {"Retry-After": "1"} if error.retriable and status == 503 else {}
        return Answer(status, error.code, str(error), _extra(error), headers)
    return Answer(500, "server.error", "The server met a fault of its own; its log has the details.")


def problem_json(problem: object) -> object:
    """Return a validator's problem as JSON, whether it is a record or a dict already."""
    if is_dataclass(problem) and not isinstance(problem, type):
        return asdict(problem)
    return problem


def install(app: FastAPI) -> None:
    """Make the app answer every error in one of the two forms."""

    async def handle(request: Request, error: Exception) -> Response:
        answer = answer_of(error)
        if answer.status >= 500:
            log.error("%s %s failed: %s", request.method, request.url.path, error, exc_info=error)
        return respond(request, answer)

    for kind in (Refused, TooManyGuesses, RequestValidationError, HTTPException, KernelError, Exception):
        app.add_exception_handler(kind, handle)


def respond(request: Request, answer: Answer) -> Response:
    """Give an answer in the form that fits the one who asked."""
    page: ErrorPage | None = getattr(request.app.state, "error_page", None)
    is_person = wants_page(request.headers, request.url.path) or request.headers.get("hx-request") == "true"
    if page is not None and is_person and not request.url.path.startswith("/api/"):
        response = page(request, answer)
        response.headers.update(answer.headers)
        return response
    return JSONResponse(
        answer.json(), answer.status, headers=dict(answer.headers), media_type="application/problem+json"
    )


def _extra(error: KernelError) -> dict[str, Any]:
    if isinstance(error, InvalidFlow):
        if error.code != InvalidFlow.code:  # what is no flow at all, or no input of one: the detail says it
            return {}
        return {"problems": [problem_json(problem) for problem in error.problems]}
    if isinstance(error, NotDurable):
        return {"path": error.path}
    return dict(getattr(error, "extra", {}))


def _invalid(error: RequestValidationError) -> Answer:
    """Name the fields that are wrong; a body of another type is a 415."""
    found = error.errors()
    if isinstance(error.body, bytes) and any(item["loc"] == ("body",) for item in found):
        return Answer(415, "request.wrong_type", "Send the body as `Content-Type: application/json`.")
    places = [
        {"place": ".".join(str(part) for part in item["loc"]), "message": item["msg"]} for item in found[:20]
    ]
    detail = "; ".join(f"{place['place']}: {place['message']}" for place in places[:3])
    return Answer(422, "request.invalid", detail, {"fields": places})
