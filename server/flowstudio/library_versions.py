"""Versions: what a flow was at moments that matter, named or made by themselves, and which one is published.

A version is a document under a number; numbers only go up. Made before a run, at a publish, when one is
restored, at intervals of work, when two people's changes are merged, and by name. Of those that nobody
named, published or merged only the newest MOST_OWN stay. Where a flow has a published version, runs that
are not started from the editor execute that one; the library holds the draft.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from abstractruntime.core.errors import InvalidFlow, NotFound

from .library import FlowLibrary, Kept, StaleFlow
from .library_changes import Document
from .library_compare import Difference, compare
from .library_edits import Edit
from .library_log import EditLog, pack, unpack
from .library_text import revision_of

Json = Any
MOST_OWN = 100
INTERVAL = timedelta(minutes=10)
PASSING = ("start", "run", "interval")  # made by themselves, and may go
TABLES = """
CREATE TABLE IF NOT EXISTS documents (revision TEXT PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS versions (
  flow_id TEXT NOT NULL, number INTEGER NOT NULL, at TEXT NOT NULL, actor TEXT NOT NULL, why TEXT NOT NULL,
  name TEXT NOT NULL, revision TEXT NOT NULL, said TEXT NOT NULL, PRIMARY KEY (flow_id, number)
);
CREATE TABLE IF NOT EXISTS published (
  flow_id TEXT PRIMARY KEY, number INTEGER NOT NULL, at TEXT NOT NULL, actor TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS version_runs (run_id TEXT PRIMARY KEY, flow_id TEXT NOT NULL, number INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS version_runs_by ON version_runs (flow_id, number);
"""


class VersionNotFound(NotFound):
    """The flow has no version of this number."""

    code = "version.not_found"


class BadSpan(InvalidFlow):
    """Two versions to compare were not named as `a..b`."""

    code = "version.bad_span"


@dataclass(frozen=True)
class Version:
    """A line in the list of versions; `said` tells what changed since the version before."""

    number: int
    at: str
    actor: str
    why: str
    name: str
    revision: str
    said: str
    runs: int
    is_published: bool


class Versions:
    """The versions of all flows. Safe to call from several threads."""

    def __init__(self, library: FlowLibrary, log: EditLog) -> None:
        self._library = library
        self._log = log
        log.db.executescript(TABLES)

    # ---- reading ----------------------------------------------------------------------------------

    def newest(self, flow_id: str, limit: int = 1000) -> list[Version]:
        """Return the versions of a flow, the newest first."""
        return self._read(flow_id, "1 ORDER BY number DESC LIMIT ?", limit)

    def get(self, flow_id: str, number: int) -> Version:
        """Return one version; raise VersionNotFound."""
        found = self._read(flow_id, "v.number = ?", number)
        if not found:
            raise VersionNotFound(f"Flow {flow_id!r} has no version {number}.")
        return found[0]

    def document(self, flow_id: str, number: int) -> Document:
        """Return a flow as it was in a version; raise VersionNotFound."""
        with self._log.lock:
            row = self._log.db.execute(
                "SELECT body FROM documents WHERE revision = ?", (self.get(flow_id, number).revision,)
            ).fetchone()
        found: Document = unpack(row[0])
        return found

    def of_revision(self, flow_id: str, revision: str) -> int | None:
        """Return the newest version that holds a revision."""
        found = self._read(flow_id, "v.revision = ? ORDER BY number DESC LIMIT 1", revision)
        return found[0].number if found else None

    def of_run(self, run_id: str) -> int | None:
        """Return the version that a run began with."""
        with self._log.lock:
            row = self._log.db.execute(
                "SELECT number FROM version_runs WHERE run_id = ?", (run_id,)
            ).fetchone()
        return None if row is None else int(row[0])

    def published(self, flow_id: str) -> int | None:
        """Return the number of the published version."""
        with self._log.lock:
            row = self._log.db.execute(
                "SELECT number FROM published WHERE flow_id = ?", (flow_id,)
            ).fetchone()
        return None if row is None else int(row[0])

    def published_document(self, flow_id: str) -> Document | None:
        """Return the flow as it is published."""
        number = self.published(flow_id)
        return None if number is None else self.document(flow_id, number)

    def for_runs(self, flow_id: str, *, draft: bool = False) -> Document:
        """Return the flow that a run begins with: as it is published, else the draft; raise FlowNotFound."""
        document = self._library.get(flow_id)[0]
        return document if draft else self.published_document(flow_id) or document

    def named(self, flow_id: str, word: str) -> Document:
        """Return what `draft`, `published` or a number stands for; raise VersionNotFound or FlowNotFound."""
        if word == "draft":
            return self._library.get(flow_id)[0]
        return self.bound(flow_id, word)[1]

    def bound(self, flow_id: str, word: str) -> tuple[int, Document]:
        """Return number and document of a version, by its number or `published`; raise VersionNotFound."""
        number = self.published(flow_id) if word == "published" else _number(word)
        if number is None:
            raise VersionNotFound(f"Flow {flow_id!r} has no version {word!r}.")
        return number, self.document(flow_id, number)

    def lasting(self, flow_id: str) -> list[Version]:
        """Return the versions that stay whatever is done later, the newest first: named, published, restored, merged."""
        marks = ", ".join("?" * len(PASSING))
        where = f"(v.name != '' OR v.why NOT IN ({marks})) ORDER BY number DESC"
        return self._read(flow_id, where, *PASSING)

    def difference(self, flow_id: str, span: str) -> tuple[str, str, Difference]:
        """Return both ends of `a..b` and what differs; raise BadSpan, VersionNotFound or FlowNotFound."""
        before, dots, after = span.partition("..")
        if not dots or not before or not after:
            raise BadSpan(f"Name two versions as `a..b`, not {span!r}: numbers, `draft` or `published`.")
        return before, after, compare(self.named(flow_id, before), self.named(flow_id, after))

    # ---- making -----------------------------------------------------------------------------------

    def make(
        self, flow_id: str, document: Mapping[str, Json], why: str, actor: str = "", name: str = ""
    ) -> Version:
        """Keep a version; where the newest says the same it is that one, named anew if a name is given."""
        revision = revision_of(document)
        with self._log.lock:
            newest = next(iter(self.newest(flow_id, 1)), None)
            if newest is not None and newest.revision == revision and not (name and newest.name):
                return self.rename(flow_id, newest.number, name) if name else newest
            said = ""
            if newest is not None:
                said = compare(self.document(flow_id, newest.number), document).sentence
            number = newest.number + 1 if newest is not None else 1
            with self._log.writing() as db:
                db.execute("INSERT OR IGNORE INTO documents VALUES (?, ?)", (revision, pack(document)))
                db.execute(
                    "INSERT INTO versions (flow_id, number, at, actor, why, name, revision, said)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (flow_id, number, self._log.now(), actor, why, name, revision, said),
                )
                self._thin(flow_id)
            return self.get(flow_id, number)

    def rename(self, flow_id: str, number: int, name: str) -> Version:
        """Name a version; raise VersionNotFound."""
        self.get(flow_id, number)
        with self._log.writing() as db:
            db.execute(
                "UPDATE versions SET name = ? WHERE flow_id = ? AND number = ?", (name, flow_id, number)
            )
        return self.get(flow_id, number)

    def worked(self, flow_id: str, document: Mapping[str, Json], actor: str) -> None:
        """Note a save: the first one keeps what was there before, a later one a version at intervals."""
        newest = next(iter(self.newest(flow_id, 1)), None)
        if newest is None:
            rows = self._log.after(flow_id, 0, 1)
            before = self._log.document_after(flow_id, rows[0].seq - 1) if rows else None
            if before is not None:
                self.make(flow_id, before, "start")
        elif datetime.fromisoformat(self._log.now()) - datetime.fromisoformat(newest.at) >= INTERVAL:
            self.make(flow_id, document, "interval", actor)

    def began(self, flow_id: str, document: Mapping[str, Json], run_id: str, actor: str) -> None:
        """Note which version a run begins with; make it one if it is none yet."""
        number = self.of_revision(flow_id, revision_of(document))
        if number is None:
            number = self.make(flow_id, document, "run", actor).number
        with self._log.writing() as db:
            db.execute("INSERT OR REPLACE INTO version_runs VALUES (?, ?, ?)", (run_id, flow_id, number))

    def restore(
        self, flow_id: str, number: int, actor: str, if_match: Collection[str] = (FlowLibrary.ANY,)
    ) -> Kept:
        """Make the draft what a version was, and a new version of it.

        What the draft was is kept as a version too. Raises VersionNotFound, FlowNotFound or StaleFlow.
        """
        document = self.document(flow_id, number)
        held, revision = self._library.get(flow_id)
        self.make(flow_id, held, "restore", actor)
        kept = self._library.put(
            flow_id,
            document,
            if_match=[revision] if FlowLibrary.ANY in if_match else if_match,
            edit=Edit(actor, f"Restore version {number}"),
        )
        self.make(flow_id, document, "restore", actor, f"Version {number} again")
        return kept

    def publish(self, flow_id: str, actor: str, *, revision: str = "", number: int | None = None) -> Version:
        """Publish the draft, or a version. `revision` is the draft that was looked at: StaleFlow if it moved."""
        if number is None:
            document, held = self._library.get(flow_id)
            if revision and revision != held:
                raise StaleFlow(flow_id, document, held)
            number = self.make(flow_id, document, "publish", actor).number
        else:
            self.get(flow_id, number)
        with self._log.writing() as db:
            db.execute(
                "INSERT OR REPLACE INTO published VALUES (?, ?, ?, ?)",
                (flow_id, number, self._log.now(), actor),
            )
        return self.get(flow_id, number)

    def withdraw(self, flow_id: str) -> None:
        """Publish no version any more: runs execute the draft again."""
        with self._log.writing() as db:
            db.execute("DELETE FROM published WHERE flow_id = ?", (flow_id,))

    def _thin(self, flow_id: str) -> None:
        marks = ", ".join("?" * len(PASSING))
        own = (
            f"flow_id = ? AND name = '' AND why IN ({marks}) AND number NOT IN"
            " (SELECT number FROM published WHERE flow_id = ?)"
        )
        self._log.db.execute(
            f"DELETE FROM versions WHERE {own} AND number NOT IN"
            f" (SELECT number FROM versions WHERE {own} ORDER BY number DESC LIMIT ?)",
            (flow_id, *PASSING, flow_id, flow_id, *PASSING, flow_id, MOST_OWN),
        )
        self._log.db.execute("DELETE FROM documents WHERE revision NOT IN (SELECT revision FROM versions)")

    def _read(self, flow_id: str, where: str, *values: Json) -> list[Version]:
        with self._log.lock:
            found = self._log.db.execute(
                "SELECT v.number, v.at, v.actor, v.why, v.name, v.revision, v.said,"
                " (SELECT count(*) FROM version_runs r WHERE r.flow_id = v.flow_id AND r.number = v.number),"
                " EXISTS (SELECT 1 FROM published p WHERE p.flow_id = v.flow_id AND p.number = v.number)"
                f" FROM versions v WHERE v.flow_id = ? AND {where}",
                (flow_id, *values),
            ).fetchall()
        return [_version(row) for row in found]


def _version(row: tuple[Json, ...]) -> Version:
    number, at, actor, why, name, revision, said, runs, is_published = row
    return Version(number, at, actor, why, name, revision, said, runs, bool(is_published))


def _number(word: str) -> int | None:
    return int(word) if word.isascii() and word.isdigit() and len(word) < 15 else None
