"""`GET /api/runs/{id}/events`: the stream of a run and its children."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.concurrency import run_in_threadpool
from sse_starlette import EventSourceResponse
from sse_starlette.sse import SendTimeoutError
from starlette.types import Receive, Scope, Send

from abstractruntime.storage.base import MOST_POSITION

from ..errors import Refused, problems
from ..studio import TheStudio
from .shapes import stream_content
from .stream import RunStream

router = APIRouter(tags=["live"])
SEND_SECONDS = 25.0
log = logging.getLogger("flowstudio.live")


class EventStream(EventSourceResponse):
    """A stream that lets a reader go who has stopped reading."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the end, or until the reader's buffers stay full for too long."""
        try:
            await super().__call__(scope, receive, send)
        except SendTimeoutError:
            log.info("A reader of %s has stopped reading and was let go.", scope["path"])


class Readers:
    """Counts the open streams, in all and by session."""

    def __init__(self, most: int, most_per_session: int) -> None:
        self._most = most
        self._most_per_session = most_per_session
        self._open: Counter[str] = Counter()

    @property
    def count(self) -> int:
        """Return how many streams are open."""
        return self._open.total()

    def admit(self, session: str | None) -> None:
        """Count a stream in; refuse when there are too many."""
        is_full = self.count >= self._most
        if is_full or (session is not None and self._open[session] >= self._most_per_session):
            raise Refused(
                503, "stream.too_many", "Too many event streams are open: close a tab.", retry_after=5
            )
        self._open[session or ""] += 1

    def release(self, session: str | None) -> None:
        """Count a stream out."""
        self._open[session or ""] -= 1


@router.get(
    "/api/runs/{run_id}/events",
    response_class=EventSourceResponse,
    responses={
        200: {"content": stream_content(), "description": "Events; comments (`:`) keep the line open"},
        **problems("stream.bad_cursor", "run.not_found", "stream.too_many"),
    },
)
async def run_events(
    run_id: str,
    request: Request,
    studio: TheStudio,
    after: Annotated[int | None, Query(ge=0, le=MOST_POSITION)] = None,
    last_event_id: Annotated[str | None, Header()] = None,
) -> EventSourceResponse:
    """Stream `step`, `prompt`, `state`, `words` and `end`; go on after `Last-Event-ID`, else after `after`."""
    cursor = _cursor(last_event_id, after)
    await run_in_threadpool(studio.reader.state, run_id)
    session: str | None = request.scope["state"].get("session")
    readers: Readers = request.app.state.readers
    readers.admit(session)

    def is_welcome() -> bool:
        return session is None or studio.access.is_live(session)

    said = studio.ai.models.words.said
    stream = RunStream(studio.reader, studio.bell, run_id, cursor, is_welcome, said)

    async def events() -> AsyncIterator[bytes]:
        try:
            async for chunk in stream.events(studio.settings.heartbeat_seconds):
                yield chunk
        finally:
            readers.release(session)

    return EventStream(events(), ping=0, send_timeout=SEND_SECONDS)


def _cursor(last_event_id: str | None, after: int | None) -> int:
    if last_event_id is None or not last_event_id.strip():
        return after or 0
    text = last_event_id.strip()
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= MOST_POSITION):
        raise Refused(400, "stream.bad_cursor", "Last-Event-ID must be the id of an event of this stream.")
    return int(text)
