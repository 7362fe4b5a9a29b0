"""The journal over a SQLite file: one transaction per step."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from ..core.models import RunState, StepRecord
from .base import Checkpoint, Journal, PlacedRecord, Record, StepCommit
from .codec import encode_run, sealed
from .migrate import named_queries
from .sqlite_database import SqliteDatabase
from .sqlite_leases import SqliteLeases
from .sqlite_reads import Head, first_state, load_checkpoint, past_state, readable_record, refolded_state
from .sqlite_writes import append_record, at_once, prepare, remove_run, replace_run, write_step
from .steps import outweigh

_Q = named_queries("sqlite")
_MOST_HEADS = 1_000  # remembered from when runs were read, or from their last step
_LAST_SIGN = chr(0x10FFFF)


class SqliteJournal(Journal):
    """Runs and ledgers of one SQLite file as one."""

    atomic = True

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database
        self._heads: dict[str, Head] = {}
        self._newest: dict[
            str, tuple[RunState, int]
        ] = {}  # the run started last and its commit, until it is read
        self.leases = SqliteLeases(database)

    def commit(self, step: StepCommit) -> int:
        """Write a step in one transaction and return the new revision."""
        run_id, database, heads = step.run.run_id, self._database, self._heads
        known = heads.get(run_id)
        ready = prepare(step, known)
        heads.pop(run_id, None)
        once = at_once(ready, known)
        if once is not None and (written := database.write_at_once(once[1], once[2], durable=step.durable)):
            head = once[0]
            if ready.vars is not None:
                self._newest = {run_id: (_apart(step.run, ready.vars), written)}
        else:
            with database.write(durable=step.durable) as connection:
                head = write_step(connection, ready)
        if not head.rest:
            self._remember(run_id, head)
        return head.revision

    def _remember(self, run_id: str, head: Head) -> None:
        heads = self._heads
        if len(heads) >= _MOST_HEADS:
            heads.clear()
        heads[run_id] = head

    def commit_all(self, steps: Sequence[StepCommit]) -> list[int]:
        """Write the steps of several runs in one transaction and return the revisions."""
        ready = [prepare(step) for step in steps]
        with self._database.write(durable=any(step.durable for step in steps)) as connection:
            return [write_step(connection, one).revision for one in ready]

    def is_heavy(self, run_id: str) -> bool:
        """Say whether the next commit should bring the variables too: a whole state is due."""
        known = self._heads.get(run_id)
        return known is not None and outweigh(known.weight, known.base_size)

    def load(self, run_id: str) -> Checkpoint | None:
        """Return the newest state: the last whole checkpoint with the later deltas folded in.

        The run that was started last is handed over as it was written, if nobody has written since.
        """
        return self._newest_state(run_id)

    def look_at(self, run_id: str) -> Checkpoint | None:
        """Return the newest state; its variables are read when somebody asks for them."""
        return self._newest_state(run_id, late=True)

    def _newest_state(self, run_id: str, *, late: bool = False) -> Checkpoint | None:
        newest = self._newest.pop(run_id, None)
        if newest is not None and self._database.stands_at(newest[1]):
            return Checkpoint(newest[0], 1)
        found = load_checkpoint(self._database, run_id, late=late)
        if found is None:
            return None
        if found[1] is not None:
            self._remember(run_id, found[1])
        return found[0]

    def workflow_of(self, run_id: str) -> str | None:
        """Return the id of a run's workflow, from its column."""
        rows = self._database.rows(_Q["workflow_of"], (run_id,))
        return rows[0][0] if rows else None

    def state_at(self, run_id: str, seq: int) -> RunState | None:
        """Rebuild the state as it was right after record `seq` was committed."""
        with self._database.read() as connection:
            return past_state(connection, run_id, seq)

    def begun(self, run_id: str) -> RunState | None:
        """Return the state that a run was created with."""
        with self._database.read() as connection:
            return first_state(connection, run_id)

    def refolded(self, run_id: str) -> RunState | None:
        """Rebuild the newest state from the first whole one and every change since."""
        with self._database.read() as connection:
            return refolded_state(connection, run_id)

    def find_completed(self, run_id: str, idempotency_key: str) -> Record | None:
        """Return the first COMPLETED record with this key, by index."""
        return find_completed(self._database, run_id, idempotency_key)

    def tree_after(self, root_run_id: str, after: int, limit: int = 500) -> list[PlacedRecord]:
        """Return records of a run and all its descendants with `position > after`, in order."""
        with self._database.read() as connection:
            places: list[tuple[int, int, str]] = []
            for run_id, last_seq in connection.execute(
                _Q["family_with_news"], (root_run_id, after)
            ).fetchall():
                seq = _first_after(connection, run_id, last_seq, after)
                places += connection.execute(_Q["positions_from"], (run_id, seq, limit)).fetchall()
            places.sort(key=lambda place: place[0])
            return [
                PlacedRecord(position, seq, run_id, _record(connection, position, seq, run_id))
                for position, seq, run_id in places[: max(limit, 0)]
            ]

    def remove(self, run_id: str, stub: tuple[RunState, StepRecord] | None = None) -> bool:
        """Remove a run and its ledger; with a stub, that is what stays of them."""
        with self._database.write(durable=True) as connection:
            self._heads.pop(run_id, None)
            found = remove_run(connection, run_id)
            if stub is not None:
                replace_run(connection, stub[0], encode_run(stub[0]))
                append_record(connection, run_id, sealed(stub[1]))
        return found

    def with_artifacts(self) -> set[str] | None:
        """Return ids of all runs of whose state or ledger the stored text has the word `artifact`."""
        return {row[0] for row in self._database.rows(_Q["with_artifacts"])}

    def find_waiting(self, wait_key: str, limit: int = 1000) -> list[str]:
        """Return ids of WAITING runs whose wait has this key, by index."""
        return [row[0] for row in self._database.rows(_Q["find_waiting"], (wait_key, max(limit, 0)))]

    def find_listening(self, wait_key: str, limit: int = 1000) -> list[str]:
        """Return ids of runs that are not over and listen under this key, by index."""
        return [row[0] for row in self._database.rows(_Q["find_listening"], (wait_key, max(limit, 0)))]

    def waiting_keys(self, prefix: str, limit: int = 15) -> list[str]:
        """Return distinct keys of open waits that begin so, sorted."""
        span = (prefix, prefix + _LAST_SIGN, max(limit, 0))
        return [row[0] for row in self._database.rows(_Q["waiting_keys"], span)]


