"""What goes into the tables, inside a transaction that somebody else holds.

One step writes its records, the delta on the last of them, and the run's narrow head. The row in
`runs` is written when the run comes to rest or wakes; a whole state when the deltas since the last one
outweigh it twice, at the end of a run when they outweigh it (decision 64).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..core.delta import plain
from ..core.errors import StoreDamaged
from ..core.jsonsafe import encode_apart, quoted
from ..core.models import RunState, RunStatus
from .base import StepCommit
from .codec import SealedRecord, encode_run, sealed
from .migrate import named_queries
from .sqlite_reads import Head, stored_state
from .steps import (
    CHECKPOINT_FLOOR,
    agree,
    brings_vars,
    brought_text,
    check_place,
    delta_text,
    due_micros,
    ends_whole,
    moment_micros,
    outweigh,
    rests,
    whole_text,
)

INLINE_LIMIT = 8_000  # characters; a larger state lies in `checkpoints`, out of the way of updates
_MOST_COPIED = 16_000  # characters of the variables of a new run, of which a copy is kept until it is read

_Q = named_queries("sqlite")
_REMOVALS = (
    "remove_records",
    "remove_silent_steps",
    "remove_checkpoints",
    "remove_head",
    "remove_lease",
    "drop_due",
    "stop_listening",
    "remove_run",
)
_OVER = tuple(status for status in RunStatus if status.is_over)  # what is plain text equals one of them, too
_tuple = tuple.__new__  # of a named tuple, in a third of the time
_HEAD = _Q["head"]
_MOVE_HEAD = _Q["move_head"]
_WRITE_ONE = _Q["write_one"]
_WRITE_TWO = _Q["write_two"]
_WRITE_NEW = _Q["write_new"]
_WRITE_REST = _Q["write_rest"]
_WRITE_LAST = _Q["write_last"]
_ADD_RECORD = _Q["add_record"]


class Prepared(NamedTuple):
    """A step as text, made before the transaction begins."""

    step: StepCommit
    records: Sequence[SealedRecord]
    delta: str | None
    whole: str | None
    at_rest: bool
    vars: dict[str, Any] | None  # of a new run, as a restart would find them; None where they are too large

    @property
    def is_over(self) -> bool:
        """Whether the run has ended."""
        return self.at_rest and self.step.run.status in _OVER


def prepare(step: StepCommit, known: Head | None = None) -> Prepared:
    """Encode a step; raise NotDurable with the place of what is not JSON.

    By the head that is `known` of its run is seen whether its state will be written whole.
    """
    run = step.run
    at_rest = rests(run)
    records = [*map(sealed, step.records)]
    delta = delta_text(step, at_rest=at_rest)
    is_new = step.expected_revision is None
    whole, vars = None, None
    if is_new:
        text, vars = encode_apart(plain(run.vars), most=_MOST_COPIED)
        whole = encode_run(run, text)
    elif (delta is None or (at_rest and _ends_whole(run, known, delta))) and brings_vars(step):
        whole = brought_text(step)
    return _tuple(Prepared, (step, records, delta, whole, at_rest, vars))


def _ends_whole(run: RunState, known: Head | None, delta: str) -> bool:
    """Say whether this is the end of a run that is written whole; where the head is not known, it may be."""
    if run.status not in _OVER:
        return False
    return known is None or ends_whole(known.weight + len(delta), known.base_size)


def read_head(connection: sqlite3.Connection, run_id: str) -> Head:
    """Return a run's head, recovered from the other tables if it is gone."""
    row = connection.execute(_HEAD, (run_id,)).fetchone()
    if row is not None:
        return Head(*row)
    found = Head(*connection.execute(_Q["lost_head"], {"run_id": run_id}).fetchone())
    if found != Head():
        connection.execute(_Q["put_head"], (run_id, *found[:2], 0, *found[2:]))
    return found


