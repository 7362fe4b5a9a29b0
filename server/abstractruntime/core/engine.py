"""What the parts of a runtime share, and what a step may ask of it.

`Engine` is a bag of parts, put together once by `Runtime`. `StepServices` is what one step's handler
is given: it reads at once and stages what it changes, so that the step's commit carries it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from ..storage.artifacts import ArtifactStore
from ..storage.base import Checkpoint, Journal, Record, StepCommit
from .boundary import guarded
from .clock import iso_clock
from .config import RuntimeConfig
from .effects import HandlerTable
from .errors import NotDurable, RunNotFound, WorkflowNotFound
from .held import Held
from .ids import child_id, new_run_id
from .leases import Holding
from .models import RunState, RunStatus
from .permission import inherit
from .policy import EffectPolicy
from .records import was_left_open
from .spec import DefaultRunContext, RunContext, WorkflowSpec
from .vars import get_namespace, listening_key
from .waits import answer, has_heard, keep_mail, keeps_mail, note_touch, waits_for

log = logging.getLogger("abstractruntime")
MOST_LEVELS = 100
_LISTENERS = 10_000
_MOST_READS = 5  # of a listener whose state and index entry disagree


class WorkflowSource(Protocol):
    """Where workflows are found by id; a `WorkflowRegistry` or anything with `get`."""

    def get(self, workflow_id: str) -> WorkflowSpec | None:
        """Return the workflow, or None."""
        ...


@dataclass(slots=True)
class Engine:
    """The parts of a runtime that a step needs."""

    journal: Journal
    handlers: HandlerTable
    policy: EffectPolicy
    config: RuntimeConfig
    context: RunContext
    clock: Callable[[], datetime]
    sleep: Callable[[float], None]
    tick: Callable[..., RunState]
    traces: Callable[[str], dict[str, Any]]
    records: Callable[[str], list[Record]]
    woken: Callable[[str], None]
    can_find_runs: bool
    leases: Holding
    artifacts: ArtifactStore | None = None
    summarizer: Any = None
    registry: WorkflowSource | None = None
    in_flight: set[tuple[str, str]] = field(default_factory=set)
    now: Callable[[], str] = field(init=False)  # the present moment as ISO text

    def __post_init__(self) -> None:
        self.now = iso_clock(self.clock)
        if isinstance(self.context, DefaultRunContext):
            self.context.known = self.knows

    def knows(self, workflow_id: str) -> bool:
        """Say whether a workflow is registered."""
        return self.registry is not None and self.registry.get(workflow_id) is not None

    def workflow(self, workflow_id: str) -> WorkflowSpec:
        """Return a registered workflow; raise WorkflowNotFound (a KeyError)."""
        found = self.registry.get(workflow_id) if self.registry is not None else None
        if found is None:
            raise WorkflowNotFound(f"Workflow '{workflow_id}' is not registered")
        return found


def new_run(
    config: RuntimeConfig,
    workflow: WorkflowSpec,
    vars: dict[str, Any] | None,
    *,
    now: str,
    actor_id: str | None,
    session_id: str | None,
    parent_run_id: str | None,
    run_id: str | None,
) -> RunState:
    """Return a run at its entry node, with limits and what nodes may read of the host's model."""
    if vars is not None and not isinstance(vars, dict):
        raise NotDurable(f"vars must be an object (dict), not {type(vars).__name__}.", "vars")
    given = dict(vars or {})
    given.setdefault("_limits", config.to_limits_dict())
    known = given["_runtime"] = dict(get_namespace(given, "_runtime"))
    for key, value in (("provider", config.provider), ("model", config.model)):
        if isinstance(value, str) and value.strip():
            known.setdefault(key, value.strip())
    if config.grounding != "off":
        known.setdefault("grounding", config.grounding)
    tool_support = config.model_capabilities.get("tool_support")
    if isinstance(tool_support, str) and tool_support.strip():
        known.setdefault("tool_support", tool_support.strip())
        known.setdefault("supports_native_tools", tool_support.strip() == "native")
    return RunState(
        run_id or new_run_id(),
        workflow.workflow_id,
        RunStatus.RUNNING,
        workflow.entry_node,
        given,
        created_at=now,
        updated_at=now,
        actor_id=actor_id,
        session_id=session_id,
        parent_run_id=parent_run_id,
    )


