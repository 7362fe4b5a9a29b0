"""The coach marks of a newcomer's first minutes: one line above the canvas that says what to try next.

What they say is a flow, so that it can be changed: each Wait Event on the way from the start is a mark, its
name and its question are the words, its key is the act of the person that leads on to the next. The flow of
the library counts, else the one that comes with the app. Which mark is next is a cookie, so that the server
sends none to who has not asked for them, has seen them all, or has hidden them for good.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response

from ..library import Document, FlowNotFound
from ..studio import Studio, TheStudio
from .form import Posted, go, text
from .html import path

router = APIRouter()
FLOW = "first-steps"
COOKIE = "coach"  # the number of the next mark, or OVER
OVER = "over"
PLACE = re.compile(r"[1-9][0-9]{0,2}")
YEAR_S = 365 * 24 * 3600
WAY_ON = "exec-out"


@dataclass(frozen=True)
class Mark:
    """One coach mark: its title, what to do, and the act that leads on (docs/editor.md lists the acts)."""

    title: str
    words: str
    until: str


@dataclass(frozen=True)
class Coach:
    """The marks, and the place among them of the one that is shown first, from 0."""

    marks: tuple[Mark, ...]
    at: int


@router.post("/first-steps/marks")
def remember(studio: TheStudio, form: Posted) -> Response:
    """Remember which mark is next: `at` is its number from 1; anything else stands for no more of them."""
    return keep_place(Response(status_code=204), studio, text(form, "at"))


@router.post("/first-steps/flow")
def change(studio: TheStudio) -> Response:
    """Put the flow of the marks into the library, unless it is there, and open it."""
    if _own(studio) is None:
        studio.library.put_all({FLOW: studio.gallery.document(FLOW)})
    return go(f"/flows/{path(FLOW)}")


def keep_place(answer: Response, studio: Studio, at: str) -> Response:
    """Write down with an answer which mark is next."""
    is_secure = studio.settings.is_secure
    value = at if PLACE.fullmatch(at) and int(at) <= len(marks(studio)) else OVER
    answer.set_cookie(COOKIE, value, max_age=YEAR_S, httponly=True, samesite="strict", secure=is_secure)
    return answer


def begin(request: Request, studio: Studio, answer: Response) -> Response:
    """Let a newcomer's next page of the editor show the first mark, unless there were marks before."""
    return answer if COOKIE in request.cookies else keep_place(answer, studio, "1")


def coach_of(request: Request, studio: Studio) -> Coach | None:
    """Return the marks that this reader still has before them."""
    at = request.cookies.get(COOKIE, "")
    found = marks(studio) if PLACE.fullmatch(at) else ()
    return Coach(found, int(at) - 1) if found and int(at) <= len(found) else None


def marks(studio: Studio) -> tuple[Mark, ...]:
    """Return the marks that the flow tells, in the order of its run."""
    return marks_in(_own(studio) or studio.gallery.document(FLOW))


def marks_in(document: Document) -> tuple[Mark, ...]:
    """Return the marks of a flow; a node without a key and words is passed over."""
    nodes = {str(node.get("id")): node for node in document.get("nodes", [])}
    ways = {
        str(edge.get("source")): str(edge.get("target"))
        for edge in document.get("edges", [])
        if edge.get("sourceHandle") == WAY_ON
    }
    first = next((each for each in nodes if each in ways and each not in ways.values()), "")
    found, here = [], ways.get(str(document.get("entryNode") or first))
    while here in nodes:  # a loop ends: every node is taken once
        node = nodes.pop(here)
        mark = _mark(node.get("data") or {})
        found += [mark] if mark else []
        here = ways.get(here)
    return tuple(found)


def _mark(data: Mapping[str, Any]) -> Mark | None:
    given = data.get("pinDefaults") or {}
    words, until = given.get("prompt"), given.get("event_key")
    if not isinstance(until, str) or not isinstance(words, str) or not words.strip():
        return None
    return Mark(str(data.get("label") or ""), words, until)


def _own(studio: Studio) -> Document | None:
    try:
        return studio.library.get(FLOW)[0]
    except FlowNotFound:
        return None
