"""Runs and records to JSON and back; the order of keys is the order of the fields.

Written by hand instead of with `asdict`, which copies every payload deeply.
"""

from __future__ import annotations

from typing import Any

from ..core.clock import utc_now_iso
from ..core.delta import Made, plain
from ..core.errors import NotDurable
from ..core.jsonsafe import decode, encode, encode_flat, quoted
from ..core.models import RunState, RunStatus, StepRecord, StepStatus, WaitReason, WaitState, wait_json

__all__ = [
    "SealedRecord",
    "encode_record",
    "encode_run",
    "ending",
    "record_json",
    "resealed",
    "run_from_json",
    "run_from_text",
    "run_json",
    "sealed",
    "wait_from_json",
]


def run_json(run: RunState) -> dict[str, Any]:
    """Return a run as a plain object; containers are shared with the run."""
    return {
        "run_id": run.run_id,
        "workflow_id": run.workflow_id,
        "status": RunStatus(run.status).value,
        "current_node": run.current_node,
        "vars": plain(run.vars),
        "waiting": None if run.waiting is None else wait_json(run.waiting),
        "output": run.output,
        "error": run.error,
        "created_at": run.created_at,
        "updated_at": run.updated_at,
        "actor_id": run.actor_id,
        "session_id": run.session_id,
        "parent_run_id": run.parent_run_id,
    }


_NEEDED = frozenset({"run_id", "workflow_id", "status", "current_node"})


def run_from_json(data: Any) -> RunState:
    """Build a run from a plain object; raise ValueError naming what is missing or wrong."""
    if not isinstance(data, dict):
        raise ValueError("A stored run must be a JSON object.")
    if not data.keys() >= _NEEDED:
        missing = [key for key in ("run_id", "workflow_id", "status", "current_node") if key not in data]
        raise ValueError(f"A stored run lacks {', '.join(missing)}.")
    kept = data.get("vars")
    read, now = data.get, ""
    if "created_at" not in data or "updated_at" not in data:
        now = utc_now_iso()
    return RunState(
        data["run_id"],
        data["workflow_id"],
        RunStatus(data["status"]),
        data["current_node"],
        kept if isinstance(kept, dict) else {},
        wait_from_json(read("waiting")),
        read("output"),
        read("error"),
        read("created_at", now),
        read("updated_at", now),
        read("actor_id"),
        read("session_id"),
        read("parent_run_id"),
    )


def wait_from_json(data: Any) -> WaitState | None:
    """Build a wait from a plain object, None from None; raise ValueError without a known reason."""
    if data is None:
        return None
    if not isinstance(data, dict) or not data.get("reason"):
        raise ValueError("A stored wait must be a JSON object with a reason.")
    return WaitState(
        reason=WaitReason(data["reason"]),
        wait_key=data.get("wait_key"),
        until=data.get("until"),
        resume_to_node=data.get("resume_to_node"),
        result_key=data.get("result_key"),
        prompt=data.get("prompt"),
        choices=data.get("choices"),
        allow_free_text=data.get("allow_free_text", True),
        details=data.get("details"),
    )


def encode_run(
    run: RunState, vars_text: str | None = None, *, known: bool = False, made: Made | None = None
) -> str:
    """Return the text of a run; raise NotDurable with the place of what is not JSON.

    `vars_text` spares encoding the variables, which are then not read; `known` says that all of the run
    was found durable before, and what is `made` of text, by identity, is put in as that.
    """
    if vars_text is None:
        vars_text = (
            _joined(plain(run.vars), made) if known and made else encode(plain(run.vars), "vars", known=known)
        )
    flat, waiting, output, status = encode_flat, run.waiting, run.output, run.status
    try:
        status = status if type(status) is RunStatus else RunStatus(status)
        text = (
            f'{{"run_id":{quoted(run.run_id)},"workflow_id":{quoted(run.workflow_id)},'
            f'"status":"{status._value_}","current_node":{quoted(run.current_node)},"vars":{vars_text},'
            f'"waiting":{"null" if waiting is None else encode(wait_json(waiting), "run", ("waiting",), known=known)},'
            f'"output":{"null" if output is None else encode(output, "run", ("output",), known=known)},'
            f'"error":{flat(run.error)},"created_at":{flat(run.created_at)},"updated_at":{flat(run.updated_at)},'
            f'"actor_id":{flat(run.actor_id)},"session_id":{flat(run.session_id)},"parent_run_id":{flat(run.parent_run_id)}}}'
        )
        if not text.isascii():
            text.encode()
    except (TypeError, UnicodeEncodeError):
        return _odd_run_text(run, vars_text, known=known)
    return text


def _joined(value: dict[str, Any], made: Made, levels: int = 1) -> str:
    """Write an object known to be durable, with the texts that are made of values in it, at most so many levels down."""
    parts = []
    for key, item in value.items():
        one = made.get(id(item))
        if one is not None:
            text = one[1]
        elif levels and type(item) is dict and not made.keys().isdisjoint(map(id, item.values())):
            text = _joined(item, made, levels - 1)
        else:
            text = encode(item, known=True)
        parts.append(f"{quoted(key)}:{text}")
    return f"{{{','.join(parts)}}}"


def _odd_run_text(run: RunState, vars_text: str, *, known: bool) -> str:
    """Write a run whose columns are not all text; raise NotDurable with the place of what is not JSON."""
    columns = {**run_json(run), "vars": None}
    names = [*columns]
    place = names.index("vars")
    head, tail = ({name: columns[name] for name in part} for part in (names[:place], names[place + 1 :]))
    end = encode(tail, "run", known=known)
    return f'{encode(head, "run", known=True)[:-1]},"vars":{vars_text},{end[1:]}'


