"""What must be true of a store after anything that may have happened to it: the invariants I1 to I8.

    I1  every step that was acknowledged is in the ledger, exactly once
    I2  the records of a run are numbered without a gap or a twin, and positions grow with them
    I3  a ledger that is chained verifies
    I4  the stored state is the fold of the ledger, and says what the records say
    I5  every answer that was acknowledged is in the ledger, and no wait has two answers
    I6  no visit has two results
    I7  no effect is begun again once its success is recorded, none acts without having been begun
    I8  every run is over, moving, or waits for something with a name; no parent has been forgotten

`verify` reads only, by the published contracts; what the outside world saw comes from a `Witness`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..core.jsonsafe import encode
from ..core.models import RunState, RunStatus, WaitReason, wait_json
from ..core.records import STATUS_KEY_PREFIX
from ..core.waits import is_paused
from ..storage.base import Record, Stores

_MISSING = object()


@dataclass
class Witness:
    """What somebody outside of the store has seen.

    `steps` are the acknowledged records (run id, step id, status), `answers` the acknowledged answers
    (run id, payload as JSON text), `acts` the idempotency keys of external effects, at each act.
    """

    steps: list[tuple[str, str, str]] = field(default_factory=list)
    answers: list[tuple[str, str]] = field(default_factory=list)
    acts: list[str] = field(default_factory=list)

    def saw(self, record: Record) -> None:
        """Note a record that its writer has been told is stored; an observer of the ledger."""
        self.steps.append((str(record["run_id"]), str(record["step_id"]), str(record["status"])))


def verify(stores: Stores, witness: Witness | None = None, *, at_rest: bool = False) -> list[str]:
    """Return every breach of I1 to I8, in words; an empty list is what one wants.

    `at_rest` also wants nothing to be moving: the faults have stopped and everybody has done.
    """
    seen, ledgers = witness or Witness(), {}
    runs = {run.run_id: run for run in stores.runs.list_runs(limit=1_000_000)}  # type: ignore[attr-defined]
    for run_id in [*runs, *{step[0] for step in seen.steps} - set(runs)]:
        ledgers[run_id] = stores.ledger.list(run_id)
    bad = [*_acknowledged(seen, ledgers), *_begun(seen, ledgers)]
    for run_id, run in runs.items():
        records = ledgers[run_id]
        found = [
            *_numbered(stores, run_id, len(records)),
            *_chained(records),
            *_folded(stores, run, records),
            *_told(run, records),
            *_answered_once(records),
            *_one_result(records),
            *_not_begun_again(records),
            *_alive(run, runs, at_rest=at_rest),
        ]
        bad += [f"run {run_id}: {what}" for what in found]
    return bad


def _acknowledged(seen: Witness, ledgers: dict[str, list[Record]]) -> Iterator[str]:
    stored = Counter(
        (run_id, str(record["step_id"]), str(record["status"]))
        for run_id, records in ledgers.items()
        for record in records
    )
    for step in dict.fromkeys(seen.steps):
        if stored[step] != 1:
            yield f"I1: run {step[0]}: the acknowledged step {step[1:]} is in the ledger {stored[step]} times"
    for step, count in stored.items():
        if count != 1:
            yield f"I1: run {step[0]}: the step {step[1:]} is in the ledger {count} times"
    answers = Counter(
        (run_id, encode(record["effect"]["payload"]["payload"]))
        for run_id, records in ledgers.items()
        for record in records
        if _is_answer(record)
    )
    for answer, count in Counter(seen.answers).items():
        if answers[answer] < count:
            yield f"I5: run {answer[0]}: the acknowledged answer {answer[1]} is not in the ledger"


def _begun(seen: Witness, ledgers: dict[str, list[Record]]) -> Iterator[str]:
    begun = Counter(
        record["idempotency_key"]
        for records in ledgers.values()
        for record in records
        if record["status"] == "started"
    )
    for key, count in Counter(seen.acts).items():
        if count > begun[key]:
            yield f"I7: the effect {key} acted {count} times and was begun {begun[key]} times"


def _numbered(stores: Stores, run_id: str, count: int) -> Iterator[str]:
    """Read the records of a run, without its children's, by their places."""
    placed, after = [], 0
    while page := stores.journal.tree_after(run_id, after, 1000):
        placed += [one for one in page if one.run_id == run_id]
        after = page[-1].position
    seqs = [one.seq for one in placed]
    if seqs != [*range(1, count + 1)]:
        yield f"I2: {count} records are numbered {seqs}"


