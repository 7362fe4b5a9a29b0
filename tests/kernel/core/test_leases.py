"""One driver per run: also with several runtimes, threads and processes over one store."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from abstractruntime import Effect, EffectType, RunState, RunStatus, Runtime
from abstractruntime.core import RuntimeConfig
from abstractruntime.core.leases import Holding, is_gone, new_owner
from abstractruntime.core.runtime import EffectOutcome
from abstractruntime.storage import Stores, open_stores
from abstractruntime.storage.base import Lease
from abstractruntime.testing.clock import MovableClock
from abstractruntime.testing.flows import ask_for, end, flow

from ..conftest import MakeRuntime

KIND = EffectType.LLM_CALL
ACT = flow(
    "act", act=ask_for("act", KIND, {"n": 1}, "done", "got"), done=end("done", lambda vars: vars["got"])
)
SERVER = Path(__file__).resolve().parents[3] / "server"
PATIENCE = 60  # seconds; for a machine with much else to do
QUIET = RuntimeConfig(heartbeat=False)


class Slow:
    """An effect that acts for as long as the test wants."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.acts: list[str] = []
        self.begun, self.leave = threading.Event(), threading.Event()

    def __call__(self, run: RunState, effect: Effect, *, idempotency_key: str) -> EffectOutcome:
        self.acts.append(idempotency_key)
        self.begun.set()
        assert self.leave.wait(PATIENCE)
        return EffectOutcome.completed({"by": self.name})


def apart(work: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    """Do something in a thread of its own; return the thread and where its result will be."""
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(work()))
    thread.start()
    return thread, results


def quick(name: str) -> Slow:
    found = Slow(name)
    found.leave.set()
    return found


def test_an_effect_in_flight_is_nobody_elses(make_runtime: MakeRuntime) -> None:
    slow, other = Slow("first"), quick("second")
    first = make_runtime(effect_handlers={KIND: slow})
    second = make_runtime(effect_handlers={KIND: other})
    run_id = first.start(ACT)
    thread, results = apart(lambda: first.tick(ACT, run_id))
    assert slow.begun.wait(PATIENCE)
    assert second.driven_elsewhere() == {run_id}
    assert first.driven_elsewhere() == set()
    assert second.tick(ACT, run_id).status is RunStatus.RUNNING
    with second.claim(run_id) as lease:
        assert lease is None
    slow.leave.set()
    thread.join(PATIENCE)
    assert results[0].output == {"by": "first"}
    assert other.acts == []
    with second.claim(run_id) as lease:
        assert lease is not None, "the lease has been given back"


def test_a_pause_does_not_end_the_lease_of_an_effect_in_flight(make_runtime: MakeRuntime) -> None:
    slow, other = Slow("first"), quick("second")
    first = make_runtime(effect_handlers={KIND: slow})
    second = make_runtime(effect_handlers={KIND: other})
    run_id = first.start(ACT)
    thread, _ = apart(lambda: first.tick(ACT, run_id))
    assert slow.begun.wait(PATIENCE)
    second.pause_run(run_id)
    second.resume_run(run_id)
    second.tick(ACT, run_id)
    slow.leave.set()
    thread.join(PATIENCE)
    assert second.tick(ACT, run_id).output == {"by": "first"}, "its outcome is kept and found"
    assert other.acts == []


def test_a_frozen_driver_is_fenced(make_runtime: MakeRuntime, clock: MovableClock) -> None:
    slow, other = Slow("frozen"), quick("taker")
    frozen = make_runtime(effect_handlers={KIND: slow}, clock=clock, config=QUIET)
    taker = make_runtime(effect_handlers={KIND: other}, clock=clock, config=QUIET)
    run_id = frozen.start(ACT)
    thread, results = apart(lambda: frozen.tick(ACT, run_id))
    assert slow.begun.wait(PATIENCE)
    clock.advance(29)
    assert taker.tick(ACT, run_id).status is RunStatus.RUNNING
    clock.advance(2)
    assert taker.tick(ACT, run_id).output == {"by": "taker"}
    before = taker.get_ledger(run_id)
    slow.leave.set()
    thread.join(PATIENCE)
    assert results[0].output == {"by": "taker"}
    assert taker.get_ledger(run_id) == before, "what the zombie did is not written"
    assert slow.acts == other.acts, "the same key, so that the world can tell a repetition"


