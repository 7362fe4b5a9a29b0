"""The stream of a run: read after a cursor, wait for the bell, read again.

The cursor is the position of the last record the reader has. It is all the state there is, so a
reader who lost the line, or whose server was restarted, goes on from its own cursor and gets what
it missed, once. When the tree says "over" and a reading after that leaves no record, nothing more
can come and the stream ends.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool

from abstractruntime.core.models import RunStatus
from abstractruntime.storage.base import PlacedRecord

from ..runner_views import RunReader, Tree, failure_words, visible, waiting_of
from .bell import Bell
from .frames import Frame, frames_of, kind_of, question_of, reused_frames

log = logging.getLogger("flowstudio.live")

BATCH = 500
LOOK_SECONDS = 3.0
RETRY = b"retry: 500\n\n"
BEAT = b": still here\n\n"


@dataclass
class Look:
    """What one reading found: how the tree stands, then the records after the cursor."""

    tree: Tree
    records: list[PlacedRecord]


class RunStream:
    """One reader of one run, with what it has started; of the run alone with `is_alone`."""

    def __init__(
        self,
        reader: RunReader,
        bell: Bell,
        run_id: str,
        after: int,
        is_welcome: Callable[[], bool],
        said: Callable[[str], str] = lambda run_id: "",
        *,
        is_alone: bool = False,
    ) -> None:
        self._reader = reader
        self._bell = bell
        self._run_id = run_id
        self._cursor = after
        self._is_welcome = is_welcome
        self._said = said
        self._is_alone = is_alone
        self._words: dict[str, str] = {}
        self._shown: Mapping[str, Any] | None = None
        self._tree: Tree | None = None

    async def events(self, heartbeat: float) -> AsyncIterator[bytes]:
        """Yield the bytes of the stream until the tree has settled or the reader is let go."""
        loop = asyncio.get_running_loop()
        beat_at = loop.time() + heartbeat
        yield RETRY
        with self._bell.listen(self._run_id) as ear:
            while self._is_welcome() and not self._bell.is_closed:
                try:
                    look = await run_in_threadpool(self._look)
                    chunk, is_end = await run_in_threadpool(self._tell, look)
                except Exception as error:
                    log.error("The stream of run %s ends: %s", self._run_id, error, exc_info=error)
                    return  # the browser asks again with its cursor
                if chunk:
                    yield chunk
                    beat_at = loop.time() + heartbeat
                if is_end:
                    return
                if len(look.records) < BATCH:
                    await ear.wait(min(LOOK_SECONDS, max(0.01, beat_at - loop.time())))
                if loop.time() >= beat_at:
                    yield BEAT
                    beat_at = loop.time() + heartbeat

    def _look(self) -> Look:
        """Read on. The tree is read again only when it may stand otherwise than before.

        Records that were committed before the tree was read must not be missed by an end, so a
        settled tree is followed by one more reading.
        """
        records = self._reader.records(self._run_id, self._cursor, BATCH)
        is_still = self._tree is not None and self._tree.root.status is RunStatus.RUNNING
        if self._tree is None or not is_still or not records or any(map(may_change_standing, records)):
            self._tree = self._read_tree()
            if self._tree.is_settled:
                records = self._reader.records(self._run_id, self._cursor, BATCH)
        return Look(self._tree, records)

    def _read_tree(self) -> Tree:
        return (
            Tree((self._reader.state(self._run_id),)) if self._is_alone else self._reader.tree(self._run_id)
        )

    def _tell(self, look: Look) -> tuple[bytes, bool]:
        """Shape what was found; move the cursor; say whether this was the end."""
        frames: list[Frame] = []
        if self._shown is None:
            frames += self._standing(look.tree)
            frames += self._reused()
        for (
            placed
        ) in look.records:  # those of others are passed over: the cursor is the place in the whole story
            if self._is_alone and placed.run_id != self._run_id:
                self._cursor = placed.position
                continue
            frames += frames_of(placed, self._cursor, self._run_id, self._reader, self._open_prompt)
            self._cursor = placed.position
        frames += self._standing(look.tree)
        frames += self._new_words(look.tree)
        is_end = look.tree.is_settled and len(look.records) < BATCH
        if is_end:
            told = {**end_of(look.tree), "used": self._reader.used_by(look.tree)}
            frames.append(Frame("end", told, self._cursor))
        return b"".join(frame.encode() for frame in frames), is_end

    def _standing(self, tree: Tree) -> list[Frame]:
        """Return a `state` frame when the tree stands otherwise than last told."""
        row = self._reader.row(tree.root)
        told = {key: row[key] for key in ("run_id", "status", "paused")}
        told |= {"waiting": waiting_of(tree), "away": self._reader.away(tree)}
        if told == self._shown:
            return []
        self._shown = told
        return [Frame("state", {**told, "current_node": row["current_node"]}, self._cursor)]

    def _reused(self) -> list[Frame]:
        """Return what a fork has of its parents' story and the reader has not; it lies before its own."""
        origins = self._reader.origins
        prefix = [placed for placed in origins.prefix(self._run_id) if placed.position > self._cursor]
        roots = origins.line(self._run_id)[1:]
        if self._is_alone:
            prefix = [placed for placed in prefix if placed.run_id in roots]
        return reused_frames(prefix, roots, self._reader)

    def _new_words(self, tree: Tree) -> list[Frame]:
        """Return a `words` frame for each run to which a model has said more; they are in no ledger."""
        frames = []
        for run in tree.runs:
            text = self._said(run.run_id)
            if text and text != self._words.get(run.run_id):
                frames.append(Frame("words", {"run_id": run.run_id, "text": text}, self._cursor))
            self._words[run.run_id] = text
        return frames

    def _open_prompt(self, run_id: str, seq: int) -> Mapping[str, Any] | None:
        """Return the question that was open when the run's record `seq` ended it."""
        for record in self._reader.waits_before(run_id, seq):
            if (record.get("effect") or {}).get("type") == "resume":
                return None
            asked = question_of(record)
            if asked is not None:
                return {"node_id": record.get("node_id"), **asked}
        return None


def may_change_standing(placed: PlacedRecord) -> bool:
    """Say whether a run may wait, go on, start another or end with this record."""
    record = placed.record
    if record.get("status") in ("waiting", "failed"):
        return True
    return kind_of(record) in ("resume", "end", "status") or bool(record.get("effect"))


def end_of(tree: Tree) -> dict[str, Any]:
    """Return the last word on a run."""
    root = tree.root
    failed = visible(root.current_node) if root.status.value == "failed" else None
    error = failure_words(root.error) if root.error is not None else None
    return {"status": root.status.value, "output": root.output, "error": error, "failed_node": failed}