def run_from_text(text: str) -> RunState:
    """Read a run; raise ValueError when the text is not one."""
    return run_from_json(decode(text))


def record_json(record: StepRecord) -> dict[str, Any]:
    """Return a ledger record as a plain object; containers are shared with the record."""
    status = record.status
    return {
        "run_id": record.run_id,
        "step_id": record.step_id,
        "node_id": record.node_id,
        "status": status.value if type(status) is StepStatus else StepStatus(status).value,
        "effect": record.effect,
        "result": record.result,
        "error": record.error,
        "started_at": record.started_at,
        "ended_at": record.ended_at,
        "actor_id": record.actor_id,
        "session_id": record.session_id,
        "attempt": record.attempt,
        "idempotency_key": record.idempotency_key,
        "prev_hash": record.prev_hash,
        "record_hash": record.record_hash,
        "signature": record.signature,
    }


_NOBODY = '"actor_id":null,"session_id":null'
_COMPLETED = StepStatus.COMPLETED
_UNSIGNED = '"prev_hash":null,"record_hash":null,"signature":null'


# The result of a record as it was given, its text, and the text before it, which ends with the effect.
Written = tuple[Any, str, str]


class SealedRecord(StepRecord):
    """A record with its text made already: what happens later to the values in it does not matter.

    Most are only written, so they are made of little else; what else is asked of one is read from its text.
    """

    text: str
    done_key: str | None  # its idempotency key when its result can be reused
    written: Written | None = None

    @classmethod
    def of(
        cls, text: str, run_id: str, status: StepStatus, key: str | None, written: Written | None
    ) -> SealedRecord:
        """Return the record that has this text."""
        record = cls.__new__(cls)
        record.text = text
        record.run_id = run_id
        record.status = status
        record.done_key = key if status is _COMPLETED else None
        record.written = written
        return record


class _FromText:
    """A field of a sealed record until somebody asks for it: then all are there."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, record: SealedRecord | None, owner: type) -> Any:
        if record is None:
            return getattr(StepRecord, self._name)
        fields = record.__dict__
        for name, value in decode(fields["text"]).items():
            fields.setdefault(name, value)
        return fields[self._name]


for _name in StepRecord.__dataclass_fields__.keys() - {"run_id", "status"}:
    setattr(SealedRecord, _name, _FromText(_name))


def sealed(record: StepRecord) -> SealedRecord:
    """Fix the text of a ledger record; raise NotDurable naming node and place."""
    if type(record) is SealedRecord:
        return record
    text, status = encode_record(record), record.status
    if type(status) is not StepStatus:
        status = StepStatus(status)
    return SealedRecord.of(text, record.run_id, status, record.idempotency_key, None)


def resealed(record: StepRecord, content: dict[str, Any]) -> SealedRecord:
    """Return a record with this content (all its fields, durable), its text fixed."""
    fixed = SealedRecord.__new__(SealedRecord)
    fixed.__dict__.update(record.__dict__)
    fixed.__dict__.update(content)
    fixed.status = StepStatus(content["status"])
    fixed.text = encode(content, "record")
    fixed.done_key = fixed.idempotency_key if fixed.status is _COMPLETED else None
    return fixed


def encode_record(record: StepRecord) -> str:
    """Return the text of a ledger record; raise NotDurable naming node and place."""
    if type(record) is SealedRecord:
        return record.text
    try:
        return _record_text(record)
    except NotDurable as bad:
        raise NotDurable(f"In the ledger record of node {record.node_id!r}: {bad}", bad.path) from None


def ending(actor_id: str | None, session_id: str | None, attempt: int, key: str | None) -> str:
    """Return the text of an unsigned record from its actor on; raise TypeError for what is no text."""
    actors = _NOBODY
    if actor_id is not None or session_id is not None:
        actors = f'"actor_id":{encode_flat(actor_id)},"session_id":{encode_flat(session_id)}'
    return f'{actors},"attempt":{attempt},"idempotency_key":{encode_flat(key)},{_UNSIGNED}}}'


def _record_text(record: StepRecord) -> str:
    """Write the fields one by one; what is not as the engine makes it goes the general way."""
    flat, status = encode_flat, record.status
    try:
        actors, signs = _NOBODY, _UNSIGNED
        if record.actor_id is not None or record.session_id is not None:
            actors = f'"actor_id":{flat(record.actor_id)},"session_id":{flat(record.session_id)}'
        if record.prev_hash is not None or record.record_hash is not None or record.signature is not None:
            signs = (
                f'"prev_hash":{flat(record.prev_hash)},"record_hash":{flat(record.record_hash)},'
                f'"signature":{flat(record.signature)}'
            )
        attempt = record.attempt if type(record.attempt) is int else encode(record.attempt)
        text = (
            f'{{"run_id":{quoted(record.run_id)},"step_id":{quoted(record.step_id)},'
            f'"node_id":{quoted(record.node_id)},"status":"{(status if type(status) is StepStatus else StepStatus(status))._value_}",'
            f'"effect":{_inner(record.effect, "effect")},"result":{_inner(record.result, "result")},'
            f'"error":{flat(record.error)},"started_at":{quoted(record.started_at)},'
            f'"ended_at":{flat(record.ended_at)},{actors},"attempt":{attempt},'
            f'"idempotency_key":{flat(record.idempotency_key)},{signs}}}'
        )
        if not text.isascii():
            text.encode()
    except (TypeError, ValueError):
        return encode(record_json(record), "record")
    return text


def _inner(value: Any, name: str) -> str:
    if value is None:
        return "null"
    return encode(value, "record", (name,))