def at_once(ready: Prepared, known: Head | None) -> tuple[Head, str, tuple[Any, ...]] | None:
    """Return a step as one statement that holds if the run's head stands as `known`; None where it is not one.

    With the statement come its values, and before it the head that it leaves.
    """
    step, records, delta, _, at_rest, _ = ready
    if step.expected_revision is None:
        return _new_at_once(ready)
    if known is None or delta is None or step.listening is not None:
        return None
    last_seq, revision, weight, kept_weight, base_size, chained, rest = known
    if revision != step.expected_revision or not chained or step.follows not in (None, last_seq):
        return None
    if ready.is_over:
        return _last_at_once(ready, known)
    count = len(records)
    weight += len(delta)
    if not 1 <= count <= 2 or (
        weight > CHECKPOINT_FLOOR and step.ops and outweigh(weight, base_size, patient=step.held_back)
    ):
        return None
    run, last = step.run, records[-1]
    seq, moved, kept_weight = last_seq + count, revision + 1, kept_weight + len(delta)
    now = moment_micros(run.updated_at) or 0
    place = (run.run_id, seq, moved, now, weight, kept_weight, revision, last_seq)
    if at_rest or rest:
        return _rest_at_once(ready, known, place)
    head = _tuple(Head, (seq, moved, weight, kept_weight, base_size, 1, 0))
    if count == 1:
        return head, _WRITE_ONE, (*place, last.done_key, last.text, delta)
    first = records[0]
    return head, _WRITE_TWO, (*place, first.done_key, first.text, last.done_key, last.text, delta)


def _new_at_once(ready: Prepared) -> tuple[Head, str, tuple[Any, ...]] | None:
    step, whole, run = ready.step, ready.whole, ready.step.run
    if whole is None or ready.records or ready.at_rest or step.listening is not None or step.follows:
        return None
    now, size, run_id = moment_micros(run.updated_at) or 0, len(whole), run.run_id
    who = (run_id, run.workflow_id, run.parent_run_id, run.actor_id, run.session_id)
    head = _tuple(Head, (0, 1, 0, 0, size, 1, 0))
    return head, _WRITE_NEW, (*who, run.created_at, run.updated_at, now, _pointer(run_id, 1), whole, size)


def _rest_at_once(
    ready: Prepared, known: Head, place: tuple[Any, ...]
) -> tuple[Head, str, tuple[Any, ...]] | None:
    run, records = ready.step.run, ready.records
    due = due_micros(run)
    rest = 0 if not ready.at_rest else 1 if due is None else 2
    first, last = records[0] if len(records) == 2 else None, records[-1]
    told = (None, None) if first is None else (first.done_key, first.text)
    head = _tuple(Head, (*place[1:3], *place[4:6], known.base_size, 1, rest))
    told = (*told, last.done_key, last.text, ready.delta)
    return head, _WRITE_REST, (*place, known.rest, rest, *told, *_waits(run), run.updated_at, due)


def _last_at_once(ready: Prepared, known: Head) -> tuple[Head, str, tuple[Any, ...]] | None:
    whole, records, run, delta = ready.whole, ready.records, ready.step.run, ready.delta or ""
    last_seq, revision, weight, kept_weight, base_size, _, rest = known
    weight, kept_weight, size = weight + len(delta), kept_weight + len(delta), base_size
    if not 2 <= len(records) <= 4:
        return None
    if ends_whole(weight, base_size):
        if whole is None or max(len(whole), base_size) > INLINE_LIMIT or outweigh(kept_weight, len(whole)):
            return None
        weight, size = 0, len(whole)
    else:
        whole = None
    seq, moved = last_seq + len(records), revision + 1
    told: list[str | None] = [None] * (8 - 2 * len(records))
    for record in records:
        told += [record.done_key, record.text]
    head = _tuple(Head, (seq, moved, weight, kept_weight, size, 1, 1))
    now = moment_micros(run.updated_at) or 0
    place = (run.run_id, seq, moved, now, weight, kept_weight, revision, last_seq, rest)
    status = RunStatus(run.status)._value_
    return head, _WRITE_LAST, (*place, *told, delta, status, run.updated_at, whole, size)


def _pointer(run_id: str, revision: int) -> str:
    """Return what stands in place of a state that lies in `checkpoints`."""
    return f'{{"run_id":{quoted(run_id)},"$checkpoint":{revision}}}'


