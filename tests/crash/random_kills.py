"""H2: workers killed at random moments, their successors too, until the story is over; then the next one.

    python -m tests.crash.random_kills --workers 2000 [--seed 1] [--backend sqlite] [--pairs]

Every killed worker is followed by `verify`, every finished story by `verify` at rest and by a comparison
with the story that nobody disturbed. With `--pairs` two workers live one story at once.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from abstractruntime.core.models import RunStatus, WaitReason
from abstractruntime.storage import open_stores
from abstractruntime.storage.backends import BACKENDS
from abstractruntime.testing.verify import Witness, verify

from .workers import Worker, learn
from .world import Ending, World, ending, live

TURNS = 2
ENDLESS_S = 240
URLS = {"json": "json://{folder}/runs", "sqlite": "sqlite://{folder}/runs.db"}
DURABLE = sorted(set(URLS) & set(BACKENDS))


@dataclass
class Report:
    """What came of it."""

    workers: int = 0
    kills: int = 0
    stories: int = 0
    runs: int = 0
    steps: int = 0
    repeated: int = 0
    unheard: int = 0
    bad: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def line(self) -> str:
        """Say it in one line."""
        return (
            f"{self.workers} workers, {self.kills} killed, {self.stories} stories of {self.runs} runs lived to "
            f"the end, {self.unheard} with a bell that nobody heard, {self.steps} steps acknowledged, "
            f"{self.repeated} effects in doubt repeated, "
            f"{len(self.bad)} violations, {self.seconds:.0f} s"
        )


def undisturbed(turns: int = TURNS) -> Ending:
    """Return how the story ends when nobody is killed."""
    world, stores = World(), open_stores("memory:")
    live(stores, world, turns)
    return ending(stores, world)


class Killing:
    """Kills workers from a seed, story after story."""

    def __init__(self, backend: str, seed: int, *, pairs: bool = False) -> None:
        self.url = URLS[backend]
        self.random = random.Random(seed)
        self.pairs = pairs
        self.report = Report()
        self.calm = undisturbed()
        self.longest = 0.3  # seconds that a worker needs for a whole story; measured, then learned as we go

    def run(self, workers: int) -> Report:
        """Go on until so many workers have been started and the last story is over."""
        begun = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="kills-") as calm:
            worker = Worker.fork(self.url.format(folder=calm), TURNS)
            worker.listen(begun + 60)
            assert worker.end(kill=False) == 0, worker.said
            self.longest = time.monotonic() - begun
        while self.report.workers < workers and not self.report.bad:
            folder = Path(tempfile.mkdtemp(prefix="kills-"))
            self._story(self.url.format(folder=folder))
            if self.report.bad:
                self.report.bad.append(f"what is left lies in {folder}")
            else:
                shutil.rmtree(folder)
        self.report.seconds = time.monotonic() - begun
        return self.report

    def _story(self, url: str) -> None:
        witness, is_over, first = Witness(), False, time.monotonic()
        while not is_over and not self.report.bad:
            begun = time.monotonic()
            if begun - first > ENDLESS_S:
                self.report.bad.append(f"a story has not come to its end in {ENDLESS_S} s")
                return
            started = [Worker.fork(url, TURNS) for _ in range(2 if self.pairs else 1)]
            self.report.workers += len(started)
            reach = self.random.choice((0.1, 0.6, 1.8)) * self.longest
            for worker in started:
                worker.listen(begun + self.random.uniform(0, reach))
            # Of two, one is killed while the other goes on; then it is its turn, or it comes to the end.
            codes = [worker.end(kill=True) for worker in started[:1]]
            for worker in started[1:]:
                worker.listen(time.monotonic() + self.random.uniform(0, 2 * reach))
                codes.append(worker.end(kill=True))
            is_over = self._look(url, witness, started, codes)
            if is_over:
                self.longest = max(0.9 * self.longest, time.monotonic() - begun)
            elif self.pairs and _is_unheard(url):
                self.report.unheard += 1
                return
            else:
                self.longest = min(1.03 * self.longest, 5.0)
        if is_over:
            self._compare(url, witness)

    def _look(self, url: str, witness: Witness, workers: Sequence[Worker], codes: Sequence[int]) -> bool:
        for worker, code in zip(workers, codes, strict=True):
            faults = learn(bytes(worker.said), witness)
            self.report.kills += code < 0
            self.report.bad += [f"a worker failed: {fault}" for fault in faults]
            if code > 0 and not faults:
                self.report.bad.append(f"a worker ended with {code}")
        is_over = 0 in codes
        stores = open_stores(url)
        self.report.bad += verify(stores, witness, at_rest=is_over)
        stores.close()
        return is_over

    def _compare(self, url: str, witness: Witness) -> None:
        stores, report = open_stores(url), self.report
        left = ending(stores, World())
        stores.close()
        report.stories += 1
        report.runs += len(left.outputs)
        report.steps += len(witness.steps)
        distinct = len(set(witness.acts))
        report.repeated += len(witness.acts) - distinct
        if _outputs(left) != _outputs(self.calm):
            report.bad.append(f"the story has another end: {left.outputs}")
        if {name: len(told) for name, told in left.told.items()} != {
            name: len(told) for name, told in self.calm.told.items()
        }:
            report.bad.append(f"the story is told in another way: {left.told}")
        if distinct != len(self.calm.acts):
            report.bad.append(f"{distinct} effects instead of {len(self.calm.acts)}")


def _is_unheard(url: str) -> bool:
    """Say whether all that is left is the listener, waiting for a bell that rang while it was busy.

    Two workers may ring while the listener, driven by the other one, is still at the turn before. It does
    not ask to have such events kept, so this one is gone, as the contract has it.
    """
    stores = open_stores(url)
    runs = {run.run_id: run for run in stores.runs.list_runs(limit=100)}  # type: ignore[attr-defined]
    stores.close()
    ear = runs.pop("ear", None)
    return (
        ear is not None
        and ear.waiting is not None
        and ear.waiting.reason is WaitReason.EVENT
        and "root" in runs
        and all(run.status is RunStatus.COMPLETED for run in runs.values())
    )


def _outputs(end: Ending) -> dict[str, object]:
    return dict(end.outputs)


def main() -> int:
    """Run by command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    parser.add_argument("--backend", choices=DURABLE, default="sqlite")
    parser.add_argument("--pairs", action="store_true")
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.backend}", flush=True)
    report = Killing(options.backend, options.seed, pairs=options.pairs).run(options.workers)
    print(report.line())
    for what in report.bad[:20]:
        print("  BAD", what)
    return 1 if report.bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