def _chained(records: Sequence[Record]) -> Iterator[str]:
    before = None
    for number, record in enumerate(records, 1):
        if record.get("record_hash") is None:
            if before is not None:
                yield f"I3: record {number} is not chained, the one before it is"
            continue
        if record.get("prev_hash") != before and number > 1:
            yield f"I3: record {number} does not name the record before it"
        before = record["record_hash"]


def _folded(stores: Stores, run: RunState, records: Sequence[Record]) -> Iterator[str]:
    rebuilt = stores.journal.refolded(run.run_id)
    if rebuilt is not None and rebuilt != run:
        yield f"I4: the stored state is not the fold of the ledger: {_difference(run, rebuilt)}"
    if rebuilt is None and records and stores.journal.state_at(run.run_id, len(records)) is None:
        yield "I4: its newest state cannot be rebuilt"


def _told(run: RunState, records: Sequence[Record]) -> Iterator[str]:
    """Compare the end of the story with the state."""
    last = [record for record in records if record["status"] != "started"][-1:]
    status = str((last[0]["idempotency_key"] if last else None) or "")
    ended = status.removeprefix(STATUS_KEY_PREFIX) if status.startswith(STATUS_KEY_PREFIX) else None
    if run.status.is_over and ended != run.status.value:
        yield f"I4: the run is {run.status.value}, its last record says {ended or 'nothing of an end'}"
    if ended is not None and not run.status.is_over:
        yield f"I4: its last record says {ended}, the run is {run.status.value}"
    if run.status is RunStatus.COMPLETED:
        outputs = [(one["result"] or {}).get("output", _MISSING) for one in records if _is_completion(one)]
        if outputs and outputs != [run.output]:
            yield f"I4: it is told to have ended with {outputs}, and ended with {run.output}"
    waits = [(record["result"] or {}).get("wait") for record in last if record["status"] == "waiting"]
    wait = run.waiting if run.status is RunStatus.WAITING and not is_paused(run) else None
    if wait is not None and waits and waits != [wait_json(wait)]:
        yield f"I4: it is told to wait for {waits[0]}, and waits for {wait_json(wait)}"


def _answered_once(records: Sequence[Record]) -> Iterator[str]:
    is_open = False
    for number, record in enumerate(records, 1):
        if _is_answer(record) and not is_open:
            yield f"I5: record {number} answers a wait that is not open"
        is_open = record["status"] == "waiting"


def _one_result(records: Sequence[Record]) -> Iterator[str]:
    done = Counter(
        record["idempotency_key"]
        for record in records
        if record["status"] == "completed" and record["idempotency_key"] is not None
    )
    for key, count in done.items():
        if count > 1:
            yield f"I6: the visit {key} has {count} results"


def _not_begun_again(records: Sequence[Record]) -> Iterator[str]:
    done: set[str] = set()
    for number, record in enumerate(records, 1):
        key = record["idempotency_key"]
        if record["status"] == "started" and key in done:
            yield f"I7: record {number} begins {key} again, whose success is recorded"
        if record["status"] == "completed" and record["result"] is not None and key is not None:
            done.add(key)


def _alive(run: RunState, runs: dict[str, RunState], *, at_rest: bool) -> Iterator[str]:
    if run.status.is_over:
        if run.waiting is not None:
            yield "I8: it is over and waits"
        return
    if run.status is RunStatus.RUNNING:
        if run.waiting is not None:
            yield "I8: it runs and waits"
        if at_rest:
            yield f"I8: nobody drives it on, at node {run.current_node}"
        return
    wait = run.waiting
    if wait is None or not (wait.wait_key or (wait.reason is WaitReason.UNTIL and wait.until)):
        yield "I8: it waits for nothing that has a name"
    elif wait.reason is WaitReason.SUBWORKFLOW:
        details = wait.details or {}
        for child_id in details.get("sub_run_ids") or [details.get("sub_run_id")]:
            child = runs.get(str(child_id))
            if child is None:
                yield f"I8: it waits for a child that does not exist: {wait.wait_key}"
            elif at_rest and child.status.is_over and not is_paused(run):
                yield f"I8: its child {child.run_id} is {child.status.value} and it was not told"


def _is_answer(record: Record) -> bool:
    return (record.get("effect") or {}).get("type") == "resume"


def _is_completion(record: Record) -> bool:
    result = record["result"]
    return record["effect"] is None and isinstance(result, dict) and result.get("completed") is True


def _difference(one: RunState, other: RunState) -> str:
    names = [name for name in vars(one) if getattr(one, name) != getattr(other, name)]
    return "; ".join(f"{name}: {getattr(one, name)!r:.300} / {getattr(other, name)!r:.300}" for name in names)
