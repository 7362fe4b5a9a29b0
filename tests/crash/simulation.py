"""H4: several servers, people, a clock and a store that fails, in one process, all from one seed.

    python -m tests.crash.simulation --seeds 10000 [--first 0]
    python -m tests.crash.simulation --replay SEED

Every actor is a thread, but only one of them moves at a time: at each call of the store and in each effect
the seed decides who goes on, for how long the others sleep, what fails (before or after it is applied), which
server dies, which one freezes until its leases have run out. So a seed is a story, and a seed that fails
fails again in the same way. After the faults everybody comes to rest, and `verify` must find nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from abstractruntime import (
    Effect,
    EffectType,
    RetryPolicy,
    RunState,
    RunStatus,
    Runtime,
    Scheduler,
    WaitReason,
    WorkflowRegistry,
    WorkflowSpec,
)
from abstractruntime.core import RuntimeConfig
from abstractruntime.core.errors import Conflict, KernelError, StoreBusy, StoreError
from abstractruntime.core.runtime import EffectOutcome
from abstractruntime.storage import open_stores
from abstractruntime.testing.clock import MovableClock
from abstractruntime.testing.flows import ask_for, branch, end, flow, move
from abstractruntime.testing.verify import Witness, verify

from .simulated_stores import SimLedger, SimRuns
from .world import ACT, begin, child_flow, listener_flow, root_flow

Result = TypeVar("Result")
TURNS = 1
SERVERS = 3
LEASE_S = 30.0
FAULTY_S = 70.0  # of virtual time in which faults happen
MOST_FAILURES = 2  # of one effect: the policy tries three times
LONGEST_S = 900.0
NAPS = ("nap", "nap-2")
START = datetime(2026, 1, 1, 23, 58, tzinfo=UTC)  # the story waits for midnight


def shut() -> threading.Lock:
    """Return a lock that is held: whoever releases it lets one go on."""
    lock = threading.Lock()
    lock.acquire()
    return lock


class Crash(BaseException):
    """The server that runs this code is dead."""


@dataclass
class Actor:
    """Somebody who moves when it is their turn."""

    name: str
    wakes_at: float = 0.0
    is_dead: bool = False
    is_over: bool = False
    frozen_until: float = 0.0
    beaten_at: float = 0.0
    silent_until: float = -1.0  # the end of its last silence that was longer than a lease
    go: threading.Lock = field(default_factory=lambda: shut())
    runtime: Runtime | None = None


class Simulation:
    """One story from one seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        self.clock = MovableClock(START)
        self.begun_at = self.clock.moment.timestamp()
        self.stores = open_stores("memory:")
        self.witness = Witness()
        self.turn = shut()
        self.actors: list[Actor] = []
        self.trace: list[str] = []
        self.bad: list[str] = []
        self.acting: dict[str, tuple[Actor, float]] = {}
        self.counts: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.restarts = 0
        self.calls = 0
        # What kind of a night it is: how often what fails, how restless the threads are.
        self.rates = {
            "busy": self.random.choice((0, 0.01, 0.05)),
            "before": self.random.choice((0, 0.005, 0.02)),
            "after": self.random.choice((0, 0.005, 0.02)),
            "stale": self.random.choice((0, 0.01, 0.03)),
            "crash": self.random.choice((0, 0.005, 0.02)),
            "freeze": self.random.choice((0, 0.005, 0.02)),
            "flaky": self.random.choice((0, 0.2, 0.5)),
            "switch": self.random.choice((0.1, 0.4, 0.9)),
        }

    # time and turns

    @property
    def now(self) -> float:
        """Seconds since the beginning."""
        return self.clock.moment.timestamp() - self.begun_at

    @property
    def is_calm(self) -> bool:
        """Whether the faults are over."""
        return self.now >= FAULTY_S

    def note(self, text: str) -> None:
        """Write a line of the story."""
        self.trace.append(f"{self.now:.3f} {text}")

    def happens(self, what: str) -> bool:
        """Let the seed decide whether a fault happens now."""
        if self.is_calm or self.random.random() >= self.rates[what]:
            return False
        self.counts[what] += 1
        return True

    def pause(self, actor: Actor, seconds: float = 0.0) -> None:
        """Let others move, for so long at least."""
        actor.wakes_at = self.now + seconds
        self.turn.release()
        actor.go.acquire()
        if actor.is_dead:
            raise Crash

    def point(self, actor: Actor, what: str) -> None:
        """A moment at which anything may happen to an actor."""
        if actor.is_dead:
            raise Crash
        self.calls += 1
        if self.happens("crash") and actor.runtime is not None:
            self.note(f"{actor.name} dies at {what}")
            actor.is_dead = True
            raise Crash
        if self.happens("freeze"):
            seconds = self.random.choice((1.0, LEASE_S + 5.0, 2 * LEASE_S))
            self.note(f"{actor.name} freezes at {what} for {seconds:.0f} s")
            actor.frozen_until = self.now + seconds
            self.pause(actor, seconds)
        elif self.random.random() < self.rates["switch"]:
            self.pause(actor, self.random.choice((0.0, 0.0, 0.001, 0.1)))

    def call(
        self, actor: Actor, what: str, function: Callable[[], Result], *, writes: bool = False
    ) -> Result:
        """Call the store as an actor."""
        self.point(actor, what)
        if self.happens("busy"):
            raise StoreBusy("The store is busy; try again.")
        if self.happens("before"):
            self.note(f"{actor.name} cannot {what}")
            raise StoreError("The store cannot be reached.")
        result = function()
        if writes:
            self.note(f"{actor.name} {what}")
            if self.happens("after"):
                self.note(f"{actor.name} does not learn of it")
                raise StoreError("The connection was lost; whether it was written is not known.")
            self.point(actor, f"after {what}")
        return result

    # the story

    def add(self, name: str, work: Callable[[Actor], None]) -> Actor:
        """Let somebody enter."""
        actor = Actor(name, wakes_at=self.now, beaten_at=self.now)
        self.actors.append(actor)

        def body() -> None:
            actor.go.acquire()
            try:
                if not actor.is_dead:
                    work(actor)
            except Crash:
                pass
            except BaseException as error:  # noqa: BLE001 - an actor's fault is a finding
                self.bad.append(f"{name} raised {error!r}")
            finally:
                actor.is_over = True
                self.turn.release()

        threading.Thread(target=body, name=name, daemon=True).start()
        return actor

    def play(self) -> list[str]:
        """Play the story to its end; return what is wrong."""
        for number in range(SERVERS):
            self.add(f"server-{number}", self._serve)
        self.add("people", self._answer)
        self.add("operator", self._operate)
        while not self.bad and self.now < LONGEST_S:
            if self.is_calm and self._is_at_rest():
                break
            actor = self._next()
            if actor is None:
                break
            self._beat()
            actor.go.release()
            self.turn.acquire()
            if actor.is_over:
                self._left(actor)
        self._close()
        if not self.bad:
            self.bad += verify(self.stores, self.witness, at_rest=True)
            self._judge()
        return self.bad

    def _next(self) -> Actor | None:
        """Choose who moves, and let the time come in which they do."""
        alive = [one for one in self.actors if not one.is_over]
        if not alive:
            return None
        ready = [one for one in alive if one.wakes_at <= self.now]
        if not ready:
            earliest = min(one.wakes_at for one in alive)
            self.clock.advance(earliest - self.now + 1e-6)
            ready = [one for one in alive if one.wakes_at <= self.now]
        self.clock.advance(self.random.choice((0.0, 0.0005, 0.004)))
        return self.random.choice(ready)

    def _beat(self) -> None:
        """Be the hearts of the servers that are neither dead nor frozen."""
        for actor in self.actors:
            can = actor.runtime is not None and not actor.is_over and not actor.is_dead
            if can and actor.frozen_until <= self.now and self.now - actor.beaten_at >= LEASE_S / 3:
                assert actor.runtime is not None
                actor.runtime.heartbeat()
                if self.now - actor.beaten_at >= LEASE_S:
                    actor.silent_until = self.now
                actor.beaten_at = self.now

    def _left(self, actor: Actor) -> None:
        self.actors.remove(actor)
        if actor.is_dead and actor.runtime is not None:
            found = verify(self.stores, self.witness)
            self.bad += [f"after {actor.name} died: {what}" for what in found]
            self.restarts += 1
            again = self.add(f"{actor.name.split('.')[0]}.{self.restarts}", self._serve)
            again.wakes_at = self.now + self.random.choice((0.0, 1.0, 40.0))

    def _close(self) -> None:
        """Let nobody stay behind."""
        for actor in self.actors:
            actor.is_dead = True
            actor.go.release()
            self.turn.acquire()

    def _is_at_rest(self) -> bool:
        rows = self.stores.runs.list_run_index(limit=1000)  # type: ignore[attr-defined]
        return len(rows) >= 3 + len(NAPS) and all(RunStatus(row["status"]).is_over for row in rows)

    # who is there

    def _serve(self, actor: Actor) -> None:
        """Be a server: drive what can be driven."""
        registry = workflows()
        runs = SimRuns(self, actor, self.stores)

        def act(run: RunState, effect: Effect, *, idempotency_key: str) -> EffectOutcome:
            return self._act(actor, run, effect, idempotency_key)

        runtime = Runtime(
            run_store=runs,
            ledger_store=SimLedger(self, actor, self.stores),
            effect_handlers={ACT: act},
            workflow_registry=registry,
            effect_policy=RetryPolicy(llm_max_attempts=MOST_FAILURES + 1, backoff_base=4.0),
            config=RuntimeConfig(record_visits=True, heartbeat=False, lease_s=LEASE_S),
            clock=self.clock,
            owner=f"{actor.name}-{self.restarts}",
        )
        actor.runtime = runtime
        keeper = Scheduler(runtime=runtime, registry=registry, takes_over=True, clock=self.clock)
        is_first = True
        while True:
            try:
                if is_first:
                    begin(runtime, registry)
                    for name in NAPS:
                        if runtime.journal.load(name) is None:
                            runtime.start(registry.get_or_raise("naps"), {"n": 0}, run_id=name)
                    keeper.recover()
                    is_first = False
                keeper.poll_once()
            except (StoreError, Conflict):
                pass
            self.pause(actor, self.random.choice((0.3, 1.0, 2.0)))

    def _act(self, actor: Actor, run: RunState, effect: Effect, idempotency_key: str) -> EffectOutcome:
        """Do something in the outside world, for a while."""
        other, began = self.acting.get(run.run_id, (actor, 0.0))
        is_there = other is not actor and not other.is_dead and not other.is_over
        # One that was silent for longer than a lease has lost its run, though it acts on when it wakes.
        if is_there and self.now - other.beaten_at < LEASE_S and other.silent_until < began:
            self.bad.append(f"{actor.name} acts for {run.run_id} while {other.name} does")
        if self.stores.ledger.find_completed(run.run_id, idempotency_key) is not None:
            self.bad.append(f"{actor.name} acts for {idempotency_key}, whose success is recorded")
        self.witness.acts.append(idempotency_key)
        self.acting[run.run_id] = (actor, self.now)
        self.note(f"{actor.name} acts for {run.run_id}: {effect.payload['what']}")
        self.point(actor, "act")
        self.pause(actor, self.random.choice((0.0, 0.2, 5.0, 50.0)))
        self.point(actor, "acted")
        self.acting.pop(run.run_id, None)
        if self.failures[idempotency_key] < MOST_FAILURES and self.happens("flaky"):
            self.failures[idempotency_key] += 1
            return EffectOutcome.failed("The line is dead; try again.")
        return EffectOutcome.completed({"done": str(effect.payload["what"])})

    def _answer(self, actor: Actor) -> None:
        """Be the people, who sometimes answer twice."""
        registry, runtime = self._desk(actor)
        while True:
            self.pause(actor, self.random.choice((0.5, 3.0)))
            try:
                waiting = self.stores.runs.list_runs(status=RunStatus.WAITING, limit=100)  # type: ignore[attr-defined]
                for run in waiting:
                    wait = run.waiting
                    if (
                        wait is None
                        or wait.reason is not WaitReason.USER
                        or wait.details == {"kind": "pause"}
                    ):
                        continue
                    for _ in range(self.random.choice((1, 1, 2))):
                        self._reply(runtime, registry, run)
            except (StoreError, Conflict):
                pass

    def _reply(self, runtime: Runtime, registry: WorkflowRegistry, run: RunState) -> None:
        assert run.waiting is not None
        payload, key = {"response": f"{run.waiting.prompt}!"}, run.waiting.wait_key
        spec = registry.get_or_raise(run.workflow_id)
        # Every other seed has the root's answer share the commit of the step after it, which needs no server.
        steps = 1 if run.run_id == "root" and self.seed % 2 == 0 else 0
        runtime.resume(spec, run.run_id, key, payload, max_steps=steps, asked_at=run.updated_at)
        self.witness.answers.append((run.run_id, f'{{"response":"{run.waiting.prompt}!"}}'))

    def _operate(self, actor: Actor) -> None:
        """Be an operator, who holds runs back for a while."""
        _, runtime = self._desk(actor)
        while True:
            self.pause(actor, self.random.choice((3.0, 20.0)))
            run_id = self.random.choice(("root", "ear", *NAPS))
            try:
                if not self.is_calm:
                    runtime.pause_run(run_id)
                    self.pause(actor, self.random.choice((0.5, 10.0)))
                for row in self.stores.runs.list_run_index():  # type: ignore[attr-defined]
                    if row["status"] == RunStatus.WAITING.value:
                        runtime.resume_run(row["run_id"])
            except KernelError:
                pass

    def _desk(self, actor: Actor) -> tuple[WorkflowRegistry, Runtime]:
        """Return a runtime that drives nothing."""
        registry = workflows()
        runs = SimRuns(self, actor, self.stores)
        ledger = SimLedger(self, actor, self.stores)
        return registry, Runtime(
            run_store=runs,
            ledger_store=ledger,
            workflow_registry=registry,
            config=RuntimeConfig(heartbeat=False),
            clock=self.clock,
            owner=actor.name,
        )

    def _judge(self) -> None:
        """Compare with how the story ends when nothing fails."""
        ends = {run.run_id: run for run in self.stores.runs.list_runs(limit=1000)}  # type: ignore[attr-defined]
        root = ends["root"].output or {}
        wanted = {
            "said": ["name!"],
            "subs": [[{"answer": "child 0!", "acted": {"done": "child acts"}}, 1]],
            "marks": ["root acts"],
        }
        heard = [sub.pop() for sub in root.get("subs", [])]
        if root.get("said") != wanted["said"] or root.get("marks") != wanted["marks"]:
            self.bad.append(f"root ended {ends['root'].status.value} with {root}")
        if (ends["ear"].output or {}) != {"heard": [0]}:
            self.bad.append(f"the ear ended with {ends['ear'].output}, the event reached {heard}")
        self.bad += [
            f"{name} ended with {ends[name].output}" for name in NAPS if ends[name].output != {"n": 3}
        ]
        if len(ends) != 3 + len(NAPS):
            self.bad.append(f"there are runs too many or too few: {sorted(ends)}")

    @property
    def fingerprint(self) -> str:
        """A digest of the story, for comparing two plays of one seed."""
        return hashlib.sha256("\n".join(self.trace).encode()).hexdigest()[:16]


