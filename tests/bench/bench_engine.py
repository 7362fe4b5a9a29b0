"""What a durable step costs, against the same bytes written with nothing around them.

    python tests/bench/bench_engine.py [rounds]

Every row is the best of interleaved rounds, so that a busy machine disturbs all rows alike. The raw
row does per step what a durable step has to do at least: upsert a checkpoint of 2 KB and append one
ledger row, in one transaction (SQLite in WAL mode, synchronous=NORMAL).
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "server"))

from abstractruntime import Effect, EffectType, RunState, RunStatus, Runtime, StepPlan  # noqa: E402
from abstractruntime.core import RuntimeConfig  # noqa: E402
from abstractruntime.core.runtime import EffectOutcome  # noqa: E402
from abstractruntime.storage import Stores, open_stores  # noqa: E402
from abstractruntime.testing.flows import flow  # noqa: E402

STEPS = 200
TEXT = "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor "
KIND = EffectType.MEMORY_KG_QUERY
ROW = {
    "run_id": "",
    "step_id": "0" * 36,
    "node_id": "step",
    "status": "completed",
    "effect": {"type": "noop", "payload": {"n": 0}},
    "result": {"ok": True},
    "attempt": 1,
    "idempotency_key": "0" * 32,
    "started_at": "2026-01-01T00:00:00.000000+00:00",
    "ended_at": "2026-01-01T00:00:00.000000+00:00",
}


RAW_TABLES = (
    "pragma journal_mode=wal",
    "pragma synchronous=normal",
    "create table runs(k integer primary key, status text, rev integer, state text)",
    "create table ledger(g integer primary key, k integer, seq integer, rec text, unique(k, seq))",
)
RAW_UPSERT = (
    "insert into runs values(?,?,?,?) on conflict(k) do update set rev=excluded.rev, state=excluded.state"
)


def state(size: int = 2048) -> dict[str, Any]:
    """Return variables of about that many bytes: small messages, as agents keep them."""
    made: dict[str, Any] = {"n": 0, "user": "u-4711", "flags": {"a": True, "b": None}, "messages": []}
    while len(json.dumps(made)) < size - 130:
        made["messages"].append({"id": len(made["messages"]), "role": "user", "text": TEXT[:64]})
    return made


def grown(number: int) -> dict[str, Any]:
    """Return about 1 KB that a step adds."""
    return {"id": number, "role": "tool", "text": (TEXT * 12)[:920], "ok": True, "usage": {"in": number}}


class Raw:
    """What a durable step must do at least, by hand, and the moment of each."""

    def __init__(self, folder: Path | None = None) -> None:
        self.marks: list[float] = []
        self.runs = 0
        self.connection = None
        if folder is not None:
            self.connection = sqlite3.connect(folder / "raw.db", isolation_level=None)
            for line in RAW_TABLES:
                self.connection.execute(line)

    def __call__(self) -> float:
        """Time STEPS encoded checkpoints and ledger rows, each pair a transaction where there is a file."""
        kept, self.runs, write = state(), self.runs + 1, self.connection
        self.marks.clear()
        begun = time.perf_counter()
        for number in range(STEPS):
            self.marks.append(time.perf_counter())
            kept["n"] = number
            if write is None:
                json.dumps(kept)
                json.dumps(ROW)
                continue
            write.execute("begin immediate")
            write.execute(RAW_UPSERT, (self.runs, "running", number, json.dumps(kept)))
            write.execute(
                "insert into ledger(k, seq, rec) values(?,?,?)", (self.runs, number, json.dumps(ROW))
            )
            write.execute("commit")
        return time.perf_counter() - begun


def raw_sqlite(folder: Path) -> Raw:
    """Return what times raw steps: seconds for STEPS transactions."""
    return Raw(folder)


def least_window(marks: list[float]) -> float:
    """Return the seconds of a step in the quickest window of 20: what others take of the machine is not in it."""
    return min(marks[at + 20] - marks[at] for at in range(0, STEPS - 20, 5)) / 20


@dataclass
class Chain:
    """A run of STEPS steps, and the moment of each."""

    runtime: Runtime
    pure: bool = False
    grows: bool = False

    def __post_init__(self) -> None:
        self.marks: list[float] = []
        self.spec = flow("step", "chain", step=self.step)

    def step(self, run: RunState, context: Any) -> StepPlan:
        vars = run.vars
        self.marks.append(time.perf_counter())
        if vars["n"] >= STEPS - 1:
            return StepPlan("step", complete_output={"n": vars["n"]})
        vars["n"] += 1
        if self.grows:
            vars["messages"].append(grown(vars["n"]))
        if self.pure:
            return StepPlan("step", next_node="step")
        return StepPlan("step", effect=Effect(KIND, {"n": vars["n"]}, "last"), next_node="step")

    def __call__(self) -> float:
        self.marks.clear()
        given = state()  # takes as long as five steps
        begun = time.perf_counter()
        run_id = self.runtime.start(self.spec, given)
        run = self.runtime.tick(self.spec, run_id, max_steps=STEPS)
        assert run.status is RunStatus.COMPLETED, run.error
        return time.perf_counter() - begun

    def tail(self) -> float:
        """Return the cost of steps 181-200 against 1-20."""
        self()
        return (self.marks[199] - self.marks[180]) / (self.marks[19] - self.marks[0])


def answer(run: RunState, effect: Effect) -> EffectOutcome:
    return EffectOutcome.completed({"ok": True, "n": effect.payload["n"]})


def answer_inside(run: RunState, effect: Effect) -> EffectOutcome:
    return answer(run, effect)


answer_inside.external = False  # type: ignore[attr-defined]


def over(stores: Stores, handler: Any = answer, **options: Any) -> Runtime:
    return Runtime(
        run_store=stores.runs, ledger_store=stores.ledger, effect_handlers={KIND: handler}, **options
    )


def written() -> int:
    """Return how many bytes this process has written so far."""
    return int(Path("/proc/self/io").read_text().split("wchar:")[1].split()[0])


def steps(folder: Path, rounds: int) -> None:
    """Print what a step costs in memory and on SQLite, and how it grows."""
    memory, disk = open_stores("memory:"), open_stores(f"sqlite://{folder}/runs.db")
    visits = RuntimeConfig(record_visits=True, record_traces=False)
    rows: dict[str, Raw | Chain] = {
        "raw JSON": Raw(),
        "memory, pure step": Chain(over(memory), pure=True),
        "memory, effect step": Chain(over(memory, answer_inside)),
        "memory, external effect": Chain(over(memory)),
        "raw SQLite": raw_sqlite(folder),
        "SQLite, pure step": Chain(over(disk), pure=True),
        "SQLite, pure step with its visit record": Chain(over(disk, config=visits), pure=True),
        "SQLite, effect step": Chain(over(disk, answer_inside)),
        "SQLite, external effect": Chain(over(disk)),
    }
    best, least = dict.fromkeys(rows, float("inf")), dict.fromkeys(rows, float("inf"))
    for _ in range(rounds):
        for name, go in rows.items():
            best[name] = min(best[name], go() / STEPS)
            least[name] = min(least[name], least_window(go.marks))
    raw, quick = best["raw SQLite"], least["raw SQLite"]
    print(
        "us/step: of whole runs (start and end included), and of the quickest 20 steps; speed against raw SQLite"
    )
    for name, cost in best.items():
        window = least[name]
        print(
            f"{name:42s} {cost * 1e6:7.1f} ({raw / cost:4.2f} of raw)  {window * 1e6:7.1f} ({quick / window:4.2f} of raw)"
        )
    for name, store in (("memory", memory), ("SQLite", disk)):
        chain = Chain(over(store), grows=True)
        tails = sorted(chain.tail() for _ in range(rounds))
        print(f"{name}: step 181-200 over step 1-20, 1 KB a step    {tails[len(tails) // 2]:.2f}")
    before = written()
    Chain(over(disk))()
    print(f"SQLite: bytes written per external effect            {(written() - before) // STEPS}")
    disk.close()


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    fast = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=fast if fast.is_dir() else None))
    try:
        steps(folder, rounds)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