def find_completed(database: SqliteDatabase, run_id: str, idempotency_key: str) -> Record | None:
    """Return the first COMPLETED record with this key, by index."""
    rows = database.rows(_Q["find_completed"], (run_id, idempotency_key))
    return readable_record(rows[0][1], run_id, rows[0][0]) if rows else None


def _apart(run: RunState, vars: dict[str, Any]) -> RunState:
    """Return a run with these variables, and nothing that it shares with another."""
    copy = RunState.__new__(RunState)
    copy.__dict__.update(run.__dict__)
    copy.vars = vars
    return copy


def _first_after(connection: sqlite3.Connection, run_id: str, last_seq: int, after: int) -> int:
    """Return the seq of the first record after a position; seqs are dense and grow with positions.

    Readers mostly want the last few records, so the search begins there with growing strides.
    """
    stride, high = 1, last_seq
    low = last_seq - 1
    while low >= 1 and _position(connection, run_id, low) > after:
        high = low
        stride *= 2
        low -= stride
    low = max(low, 0)  # the record at `low` (0: none) is not after, the one at `high` is
    while high - low > 1:
        middle = (low + high) // 2
        if _position(connection, run_id, middle) > after:
            high = middle
        else:
            low = middle
    return high


def _position(connection: sqlite3.Connection, run_id: str, seq: int) -> int:
    row = connection.execute(_Q["position_of"], (run_id, seq)).fetchone()
    return 0 if row is None else int(row[0])


def _record(connection: sqlite3.Connection, position: int, seq: int, run_id: str) -> Record:
    return readable_record(connection.execute(_Q["record_at"], (position,)).fetchone()[0], run_id, seq)
