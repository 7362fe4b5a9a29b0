"""The gallery: the starter flows that come with the app, to look at, to copy and to run (docs/samples.md).

They are read from the package and never written. What a person takes becomes a flow of their own library.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from abstractruntime.core.errors import NotFound

from .bundles import under_new_ids
from .flow_tests.shelf import FOLDER, FlowTest, Shelf, read_test
from .flow_tests.travel import under_new_flow_ids
from .library import Document, FlowLibrary, FlowNotFound
from .library_ids import new_id
from .links import REFERENCES
from .staging import write_whole

Json = Any


class StarterNotFound(NotFound):
    """The gallery has no flow with this id."""

    code = "starter.not_found"


@dataclass(frozen=True)
class Starter:
    """A flow of the gallery and what its sample says of it: `cases` are uses of it."""

    id: str
    name: str
    description: str
    problem: str
    learn: str
    break_it: str
    minutes: int
    badges: tuple[str, ...]
    document: Document
    cases: tuple[Mapping[str, Json], ...] = ()
    beside: tuple[str, ...] = ()

    @property
    def inputs(self) -> Mapping[str, Json]:
        """Return what its first case begins with."""
        return self.cases[0].get("inputs") or {} if self.cases else {}

    @property
    def uses_files(self) -> bool:
        """Whether it reads files that come with it, or writes some."""
        return "uses files" in self.badges


class Gallery:
    """The starter flows of a folder, beside a library that takes them, their tests too, and a workspace for their files."""

    def __init__(self, folder: Path, library: FlowLibrary, workspace: Path, shelf: Shelf) -> None:
        self._folder = folder
        self._library = library
        self._workspace = workspace
        self._shelf = shelf
        self._starters: tuple[Starter, ...] | None = None
        self._own = frozenset(file.stem for file in folder.glob("*.json"))

    def starters(self) -> tuple[Starter, ...]:
        """Return the flows that are shown, in the order in which one learns."""
        if self._starters is None:
            self._starters = starters_in(self._folder)
        return self._starters

    def starter(self, flow_id: str) -> Starter:
        """Return one of them; raise StarterNotFound."""
        found = next((each for each in self.starters() if each.id == flow_id), None)
        if found is None:
            raise StarterNotFound(f"The gallery has no flow {flow_id!r}.")
        return found

    def keep(self, flow_id: str) -> str:
        """Put a starter, its subflows and the flows used beside it into the library, but for those that it has.

        Tests come with them. Its sample files go into the workspace, below `samples`, but for those that are there. Return its id.
        """
        self._put(self.starter(flow_id).id, {})
        return flow_id

    def copy(self, flow_id: str) -> str:
        """Put a starter into the library under a new id when the library has one by its own; return the id."""
        self.starter(flow_id)
        try:
            self._library.entry(flow_id)
        except FlowNotFound:
            return self.keep(flow_id)
        fresh = new_id()
        self._put(flow_id, {flow_id: fresh})
        return fresh

    def recording(self, flow_id: str) -> FlowTest:
        """Return the test that shows what a starter does: of the first case of its sample that has one."""
        names = [case["name"].lower() for case in self.starter(flow_id).cases if case.get("test")]
        files = sorted((self._folder / FOLDER / flow_id).glob("*.json"))
        tests = [each for each in map(read_test, map(_read, files)) if each.name.lower() in names]
        if not tests:
            raise StarterNotFound(f"The starter flow {flow_id!r} comes without a recording.")
        return min(tests, key=lambda each: names.index(each.name.lower()))

    def documents(self, flow_id: str) -> dict[str, Document]:
        """Return a starter as it comes with the app, and the flows that it needs, by id."""
        return self._needed(flow_id)

    def holds(self, flow_id: str) -> bool:
        """Say whether a flow comes with the app."""
        return flow_id in self._own

    def document(self, flow_id: str) -> Document:
        """Return a flow that comes with the app; raise StarterNotFound."""
        if not self.holds(flow_id):
            raise StarterNotFound(f"No flow {flow_id!r} comes with the app.")
        return _read(self._folder / f"{flow_id}.json")

    def _put(self, flow_id: str, renamed: Mapping[str, str]) -> None:
        held = {entry.id for entry in self._library.entries()}
        wanted = {
            renamed.get(key, key): under_new_ids(key, document, renamed)
            for key, document in self._needed(flow_id).items()
        }
        self._library.put_all({key: document for key, document in wanted.items() if key not in held})
        self._put_tests([key for key in self._needed(flow_id) if renamed.get(key, key) not in held], renamed)
        if self.starter(flow_id).uses_files:
            put_sample_files(self._folder, self._workspace)

    def _put_tests(self, flows: Iterable[str], renamed: Mapping[str, str]) -> None:
        """Put the tests of flows that are new to the library beside them, but for those that lie there."""
        for key in flows:
            for file in sorted((self._folder / FOLDER / key).glob("*.json")):
                test = under_new_flow_ids(read_test(_read(file)), renamed)
                if test.id not in {each.id for each in self._shelf.tests(test.flow_id)}:
                    self._shelf.keep(test)

    def _needed(self, flow_id: str) -> dict[str, Document]:
        """Return a starter, the flows used beside it, and those that they call, by id."""
        found: dict[str, Document] = {}
        ahead = [flow_id, *self.starter(flow_id).beside]
        while ahead:
            key = ahead.pop()
            if key in found:
                continue
            found[key] = self.document(key)
            for node in found[key].get("nodes", []):
                data = node.get("data") or {}
                ahead += [data[name] for name in REFERENCES if data.get(name)]
        return found


def starters_in(folder: Path) -> tuple[Starter, ...]:
    """Return the starter flows of a folder that are shown, in the order in which one learns."""
    samples = {file.stem: _read(file) for file in folder.glob("samples/*.json")}
    shown = sorted((each["order"], key) for key, each in samples.items() if each["order"] is not None)
    return tuple(_starter(_read(folder / f"{key}.json"), samples[key]) for _, key in shown)


def put_sample_files(folder: Path, workspace: Path) -> None:
    """Copy the sample files of the starter flows into a workspace, below `samples`; none is written over."""
    origin = folder / "samples" / "files"
    for file in sorted(origin.rglob("*.*")):
        goal = workspace / "samples" / file.relative_to(origin)
        if not goal.exists():
            goal.parent.mkdir(parents=True, exist_ok=True)
            write_whole(goal, file.read_bytes())


def starter_script(folder: Path) -> list[dict[str, Json]]:
    """Return the rules by which the model in the box answers the starter flows: those of samples and first cases."""
    samples = [_read(file) for file in sorted(folder.glob("samples/*.json"))]
    scripts = [each.get("model", ()) for sample in samples for each in (sample, *sample["cases"][:1])]
    return [rule for script in scripts for rule in script]


def _read(file: Path) -> dict[str, Json]:
    found: dict[str, Json] = json.loads(file.read_bytes())
    return found


def _starter(document: Document, sample: Mapping[str, Json]) -> Starter:
    return Starter(
        id=document["id"],
        name=document["name"],
        description=document.get("description", ""),
        problem=sample["problem"],
        learn=sample["learn"],
        break_it=sample.get("break_it", ""),
        minutes=sample["minutes"],
        badges=tuple(sample["badges"]),
        document=document,
        cases=tuple(sample["cases"]),
        beside=tuple(sample.get("with", ())),
    )