class StepServices:
    """The `Services` of one step: see `core.effects`."""

    __slots__ = (
        "_changed",
        "_engine",
        "_is_first",
        "_plans_retries",
        "_run",
        "_seen",
        "changes",
        "key",
        "node_id",
        "now_iso",
        "staged",
        "woken",
    )

    def __init__(
        self,
        engine: Engine,
        run: RunState,
        node_id: str,
        key: str,
        plans_retries: bool = False,
        is_first: bool = False,
    ) -> None:
        self._engine = engine
        self._is_first = is_first  # the first effect since the run was loaded: only that can be a repetition
        self.now_iso = engine.now
        self._plans_retries = plans_retries
        self._run = run
        self.key = key
        self.node_id = node_id
        self.staged: list[StepCommit] = []
        self.changes: list[Callable[[RunState], None]] = []
        self._seen: dict[str, Checkpoint | None] = {}
        self._changed: dict[str, Held] = {}
        self.woken: list[tuple[str, int]] = []

    @property
    def has_registry(self) -> bool:
        return self._engine.registry is not None

    @property
    def can_find_runs(self) -> bool:
        return self._engine.can_find_runs

    @property
    def artifacts(self) -> ArtifactStore | None:
        return self._engine.artifacts

    @property
    def summarizer(self) -> Any:
        return self._engine.summarizer

    def now(self) -> datetime:
        return self._engine.clock()

    def is_cancelled(self) -> bool:
        found = self._engine.journal.look_at(self._run.run_id)
        return found is None or found.run.status.is_over

    def was_begun(self) -> bool:
        return self._is_first and was_left_open(self._engine.records(self._run.run_id), self.key)

    def knows(self, workflow_id: str) -> bool:
        return self._engine.knows(workflow_id)

    def state(self, run_id: str) -> RunState | None:
        if run_id == self._run.run_id:
            return self._run
        if run_id in self._changed:
            return self._changed[run_id].run
        if run_id not in self._seen:
            self._seen[run_id] = self._engine.journal.look_at(run_id)
        found = self._seen[run_id]
        return found.run if found is not None else None

    def stage_new(self, run: RunState) -> None:
        self._changed[run.run_id] = Held(self._engine.journal, run, None)

    def stage_change(self, run_id: str, change: Callable[[RunState], None]) -> None:
        if run_id == self._run.run_id:
            self.changes.append(change)
            return
        held = self._changed.get(run_id)
        if held is None:
            seen = self._seen.get(run_id) or self._engine.journal.load(run_id)
            if seen is None:
                raise RunNotFound(f"Unknown run_id: {run_id}")
            held = self._changed[run_id] = Held(self._engine.journal, seen.run, seen.revision)
            note_touch(held.run)
        change(held.run)
        held.run.updated_at = self._engine.now()

    def others(self) -> list[StepCommit]:
        """Return the commits of other runs that belong to this step."""
        if not self._changed:
            return self.staged
        return [*self.staged, *(held.step(durable=True) for held in self._changed.values())]

    @property
    def changes_runs(self) -> bool:
        """Whether the step changes more than its own result, so that neither is kept without the other."""
        return bool(self.changes or self.staged or self._changed)

    def forget(self) -> None:
        """Drop all that is staged."""
        self.staged, self.changes, self._changed = [], [], {}

    def traces(self, run_id: str) -> dict[str, Any]:
        return self._engine.traces(run_id)

    def make_child(
        self, workflow: str | WorkflowSpec, vars: dict[str, Any], *, session_id: str | None
    ) -> tuple[RunState, bool]:
        engine, parent = self._engine, self._run
        spec = engine.workflow(workflow) if isinstance(workflow, str) else workflow
        run_id = child_id(f"{parent.run_id}:{self.key}")
        found = engine.journal.load(run_id)
        if found is not None:
            return found.run, False
        level = int(get_namespace(parent.vars, "_runtime").get("level") or 0) + 1
        if level > MOST_LEVELS:
            raise RecursionError(
                f"workflow '{spec.workflow_id}' is started more than {MOST_LEVELS} levels deep: does it start itself?"
            )
        child = new_run(
            engine.config,
            spec,
            vars,
            now=engine.now(),
            actor_id=parent.actor_id,
            session_id=session_id,
            parent_run_id=parent.run_id,
            run_id=run_id,
        )
        child.vars["_runtime"]["level"] = level
        inherit(child.vars, parent)
        return child, True

    def stage_child(self, child: RunState) -> None:
        self.staged.append(StepCommit(child, None, durable=True))
        self.woken.append((child.run_id, 0))

    def run_child(self, child: RunState, *, is_new: bool, workflow: WorkflowSpec | None = None) -> RunState:
        spec = workflow or self._engine.workflow(child.workflow_id)
        if is_new:
            self._engine.journal.commit(StepCommit(child, None, durable=True))
        state = self._engine.tick(spec, child.run_id, plans_retries=self._plans_retries)
        if state.status is RunStatus.RUNNING and workflow is None:
            self.woken.append((child.run_id, 0))
        return state

    def listeners(self, wait_keys: Iterable[str]) -> list[str]:
        journal, keys = self._engine.journal, dict.fromkeys(wait_keys)
        found = [journal.find_waiting(key, _LISTENERS) for key in keys]
        found += [journal.find_listening(key, _LISTENERS) for key in keys]
        every = dict.fromkeys(run_id for ids in found for run_id in ids)
        every.pop(self._run.run_id, None)  # a run does not hear what it says itself
        return [*every]

    def listening(self, prefix: str) -> list[str]:
        return self._engine.journal.waiting_keys(prefix)

    def stage_event(
        self, run_id: str, wait_keys: Collection[str], payload: dict[str, Any], *, max_steps: int
    ) -> str | None:
        engine = self._engine
        found = self._listener(run_id, wait_keys)
        if found is None:
            return None
        state, key = found
        held = Held(engine.journal, state.run, state.revision)
        listener = held.run
        if not self.knows(listener.workflow_id):
            return "skipped"
        if has_heard(listener, self._run.run_id, self.key):
            return listener.status.value
        if keeps_mail(listener, key):
            kept = keep_mail(listener, wait_key=key, payload=payload)
            self.staged.append(held.step(durable=True))  # its `updated_at` stays: its own wait is the same
            return "queued" if kept else "full"
        listener.updated_at = engine.now()
        self.staged.append(held.step(answer(listener, payload, now=listener.updated_at), durable=True))
        if listener.status is RunStatus.RUNNING:
            self.woken.append((run_id, max_steps))
        return listener.status.value

    def _listener(self, run_id: str, wait_keys: Collection[str]) -> tuple[Checkpoint, str] | None:
        """Return a run with the key it listens under, or None if it has ceased to listen.

        What was read may be older than the index that names the run (a copy that lags behind). Nothing
        would be written that a revision could refuse, so it is read again while the two disagree.
        """
        for _ in range(_MOST_READS):
            found = self._engine.journal.load(run_id)
            if found is None or found.run.status.is_over:
                return None
            heard = next((key for key in wait_keys if waits_for(found.run, key)), None)
            key = heard or listening_key(found.run.vars)
            if key is not None and key in wait_keys:
                return found, key
            if run_id not in self.listeners(wait_keys):
                return None
        return None

    def wake(self) -> None:
        """After the step's commit: drive those it woke, or say that they can be driven."""
        for run_id, max_steps in self.woken:
            if max_steps <= 0 or self._can_go_on(run_id, max_steps):
                self._engine.woken(run_id)

    def _can_go_on(self, run_id: str, max_steps: int) -> bool:
        """Drive a run; say whether somebody else should drive it on."""
        run, error = guarded(self._drive, run_id, max_steps)
        if error is not None:
            log.warning("Run %s was woken by an event and raised %r", run_id, error, exc_info=error)
        return run is None or run.status is RunStatus.RUNNING

    def _drive(self, run_id: str, max_steps: int) -> RunState | None:
        workflow_id = self._engine.journal.workflow_of(run_id)
        if workflow_id is None:
            return None
        workflow = self._engine.workflow(workflow_id)
        return self._engine.tick(workflow, run_id, max_steps, plans_retries=self._plans_retries)
