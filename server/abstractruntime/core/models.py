"""The words of a durable run: effects, plans, waits, states, records.

Dataclasses only; nothing here reads a store or a clock beyond stamping a creation time. The order
of fields is the order of keys in checkpoints and ledgers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from .clock import utc_now, utc_now_iso
from .ids import new_id, new_run_id

__all__ = [
    "Effect",
    "EffectType",
    "LimitWarning",
    "RunState",
    "RunStatus",
    "StepPlan",
    "StepRecord",
    "StepStatus",
    "WaitReason",
    "WaitState",
    "utc_now",
]

# Frozen classes of which every step makes one fill their dictionary, in half the time.
_FRESH: Any = object()


class RunStatus(str, Enum):
    """Where a run stands; one that is held back is WAITING, for a person who lets it go on.

    COMPLETED has an output, FAILED an error; from these and CANCELLED no run goes on.
    """

    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Whether no further step will be taken."""
        return self in (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED)


class WaitReason(str, Enum):
    """What a waiting run waits for.

    EVENT an event with its `wait_key`, UNTIL its moment `until`, USER an answer of a person, JOB work that
    somebody else does for it, SUBWORKFLOW the end of a run that it started.
    """

    EVENT = "event"
    UNTIL = "until"
    USER = "user"
    JOB = "job"
    SUBWORKFLOW = "subworkflow"


class StepStatus(str, Enum):
    """How far a recorded step has come."""

    STARTED = "started"
    COMPLETED = "completed"
    WAITING = "waiting"
    FAILED = "failed"


class EffectType(str, Enum):
    """What a node may ask of the world; docs/effects.md tells the payload and the result of each."""

    WAIT_EVENT = "wait_event"
    WAIT_UNTIL = "wait_until"
    ASK_USER = "ask_user"
    ANSWER_USER = "answer_user"
    EMIT_EVENT = "emit_event"
    LLM_CALL = "llm_call"
    TOOL_CALLS = "tool_calls"
    MEMORY_QUERY = "memory_query"
    MEMORY_TAG = "memory_tag"
    MEMORY_COMPACT = "memory_compact"
    MEMORY_NOTE = "memory_note"
    MEMORY_REHYDRATE = "memory_rehydrate"
    MEMORY_KG_ASSERT = "memory_kg_assert"
    MEMORY_KG_QUERY = "memory_kg_query"
    MEMORY_KG_RESOLVE = "memory_kg_resolve"
    VARS_QUERY = "vars_query"
    START_SUBWORKFLOW = "start_subworkflow"
    AWAIT_RUNS = "await_runs"
    CARRY_WAIT = "carry_wait"
    WEB_REQUEST = "web_request"
    NOTIFY = "notify"
    READ_FILE = "read_file"
    WRITE_FILE = "write_file"
    APPEND_FILE = "append_file"
    LIST_FILES = "list_files"
    READ_PDF = "read_pdf"
    WRITE_PDF = "write_pdf"
    IMPORT_FILE = "import_file"
    EXPORT_ARTIFACT = "export_artifact"
    READ_ARTIFACT = "read_artifact"
    MODEL_RESIDENCY = "model_residency"


@dataclass(frozen=True)
class Effect:
    """A request to the world, mediated by the kernel.

    `result_key` is a dotted path into `run.vars` that receives the result.
    """

    type: EffectType
    payload: dict[str, Any] = field(default_factory=dict)
    result_key: str | None = None

    def __init__(
        self, type: EffectType, payload: dict[str, Any] = _FRESH, result_key: str | None = None
    ) -> None:
        fields = self.__dict__
        fields["type"] = type
        fields["payload"] = {} if payload is _FRESH else payload
        fields["result_key"] = result_key


@dataclass(frozen=True)
class Retry:
    """How often a step's effect is tried, where its author says so: `attempts` in all; the pause between two is
    `pause` seconds, then twice as long each time, at most `longest`."""

    attempts: int
    pause: float = 1.0
    longest: float = 60.0


@dataclass(frozen=True)
class StepPlan:
    """What a node wants to happen next.

    `complete_output` (even empty) ends the run and wins over the rest; without an effect the run
    moves on to `next_node`. `failure` (code, message and more) ends the run as FAILED. With a
    `failure_key` an effect that fails does not: the run moves on to `next_node` all the same, and
    `{"code", "message"}` is put there instead of a result. `note` is JSON that goes into the visit's
    ledger record when the kernel records visits: of it the kernel reads only `visit`, the number of this
    visit of the node, for `RuntimeConfig.visit_limit`. With an empty one the step is no visit, and no
    record tells of it. A plan that ends the run may bring a `recap`:
    it returns the last notes of the nodes that were visited more often than so many times.
    `retry` is what the step itself says of further attempts; it counts instead of the runtime's policy, for
    effects that may be tried again at all.
    With an `aside_key` an effect that has to wait for a person, a job, an event or its own next attempt does not
    hold the run up: it moves on to `next_node`, and the wait is put there, as JSON, instead of a result. With the wait
    for an attempt comes `asked`, what was asked for: it is asked for again when the moment has come.
    A `key` names what the effect does, where the author has said so: within the run the same key is the same
    request, done once however often the step is come to, and handlers are given it in a form that other runs share.
    `place` is what the record of a failed effect says of where it happened, besides the node's id.
    """

    node_id: str
    effect: Effect | None = None
    next_node: str | None = None
    complete_output: dict[str, Any] | None = None
    failure: dict[str, Any] | None = None
    note: dict[str, Any] | None = None
    failure_key: str | None = None
    recap: Callable[[int], Mapping[str, dict[str, Any]]] | None = None
    retry: Retry | None = None
    aside_key: str | None = None
    key: str | None = None
    place: Mapping[str, Any] | None = None

    def __init__(
        self,
        node_id: str,
        effect: Effect | None = None,
        next_node: str | None = None,
        complete_output: dict[str, Any] | None = None,
        failure: dict[str, Any] | None = None,
        note: dict[str, Any] | None = None,
        failure_key: str | None = None,
        recap: Callable[[int], Mapping[str, dict[str, Any]]] | None = None,
        retry: Retry | None = None,
        aside_key: str | None = None,
        key: str | None = None,
        place: Mapping[str, Any] | None = None,
    ) -> None:
        fields = self.__dict__
        fields["node_id"] = node_id
        fields["effect"] = effect
        fields["next_node"] = next_node
        fields["complete_output"] = complete_output
        fields["failure"] = failure
        fields["note"] = note
        fields["failure_key"] = failure_key
        fields["recap"] = recap
        fields["retry"] = retry
        fields["aside_key"] = aside_key
        fields["key"] = key
        fields["place"] = place


