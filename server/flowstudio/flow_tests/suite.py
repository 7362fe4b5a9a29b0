"""FlowTests: makes tests of runs, plays them, and tells how they went. Nothing leaves the machine for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from abstractruntime.core.clock import utc_now_iso
from abstractruntime.core.errors import Conflict, InvalidFlow, WorkflowNotFound
from abstractruntime.core.models import RunState, RunStatus
from abstractruntime.core.spec import WorkflowSpec
from abstractruntime.nodes.catalog import Catalog
from abstractruntime.nodes.define import Offers
from abstractruntime.storage import open_stores
from abstractruntime.storage.base import PlacedRecord, Stores

from ..library import Document, FlowLibrary
from ..library_text import revision_of
from ..library_versions import Versions
from ..programs import Pinned, Programs
from ..runner_views import RunReader
from .judging import CHECKS, Parting, judge
from .leaves import digest, others, stray
from .moments import Moments
from .reading import Deeds, deeds_of, recording_of, why_unlike, without_secrets
from .recording import OUTSIDE, WRITES, Player, Recording
from .replay import MOST_RECORDS, Played, Replay
from .shelf import LONGEST_NAME, BadTest, FlowTest, Result, Shelf

Json = Any
DRAFT = "draft"
SHIFTS = (0.0, 61.5)  # the second play is a little later: what differs then is not worth checking
LOOKED_AT = 40
OFFERED = 6
SHORT = 400  # records of a run that makes a good test


class NoTest(Conflict):
    """A run cannot become a test; the message says why and what to do."""

    code = "test.not_possible"


@dataclass(frozen=True)
class Compiled:
    """The workflows of a test (see `replay.Cast`)."""

    programs: Programs
    pinned: Pinned
    offers: Offers

    @property
    def root(self) -> str:
        """Return the workflow id of the flow itself."""
        return self.pinned.root

    def get(self, workflow_id: str) -> WorkflowSpec | None:
        """Return a workflow, or None."""
        return self.programs.bound(self.pinned, workflow_id, self.offers)

    def listeners(self, workflow_id: str) -> tuple[str, ...]:
        """Return what listens beside a main run."""
        return self.pinned.listeners if workflow_id == self.pinned.root else ()


@dataclass(frozen=True)
class Judged:
    """A play of a test: its result, and what the run did."""

    result: Result
    deeds: Deeds | None
    is_whole: bool  # it came to an end, and all that it asked for was recorded


@dataclass(frozen=True)
class Candidate:
    """A run of which a good test can be made."""

    row: Mapping[str, Json]
    steps: int
    effects: Mapping[str, int]


@dataclass(frozen=True)
class FlowTests:
    """The tests of all flows."""

    shelf: Shelf
    library: FlowLibrary
    versions: Versions
    programs: Programs
    reader: RunReader
    stores: Stores
    types: Catalog
    offers: Callable[[], Offers]
    secrets: Callable[[], tuple[str, ...]]

    # ---- making ----------------------------------------------------------------------------------

    def suggested_name(self, run_id: str) -> str:
        """Return a name for the test of a run: what went in, in short, or how it ended."""
        run = self.reader.state(run_id)
        inputs = without_secrets(self._inputs(run), self.secrets())
        told = [f"{key} {value}" for key, value in inputs.items() if isinstance(value, str | int | float)]
        words = ", ".join(told)[:60].strip() or (
            "as it ran" if run.status is RunStatus.COMPLETED else "as it failed"
        )
        return f"{words[:1].upper()}{words[1:]}"

    def save(
        self, run_id: str, name: str = "", checks: Iterable[str] = CHECKS, *, flow_id: str = ""
    ) -> FlowTest:
        """Make a test of a finished run, keep it, and play it on the draft; raise NoTest saying why it cannot be.

        With a `flow_id` the run has to be one of this flow.
        """
        run = self.reader.state(self.reader.root_of(run_id))
        ran = self.programs.flow_id(run.workflow_id)
        if flow_id not in ("", ran):
            raise NoTest(f"This is a run of {ran!r}, not of {flow_id!r}.")
        called = (name.strip() or self.suggested_name(run.run_id))[:LONGEST_NAME]
        test = self.of_run(run, called, tuple(checks))
        kept = self.shelf.keep(test)
        self.run(kept.flow_id, kept.id)
        return kept

    def of_run(self, run: RunState, name: str = "", checks: tuple[str, ...] = CHECKS) -> FlowTest:
        """Return the test that a finished run makes, not kept; raise NoTest saying why it makes none."""
        if not run.status.is_over:
            raise NoTest(f"A test is made of a run that has ended; this one is {run.status.value}.")
        records, states = self._tree(run)
        if (why := why_unlike(records, run)) != "":
            raise NoTest(f"{why}: run the flow again, and make the test of that run.")
        flow_id = self.programs.flow_id(run.workflow_id)
        self.library.entry(flow_id)
        secrets, offers = self.secrets(), self.offers()
        told = {"default": offers.default and list(offers.default), "own": dict(offers.own)}
        recording = without_secrets(recording_of(records, states, run, told).to_json(), secrets)
        expected = without_secrets(deeds_of(records, states, run).to_json(), secrets)
        inputs = without_secrets(self._inputs(run), secrets)
        test = FlowTest(
            "",
            flow_id,
            without_secrets(name, secrets),
            inputs,
            Recording.from_json(recording),
            Deeds.from_json(expected),
            tuple(each for each in CHECKS if each in checks),
            made_at=utc_now_iso(),
            version=self.versions.of_run(run.run_id),
        )
        return self._repeatable(test, run)

    def _repeatable(self, test: FlowTest, run: RunState) -> FlowTest:
        """Return a test that passes on the very program of its run: what is never the same is left out."""
        try:
            pinned = self.programs.kept(run.workflow_id)
        except WorkflowNotFound as error:
            raise NoTest(f"{error} Run the flow again, and make the test of that run.") from None
        cast = self._cast(pinned, test)
        left_out: set[str] = set()
        wrong: list[Parting] = []
        for shift in SHIFTS:
            played, player = self._play(test, cast, shift=shift, is_loose=True)
            left_out |= player.strayed | _volatile(test.expected, self._deeds(played))
            wrong = wrong if shift else self._judge(test, pinned, played, player)
        if left_out:
            test = replace(test, left_out=tuple(sorted(left_out)))
            wrong = self._judge(test, pinned, *self._play(test, cast))
        if wrong:
            where = f" At “{wrong[0].label}”." if wrong[0].label else ""
            raise NoTest(f"Played again, this run does not do the same: {wrong[0].words}{where}")
        return test

    def candidates(self, flow_id: str) -> list[Candidate]:
        """Return runs of which good tests can be made: ended, short, the ones with effects first."""
        rows = self.reader.rows(flow_id=flow_id, limit=LOOKED_AT, recordings=False)
        taken = {test.recording.run_id for test in self.shelf.tests(flow_id)}
        found = []
        for row in rows:
            if row["status"] not in ("completed", "failed") or row["run_id"] in taken:
                continue
            run = self.reader.state(row["run_id"])
            records = self.reader.records(run.run_id, 0, SHORT)
            if len(records) >= SHORT or why_unlike(records, run):
                continue
            deeds = deeds_of(records, self._states(run), run)
            found.append(Candidate(row, sum(len(each.visits) for each in deeds.ways), deeds.effects))
        found.sort(key=lambda each: (each.row["status"] != "completed", not each.effects))
        return found[:OFFERED]

    # ---- playing ---------------------------------------------------------------------------------

    def run(self, flow_id: str, test_id: str, of: str = DRAFT) -> Result:
        """Play a test on the draft, on `published` or on a version, and keep its result."""
        test = self.shelf.test(flow_id, test_id)
        result = self.played(test, of).result
        self.shelf.tell(flow_id, test_id, result)
        return result

    def run_all(self, flow_id: str, of: str = DRAFT) -> dict[str, Result]:
        """Play all tests of a flow."""
        return {test.id: self.run(flow_id, test.id, of) for test in self.shelf.tests(flow_id)}

    def present(self, flow_id: str) -> dict[str, Result]:
        """Return the results that the draft has as it is now: what was not played on it is played."""
        known, mark = self.shelf.results(flow_id), self.mark(flow_id)
        return {
            test.id: held
            if (held := known.get(test.id)) is not None
            and mark
            and held.revision == mark
            and held.of == DRAFT
            else self.run(flow_id, test.id)
            for test in self.shelf.tests(flow_id)
        }

    def mark(self, flow_id: str) -> str:
        """Return what the draft and all that it calls are known by, empty while it cannot run."""
        try:
            return _mark(self._compiled(flow_id, DRAFT, None))
        except InvalidFlow:
            return ""

    def played(self, test: FlowTest, of: str = DRAFT) -> Judged:
        """Play a test and judge it; nothing is kept."""
        at = utc_now_iso()
        try:
            pinned = self._compiled(test.flow_id, of, test.recording.workflow.rpartition("@")[2])
        except InvalidFlow as error:
            parting = Parting("flow", str(error)).to_json()
            return Judged(Result("broken", at, 0.0, of, "", (parting,)), None, is_whole=False)
        revision = _mark(pinned)
        played, player = self._play(test, self._cast(pinned, test))
        wrong = self._judge(test, pinned, played, player)
        state, told = "failed" if wrong else "passed", tuple(each.to_json() for each in wrong)
        result = Result(state, at, round(played.ms, 1), of, revision, told)
        return Judged(result, self._deeds(played), is_whole=not player.misses and played.stuck is None)

    def perform(self, test: FlowTest, pinned: Pinned, stores: Stores) -> str:
        """Play a test on programs in stores that stay; return the first that differs in words, nothing when it passes."""
        wrong = self._judge(test, pinned, *self._play(test, self._cast(pinned, test), stores=stores))
        return wrong[0].words if wrong else ""

    # ---- changing --------------------------------------------------------------------------------

    def update(self, flow_id: str, test_id: str) -> FlowTest:
        """Have a test expect what the draft does now; raise NoTest when that is not known."""
        test = self.shelf.test(flow_id, test_id)
        judged = self.played(test)
        if judged.deeds is None or not judged.is_whole:
            raise NoTest(
                f"What the flow would do is not known: {judged.result.first} Run the flow, and make a test of that run."
            )
        changed = self.shelf.keep(replace(test, expected=judged.deeds))
        self.run(flow_id, test_id)
        return changed

    def rename(self, flow_id: str, test_id: str, name: str) -> FlowTest:
        """Give a test another name; its id stays."""
        words = name.strip()[:LONGEST_NAME]
        if not words:
            raise BadTest("A test needs a name.")
        return self.shelf.keep(replace(self.shelf.test(flow_id, test_id), name=words))

    def leave_out(
        self, flow_id: str, test_id: str, paths: Sequence[str] | None, checks: Sequence[str] | None
    ) -> FlowTest:
        """Say which fields a test ignores and what it checks, None for as it was, and play it."""
        test = self.shelf.test(flow_id, test_id)
        wanted = test.checks if checks is None else tuple(each for each in CHECKS if each in checks)
        without = test.left_out if paths is None else tuple(dict.fromkeys(each.strip() for each in paths))
        changed = self.shelf.keep(replace(test, left_out=tuple(filter(None, without)), checks=wanted))
        self.run(flow_id, test_id)
        return changed

    # ---- inside ----------------------------------------------------------------------------------

    def _compiled(self, flow_id: str, of: str, digest: str | None) -> Pinned:
        document = self.versions.named(flow_id, of)
        return self.programs.compiled(flow_id, document, draft=of == DRAFT, digest=digest)

    def _cast(self, pinned: Pinned, test: FlowTest) -> Compiled:
        known, live = test.recording.offers, self.offers()
        default = known.get("default")
        named = (str(default[0]), str(default[1])) if default else None
        own = {**live.own, **(known.get("own") or {})}
        return Compiled(self.programs, pinned, replace(live, default=named, own=own))

    def _play(
        self,
        test: FlowTest,
        cast: Compiled,
        *,
        shift: float = 0.0,
        is_loose: bool = False,
        stores: Stores | None = None,
    ) -> tuple[Played, Player]:
        recording, secrets = test.recording, self.secrets()
        moments = Moments(recording.started_at, test.expected.moments(), shift=shift)
        loose = OUTSIDE if is_loose else () if "files" in test.checks else WRITES
        player = Player(
            recording,
            moments,
            left_out=test.left_out,
            loose=loose,
            cover=lambda request: without_secrets(request, secrets),
        )
        known: dict[str, list[str]] = {}
        for way in test.expected.ways:
            known.setdefault(way.flow, []).append(way.run_id)
        reader = partial(RunReader, programs=self.programs, library=self.library)
        used = stores or open_stores("memory:")
        played = Replay(cast, recording, player, moments, reader, known, used).play(test.inputs)
        if stores is None:
            used.close()
        return played, player

    def _judge(self, test: FlowTest, pinned: Pinned, played: Played, player: Player) -> list[Parting]:
        return judge(
            test.expected,
            self._deeds(played),
            played,
            player,
            checks=test.checks,
            left_out=test.left_out,
            labels=_labels(pinned, self.types),
        )

    def _deeds(self, played: Played) -> Deeds:
        found = deeds_of(played.records, played.states, played.root)
        return Deeds.from_json(without_secrets(found.to_json(), self.secrets()))

    def _tree(self, run: RunState) -> tuple[Sequence[PlacedRecord], Mapping[str, RunState]]:
        records = self.reader.records(run.run_id, 0, MOST_RECORDS)
        if len(records) >= MOST_RECORDS:
            raise NoTest("This run has more records than a test can hold: run the flow with less.")
        return records, self._states(run)

    def _states(self, run: RunState) -> Mapping[str, RunState]:
        return {each.run_id: each for each in self.reader.tree(run.run_id).runs}

    def _inputs(self, run: RunState) -> dict[str, Json]:
        first = self.stores.journal.state_at(run.run_id, 1) or run
        return {key: value for key, value in first.vars.items() if not key.startswith("_")}


def _mark(pinned: Pinned) -> str:
    """Return what a flow and all that it calls are known by."""
    return digest({key: revision_of(document) for key, document in pinned.documents.items()})


def _volatile(expected: Deeds, found: Deeds) -> set[str]:
    """Return the paths of what a run gave that a second play gave otherwise."""
    if expected.status != found.status:
        return set()
    sides = [(each.output, list(each.messages), list(each.files), each.error) for each in (expected, found)]
    parts = zip(("output", "messages", "files", "error"), *sides, strict=True)
    return {stray(each) for name, one, two in parts for each in others(one, two, (), name)}


def _labels(pinned: Pinned, types: Catalog) -> Callable[[str, str], str]:
    """Return what says how a node is called: its label, else its type's, else its id."""

    def label(flow: str, node_id: str) -> str:
        program = next(
            (each for key, each in pinned.programs.items() if key.rpartition("@")[0] == flow), None
        )
        document: Document = (
            pinned.documents.get(flow) or pinned.documents.get(program.flow_id if program else "") or {}
        )
        for node in document.get("nodes") or []:
            if node.get("id") == node_id:
                data = node.get("data")
                kind = types.resolve(str(node.get("type")))
                said = data.get("label") if isinstance(data, Mapping) else None
                return str(said or (kind.label if kind is not None else node_id))
        return node_id

    return label
