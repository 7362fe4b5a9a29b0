"""What a person sees instead of a page: cause, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from ..errors import Answer, problem_json
from .html import render


@dataclass(frozen=True)
class Act:
    """A way on from an error."""

    word: str
    href: str


@dataclass(frozen=True)
class Words:
    """How an error is introduced."""

    title: str
    acts: tuple[Act, ...] = field(default=(Act("Go home", "/"),))


NO_PAGE = "No page of FlowStudio has this address."
FLOWS, RUNS, INBOX = Act("All flows", "/flows"), Act("All runs", "/runs"), Act("Inbox", "/inbox")
BY_CODE = {
    "flow.not_found": Words("There is no such flow", (FLOWS,)),
    "run.not_found": Words("There is no such run", (RUNS,)),
    "prompt.gone": Words("This question is gone", (INBOX, RUNS)),
    "node_type.unknown": Words("There is no such node", (Act("All nodes", "/nodes"),)),
    "flow.invalid": Words("This flow cannot run yet", (FLOWS,)),
}
BY_STATUS = {
    400: Words("This request cannot be read"),
    401: Words("Sign in first", (Act("Sign in", "/login"),)),
    403: Words("Not from here"),
    404: Words("There is nothing here", (Act("Go home", "/"), FLOWS)),
    409: Words("Somebody was faster"),
    412: Words("This has changed meanwhile"),
    413: Words("This is too large"),
    422: Words("This cannot be done as it is"),
    429: Words("Too many attempts"),
    503: Words("Busy for a moment"),
}


def error_page(request: Request, answer: Answer) -> Response:
    """Answer an error to a person: a page, or one sentence for a part of a page."""
    if request.headers.get("hx-request") == "true":
        return PlainTextResponse(answer.detail, answer.status)
    words = BY_CODE.get(answer.code) or BY_STATUS.get(answer.status) or Words("Something went wrong")
    detail = NO_PAGE if answer.code == "not_found" else answer.detail
    listed = answer.extra.get("problems") or []
    return render(
        request,
        "error.html",
        answer.status,
        status=answer.status,
        code=answer.code,
        detail=detail,
        problems=[problem_json(problem) for problem in listed],
        words=words,
        inbox_count=0,  # a store that fails must not fail the page that says so
    )
