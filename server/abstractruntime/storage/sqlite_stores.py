"""The published contracts over a SQLite file: a run store and a ledger store."""

from __future__ import annotations

import builtins
import logging
import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any

from ..core.clock import instant_micros
from ..core.errors import StoreDamaged
from ..core.models import RunState, RunStatus, StepRecord, WaitReason
from .anchors import Anchors
from .base import Journal, LedgerStore, Record, RunStore
from .codec import encode_run, sealed
from .metrics import ledger_metrics
from .migrate import named_queries
from .sqlite_anchors import SqliteAnchors
from .sqlite_database import SqliteDatabase
from .sqlite_journal import SqliteJournal, find_completed
from .sqlite_reads import load_checkpoint, readable_record, stored_state
from .sqlite_writes import append_record, read_head, replace_run

log = logging.getLogger(__name__)
_Q = named_queries("sqlite")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INDEX_KEYS = (
    "run_id",
    "workflow_id",
    "status",
    "wait_reason",
    "wait_until",
    "parent_run_id",
    "actor_id",
    "session_id",
    "created_at",
    "updated_at",
)


class SqliteRunStore(RunStore):
    """Keeps runs in a SQLite file."""

    def __init__(self, db: SqliteDatabase) -> None:
        self.db = db

    def save(self, run: RunState) -> None:
        """Store the whole checkpoint, whatever was there; raise NotDurable if it is not JSON."""
        if not run.run_id:
            raise ValueError("A run needs a run_id to be saved.")
        whole = encode_run(run)
        with self.db.write() as connection:
            replace_run(connection, run, whole)

    def load(self, run_id: str) -> RunState | None:
        """Return the newest state, or None for an unknown id; raise StoreDamaged if unreadable."""
        found = load_checkpoint(self.db, run_id)
        return None if found is None else found[0].run

    def list_runs(
        self,
        *,
        status: RunStatus | None = None,
        wait_reason: WaitReason | None = None,
        workflow_id: str | None = None,
        limit: int = 100,
    ) -> list[RunState]:
        """Return matching runs, newest `updated_at` first."""
        with self.db.read() as connection:
            rows = _newest(connection, limit, status=status, wait_reason=wait_reason, workflow_id=workflow_id)
            return _states(connection, (row[0] for row in rows))

    def list_run_index(
        self,
        *,
        status: RunStatus | None = None,
        workflow_id: str | None = None,
        session_id: str | None = None,
        root_only: bool = False,
        limit: int = 100,
    ) -> list[dict[str, Any]]:
        """Return identifying columns of matching runs, newest first, without reading checkpoints."""
        with self.db.read() as connection:
            rows = _newest(
                connection,
                limit,
                status=status,
                workflow_id=workflow_id,
                session_id=session_id,
                root_only=root_only,
            )
        found = [dict(zip(_INDEX_KEYS, row, strict=False)) for row in rows]
        for one, row in zip(found, rows, strict=True):
            if one["updated_at"] is None:
                one["updated_at"] = (_EPOCH + timedelta(microseconds=row[10])).isoformat()
        return found

    def list_due_wait_until(self, *, now_iso: str, limit: int = 100) -> list[RunState]:
        """Return runs whose moment has come, earliest first."""
        with self.db.read() as connection:
            rows = connection.execute(_Q["due"], _until(now_iso, limit)).fetchall()
            return _states(connection, (row[0] for row in rows))

    def due_run_ids(self, *, now_iso: str, limit: int = 100) -> list[str]:
        """Return the ids of runs whose moment has come, earliest first."""
        return [row[0] for row in self.db.rows(_Q["due"], _until(now_iso, limit))]

    def running(self, *, limit: int) -> list[tuple[str, int]]:
        """Return ids of RUNNING runs and when they were last touched (µs since 1970), the latest first."""
        found = [(row[0], row[1]) for row in self.db.rows(_Q["running"])]
        found.sort(key=itemgetter(1), reverse=True)
        return found[: max(limit, 0)]

    def perhaps_stranded(self) -> list[str]:
        """Return ids of runs that wait for a child and have one that is over, by index."""
        return [row[0] for row in self.db.rows(_Q["perhaps_stranded"])]

    def list_children(self, *, parent_run_id: str, status: RunStatus | None = None) -> list[RunState]:
        """Return the direct children of a run, oldest first."""
        wanted = {"parent_run_id": parent_run_id, "status": None if status is None else status.value}
        with self.db.read() as connection:
            ids = [row[0] for row in connection.execute(_Q["children"], wanted)]
            return _states(connection, ids)

    def journal_with(self, ledger: LedgerStore) -> Journal | None:
        """Return the journal over this store and a ledger in the same file."""
        same = isinstance(ledger, SqliteLedgerStore) and ledger.db.path == self.db.path
        return SqliteJournal(self.db) if same else None


