"""FlowHistory: the past of each flow, as the editor and the pages ask for it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from typing import Any

from abstractruntime.core.errors import NotFound

from .library import FlowLibrary, Kept
from .library_changes import Document, apply_all
from .library_difference import changes_to
from .library_edits import Edit, Row
from .library_log import OUTSIDE, EditLog
from .library_merge import merge
from .library_text import revision_of
from .library_words import row_words, titles_of

Json = Any


class EditNotFound(NotFound):
    """The log of the flow does not reach back to this place."""

    code = "edit.not_found"


class FlowHistory:
    """Reads the log beside the library, and goes back to places in it."""

    def __init__(self, library: FlowLibrary, log: EditLog) -> None:
        self._library = library
        self._log = log

    def close(self) -> None:
        """Let go of the log's file."""
        self._log.close()

    def rows(self, flow_id: str, after: int, limit: int) -> list[Row]:
        """Return the rows after one, in order; raise EditNotFound when some before them are gone."""
        rows = self._log.after(flow_id, after, limit)
        if after > self._log.last(flow_id) or (rows and rows[0].seq != after + 1):
            raise EditNotFound(f"The log of flow {flow_id!r} does not know edit {after}.")
        return rows

    def newest(self, flow_id: str, before: int | None = None, limit: int = 100) -> list[Row]:
        """Return the newest rows, or those before one; the newest first."""
        return self._log.newest(flow_id, before, limit)

    def last(self, flow_id: str) -> int:
        """Return the number of the newest row."""
        return self._log.last(flow_id)

    def steps(self, flow_id: str, before: int | None, limit: int) -> dict[str, Json]:
        """Return what undo and redo would take: the next `limit` steps before a row, the next one last."""
        with self._log.lock:
            stacks = self._log.stacks(flow_id)
            done = [group for group in stacks.done if before is None or group[-1] < before]
            undone = [] if before is not None else stacks.undone
            titles = self._titles(flow_id)
            return {
                "seq": self._log.last(flow_id),
                "done": [self._step(flow_id, group, titles) for group in done[-limit:]],
                "undone": [self._step(flow_id, group, titles, is_undone=True) for group in undone[-limit:]],
                "more": max(0, len(done) - limit),
            }

    def document_after(self, flow_id: str, seq: int) -> Document:
        """Return a flow as it was after a row (0: before all of them); raise EditNotFound."""
        document = self._log.document_after(flow_id, seq)
        if document is None:
            raise EditNotFound(f"The log of flow {flow_id!r} does not know edit {seq}.")
        return document

    def document_of(self, flow_id: str, revision: str) -> Document | None:
        """Return a flow as it was at a revision, if the log reaches back to it."""
        seq = self._log.revision_seq(flow_id, revision)
        return None if seq is None else self._log.document_after(flow_id, seq)

    def seq_of(self, flow_id: str, revision: str) -> int | None:
        """Return the newest row after which the flow was at a revision."""
        return self._log.revision_seq(flow_id, revision)

    def merge(
        self, flow_id: str, base: str, mine: Mapping[str, Json], choices: Mapping[str, str]
    ) -> dict[str, Json]:
        """Merge a document made from a revision with the flow as it is now (library_merge.py).

        Returns where the flow stands, the rows that lead there from the base, the merged document with the
        changes from there to it, and the conflicts. Raises EditNotFound when the log does not know the base.
        """
        theirs, revision = self._library.get(flow_id)
        with self._log.lock:
            seq = self._log.revision_seq(flow_id, base)
            began = theirs if base == revision else self.document_of(flow_id, base)
            if began is None:
                raise EditNotFound(f"The log of flow {flow_id!r} does not reach back to revision {base!r}.")
            rows = self._log.after(flow_id, seq) if seq is not None and base != revision else []
            last = self._log.last(flow_id)
        told = rows[-1].after if rows else base
        if told != revision:  # another program changed the file since the last save
            rows = [_outside(last, base, revision, began, theirs)]
        merged = merge(began, mine, theirs, choices)
        return {
            "revision": revision,
            "seq": last,
            "edits": [row.to_json() for row in rows],
            "document": merged.document,
            "changes": changes_to(theirs, merged.document),
            "clashes": [asdict(each) for each in merged.clashes],
        }

    def go_back(
        self, flow_id: str, seq: int, actor: str, if_match: Collection[str] = (FlowLibrary.ANY,)
    ) -> Kept:
        """Make a flow what it was after a row: one more edit, so that this can be undone too.

        Raises EditNotFound, FlowNotFound or StaleFlow.
        """
        document = self.document_after(flow_id, seq)
        rows = self._log.rows(flow_id, [seq])
        when = f"after “{self.told(flow_id, rows)[0][1]}”" if rows else "before all edits"
        held, revision = self._library.get(flow_id)
        if revision == revision_of(document):
            return Kept(revision, created=False)
        return self._library.put(
            flow_id,
            {**document, "id": held["id"]},
            if_match=[revision] if FlowLibrary.ANY in if_match else if_match,
            edit=Edit(actor, f"Back to {when}"),
        )

    def told(self, flow_id: str, rows: Iterable[Row]) -> list[tuple[Row, str]]:
        """Return rows with what each did, in a line."""
        titles = self._titles(flow_id)
        return [(row, row_words(row.label, row.changes, row.inverse, titles)) for row in rows]

    def _titles(self, flow_id: str) -> dict[str, str]:
        return titles_of(self._log.head(flow_id) or {})

    def _step(
        self, flow_id: str, group: list[int], titles: Mapping[str, str], *, is_undone: bool = False
    ) -> dict[str, Json]:
        rows = self._log.rows(flow_id, group)
        ahead = [change for row in rows for change in row.changes]
        back = [change for row in reversed(rows) for change in row.inverse]
        changes, undo = (back, ahead) if is_undone else (ahead, back)
        return {
            "seq": group[-1],
            "at": rows[-1].at,
            "actor": rows[-1].actor,
            "label": row_words(rows[-1].label, changes, undo, titles),
            "changes": changes,
            "undo": undo,
        }


def _outside(seq: int, before: str, after: str, base: Document, theirs: Document) -> Row:
    changes = changes_to(base, theirs)
    return Row(seq, "", "", "do", OUTSIDE, False, before, after, changes, apply_all(base, changes)[1])