def naps() -> WorkflowSpec:
    """Return a workflow that sleeps and acts, three times."""

    def until(run: RunState) -> dict[str, Any]:
        return {"until": MovableClock(START).after(20.0 * (run.vars["n"] + 1))}

    def turn(vars: dict[str, Any]) -> None:
        vars["n"] += 1

    return flow(
        "sleep",
        "naps",
        sleep=ask_for("sleep", EffectType.WAIT_UNTIL, until, "act"),
        act=ask_for("act", ACT, {"what": "wakes"}, "turn", "acted"),
        turn=move("turn", "again", turn),
        again=branch("again", lambda vars: "sleep" if vars["n"] < 3 else "done"),
        done=end("done", lambda vars: {"n": vars["n"]}),
    )


def workflows() -> WorkflowRegistry:
    """Return all that is played."""
    registry = WorkflowRegistry()
    for spec in (root_flow(TURNS), child_flow(), listener_flow(TURNS), naps()):
        registry.register(spec)
    return registry


def play(seed: int) -> Simulation:
    """Play a seed's story."""
    sim = Simulation(seed)
    sim.play()
    return sim


def main() -> int:
    """Run by command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--replay", type=int)
    options = parser.parse_args()
    logging.getLogger("abstractruntime").setLevel(logging.CRITICAL)
    if options.replay is not None:
        sim = play(options.replay)
        print("\n".join(sim.trace))
        print(f"fingerprint {sim.fingerprint}", *(f"BAD {what}" for what in sim.bad), sep="\n")
        return int(bool(sim.bad))
    begun, failed, counts, calls, virtual = time.monotonic(), [], Counter[str](), 0, 0.0
    for seed in range(options.first, options.first + options.seeds):
        sim = play(seed)
        counts += sim.counts
        calls += sim.calls
        virtual += sim.now
        if sim.bad:
            failed.append(seed)
            print(f"BAD seed {seed} ({sim.fingerprint}): {sim.bad[:3]}", flush=True)
    told = ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
    print(
        f"{options.seeds} seeds, {calls} calls of the store, {virtual / 3600:.0f} h of virtual time, faults: {told}; "
        f"{len(failed)} seeds failed, {time.monotonic() - begun:.0f} s"
    )
    return int(bool(failed))


if __name__ == "__main__":
    raise SystemExit(main())
