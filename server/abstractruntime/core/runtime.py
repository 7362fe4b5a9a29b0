"""The runtime: start runs, drive them, answer them, hold them back, look at them.

`tick` is the only loop. It reads a run once, keeps it over the steps and writes each step in one
commit that names the revision it changes. When somebody else has written meanwhile (a pause, a
cancel, a second driver), the commit is refused and tick returns what it finds.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

from ..effects import built_in
from ..evidence.capture import answer_with_evidence, evidence_of, load_evidence, with_small_answer
from ..storage.artifacts import ArtifactStore
from ..storage.base import Journal, Lease, LedgerStore, QueryableRunStore, Record, RunStore, StepCommit
from ..storage.journal import open_journal
from .boundary import at_work_on, guarded
from .clock import utc_now, utc_now_iso
from .config import RuntimeConfig
from .driving import drive
from .effects import EffectHandler, EffectOutcome, HandlerTable, take_executor
from .engine import Engine, WorkflowSource, new_run
from .errors import Conflict, NotWaiting, RunNotFound, StaleRevision
from .fork import Effects, Wish, plan_fork, preview
from .held import AnswerNotGiven, Held, too_fast
from .jsonsafe import check
from .leases import Holding
from .limits import limit_status, limit_warnings, set_limits
from .models import EffectType, LimitWarning, RunState, RunStatus, StepRecord
from .policy import DefaultEffectPolicy, EffectPolicy, ensure_call_ids
from .reminders import moment_has_come
from .spec import DefaultRunContext, RunContext, WorkflowSpec, check_workflow
from .traces import traces_of
from .waits import (
    answer,
    answer_with_failure,
    cancel,
    check_answer,
    fail,
    is_paused,
    keep_mail,
    keeps_mail,
    park,
    pause,
    unpause,
)

__all__ = ["DefaultRunContext", "EffectHandler", "EffectOutcome", "Runtime", "utc_now_iso"]

Change = Callable[[RunState], list[StepRecord] | None]
_SAVE_TRIES = 50

# Agents of other hosts import this under its old name.
_ensure_tool_calls_have_runtime_ids = ensure_call_ids


class Runtime:
    """Drives durable runs over a run store and a ledger store.

    `effect_handlers` are laid over the built-in ones; `(run, effect)` and `(run, effect, next_node)`
    both work. `clock` is for tests and simulations, as is `owner`, the name under which it holds leases.
    """

    def __init__(
        self,
        *,
        run_store: RunStore,
        ledger_store: LedgerStore,
        effect_handlers: Mapping[EffectType, EffectHandler] | None = None,
        context: RunContext | None = None,
        workflow_registry: WorkflowSource | None = None,
        artifact_store: ArtifactStore | None = None,
        effect_policy: EffectPolicy | None = None,
        config: RuntimeConfig | None = None,
        chat_summarizer: Any = None,
        clock: Callable[[], datetime] = utc_now,
        owner: str | None = None,
    ) -> None:
        self._run_store = run_store
        self._ledger_store = ledger_store
        self._chat_summarizer = chat_summarizer
        self._runnable: list[Callable[[str], None]] = []
        config, journal = config or RuntimeConfig(), open_journal(run_store, ledger_store)
        self._leases = Holding(
            journal.leases, clock=clock, seconds=config.lease_s, owner=owner, beats=config.heartbeat
        )
        self._engine = Engine(
            journal=journal,
            handlers=HandlerTable(built_in(), effect_handlers),
            policy=effect_policy or DefaultEffectPolicy(),
            config=config,
            context=context or DefaultRunContext(clock),
            clock=clock,
            sleep=lambda seconds: time.sleep(seconds),
            tick=self.tick,
            traces=self.get_node_traces,
            records=self.get_ledger,
            woken=self.announce,
            can_find_runs=isinstance(run_store, QueryableRunStore),
            leases=self._leases,
            artifacts=artifact_store,
            summarizer=chat_summarizer,
            registry=workflow_registry,
        )

    @property
    def run_store(self) -> RunStore:
        """The store of checkpoints."""
        return self._run_store

    @property
    def ledger_store(self) -> LedgerStore:
        """The store of records."""
        return self._ledger_store

    @property
    def journal(self) -> Journal:
        """Both stores as one: how the engine reads and writes."""
        return self._engine.journal

    @property
    def workflow_registry(self) -> WorkflowSource | None:
        """Where workflows of other runs are found, if anywhere."""
        return self._engine.registry

    @property
    def artifact_store(self) -> ArtifactStore | None:
        """The store of large values, if there is one."""
        return self._engine.artifacts

    @property
    def effect_policy(self) -> EffectPolicy:
        """What decides on retries and idempotency keys."""
        return self._engine.policy

    @property
    def config(self) -> RuntimeConfig:
        """What the host has set."""
        return self._engine.config

    def set_workflow_registry(self, registry: WorkflowSource | None) -> None:
        """Change where workflows are found."""
        self._engine.registry = registry

    def set_artifact_store(self, store: ArtifactStore | None) -> None:
        """Change the store of large values."""
        self._engine.artifacts = store

    def set_effect_policy(self, policy: EffectPolicy) -> None:
        """Change what decides on retries and idempotency keys."""
        self._engine.policy = policy

    def set_tool_executor_for_resume(self, executor: Any) -> None:
        """Have `executor` run what a person allows; raise TypeError without a tool handler that takes it."""
        take_executor(self._engine.handlers, executor)

    # driving

    def start(
        self,
        workflow: WorkflowSpec,
        vars: dict[str, Any] | None = None,
        actor_id: str | None = None,
        session_id: str | None = None,
        parent_run_id: str | None = None,
        *,
        run_id: str | None = None,
    ) -> str:
        """Create and keep a run at its entry node; return its id. No node is visited yet."""
        engine = self._engine
        run = new_run(
            engine.config,
            workflow,
            vars,
            now=engine.now(),
            actor_id=actor_id,
            session_id=session_id,
            parent_run_id=parent_run_id,
            run_id=run_id,
        )
        engine.journal.commit(StepCommit(run, None, durable=True))
        return run.run_id

    def fork(
        self,
        run_id: str,
        seq: int | None = None,
        *,
        changes: Mapping[str, Any] | None = None,
        effects: Effects | None = None,
        actor_id: str | None = None,
        reason: str | None = None,
        workflow_of: Callable[[RunState], str] | None = None,
    ) -> str:
        """Create a run that begins where a run stood after entry `seq` of its ledger (0: before the first, None: the
        last); return its id. It is not driven yet. docs/forks.md tells the rest.

        `changes` are values by their places in the variables (`name`, `a.b[0]`, `/a/b.c`). `effects` says what becomes
        of what it does outside: `live`, `ask`, `recorded`, or None for what fits. `workflow_of` says with which
        workflow a copied run goes on. Raises RunNotFound, NotDurable, or Conflict for what cannot be.
        """
        wish = Wish(seq, changes or {}, effects, actor_id, reason, workflow_of)
        steps = plan_fork(self._engine, run_id, wish)
        self._engine.journal.commit_all(steps)
        for run in (step.run for step in steps[:-1] if step.run.status is RunStatus.RUNNING):
            self.announce(run.run_id)
        return steps[-1].run.run_id

    def preview_fork(
        self, run_id: str, seq: int | None = None, workflow_of: Callable[[RunState], str] | None = None
    ) -> tuple[RunState, dict[str, Any]]:
        """Return the state that such a fork would begin in, and what its first record would tell; writes nothing."""
        return preview(self._engine, run_id, Wish(seq, workflow_of=workflow_of))

    def tick(
        self, workflow: WorkflowSpec, run_id: str, max_steps: int = 100, *, plans_retries: bool = False
    ) -> RunState:
        """Drive a run until it waits, ends, is held back, or has taken `max_steps` steps.

        A failed effect that may be tried again is tried after a sleep in this thread; with `plans_retries`,
        as schedulers have it, the run waits for that moment, and somebody must tick it then.
        """
        held = Held.load(self._engine.journal, run_id)
        held.plans_retries = plans_retries
        if not self._may_go_on(held, workflow):
            return held.released()
        with self._leases.driving(run_id):
            return drive(self._engine, held, workflow, max_steps).released()

    @contextmanager
    def claim(self, run_id: str) -> Iterator[Lease | None]:
        """Hold a run's lease over several calls; gives None while another owner holds it."""
        with self._leases.driving(run_id):
            yield self._leases.take(run_id)

    def heartbeat(self) -> None:
        """Renew the leases of the runs that this runtime drives; a thread does so unless the config says no."""
        self._leases.renew()

    def driven_elsewhere(self) -> set[str]:
        """Return the ids of the runs that other living owners hold, in whatever process."""
        return self._leases.elsewhere()

    def is_driving(self, run_id: str) -> bool:
        """Say whether a thread of this runtime is driving a run."""
        return self._leases.is_driving(run_id)

    def _may_go_on(self, held: Held, workflow: WorkflowSpec) -> bool:
        """Say whether a run can take a step; a run whose moment has come is unblocked for it."""
        run = held.run
        if run.status.is_over or is_paused(run):
            return False
        check_workflow(run, workflow)
        if run.status is not RunStatus.WAITING:
            return True
        records = moment_has_come(self._engine, run)
        if records is None:
            return False
        try:
            held.write(records)
        except StaleRevision:
            held.run = self.get_state(run.run_id)
            return False
        return RunStatus(run.status) is RunStatus.RUNNING

    def resume(
        self,
        workflow: WorkflowSpec,
        run_id: str,
        wait_key: str | None,
        payload: Any,
        max_steps: int = 100,
        override_node: str | None = None,
        *,
        actor_id: str | None = None,
        asked_at: str | None = None,
    ) -> RunState:
        """Answer a waiting run and drive it on; `override_node` sends it elsewhere than its wait says.

        `actor_id` says in the ledger who answered, if not the run's own actor. `asked_at` is the
        `updated_at` under which the caller saw the wait: a later wait with the same key is not meant.
        The answer is written with the next step, before an effect that reaches out with its STARTED; with
        `max_steps` 0 it is written alone. Raises RunNotFound, RunIsPaused, NotWaiting, WaitKeyMismatch or
        NodeNotFound; of two who answer one wait at the same time, one gets NotWaiting.
        """
        check(payload, "payload")

        def give(run: RunState) -> list[StepRecord]:
            wait = check_answer(run, wait_key)
            if asked_at is not None and run.updated_at != asked_at:
                raise NotWaiting(f"Run {run_id} has been answered since {asked_at} and asks again")
            check_workflow(run, workflow)
            if (to_node := override_node or wait.resume_to_node) is not None:
                workflow.get_node(to_node)
            now, store = self._engine.now(), self._engine.artifacts
            value = answer_with_evidence(run, payload, store, now)
            records = answer(run, value, now=now, override_node=override_node)
            records[0].actor_id = actor_id or run.actor_id
            return with_small_answer(records, store)

        for _ in range(_SAVE_TRIES):
            held = self._changed(run_id, give, answers=max_steps > 0)
            if held.run.status is not RunStatus.RUNNING or max_steps <= 0:
                return held.released()
            with self._leases.driving(run_id), suppress(AnswerNotGiven):
                return drive(self._engine, held, workflow, max_steps).released()
        raise too_fast(run_id)

    def keep_event(self, run_id: str, *, wait_key: str, payload: Any) -> bool:
        """Put an event into the inbox of a run that is paused, or busy and listening; else return False.

        It answers the run's wait when the pause ends or the run waits for it again. Raises Conflict
        when the inbox is full.
        """
        is_kept = False

        def keep(run: RunState) -> list[StepRecord] | None:
            nonlocal is_kept
            is_kept = keeps_mail(run, wait_key)
            if not is_kept:
                return None
            if not keep_mail(run, wait_key=wait_key, payload=payload):
                raise Conflict(f"The inbox of run {run_id} is full")
            return []

        self._change(run_id, keep, keeps_time=True)
        return is_kept

    # holding back and ending

    def cancel_run(self, run_id: str, *, reason: str | None = None) -> RunState:
        """End a run as CANCELLED; its children are not touched."""
        return self._change(run_id, lambda run: cancel(run, reason=reason, now=self._engine.now()))

    def fail_run(self, run_id: str, *, error: str, code: str = "run.failed") -> RunState:
        """End a run as FAILED from outside, with a record that says why."""
        return self._change(run_id, lambda run: fail(run, error=error, code=code, now=self._engine.now()))

    def fail_wait(self, run_id: str, *, error: str, code: str = "run.failed") -> RunState:
        """Tell a waiting run that what it waits for failed.

        Where its node catches failures the run is RUNNING then, else it ends as FAILED.
        """

        def give(run: RunState) -> list[StepRecord] | None:
            if run.status.is_over or run.waiting is None:
                return None
            return answer_with_failure(run, {"code": code, "message": error}, now=self._engine.now())

        run = self._change(run_id, give)
        return self.fail_run(run_id, error=error, code=code) if run.status is RunStatus.WAITING else run

    def park_run(self, run_id: str, *, reason: str) -> RunState:
        """Hold a run back because it cannot be driven, with a record that says why.

        `resume_run` lets it go on. Its state tells as for any pause: `_runtime.control.pause_reason`.
        """

        return self._change(run_id, lambda run: park(run, reason=reason, now=self._engine.now()))

    def pause_run(self, run_id: str, *, reason: str | None = None) -> RunState:
        """Hold a run back; a run that asks a person something is left as it is."""

        def hold(run: RunState) -> list[StepRecord] | None:
            return [] if pause(run, reason=reason, now=self._engine.now()) else None

        return self._change(run_id, hold)

    def resume_run(self, run_id: str) -> RunState:
        """Let a held run go on, with the events that came meanwhile; it is not driven yet."""
        held_back = True

        def let_go(run: RunState) -> list[StepRecord] | None:
            nonlocal held_back
            records = unpause(run, now=self._engine.now())
            held_back = records is None
            return records

        run = self._change(run_id, let_go)
        if not held_back and run.status is RunStatus.RUNNING:
            self.announce(run_id)
        return run

    def _change(self, run_id: str, change: Change, *, keeps_time: bool = False) -> RunState:
        """Do as `_changed` does, and let go of the run."""
        return self._changed(run_id, change, keeps_time=keeps_time).released()

    def _changed(
        self, run_id: str, change: Change, *, keeps_time: bool = False, answers: bool = False
    ) -> Held:
        """Change a run between its steps: read, change, write, and again if it moved meanwhile.

        `change` returns the records to write with it, or None if there is nothing to do. With
        `keeps_time`, `updated_at` stays: who has seen the run's wait can still answer it. A change that
        `answers` a run that goes on is written with the step that follows.
        """
        for _ in range(_SAVE_TRIES):
            held = Held.load(self._engine.journal, run_id)
            records = change(held.run)
            if records is None:
                return held
            if not keeps_time:
                held.run.updated_at = self._engine.now()
            with suppress(StaleRevision):
                if answers and held.run.status is RunStatus.RUNNING:
                    held.hold_answer(records)
                else:
                    held.write(records, durable=True)
                return held
        raise too_fast(run_id)

    # looking

    def get_state(self, run_id: str) -> RunState:
        """Return a run's newest state; raise RunNotFound (a KeyError) for an unknown id."""
        found = self._engine.journal.look_at(run_id)
        if found is None:
            raise RunNotFound(f"Unknown run_id: {run_id}")
        return found.run

    def get_ledger(self, run_id: str) -> list[Record]:
        """Return all records of a run, oldest first."""
        return self._ledger_store.list(run_id)

    def subscribe_ledger(
        self, callback: Callable[[Record], None], *, run_id: str | None = None
    ) -> Callable[[], None]:
        """Have every new record (of one run) handed to `callback`; return what ends that."""
        subscribe = getattr(self._ledger_store, "subscribe", None)
        if subscribe is None:
            raise RuntimeError("Subscriptions need an ObservableLedgerStore as the runtime's ledger store.")
        unsubscribe: Callable[[], None] = subscribe(callback, run_id=run_id)
        return unsubscribe

    def subscribe_runnable(self, callback: Callable[[str], None]) -> Callable[[], None]:
        """Have the ids of runs handed over that can be driven and that nobody drives yet.

        These are children started asynchronously, listeners woken by an event and runs let go after
        a pause. A hint in this process only: `Scheduler.orphans()` finds the same from the store.
        """
        self._runnable.append(callback)

        def unsubscribe() -> None:
            if callback in self._runnable:
                self._runnable.remove(callback)

        return unsubscribe

    def announce(self, run_id: str) -> None:
        """Tell the subscribers of runnable runs that this one can be driven."""
        for callback in tuple(self._runnable):
            with at_work_on(run_id):
                guarded(callback, run_id)

    def get_node_traces(self, run_id: str) -> dict[str, Any]:
        """Return the newest effect steps of each node: kept with the run, or read from its ledger."""
        run = self.get_state(run_id)
        return copy.deepcopy(traces_of(run.vars, lambda: self.get_ledger(run_id)))

    def get_node_trace(self, run_id: str, node_id: str) -> dict[str, Any]:
        """Return the newest effect steps of one node."""
        found = self.get_node_traces(run_id).get(node_id)
        return found if isinstance(found, dict) else {"node_id": node_id, "steps": []}

    def list_evidence(self, run_id: str) -> list[dict[str, Any]]:
        """Return the evidence noted for a run, in the order it was kept."""
        return evidence_of(self.get_state(run_id))

    def load_evidence(self, evidence_id: str) -> dict[str, Any] | None:
        """Return a piece of evidence, None for an unknown id; RuntimeError without an artifact store."""
        return load_evidence(self._engine.artifacts, evidence_id)

    # limits

    def get_limit_status(self, run_id: str) -> dict[str, Any]:
        """Return how much of each limit a run has used."""
        return limit_status(self.get_state(run_id).vars)

    def check_limits(self, run: RunState) -> list[LimitWarning]:
        """Return the limits that are near or exceeded; nothing is enforced."""
        return limit_warnings(run.vars)

    def update_limits(self, run_id: str, updates: dict[str, Any]) -> None:
        """Change limits of a run that may be under way."""

        def change(run: RunState) -> list[StepRecord]:
            set_limits(run.vars, updates)
            return []

        self._change(run_id, change)
