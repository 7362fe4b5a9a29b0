"""`GET /api/runs/{id}/events`: the stream of a run and its children."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Request
from fastapi.concurrency import run_in_threadpool
from sse_starlette import EventSourceResponse
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from abstractruntime.storage.base import MOST_POSITION

from ..errors import Refused, problems
from ..studio import TheStudio
from .shapes import stream_content
from .stream import RunStream

router = APIRouter(tags=["live"])
SEND_SECONDS = 25.0
NEVER = 10**9
log = logging.getLogger("flowstudio.live")


class EventStream(EventSourceResponse):
    """A stream of events that ends with its reader: one that has gone, or that has stopped reading.

    Heartbeats are the business of who makes the events. Both lines of the package will do (decision 0057).
    """

    def __init__(self, events: AsyncGenerator[bytes]) -> None:
        super().__init__(events, headers={"Cache-Control": "no-store"}, ping=NEVER)
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the end, or until the reader's buffers stay full for too long."""

        async def send_in_time(message: Message) -> None:
            try:
                async with asyncio.timeout(SEND_SECONDS):
                    await send(message)
            except OSError as error:  # a time-out is one too
                raise ClientDisconnect from error

        try:
            async with aclosing(self._events):
                await super().__call__(scope, receive, send_in_time)
        except* ClientDisconnect:
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
    status_code=200,
    response_class=EventStream,
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
    run: Annotated[Literal["tree", "only"], Query()] = "tree",
) -> EventStream:
    """Stream `step`, `prompt`, `state`, `words` and `end`; go on after `Last-Event-ID`, else after `after`.

    With `run=only` those of this run alone, without the runs that it has started. The ids are the same.
    """
    cursor = _cursor(last_event_id, after)
    await run_in_threadpool(studio.reader.state, run_id)
    session: str | None = request.scope["state"].get("session")
    readers: Readers = request.app.state.readers
    readers.admit(session)

    def is_welcome() -> bool:
        return session is None or studio.access.is_live(session)

    said = studio.ai.models.words.said
    stream = RunStream(studio.reader, studio.bell, run_id, cursor, is_welcome, said, is_alone=run == "only")

    async def events() -> AsyncGenerator[bytes]:
        try:
            async for chunk in stream.events(studio.settings.heartbeat_seconds):
                yield chunk
        finally:
            readers.release(session)

    return EventStream(events())


def _cursor(last_event_id: str | None, after: int | None) -> int:
    if last_event_id is None or not last_event_id.strip():
        return after or 0
    text = last_event_id.strip()
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= MOST_POSITION):
        raise Refused(400, "stream.bad_cursor", "Last-Event-ID must be the id of an event of this stream.")
    return int(text)