@dataclass
class WaitState:
    """Why a run is parked and how it goes on.

    `Runtime.resume` with the `wait_key` puts its payload at `result_key`, a dotted path into `run.vars`, and goes on
    at `resume_to_node`. `until` is an ISO moment. `prompt`, `choices` and `allow_free_text` are what a person is
    asked, `details` is JSON that goes with it.
    """

    reason: WaitReason
    wait_key: str | None = None
    until: str | None = None
    resume_to_node: str | None = None
    result_key: str | None = None
    prompt: str | None = None
    choices: list[str] | None = None
    allow_free_text: bool = True
    details: dict[str, Any] | None = None


@dataclass
class RunState:
    """The checkpoint of a run: everything needed to go on after a restart."""

    run_id: str
    workflow_id: str
    status: RunStatus
    current_node: str
    vars: dict[str, Any] = field(default_factory=dict)
    waiting: WaitState | None = None
    output: dict[str, Any] | None = None
    error: str | None = None
    created_at: str = field(default_factory=utc_now_iso)
    updated_at: str = field(default_factory=utc_now_iso)
    actor_id: str | None = None
    session_id: str | None = None
    parent_run_id: str | None = None

    @classmethod
    def new(
        cls,
        *,
        workflow_id: str,
        entry_node: str,
        actor_id: str | None = None,
        session_id: str | None = None,
        vars: dict[str, Any] | None = None,
        parent_run_id: str | None = None,
    ) -> RunState:
        """Make a fresh run at the entry node, status RUNNING, with a random id."""
        return cls(
            run_id=new_run_id(),
            workflow_id=workflow_id,
            status=RunStatus.RUNNING,
            current_node=entry_node,
            vars=vars or {},
            actor_id=actor_id,
            session_id=session_id,
            parent_run_id=parent_run_id,
        )


@dataclass
class StepRecord:
    """One entry of a run's ledger. An effect step has two, with one `step_id`."""

    run_id: str
    step_id: str
    node_id: str
    status: StepStatus
    effect: dict[str, Any] | None = None
    result: dict[str, Any] | None = None
    error: str | None = None
    started_at: str = field(default_factory=utc_now_iso)
    ended_at: str | None = None
    actor_id: str | None = None
    session_id: str | None = None
    attempt: int = 1
    idempotency_key: str | None = None
    prev_hash: str | None = None
    record_hash: str | None = None
    signature: str | None = None

    @classmethod
    def start(
        cls,
        *,
        run: RunState,
        node_id: str,
        effect: Effect | None,
        attempt: int = 1,
        idempotency_key: str | None = None,
    ) -> StepRecord:
        """Open a record for a step that is about to be taken."""
        return cls(
            run_id=run.run_id,
            step_id=new_id(),
            node_id=node_id,
            status=StepStatus.STARTED,
            effect=effect_json(effect),
            actor_id=run.actor_id,
            session_id=run.session_id,
            attempt=attempt,
            idempotency_key=idempotency_key,
        )

    def finish_success(self, result: dict[str, Any] | None = None) -> StepRecord:
        """Close the record as COMPLETED with its result."""
        self.status = StepStatus.COMPLETED
        self.result = result
        self.ended_at = utc_now_iso()
        return self

    def finish_waiting(self, wait_state: WaitState) -> StepRecord:
        """Close the record as WAITING; the wait goes into the result."""
        self.status = StepStatus.WAITING
        self.result = {"wait": wait_json(wait_state)}
        self.ended_at = utc_now_iso()
        return self

    def finish_failure(self, error: str) -> StepRecord:
        """Close the record as FAILED with its error."""
        self.status = StepStatus.FAILED
        self.error = error
        self.ended_at = utc_now_iso()
        return self


@dataclass
class LimitWarning:
    """A limit that is near or exceeded; `pct` is current/maximum in percent, one decimal."""

    limit_type: str
    status: str
    current: float
    maximum: float
    pct: float = 0.0

    def __post_init__(self) -> None:
        if self.maximum > 0:
            self.pct = round(self.current / self.maximum * 100, 1)


def effect_json(effect: Effect | None) -> dict[str, Any] | None:
    """Return the ledger's form of an effect."""
    if effect is None:
        return None
    return {
        "type": effect.type._value_,
        "payload": effect.payload,
        "result_key": effect.result_key,
    }


def wait_json(wait: WaitState) -> dict[str, Any]:
    """Return the ledger's and the checkpoint's form of a wait."""
    return {
        "reason": wait.reason._value_,
        "wait_key": wait.wait_key,
        "until": wait.until,
        "resume_to_node": wait.resume_to_node,
        "result_key": wait.result_key,
        "prompt": wait.prompt,
        "choices": wait.choices,
        "allow_free_text": wait.allow_free_text,
        "details": wait.details,
    }
