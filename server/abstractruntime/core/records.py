"""The ledger records that the engine writes besides those of effects.

Every builder returns a finished record. Times are the caller's `now`, so that all records of one
step agree and the clock is read once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..storage.codec import SealedRecord, ending
from .errors import NotDurable
from .ids import new_id
from .jsonsafe import encode, encode_flat, quoted
from .models import (
    Effect,
    RunState,
    RunStatus,
    StepPlan,
    StepRecord,
    StepStatus,
    WaitState,
    effect_json,
    wait_json,
)

STATUS_EVENT = "abstract.status"
FORK = "fork"
STATUS_KEY_PREFIX = "system:terminal_status:"
_PAYLOAD, _RESULT = ("effect", "payload"), ("result",)


class EffectRecords:
    """The records of one attempt at an effect: the text that they share is made once.

    Records whose values are durable come with their text made (`SealedRecord`). The others are plain:
    whoever writes them finds out what is wrong, and says so. `recorded` tells the run and the entry whose reply
    is taken, where nothing is done anew (`recorded.permit`).
    """

    __slots__ = ("_given", "_head", "_key", "_recorded", "_run_id", "_tail", "_then")

    def __init__(
        self,
        run: RunState,
        node_id: str,
        effect: Effect,
        now: str,
        attempt: int,
        key: str,
        recorded: dict[str, Any] | None = None,
    ) -> None:
        step_id, run_id = new_id(), run.run_id
        self._given = run, step_id, node_id, effect, now, attempt
        self._recorded = recorded
        self._run_id, self._key = run_id, key
        try:
            payload = encode(effect.payload, "record", _PAYLOAD)
            whose = "" if recorded is None else f',"recorded":{encode(recorded, "record")}'
            self._head = (
                f'{{"run_id":{quoted(run_id)},"step_id":"{step_id}","node_id":{quoted(node_id)},"status":"'
            )
            self._then = (
                f'","effect":{{"type":"{effect.type._value_}","payload":{payload},'
                f'"result_key":{encode_flat(effect.result_key)}{whose}}},"result":'
            )
            self._tail = (
                f',"started_at":"{now}","ended_at":',
                ending(run.actor_id, run.session_id, attempt, key),
            )
        except (NotDurable, TypeError):
            self._head = ""

    def started(self, note: dict[str, Any] | None) -> StepRecord:
        """Return the record that opens the attempt, with what its node noted."""
        return self._record(StepStatus.STARTED, None if note is None else {"visit": note}, None)

    def completed(self, result: Any, now: str) -> StepRecord:
        """Return the record that closes the attempt with a result."""
        return self._record(StepStatus.COMPLETED, result, now)

    def waiting(self, wait: WaitState, now: str) -> StepRecord:
        """Return the record that closes the attempt with a wait."""
        return self._record(StepStatus.WAITING, {"wait": wait_json(wait)}, now)

    def set_aside(self, wait: WaitState, now: str) -> StepRecord:
        """Return the record that closes the attempt with a wait that does not hold this run up."""
        return self._record(StepStatus.WAITING, {"set_aside": wait_json(wait)}, now)

    def failed(
        self,
        code: str,
        error: str,
        now: str,
        known: Mapping[str, Any] | None = None,
        place: Mapping[str, Any] | None = None,
    ) -> StepRecord:
        """Return the record that closes the attempt with an error, where it was, and what is known of it besides."""
        node_id = self._given[2]
        known = known or {}
        told = known.get("error")
        facts = told if isinstance(told, dict) else {}
        where = {"node_id": node_id, **(place or {})}
        result = {**known, "error": {**facts, "code": code, "message": error, **where}}
        return self._record(StepStatus.FAILED, result, now, error)

    def _record(
        self, status: StepStatus, result: Any, ended_at: str | None, error: str | None = None
    ) -> StepRecord:
        if not self._head:
            return self._plain(status, result, ended_at, error)
        written, told, ended = None, "null", "null"
        started, tail = self._tail
        try:
            if result is not None:
                told = encode(result, "record", _RESULT)
                written = result, told, self._then
            if ended_at is not None:
                ended = f'"{ended_at}"'
            why = "null" if error is None else quoted(error)
            text = f'{self._head}{status._value_}{self._then}{told},"error":{why}{started}{ended},{tail}'
            if not text.isascii():
                text.encode()
        except (NotDurable, ValueError):
            return self._plain(status, result, ended_at, error)
        return SealedRecord.of(text, self._run_id, status, self._key, written)

    def _plain(self, status: StepStatus, result: Any, ended_at: str | None, error: str | None) -> StepRecord:
        run, step_id, node_id, effect, now, attempt = self._given
        told = effect_json(effect)
        return StepRecord(
            run_id=run.run_id,
            step_id=step_id,
            node_id=node_id,
            status=status,
            effect=told if self._recorded is None or told is None else {**told, "recorded": self._recorded},
            result=result,
            error=error,
            started_at=now,
            ended_at=ended_at,
            actor_id=run.actor_id,
            session_id=run.session_id,
            attempt=attempt,
            idempotency_key=self._key,
        )


def was_left_open(records: Iterable[Mapping[str, Any]], key: str) -> bool:
    """Say whether a visit was begun before its newest STARTED and not ended, one way or the other."""
    begun = 0
    for record in records:
        if record.get("idempotency_key") == key:
            begun = begun + 1 if record.get("status") == StepStatus.STARTED.value else 0
    return begun > 1


def without_text(record: StepRecord) -> StepRecord:
    """Return a record that can be changed: its text is made when it is written."""
    return StepRecord(**{name: getattr(record, name) for name in StepRecord.__dataclass_fields__})


VISITS_A_SUMMARY = 100


def is_told(plan: StepPlan, limit: int) -> bool:
    """Say whether a visit has a record of its own; past the limit every hundredth has. 0: no limit."""
    number = (plan.note or {}).get("visit")
    return not limit or not isinstance(number, int) or number <= limit or number % VISITS_A_SUMMARY == 0


def visit_record(run: RunState, plan: StepPlan, *, now: str, started_at: str, limit: int = 0) -> StepRecord:
    """Tell that a node was visited, where it sends the run, and what the node noted.

    Past the limit the record also stands for the visits before it, which it counts.
    """
    visit = {"next_node": plan.next_node, **(plan.note or {}), **_summary(plan.note or {}, limit)}
    return _done(run, plan.node_id, {"visit": visit}, now=now, started_at=started_at)


def recap_records(run: RunState, plan: StepPlan, limit: int, *, now: str) -> list[StepRecord]:
    """Tell at the end of a run of the last visits that have no record of their own."""
    if not limit or plan.recap is None:
        return []
    told = []
    for node_id, note in plan.recap(limit).items():
        if node_id != plan.node_id and note["visit"] % VISITS_A_SUMMARY:
            visit = {"next_node": None, **note, **_summary(note, limit)}
            told.append(_done(run, node_id, {"visit": visit}, now=now))
    return told


def _summary(note: Mapping[str, Any], limit: int) -> dict[str, Any]:
    number = note.get("visit")
    if not limit or not isinstance(number, int) or number <= limit:
        return {}
    first = max(limit, (number - 1) // VISITS_A_SUMMARY * VISITS_A_SUMMARY) + 1
    return {"summary": {"first": first, "last": number}}


def completion_record(run: RunState, node_id: str, output: dict[str, Any], *, now: str) -> StepRecord:
    """Tell that the run ended with this output."""
    return _done(run, node_id, {"completed": True, "output": output}, now=now)


def answered_completion_record(run: RunState, wait: WaitState, *, now: str) -> StepRecord:
    """Tell that an answer ended the run, because its wait led nowhere further."""
    result = {
        "completed": True,
        "via": "resume",
        "wait_reason": wait.reason.value,
        "wait_key": wait.wait_key,
        "output": run.output,
    }
    return _done(run, run.current_node, result, now=now)


def resume_record(
    run: RunState, wait: WaitState, payload: Any, *, to_node: str | None, now: str
) -> StepRecord:
    """Tell what a wait was answered with."""
    effect = {
        "type": "resume",
        "payload": {
            "wait_reason": wait.reason.value,
            "wait_key": wait.wait_key,
            "resume_to_node": to_node,
            "result_key": wait.result_key,
            "payload": payload,
        },
        "result_key": None,
    }
    return _done(run, run.current_node, {"resumed": True}, now=now, effect=effect)


def fork_record(run: RunState, payload: dict[str, Any], *, now: str) -> StepRecord:
    """Tell, as the first record of a fork, what it is a fork of, what was changed, and what it waits for if it does."""
    effect = {"type": FORK, "payload": payload, "result_key": None}
    record = _done(run, run.current_node, {"forked": True}, now=now, effect=effect)
    if run.waiting is not None:
        record.status, record.result = StepStatus.WAITING, {"forked": True, "wait": wait_json(run.waiting)}
    return record


def stage_record(run: RunState, wait: WaitState, *, now: str) -> StepRecord:
    """Tell that a person was reminded of a question, or that it went to somebody else: it is open still."""
    details = wait.details or {}
    payload = {"prompt": wait.prompt, "assignee": details.get("assignee", ""), **details["history"][-1]}
    effect = {"type": "remind", "payload": payload, "result_key": None}
    record = _done(run, run.current_node, {"wait": wait_json(wait)}, now=now, effect=effect)
    record.status = StepStatus.WAITING
    return record


def failure_record(
    run: RunState, node_id: str, failure: dict[str, Any], *, now: str, note: dict[str, Any] | None = None
) -> StepRecord:
    """Tell that a node ended the run as failed, and why."""
    record = _done(run, node_id, {"error": failure}, now=now)
    record.status = StepStatus.FAILED
    record.error = str(failure.get("message") or "unknown error")
    if note is not None and record.result is not None:
        record.result["visit"] = {"next_node": None, **note}
    return record


def failure_of(records: list[StepRecord], error: str | None, known: Any = None) -> dict[str, Any]:
    """Return code and message of the failure that the last of an effect's records tells, and what each attempt said."""
    told = records[-1].result.get("error") if records and records[-1].result else None
    code = told.get("code") if isinstance(told, dict) else None
    attempts = known.get("attempts") if isinstance(known, dict) else None
    several = {"attempts": attempts} if attempts else {}
    return {"code": code or "effect.failed", "message": error or "unknown error", **several}


def status_record(run: RunState, *, now: str) -> StepRecord:
    """Announce the final status; always the last record of a run."""
    status = RunStatus(run.status).value
    text = {"text": status}
    effect = {
        "type": "emit_event",
        "payload": {"name": STATUS_EVENT, "scope": "session", "payload": text},
        "result_key": None,
    }
    result = {"emitted": True, "name": STATUS_EVENT, "payload": text}
    node_id = run.current_node or "runtime"
    return _done(run, node_id, result, now=now, effect=effect, key=STATUS_KEY_PREFIX + status)


def _done(
    run: RunState,
    node_id: str,
    result: dict[str, Any],
    *,
    now: str,
    started_at: str | None = None,
    effect: dict[str, Any] | None = None,
    key: str | None = None,
) -> StepRecord:
    return StepRecord(
        run_id=run.run_id,
        step_id=new_id(),
        node_id=node_id,
        status=StepStatus.COMPLETED,
        effect=effect,
        result=result,
        started_at=started_at or now,
        ended_at=now,
        actor_id=run.actor_id,
        session_id=run.session_id,
        idempotency_key=key,
    )