def write_step(connection: sqlite3.Connection, ready: Prepared) -> Head:
    """Write a step and return the run's new head; raise StaleRevision if it builds on another revision."""
    step, run, delta = ready.step, ready.step.run, ready.delta
    before = read_head(connection, run.run_id)
    revision = agree(step, before.revision or None)
    check_place(step, before.last_seq)
    if step.listening is not None:
        connection.execute(_Q["listen"], (run.run_id, step.listening))
    if step.expected_revision is None:
        return _create(connection, ready, before._replace(revision=revision))
    added = 0 if delta is None else len(delta)
    head = Head(
        before.last_seq + len(ready.records),
        revision,
        before.weight + added,
        (before.kept_weight if before.chained else 0) + added,
        before.base_size,
        1,
        before.rest,
    )
    _add_records(connection, run.run_id, head.last_seq, revision, ready.records, delta)
    if delta is not None and not before.chained:
        _keep_base(connection, run.run_id)
    is_due = bool(step.ops) and outweigh(head.weight, head.base_size, patient=step.held_back)
    is_due = is_due or (ready.is_over and ends_whole(head.weight, head.base_size))
    if delta is None or is_due:
        whole = ready.whole or _whole_text(connection, step)
        kept = delta is None or outweigh(head.kept_weight, len(whole))
        return _write_whole(connection, run, whole, head, kept=kept, statement=_Q["move_run"])
    if ready.at_rest:
        return _come_to_rest(connection, run, head)
    updated_us = moment_micros(run.updated_at) or 0
    if head.rest:
        _wake(connection, run, head, updated_us)
    connection.execute(
        _MOVE_HEAD, (head.last_seq, revision, updated_us, head.weight, head.kept_weight, run.run_id)
    )
    return head._replace(rest=0)


def replace_run(connection: sqlite3.Connection, run: RunState, whole: str) -> None:
    """Write a whole state over whatever is stored, as a revision of its own."""
    head = read_head(connection, run.run_id)
    head = head._replace(revision=head.revision + 1, chained=0)
    statement = _Q["replace_run"] if head.revision > 1 else None
    _write_whole(connection, run, whole, head, kept=False, statement=statement)


def remove_run(connection: sqlite3.Connection, run_id: str) -> bool:
    """Remove all that the tables of runs and ledgers hold of a run; say whether there was anything."""
    removed = sum(connection.execute(_Q[name], (run_id,)).rowcount for name in _REMOVALS)
    return removed > 0


def append_record(connection: sqlite3.Connection, run_id: str, record: SealedRecord) -> None:
    """Add a record outside of any step."""
    head = read_head(connection, run_id)
    head = head._replace(last_seq=head.last_seq + 1)
    _add_records(connection, run_id, head.last_seq, head.revision, (record,), None)
    connection.execute(_Q["move_head_seq"], (run_id, head.last_seq, head.revision))


def _create(connection: sqlite3.Connection, ready: Prepared, head: Head) -> Head:
    run = ready.step.run
    head = head._replace(last_seq=head.last_seq + len(ready.records))
    _add_records(connection, run.run_id, head.last_seq, head.revision, ready.records, None)
    return _write_whole(connection, run, ready.whole or encode_run(run), head, kept=True, statement=None)


def _add_records(
    connection: sqlite3.Connection,
    run_id: str,
    last_seq: int,
    revision: int,
    records: Sequence[SealedRecord],
    delta: str | None,
) -> None:
    """Add the records that end at `last_seq`, the delta on the last of them."""
    if not records:
        if delta is not None:
            connection.execute(_Q["add_silent_step"], (run_id, revision, delta))
        return
    seq = last_seq - len(records)
    for record in records:
        seq += 1
        change = delta if seq == last_seq else None
        connection.execute(_ADD_RECORD, (run_id, seq, revision, record.done_key, record.text, change))


def _keep_base(connection: sqlite3.Connection, run_id: str) -> None:
    """Keep the whole state that the first delta builds on, so that history can be told from it."""
    connection.execute(_Q["keep_base_apart"], (run_id,))
    connection.execute(_Q["keep_base_inline"], (run_id,))


