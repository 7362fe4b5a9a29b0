"""How states are rebuilt from the tables; what takes several queries sees one moment."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from ..core.errors import StoreDamaged
from ..core.jsonsafe import decode
from ..core.models import RunState
from .base import Checkpoint, Record
from .late import folded, late_run, lines
from .migrate import named_queries
from .sqlite_database import SqliteDatabase

_Q = named_queries("sqlite")
_STATE = _Q["state"]
_tuple = tuple.__new__  # of a named tuple, in a third of the time


class Head(NamedTuple):
    """What the next commit of a run must know; revision 0 means that no run is stored."""

    last_seq: int = 0
    revision: int = 0
    weight: int = 0
    kept_weight: int = 0
    base_size: int = 0
    chained: int = 0
    rest: int = 0


def load_checkpoint(
    database: SqliteDatabase, run_id: str, *, late: bool = False
) -> tuple[Checkpoint, Head | None] | None:
    """Return the newest state with its revision, and the run's head where it is at hand.

    Raises StoreDamaged if the state cannot be read. If it may be `late`, its variables are read when somebody asks
    for them, and damage in them is told then.
    """
    rows = database.few_rows(_STATE, (run_id,))
    if not rows:
        return None
    base, _, text, *head, told = rows[0]
    known = _tuple(Head, head)
    if text is not None and known.revision is not None and known.revision >= base:
        told = told or ""
        if (told.count("\n") + 1 if told else 0) == known.revision - base:
            run = late_run(run_id, text, told) if late else folded(run_id, text, lines(told))
            return Checkpoint(run, known.revision), known
    with database.read() as connection:
        found = stored_checkpoint(connection, run_id)
    return None if found is None else (found, None)


def stored_checkpoint(connection: sqlite3.Connection, run_id: str) -> Checkpoint | None:
    """Return the newest state with its revision; raise StoreDamaged if it cannot be read."""
    row = connection.execute(_Q["base"], (run_id,)).fetchone()
    if row is None:
        return None
    base, seq, apart, text, revision = row
    if revision is None:
        revision = connection.execute(_Q["lost_head"], {"run_id": run_id}).fetchone()[1]
    if apart:
        text = _checkpoint_text(connection, run_id, base)
    deltas = _deltas(connection.execute, run_id, seq, base, revision)
    return Checkpoint(folded(run_id, text, deltas), max(revision, base))


def stored_state(connection: sqlite3.Connection, run_id: str) -> RunState | None:
    """Return the newest state, or None for an unknown run."""
    found = stored_checkpoint(connection, run_id)
    return None if found is None else found.run


def past_state(connection: sqlite3.Connection, run_id: str, seq: int) -> RunState | None:
    """Rebuild the state after record `seq`; None where no history leads there."""
    row = connection.execute(_Q["revision_of_record"], (run_id, seq)).fetchone()
    if row is None:
        return None
    revision: int = row[0]
    start = connection.execute(_Q["kept_before"], (run_id, revision)).fetchone()
    if start is not None:
        deltas = _deltas(connection.execute, run_id, start[1], start[0], revision)
        if len(deltas) == revision - start[0]:
            return folded(run_id, start[2], deltas)
    base = connection.execute(_Q["base"], (run_id,)).fetchone()
    if base is None or base[0] != revision:
        return None
    text = _checkpoint_text(connection, run_id, revision) if base[2] else base[3]
    return folded(run_id, text, [])


def first_state(connection: sqlite3.Connection, run_id: str) -> RunState | None:
    """Return the state that a run was created with; None where it is not kept."""
    first = connection.execute(_Q["first_kept"], (run_id,)).fetchone()
    return folded(run_id, first[2], []) if first is not None and first[0] == 1 else None


def refolded_state(connection: sqlite3.Connection, run_id: str) -> RunState | None:
    """Rebuild the newest state from the first whole one and every delta since; None with a gap between."""
    base = connection.execute(_Q["base"], (run_id,)).fetchone()
    first = connection.execute(_Q["first_kept"], (run_id,)).fetchone()
    if base is None or first is None:
        return None
    revision: int = base[0] if base[4] is None else max(base[0], base[4])
    deltas = _deltas(connection.execute, run_id, first[1], first[0], revision)
    return folded(run_id, first[2], deltas) if len(deltas) == revision - first[0] else None


def readable_record(text: str, run_id: str, seq: int) -> Record:
    """Read a record; raise StoreDamaged naming it."""
    try:
        record = decode(text)
    except (ValueError, TypeError):
        raise StoreDamaged(f"Record {seq} of run '{run_id}' cannot be read.") from None
    if not isinstance(record, dict):
        raise StoreDamaged(f"Record {seq} of run '{run_id}' is not a JSON object.")
    return record


def _checkpoint_text(connection: sqlite3.Connection, run_id: str, revision: int) -> str:
    row = connection.execute(_Q["checkpoint"], (run_id, revision)).fetchone()
    if row is None:
        raise StoreDamaged(f"The checkpoint of run '{run_id}' at revision {revision} is missing.")
    text: str = row[0]
    return text


def _deltas(
    query: Callable[[str, dict[str, Any]], Iterable[Sequence[Any]]],
    run_id: str,
    seq: int,
    base: int,
    last: int,
) -> list[str]:
    """Return what changed after a checkpoint; most steps have a record, and the others are seldom looked for."""
    if last <= base:
        return []
    span = {"run_id": run_id, "seq": seq, "base": base, "last": last}
    rows = [*query(_Q["deltas"], span)]
    if len(rows) < last - base:
        rows = sorted([*rows, *query(_Q["silent_deltas"], span)], key=itemgetter(0))
    return [row[1] for row in rows]
