"""Plays the last runs of a flow on another version of it, and tells which of them would go otherwise.

Each run is made a test that is not kept (`suite.FlowTests.of_run`): what came to it from outside is its recording, what
two plays of its own version give otherwise is left out. Nothing leaves the machine, and nothing is written.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .shelf import Result
from .suite import FlowTests, NoTest

Json = Any
MOST_RUNS = 50
USUAL_RUNS = 20
LONGEST_S = 10.0
LONGEST_RUN = 1500  # records of a run that is still played
NOT_KNOWN = ("request", "wait")


@dataclass(frozen=True)
class PastRun:
    """A run that has ended, played on another version.

    `state` is `same`, `differs`, `open` (it asks for something that its recording does not have: from there on nobody
    knows) or `left_out` (it cannot be played). `words` say how or why, `label` and `node_id` where. Runs that part in
    the same way have the same `way`, whatever the values are.
    """

    row: Mapping[str, Json]
    state: str
    words: str = ""
    flow: str = ""
    node_id: str = ""
    label: str = ""
    way: str = ""


@dataclass(frozen=True)
class Turn:
    """Runs that would part from what they did at the same place in the same way; the first says how."""

    runs: tuple[PastRun, ...]

    @property
    def first(self) -> PastRun:
        """Return the newest of them."""
        return self.runs[0]

    @property
    def has_other_words(self) -> bool:
        """Whether not all of them would say the same."""
        return len({each.words for each in self.runs}) > 1


@dataclass(frozen=True)
class PastRuns:
    """What the last runs of a flow would do on `of`. `is_cut` when time was up before all of them were played."""

    of: str
    runs: tuple[PastRun, ...]
    is_cut: bool = False

    def having(self, *states: str) -> tuple[PastRun, ...]:
        """Return the runs in one of these states, the newest first."""
        return tuple(each for each in self.runs if each.state in states)

    @property
    def turns(self) -> tuple[Turn, ...]:
        """Return how runs differ, what most of them share first."""
        found: dict[tuple[str, ...], list[PastRun]] = {}
        for each in self.having("differs", "open"):
            found.setdefault((each.state, each.flow, each.node_id, each.way), []).append(each)
        return tuple(sorted((Turn(tuple(runs)) for runs in found.values()), key=lambda each: -len(each.runs)))


def past_runs(tests: FlowTests, flow_id: str, of: str, limit: int = USUAL_RUNS) -> PastRuns:
    """Play the last runs of a flow that have ended, `limit` at most, on `of`: `draft`, `published` or a number.

    It takes 10 s at most, and one run more. Raises FlowNotFound and VersionNotFound.
    """
    tests.versions.named(flow_id, of)
    until = time.monotonic() + LONGEST_S
    ended = ("completed", "failed")
    newest = tests.reader.rows(flow_id=flow_id, limit=4 * limit, recordings=False)
    rows = [each for each in newest if each["status"] in ended]
    found: list[PastRun] = []
    for row in rows[:limit]:
        if time.monotonic() > until:
            return PastRuns(of, tuple(found), is_cut=True)
        found.append(_played(tests, row, of))
    return PastRuns(of, tuple(found))


def _played(tests: FlowTests, row: Mapping[str, Json], of: str) -> PastRun:
    run_id = row["run_id"]
    if len(tests.reader.records(run_id, 0, LONGEST_RUN)) >= LONGEST_RUN:
        return PastRun(row, "left_out", "It has too many records to be played here.")
    try:
        test = tests.of_run(tests.reader.state(run_id))
    except NoTest as error:
        return PastRun(row, "left_out", str(error))
    return _told(row, tests.played(test, of).result)


def _told(row: Mapping[str, Json], result: Result) -> PastRun:
    if not result.partings:
        return PastRun(row, "same")
    first = result.partings[0]
    if result.state == "broken":
        return PastRun(row, "left_out", str(first["words"]))
    state = "open" if first["kind"] in NOT_KNOWN else "differs"
    flow, node_id, label, words = (str(first[key]) for key in ("flow", "node_id", "label", "words"))
    return PastRun(row, state, words, flow, node_id, label, f"{first['kind']} {first['path'] or words}")
