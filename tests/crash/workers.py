"""Processes that live the story of `world` over one store, and tell through a pipe what they were told.

A worker can be killed at any moment. What it has written into its pipe has happened; the pipe belongs to
who watches, so that the kill cannot take it along.
"""

from __future__ import annotations

import ctypes
import json
import logging
import os
import random
import select
import signal
import sys
import time
from dataclasses import dataclass, field
from datetime import datetime

from abstractruntime import Effect, RunState, RunStatus, Runtime, Scheduler, WaitReason, WorkflowRegistry
from abstractruntime.core import RuntimeConfig
from abstractruntime.core.clock import utc_now
from abstractruntime.core.errors import Conflict, StoreBusy
from abstractruntime.core.runtime import EffectOutcome
from abstractruntime.storage import ObservableLedgerStore, Stores, open_stores
from abstractruntime.testing.verify import Witness

from .world import ACT, begin, child_flow, listener_flow, root_flow

NAP = 0.002
LOOKS = 2  # at a full disk, until a worker takes it for one that stays full and ends with the store's words
STILL_S = (
    50.0  # without a word: the worker tells what it knows, which is a fault; driven elsewhere is left for 10
)
STANDS_STILL = "the story does not come to its end"
PR_SET_PTRACER = 0x59616D61


class WallClock:
    """The real time; nobody can move it."""

    def __call__(self) -> datetime:
        return utc_now()

    def advance(self, seconds: float) -> None:
        """Do nothing: it moves by itself."""


@dataclass
class Teller:
    """Writes what happens into a pipe, a line at a time, whole or not at all."""

    pipe: int
    clock: WallClock = field(default_factory=WallClock)
    told_at: float = field(default_factory=time.monotonic)

    def tell(self, *words: str) -> None:
        """Say something, by a call that no store uses: its faults are for the files."""
        os.writev(self.pipe, [(json.dumps(words) + "\n").encode()])
        self.told_at = time.monotonic()

    def act(self, run: RunState, effect: Effect, *, idempotency_key: str) -> EffectOutcome:
        """Do something that cannot be undone."""
        self.tell("act", idempotency_key)
        time.sleep(NAP)
        return EffectOutcome.completed({"done": str(effect.payload["what"])})


def toil(stores: Stores, teller: Teller, turns: int) -> None:
    """Drive the story on until it is over, beside others who do the same."""
    registry = WorkflowRegistry()
    for spec in (root_flow(turns), child_flow(), listener_flow(turns)):
        registry.register(spec)
    ledger = ObservableLedgerStore(stores.ledger)
    ledger.subscribe(
        lambda record: teller.tell("step", record["run_id"], record["step_id"], record["status"])
    )
    runtime = Runtime(
        run_store=stores.runs,
        ledger_store=ledger,
        effect_handlers={ACT: teller.act},
        workflow_registry=registry,
        config=RuntimeConfig(record_visits=True),
    )
    # Whoever kills at random may hit one run again and again: it is not the run's fault, so nobody parks it.
    keeper = Scheduler(runtime=runtime, registry=registry, takes_over=True, park_after=10_000)
    looks = 0
    while time.monotonic() - teller.told_at < STILL_S:
        try:
            begin(runtime, registry)
            keeper.recover()
            keeper.poll_once()
            if keeper.stats.unsynced:
                raise keeper.stats.unsynced  # it says so itself: restart the program
            looks = looks + 1 if keeper.stats.no_room else 0
            if keeper.stats.no_room and looks > LOOKS:
                raise keeper.stats.no_room
            waiting = keeper.find_waiting_runs()
            is_calm = not waiting and not keeper.orphans() and not runtime.driven_elsewhere()
            if is_calm and _is_over(stores):  # another may have let a run go between two of these looks
                if keeper.stats.errors:
                    raise keeper.stats.no_room or AssertionError(keeper.stats.errors)
                return
            for run in waiting:
                _answer(runtime, registry, run, teller)
        except (Conflict, StoreBusy):
            time.sleep(NAP)  # another worker was faster
    raise AssertionError(f"{STANDS_STILL}: {keeper.stats.errors}")


def _is_over(stores: Stores) -> bool:
    ends = (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED)
    return all(run.status in ends for run in stores.runs.list_runs(limit=100))  # type: ignore[attr-defined]


def _answer(runtime: Runtime, registry: WorkflowRegistry, run: RunState, teller: Teller) -> None:
    wait = run.waiting
    if wait is None or wait.reason is not WaitReason.USER:
        return
    payload = {"response": f"{wait.prompt}!"}
    spec = registry.get_or_raise(run.workflow_id)
    steps = random.choice((0, 1))  # 1: the answer shares the commit of the step after it
    runtime.resume(spec, run.run_id, wait.wait_key, payload, max_steps=steps, asked_at=run.updated_at)
    teller.tell("answer", run.run_id, json.dumps(payload))


def work(url: str, pipe: int, turns: int) -> None:
    """Be a worker until the story is over."""
    logging.getLogger("abstractruntime").setLevel(logging.CRITICAL)  # faults are what is asked for here
    stores = open_stores(url)
    toil(stores, Teller(pipe), turns)
    stores.close()


def _be_traced() -> None:
    """Allow every tracer, where Linux would allow a parent only."""
    if sys.platform == "linux":
        everybody = ctypes.c_ulong(-1)
        ctypes.CDLL(None).prctl(PR_SET_PTRACER, everybody, 0, 0, 0)


@dataclass
class Worker:
    """A forked worker as its watcher sees it."""

    pid: int
    pipe: int
    gate: int
    said: bytearray = field(default_factory=bytearray)

    @classmethod
    def fork(cls, url: str, turns: int, *, held: bool = False) -> Worker:
        """Start a worker, for which everything is imported already; one that is held waits for `release`."""
        ours, theirs = os.pipe()
        shut, gate = os.pipe()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                os.close(ours)
                os.close(gate)
                _be_traced()
                os.read(shut, 1)
                work(url, theirs, turns)
                code = 0
            except BaseException as error:  # noqa: BLE001 - the end of a process: all it can do is tell
                Teller(theirs).tell("failed", repr(error)[:3000])
            finally:
                os._exit(code)
        os.close(theirs)
        os.close(shut)
        worker = cls(pid, ours, gate)
        if not held:
            worker.release()
        return worker

    def release(self) -> None:
        """Let it begin."""
        os.close(self.gate)

    def listen(self, until: float) -> bool:
        """Hear what is said until a moment; return whether the worker has ended by itself."""
        while (left := until - time.monotonic()) > 0:
            ready, _, _ = select.select([self.pipe], [], [], left)
            if ready and not self._hear():
                return True
        return False

    def end(self, *, kill: bool) -> int:
        """End the worker, hear its last words, and return its exit code (negative: the signal)."""
        if kill:
            os.kill(self.pid, signal.SIGKILL)
        while self._hear():
            pass
        os.close(self.pipe)
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status)

    def _hear(self) -> bool:
        heard = os.read(self.pipe, 65536)
        self.said += heard
        return bool(heard)


def learn(said: bytes, witness: Witness) -> list[str]:
    """Add to a witness what a worker has said; return what it said of faults."""
    faults = []
    for line in said.decode().splitlines():
        kind, *words = json.loads(line)
        if kind == "step":
            witness.steps.append((words[0], words[1], words[2]))
        elif kind == "act":
            witness.acts.append(words[0])
        elif kind == "answer":
            witness.answers.append((words[0], json.dumps(json.loads(words[1]), separators=(",", ":"))))
        else:
            faults.append(words[0])
    return faults
