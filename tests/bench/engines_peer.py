"""This kernel as a peer of the harness that compares engines: the work items W1 to W7.

The harness imports this file as `peers.ours`; `bench_engines.py` runs it beside the others. A step of
the chain is an external effect (two records, one commit), the dearest step there is. The backends
with `_web` do the same as the web app is configured: visits are told, and the ledger stands for the traces,
which the run does not carry. Those with `_pure` and `_visits` take pure steps, without and with a ledger record.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "server"))

from common import NotSupported, Peer, grow_item, make_state, mark  # type: ignore[import-not-found]

from abstractruntime import Effect, EffectType, RunState, RunStatus, Runtime, StepPlan
from abstractruntime.core import RuntimeConfig
from abstractruntime.core.models import WaitReason, WaitState
from abstractruntime.core.runtime import EffectOutcome
from abstractruntime.core.spec import WorkflowSpec
from abstractruntime.scheduler import Driver, WorkflowRegistry
from abstractruntime.storage import open_stores

KIND = EffectType.MEMORY_KG_QUERY  # whatever a host answers
URLS = {"mem": "memory:", "json": "json://{}/runs", "sqlite": "sqlite://{}/runs.db"}


def answer(run: RunState, effect: Effect) -> EffectOutcome:
    return EffectOutcome.completed({"ok": True, "n": effect.payload["n"]})


def ask(run: RunState, context: Any) -> StepPlan:
    return StepPlan("ask", Effect(EffectType.ASK_USER, {"prompt": "ok?"}, "answer"), "done")


def done(run: RunState, context: Any) -> StepPlan:
    return StepPlan("done", complete_output={"ok": True})


class Bench(Peer):  # type: ignore[misc]
    backends = ("mem", "mem_web", "json", "sqlite", "sqlite_web", "sqlite_pure", "sqlite_visits")

    def open(self) -> None:
        kind, _, way = self.backend.partition("_")
        self.is_pure = way in ("pure", "visits")
        self.stores = open_stores(URLS[kind].format(Path(self.dir).resolve()))
        tells = way in ("visits", "web")
        config = RuntimeConfig(record_visits=tells, record_traces=not tells)
        self.chained = WorkflowSpec(workflow_id="chain", entry_node="step", nodes={"step": self.step})
        self.asking = WorkflowSpec(workflow_id="ask", entry_node="ask", nodes={"ask": ask, "done": done})
        registry = WorkflowRegistry()
        for workflow in (self.chained, self.asking):
            registry.register(workflow)
        self.runtime = Runtime(
            run_store=self.stores.runs,
            ledger_store=self.stores.ledger,
            effect_handlers={KIND: answer},
            workflow_registry=registry,
            config=config,
        )
        self.driver = Driver(runtime=self.runtime, registry=registry)

    def close(self) -> None:
        self.stores.close()

    def step(self, run: RunState, context: Any) -> StepPlan:
        vars = run.vars
        mark()
        if vars["n"] >= vars["limit"]:
            return StepPlan("step", complete_output={"n": vars["n"]})
        vars["n"] += 1
        if vars["grow"]:
            vars["messages"].append(grow_item(vars["n"]))
        if self.is_pure:
            return StepPlan("step", next_node="step")
        return StepPlan("step", Effect(KIND, {"n": vars["n"]}, "last"), "step")

    def chain(self, steps: int, nbytes: int, grow: bool = False) -> None:
        run_id = self._start(steps, nbytes, grow)
        run = self.runtime.tick(self.chained, run_id, max_steps=steps)
        assert run.status is RunStatus.COMPLETED, run.error

    def _start(self, steps: int, nbytes: int, grow: bool = False) -> str:
        return self.runtime.start(self.chained, {**make_state(nbytes), "limit": steps - 1, "grow": grow})

    def park(self, n: int, nbytes: int) -> list[str]:
        parked = []
        for _ in range(n):
            run_id = self.runtime.start(self.asking, make_state(nbytes))
            assert self.runtime.tick(self.asking, run_id).status is RunStatus.WAITING
            parked.append(run_id)
        return parked

    def resume(self, ids: list[str]) -> None:
        for run_id in ids:
            run = self.runtime.resume(self.asking, run_id, None, {"response": "yes"})
            assert run.status is RunStatus.COMPLETED, run.error

    def timers_setup(self, parked: int, due: int) -> None:
        now, kept = datetime.now(UTC), make_state(2048)
        for number in range(parked):
            moment = now + timedelta(seconds=-5 if number < due else 3600 + number)
            run = RunState.new(workflow_id="ask", entry_node="ask", vars=kept)
            run.status = RunStatus.WAITING
            run.waiting = WaitState(WaitReason.UNTIL, until=moment.isoformat(), resume_to_node="done")
            self.stores.runs.save(run)

    def timers_due(self) -> int:
        now = datetime.now(UTC).isoformat()
        ids_only = getattr(self.stores.runs, "due_run_ids", None)
        return len(self.driver.due() if ids_only is None else ids_only(now_iso=now))

    def crash_setup(self, n: int, nbytes: int) -> None:
        if self.backend == "mem":
            raise NotSupported("memory does not survive")
        for _ in range(n):
            self.runtime.tick(self.chained, self._start(6, nbytes), max_steps=5)

    def recover_load(self) -> int:
        self.left = [(run_id, self.runtime.get_state(run_id)) for run_id in self.driver.orphans()]
        return len(self.left)

    def recover_finish(self) -> int:
        for run_id, _ in self.left:
            assert self.runtime.tick(self.chained, run_id).status is RunStatus.COMPLETED
        return len(self.left)