def _wake(connection: sqlite3.Connection, run: RunState, head: Head, updated_us: int) -> None:
    connection.execute(_Q["wake_run"], (run.updated_at, updated_us, run.run_id))
    if head.rest == 2:
        connection.execute(_Q["drop_due"], (run.run_id,))


def _whole_text(connection: sqlite3.Connection, step: StepCommit) -> str:
    """Encode the state after a step; its delta is written, the run's head still stands before it."""
    if brings_vars(step):
        return whole_text(step, None)
    return whole_text(step, stored_state(connection, step.run.run_id))


def _write_whole(
    connection: sqlite3.Connection,
    run: RunState,
    whole: str,
    head: Head,
    *,
    kept: bool,
    statement: str | None,
) -> Head:
    """Write the state, its columns, its timer and its head, and return that; `statement` None makes a new row."""
    is_new = statement is None and kept  # its first state is kept for history: it need not lie here too
    apart = is_new or len(whole) > INLINE_LIMIT
    if head.base_size > INLINE_LIMIT:
        connection.execute(_Q["drop_unkept"], (run.run_id,))
    if apart or kept:
        place = (run.run_id, head.revision, head.last_seq, int(kept), whole)
        connection.execute(_Q["put_checkpoint"], place)
    columns = _columns(run, head)
    columns["apart"] = int(apart)
    columns["run_json"] = _pointer(run.run_id, head.revision) if apart else whole
    if statement is None or connection.execute(statement, columns).rowcount == 0:
        connection.execute(_Q["add_run"], columns)
    rest = _set_timer(connection, run, head)
    kept_weight, chained = (0, 1) if kept else (head.kept_weight, head.chained)
    stands = Head(head.last_seq, head.revision, 0, kept_weight, len(whole), chained, rest)
    connection.execute(_Q["put_head"], (run.run_id, *stands[:2], columns["updated_us"], *stands[2:]))
    return stands


def _come_to_rest(connection: sqlite3.Connection, run: RunState, head: Head) -> Head:
    """Write how a run rests, which its delta tells too; its whole state stays where it is."""
    columns = _columns(run, head)
    if connection.execute(_Q["rest_run"], columns).rowcount == 0:
        raise StoreDamaged(f"The row of run '{run.run_id}' is missing.")
    stands = head._replace(rest=_set_timer(connection, run, head))
    connection.execute(_Q["put_head"], (run.run_id, *stands[:2], columns["updated_us"], *stands[2:]))
    return stands


def _set_timer(connection: sqlite3.Connection, run: RunState, head: Head) -> int:
    """Have a run found when its moment or its event has come, or no longer; return how it rests, as its head tells it."""
    due = due_micros(run)
    if due is not None and run.waiting is not None:
        connection.execute(_Q["put_due"], (run.run_id, run.waiting.until, run.updated_at, due))
        return 2
    if head.rest == 2:
        connection.execute(_Q["drop_due"], (run.run_id,))
    if RunStatus(run.status).is_over:
        connection.execute(_Q["stop_listening"], (run.run_id,))
    return int(rests(run))


def _waits(run: RunState) -> tuple[Any, ...]:
    """Return the columns of a run's status and wait."""
    status = RunStatus(run.status)._value_
    wait = run.waiting if status == "waiting" else None
    if wait is None:
        return status, None, None, None
    return status, wait.reason._value_, wait.until, wait.wait_key


def _columns(run: RunState, head: Head) -> dict[str, Any]:
    status, wait_reason, wait_until, wait_key = _waits(run)
    return {
        "run_id": run.run_id,
        "workflow_id": run.workflow_id,
        "status": status,
        "wait_reason": wait_reason,
        "wait_until": wait_until,
        "wait_key": wait_key,
        "parent_run_id": run.parent_run_id,
        "actor_id": run.actor_id,
        "session_id": run.session_id,
        "created_at": run.created_at,
        "updated_at": run.updated_at,
        "updated_us": moment_micros(run.updated_at) or 0,
        "base_revision": head.revision,
        "base_seq": head.last_seq,
    }