class SqliteLedgerStore(LedgerStore):
    """Keeps ledgers in a SQLite file."""

    def __init__(self, db: SqliteDatabase) -> None:
        self.db = db

    def append(self, record: StepRecord) -> None:
        """Add one record at the end of its run's ledger; raise ValueError without a run id."""
        if not record.run_id:
            raise ValueError("A record needs a run_id to be appended.")
        text = sealed(record)
        with self.db.write() as connection:
            append_record(connection, record.run_id, text)

    def append_if(self, record: StepRecord, follows: int | None) -> bool:
        """Add one record unless the ledger ends elsewhere than at `follows`; say whether it was added."""
        text = sealed(record)
        with self.db.write() as connection:
            if follows is not None and read_head(connection, record.run_id).last_seq != follows:
                return False
            append_record(connection, record.run_id, text)
        return True

    def anchors(self) -> Anchors:
        """Return where the lengths and heads of chains are kept."""
        return SqliteAnchors(self.db)

    def list(self, run_id: str) -> builtins.list[Record]:
        """Return all records of a run in the order of appending."""
        rows = self.db.rows(_Q["records"], (run_id,))
        return [readable_record(row[0], run_id, seq) for seq, row in enumerate(rows, 1)]

    def find_completed(self, run_id: str, idempotency_key: str) -> Record | None:
        """Return the first COMPLETED record with this key, by index."""
        return find_completed(self.db, run_id, idempotency_key)

    def list_after(self, *, run_id: str, after: int, limit: int = 1000) -> tuple[builtins.list[Record], int]:
        """Return records with seq > after, and the seq to go on from."""
        rows = self.db.rows(_Q["records_after"], (run_id, after, max(limit, 0)))
        return [readable_record(row[1], run_id, row[0]) for row in rows], rows[-1][0] if rows else after

    def count(self, run_id: str) -> int:
        """Return the number of records of a run."""
        return self.count_many([run_id]).get(run_id, 0)

    def count_many(self, run_ids: Iterable[str]) -> dict[str, int]:
        """Return the number of records of each run that has any."""
        with self.db.read() as connection:
            found = {run_id: connection.execute(_Q["count"], (run_id,)).fetchone() for run_id in run_ids}
        return {run_id: row[0] for run_id, row in found.items() if row is not None}

    def metrics_many(self, run_ids: Iterable[str]) -> dict[str, dict[str, int]]:
        """Return steps, model calls, tool calls and tokens of each run with completed records."""
        return ledger_metrics((run_id, self.list(run_id)) for run_id in run_ids)


def _until(now_iso: str, limit: int) -> tuple[int, int]:
    return instant_micros(now_iso), max(limit, 0)


def _states(connection: sqlite3.Connection, run_ids: Iterable[str]) -> list[RunState]:
    """Load runs for a list; one that is damaged is logged and left out, so that the others go on."""
    states: list[RunState] = []
    for run_id in [*run_ids]:
        try:
            state = stored_state(connection, run_id)
        except StoreDamaged as error:
            log.error("Run %s is left out of a list: %s", run_id, error)
            continue
        if state is not None:
            states.append(state)
    return states


def _newest(
    connection: sqlite3.Connection,
    limit: int,
    *,
    status: RunStatus | None = None,
    wait_reason: WaitReason | None = None,
    workflow_id: str | None = None,
    session_id: str | None = None,
    root_only: bool = False,
) -> list[tuple[Any, ...]]:
    """Return the newest matching rows, merged from what runs and what rests."""
    wanted = {
        "status": None if status is None else RunStatus(status).value,
        "wait_reason": None if wait_reason is None else WaitReason(wait_reason).value,
        "workflow_id": workflow_id,
        "session_id": session_id,
        "root_only": int(root_only),
        "limit": max(limit, 0),
    }
    rows: list[tuple[Any, ...]] = []
    if status in (None, RunStatus.RUNNING) and wait_reason is None:
        rows += connection.execute(_Q["newest_running"], wanted)
    if status != RunStatus.RUNNING and workflow_id is not None:
        rows += connection.execute(_Q["newest_by_workflow"], wanted)
    elif status != RunStatus.RUNNING and session_id is not None:
        rows += connection.execute(_Q["newest_by_session"], wanted)
    else:
        for one in RunStatus:
            if one != RunStatus.RUNNING and status in (None, one):
                rows += connection.execute(_Q["newest_by_status"], {**wanted, "status": one.value})
    rows.sort(key=lambda row: row[10], reverse=True)
    return rows[: max(limit, 0)]
