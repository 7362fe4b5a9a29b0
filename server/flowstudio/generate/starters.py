"""`python -m flowstudio.generate.starters [FLOW ...]`: makes the tests that the starter flows come with.

The cases of a sample that say `"test": true` are played as real runs: by the app's own worker, model in the box, practice
shop and workspace, in a data folder of their own. Only the clock leaps, over what a run waits for. Of each run a test is
made (`FlowTests.save`) and written to `flows/tests/<flow>/`. A case that does not end as its sample says is an error.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from abstractruntime.core.clock import parse_instant
from abstractruntime.core.models import RunState, WaitReason
from abstractruntime.core.waits import deadline_of

from ..app import build
from ..gallery import Starter, starters_in
from ..runner_views import asks
from ..settings import Settings
from ..studio import Studio
from ..worker import Worker

Json = Any
FLOWS = Path(__file__).resolve().parents[3] / "flows"
BEGIN = datetime(2026, 2, 2, 9, 0, tzinfo=UTC)  # a Monday; the invoice of "Invoice reminder" is due
PERSON = "Ana"
THINKS = timedelta(seconds=20)  # before a person answers
IDLE_SECONDS = 120.0


class LeapingClock:
    """Goes as the day goes, and leaps to a moment where it is told to."""

    def __init__(self, start: datetime) -> None:
        self._start, self._since = start, time.monotonic()

    def __call__(self) -> datetime:
        """Return the present moment."""
        return self._start + timedelta(seconds=time.monotonic() - self._since)

    def reach(self, moment: datetime) -> None:
        """Go to a moment, unless it has passed."""
        self._start += max(timedelta(), moment - self())


@dataclass
class Stage:
    """One case, played in a studio of its own."""

    studio: Studio
    worker: Worker
    clock: LeapingClock
    case: Mapping[str, Json]
    answers: list[Json] = field(default_factory=list)
    leaps: int = 0

    def play(self, flow_id: str) -> str:
        """Play the case and return the id of its run."""
        self.answers = list(self.case.get("answers", ()))
        runner = self.studio.runner
        run_id = runner.launch(flow_id, self.case.get("inputs", {}), actor=PERSON)
        while True:
            self._rest()
            tree = self.studio.reader.tree(run_id)
            if tree.is_settled:
                return run_id
            if self.leaps == self.case.get("turns"):
                runner.cancel(run_id, reason="Stopped by hand")
            elif tree.asking and self.answers and self.answers[0] is not None:
                self.clock.reach(self.clock() + THINKS)
                asking = tree.asking[-1]  # who was asked first
                key = asking.waiting.wait_key if asking.waiting else None
                runner.answer(asking.run_id, key, self.answers.pop(0), actor=PERSON)
            elif not self._hears(tree.runs):
                self._leap(tree.runs)

    def _rest(self) -> None:
        """Wait until nobody moves."""
        until = time.monotonic() + IDLE_SECONDS
        while not self.worker.is_idle:
            if time.monotonic() > until:
                raise TimeoutError(f"The case {self.case['name']!r} does not come to rest.")
            time.sleep(0.005)

    def _hears(self, runs: tuple[RunState, ...]) -> bool:
        """Tell the event of the case when its day has come; return whether somebody has heard it."""
        waits = [
            each.waiting
            for each in runs
            if each.waiting and each.waiting.reason is WaitReason.EVENT and not asks(each)
        ]
        if not waits or "event_after" not in self.case or not self.answers or self._event_at() > self.clock():
            return False
        self.studio.events.signal(str(waits[0].wait_key), self.answers.pop(0), actor=PERSON)
        return True

    def _event_at(self) -> datetime:
        return BEGIN + timedelta(days=self.case["event_after"])

    def _leap(self, runs: tuple[RunState, ...]) -> None:
        """Go to the next moment that somebody waits for."""
        timed = [each for each in runs if each.waiting and each.waiting.until]
        if not timed:
            raise RuntimeError(f"The case {self.case['name']!r} waits for something that it does not give.")
        run = min(timed, key=lambda each: parse_instant(each.waiting.until if each.waiting else ""))
        wait = run.waiting
        moment = parse_instant(wait.until if wait else "")
        if "event_after" in self.case and self.answers and self.clock() < self._event_at() < moment:
            self.clock.reach(self._event_at())
            return
        if wait and asks(run) and parse_instant(deadline_of(wait)) <= moment and self.answers[:1] == [None]:
            del self.answers[0]
        self.clock.reach(moment + timedelta(milliseconds=5))
        self.leaps += 1
        self.worker.submit(run.run_id)


def make(starter: Starter, case: Mapping[str, Json], folder: Path) -> Path:
    """Play a case in a folder and return the file of its test."""
    clock = LeapingClock(BEGIN)
    settings = Settings(data=folder / "data", flows=folder / "flows", store_url="memory:", threads=1)
    studio, worker = build(settings, clock=clock)
    try:
        studio.gallery.keep(starter.id)
        studio.ai.bring_the_model_in_the_box()
        studio.programs.rebind()
        for path, text in case.get("files", {}).items():
            (settings.files / path).parent.mkdir(parents=True, exist_ok=True)
            (settings.files / path).write_text(text, encoding="utf-8")
        for file in settings.files.rglob("*.*"):
            os.utime(file, (BEGIN.timestamp(), BEGIN.timestamp()))
        for test in studio.tests.shelf.tests(starter.id):
            studio.tests.shelf.remove(starter.id, test.id)
        run_id = Stage(studio, worker, clock, case).play(starter.id)
        _hold_to(case, studio.reader.state(run_id))
        name = f"{case['name'][:1].upper()}{case['name'][1:]}"
        test = studio.tests.save(run_id, name)
        if case.get("ignore"):
            ignored = [*test.left_out, *case["ignore"]]
            test = studio.tests.leave_out(starter.id, test.id, ignored, None)
        return settings.flows / "tests" / studio.tests.shelf.stem(starter.id) / f"{test.id}.json"
    finally:
        worker.stop()
        studio.ai.close()
        studio.stores.close()
        studio.history.close()


def _hold_to(case: Mapping[str, Json], run: RunState) -> None:
    expected = case["expect"].get("status", "completed")
    expected = "cancelled" if "turns" in case else expected
    if run.status.value != expected:
        raise RuntimeError(f"The case {case['name']!r} is {run.status.value}, not {expected}: {run.error}")


def main(names: list[str], told: Callable[[str], None] = print) -> int:
    """Write the tests of these starter flows, or of all; return the exit code."""
    with tempfile.TemporaryDirectory(prefix="flowstudio-") as place:
        for starter in starters_in(FLOWS):
            if names and starter.id not in names:
                continue
            goal = FLOWS / "tests" / starter.id
            shutil.rmtree(goal, ignore_errors=True)
            goal.mkdir(parents=True)
            for number, case in enumerate(each for each in starter.cases if each.get("test")):
                file = make(starter, case, Path(place) / f"{starter.id}-{number}")
                shutil.copy(file, goal / file.name)
                told(f"written: flows/tests/{starter.id}/{file.name} ({file.stat().st_size / 1000:.0f} kB)")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
