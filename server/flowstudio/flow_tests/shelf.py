"""Keeps the tests of flows as files beside the flows, and their last results in the data folder.

A test is one JSON document, `tests/<file of the flow>/<id>.json` in the folder of the flows: it can be read, compared
and kept under version control with them. A result is of this machine only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from abstractruntime.core.errors import InvalidFlow, NotFound

from ..library import RESERVED, FlowLibrary
from ..library_files import sync_folder, write_all
from ..staging import write_whole
from .judging import CHECKS
from .reading import Deeds
from .recording import Recording

Json = Any
FORMAT = 1
FOLDER = "tests"
LONGEST_NAME = 120
MOST_BYTES = 4 * 1024 * 1024
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")


class TestNotFound(NotFound):
    """The flow has no test with this id."""

    __test__ = False  # its name begins as those that pytest collects
    code = "test.not_found"


class BadTest(InvalidFlow):
    """The text is not a test of a flow, or cannot be kept as one."""

    code = "test.malformed"


@dataclass(frozen=True)
class FlowTest:
    """A test of a flow: what went in, what came from outside, and what is to come out."""

    id: str
    flow_id: str
    name: str
    inputs: Mapping[str, Json]
    recording: Recording
    expected: Deeds
    checks: tuple[str, ...] = CHECKS
    left_out: tuple[str, ...] = ()
    made_at: str = ""
    version: int | None = None

    def to_json(self) -> dict[str, Json]:
        """Return it as the document that is kept."""
        return {
            "format": FORMAT,
            "id": self.id,
            "flow": self.flow_id,
            "name": self.name,
            "made_at": self.made_at,
            "version": self.version,
            "checks": list(self.checks),
            "ignore": list(self.left_out),
            "inputs": dict(self.inputs),
            "expected": self.expected.to_json(),
            "recording": self.recording.to_json(),
        }


def read_test(data: Json) -> FlowTest:
    """Read a test's document; raise BadTest."""
    try:
        if data["format"] != FORMAT:
            raise BadTest(f"This test has format {data['format']!r}, and {FORMAT} is what can be read here.")
        if not _ID.fullmatch(data["id"]):
            raise BadTest(f"A test cannot have the id {data['id']!r}: use small letters, digits and `-`.")
        checks = tuple(each for each in data["checks"] if each in CHECKS)
        return FlowTest(
            data["id"],
            str(data["flow"]),
            str(data["name"])[:LONGEST_NAME],
            dict(data["inputs"]),
            Recording.from_json(data["recording"]),
            Deeds.from_json(data["expected"]),
            checks,
            tuple(str(each) for each in data["ignore"]),
            str(data.get("made_at") or ""),
            data.get("version"),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadTest(f"This is not a test of a flow: {type(error).__name__} {error}.") from None


def text_of(test: FlowTest) -> bytes:
    """Return the text of a test; raise BadTest when it is too long to be kept."""
    text = (
        json.dumps(test.to_json(), ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace") + b"\n"
    )
    if len(text) > MOST_BYTES:
        raise BadTest(
            f"The recording of this run has {len(text) / 1e6:.1f} MB, and a test may have "
            f"{MOST_BYTES / 1e6:.1f} MB: run the flow with less, and make a test of that run."
        )
    return text


@dataclass(frozen=True)
class Result:
    """How a test went: `passed`, `failed`, or `broken` when the flow cannot run at all."""

    state: str
    at: str
    ms: float = 0.0
    of: str = "draft"
    revision: str = ""
    partings: tuple[Mapping[str, Json], ...] = ()

    @property
    def first(self) -> str:
        """Return the first difference in words, empty when it passed."""
        return str(self.partings[0]["words"]) if self.partings else ""


@dataclass
class Shelf:
    """The tests of a library. `folder` is where results are kept."""

    library: FlowLibrary
    folder: Path
    _broken: dict[str, str] = field(default_factory=dict)

    def tests(self, flow_id: str) -> list[FlowTest]:
        """Return the tests of a flow that can be read, by name."""
        place = self._place(flow_id)
        found = []
        for file in sorted(place.glob("*.json")):
            try:
                found.append(self._read(file, flow_id))
            except BadTest:
                continue
        return sorted(found, key=lambda each: (each.name.lower(), each.id))

    def broken(self, flow_id: str) -> dict[str, str]:
        """Return why files among the tests of a flow cannot be read, by name of the file."""
        found = {}
        for file in sorted(self._place(flow_id).glob("*.json")):
            try:
                self._read(file, flow_id)
            except BadTest as error:
                found[file.name] = str(error)
        return found

    def test(self, flow_id: str, test_id: str) -> FlowTest:
        """Return one test; raise TestNotFound or BadTest."""
        file = self._file(flow_id, test_id)
        if not file.is_file():
            raise TestNotFound(f"Flow {flow_id!r} has no test {test_id!r}.")
        return self._read(file, flow_id)

    def keep(self, test: FlowTest) -> FlowTest:
        """Write a test; one without an id gets one by its name."""
        if not test.id:
            test = replace(test, id=self._free_id(test.flow_id, test.name))
        write_all(self._place(test.flow_id), {f"{test.id}.json": text_of(test)})
        return test

    def remove(self, flow_id: str, test_id: str) -> None:
        """Remove a test; raise TestNotFound."""
        file = self._file(flow_id, test_id)
        try:
            file.unlink()
        except FileNotFoundError:
            raise TestNotFound(f"Flow {flow_id!r} has no test {test_id!r}.") from None
        sync_folder(file.parent)
        self._change(flow_id, test_id, None)

    def results(self, flow_id: str) -> dict[str, Result]:
        """Return the last results of a flow's tests, by their ids."""
        try:
            data = json.loads(self._results(flow_id).read_bytes())
            return {
                key: Result(**{**each, "partings": tuple(each["partings"])}) for key, each in data.items()
            }
        except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
            return {}  # a result can always be had again

    def tell(self, flow_id: str, test_id: str, result: Result) -> None:
        """Keep the last result of a test."""
        self._change(flow_id, test_id, result)

    def _change(self, flow_id: str, test_id: str, result: Result | None) -> None:
        held = {key: each for key, each in self.results(flow_id).items() if key != test_id}
        held |= {test_id: result} if result is not None else {}
        text = json.dumps({key: vars(each) for key, each in held.items()}, ensure_ascii=False)
        write_whole(self._results(flow_id), text.encode("utf-8", "backslashreplace"))

    def _place(self, flow_id: str) -> Path:
        return self.library.folder / FOLDER / self.stem(flow_id)

    def _results(self, flow_id: str) -> Path:
        return self.folder / f"{self.stem(flow_id)}.json"

    def stem(self, flow_id: str) -> str:
        """Return what the folder of a flow's tests is called: as its file is."""
        return self.library.entry(flow_id).file.removesuffix(".json")

    def _file(self, flow_id: str, test_id: str) -> Path:
        if not _ID.fullmatch(test_id):
            raise TestNotFound(f"Flow {flow_id!r} has no test {test_id!r}.")
        return self._place(flow_id) / f"{test_id}.json"

    def _read(self, file: Path, flow_id: str) -> FlowTest:
        try:
            data = json.loads(file.read_bytes())
        except (OSError, ValueError) as error:
            raise BadTest(f"The test {file.name} cannot be read: {error}") from None
        test = read_test(data)
        if test.id != file.stem:
            raise BadTest(f"The test {file.name} says that its id is {test.id!r}: rename the file.")
        return replace(test, flow_id=flow_id)

    def _free_id(self, flow_id: str, name: str) -> str:
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:50].strip("-") or "test"
        slug = f"test-{slug}" if RESERVED.fullmatch(slug) else slug
        taken = {file.stem for file in self._place(flow_id).glob("*.json")}
        number = 2
        found = slug
        while found in taken:
            found, number = f"{slug}-{number}", number + 1
        return found
