"""What `flowstudio test` prints and writes: a line for each test, and a JUnit file for CI."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from xml.etree import ElementTree

from .shelf import FlowTest, Result

_NO_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Line:
    """A test that was played."""

    test: FlowTest
    result: Result

    @property
    def words(self) -> str:
        """Return it in a line: state, flow, name, time, and the first difference where there is one."""
        word = {"passed": "ok    ", "failed": "FAILED", "broken": "BROKEN"}.get(
            self.result.state, self.result.state
        )
        head = f"{word} {self.test.flow_id}: {self.test.name} ({self.result.ms:.0f} ms)"
        return head if not self.result.partings else f"{head}: {' '.join(self.place.split())}"

    @property
    def place(self) -> str:
        """Return the first difference with the node at which it is."""
        label = self.result.partings[0].get("label") if self.result.partings else ""
        return f"at “{label}”: {self.result.first}" if label else self.result.first


def summary(lines: Iterable[Line]) -> str:
    """Return how many tests there were, and how many did not pass."""
    played = list(lines)
    bad = sum(1 for each in played if each.result.state != "passed")
    count = f"{len(played)} test{'' if len(played) == 1 else 's'}"
    return f"{count}, {bad} of them did not pass." if bad else f"{count}, all passed."


def junit(lines: Iterable[Line]) -> bytes:
    """Return the results as a JUnit file: a suite for each flow."""
    top = ElementTree.Element("testsuites", name="flowstudio")
    suites: dict[str, list[Line]] = {}
    for each in lines:
        suites.setdefault(each.test.flow_id, []).append(each)
    for flow_id, played in suites.items():
        states = [each.result.state for each in played]
        suite = ElementTree.SubElement(
            top,
            "testsuite",
            name=_clean(flow_id),
            tests=str(len(played)),
            failures=str(states.count("failed")),
            errors=str(states.count("broken")),
            time=f"{sum(each.result.ms for each in played) / 1000:.3f}",
        )
        for each in played:
            case = ElementTree.SubElement(
                suite,
                "testcase",
                classname=_clean(flow_id),
                name=_clean(each.test.name),
                time=f"{each.result.ms / 1000:.3f}",
            )
            if each.result.state != "passed":
                kind = "error" if each.result.state == "broken" else "failure"
                told = ElementTree.SubElement(case, kind, message=_clean(each.place))
                told.text = _clean("\n".join(str(parting["words"]) for parting in each.result.partings))
    ElementTree.indent(top, " ")
    text: bytes = ElementTree.tostring(top, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _clean(text: str) -> str:
    """Return a text without what XML cannot hold."""
    return _NO_XML.sub("�", text)