def test_a_heartbeat_keeps_the_lease(
    make_runtime: MakeRuntime, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    beats, renew = threading.Semaphore(0), Holding.renew

    def counted(holding: Holding) -> None:
        renew(holding)
        beats.release()

    monkeypatch.setattr(Holding, "renew", counted)
    slow, other = Slow("first"), quick("second")
    config = RuntimeConfig(lease_s=0.3)
    first = make_runtime(effect_handlers={KIND: slow}, config=config, clock=clock)
    second = make_runtime(effect_handlers={KIND: other}, config=config, clock=clock)
    run_id = first.start(ACT)
    thread, results = apart(lambda: first.tick(ACT, run_id))
    assert slow.begun.wait(PATIENCE)
    for _ in range(5):  # more than three leases long
        clock.advance(0.2)
        while beats.acquire(blocking=False):
            pass
        for _ in range(2):  # the first may have begun before the clock moved
            assert beats.acquire(timeout=PATIENCE)
    assert second.tick(ACT, run_id).status is RunStatus.RUNNING
    slow.leave.set()
    thread.join(PATIENCE)
    assert results[0].output == {"by": "first"}
    assert other.acts == []


def test_a_lease_given_back_during_a_heartbeat_is_not_called_taken_over(
    stores: Stores, clock: MovableClock, caplog: pytest.LogCaptureFixture
) -> None:
    leases = stores.journal.leases
    assert leases is not None
    holding = Holding(leases, clock=clock, seconds=30, beats=False)
    renew = leases.renew
    with ExitStack() as driving:

        def late(held: Sequence[Lease], until: datetime) -> list[Lease]:
            driving.close()
            return renew(held, until)

        driving.enter_context(holding.driving("run"))
        assert holding.take("run") is not None
        with patch.object(leases, "renew", late):
            holding.renew()
    assert not holding.has_leases
    assert "taken over" not in caplog.text


def test_without_leases_the_commit_alone_decides(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(effect_handlers={KIND: quick("one")}, config=RuntimeConfig(lease_s=0))
    run_id = runtime.start(ACT)
    with runtime.claim(run_id) as lease:
        assert lease is not None
        assert runtime.driven_elsewhere() == set()
    assert runtime.tick(ACT, run_id).output == {"by": "one"}


def test_a_process_that_has_ended_is_known_to_be_gone() -> None:
    if not Path("/proc/self/stat").exists():
        pytest.skip("no /proc here: leases of dead processes run out instead")
    assert not is_gone(new_owner())
    for other in ("", "server-1", "a/b/c/d", "x/1/2/3"):
        assert not is_gone(other), "what cannot be judged is not gone"
    script = "from abstractruntime.core.leases import new_owner; print(new_owner(), flush=True); input()"
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(SERVER)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    owner = process.stdout.readline().strip()
    assert not is_gone(owner)
    process.kill()
    process.wait(PATIENCE)
    process.stdout.close()
    process.stdin.close()
    assert is_gone(owner)


DRIVE = """
import sys, time
from abstractruntime import EffectType, Runtime
from abstractruntime.core import RuntimeConfig
from abstractruntime.core.runtime import EffectOutcome
from abstractruntime.storage import Stores, open_stores
from abstractruntime.storage.base import Lease
from abstractruntime.testing.flows import ask_for, end, flow

stores = open_stores("sqlite:" + sys.argv[1])
def act(run, effect, *, idempotency_key):
    print("acts", idempotency_key, flush=True)
    time.sleep(float(sys.argv[2]))
    return EffectOutcome.completed({"by": "process"})
runtime = Runtime(run_store=stores.runs, ledger_store=stores.ledger,
                  effect_handlers={EffectType.LLM_CALL: act}, config=RuntimeConfig(lease_s=1.0))
spec = flow("act", act=ask_for("act", EffectType.LLM_CALL, {"n": 1}, "done", "got"),
            done=end("done", lambda vars: vars["got"]))
print(runtime.tick(spec, "r").status.value, flush=True)
"""


def driver(path: Path, seconds: float) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", DRIVE, str(path), str(seconds)],
        env={**os.environ, "PYTHONPATH": str(SERVER)},
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("fate", [signal.SIGKILL, signal.SIGSTOP])
def test_another_process_takes_over(tmp_path: Path, fate: signal.Signals) -> None:
    path = tmp_path / "runs.db"
    stores = open_stores(f"sqlite:{path}")
    mine = quick("here")
    runtime = Runtime(
        run_store=stores.runs,
        ledger_store=stores.ledger,
        effect_handlers={KIND: mine},
        config=RuntimeConfig(lease_s=1.0),
    )
    runtime.start(ACT, run_id="r")
    process = driver(path, 0.5)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("acts")
    assert runtime.tick(ACT, "r").status is RunStatus.RUNNING
    assert mine.acts == [], "it is driven elsewhere"
    process.send_signal(fate)
    if fate is signal.SIGKILL:
        process.wait(PATIENCE)
    pause = threading.Event()
    for _ in range(200):
        run = runtime.tick(ACT, "r")
        if run.status.is_over:
            break
        pause.wait(0.05)
    assert run.output == {"by": "here"}
    before = runtime.get_ledger("r")
    if fate is signal.SIGSTOP:
        process.send_signal(signal.SIGCONT)
        assert process.stdout.readline() == "completed\n", "the zombie finds the other's end"
        assert process.wait(PATIENCE) == 0
    process.stdout.close()
    assert runtime.get_ledger("r") == before
    assert [record["status"] for record in before].count("started") == 2
    stores.close()
