"""`flowstudio test`: plays the tests of the flows in a folder, for people and for CI."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from abstractruntime.core.errors import KernelError

from .app import build
from .flow_tests.report import Line, junit, summary
from .flow_tests.suite import FlowTests
from .settings import Settings

NO_TESTS = 2


def run_tests(settings: Settings, flows: Sequence[str], *, data: Path | None, report: Path | None) -> int:
    """Play the tests of these flows, or of all, and print a line for each; return 0 if all have passed.

    Without a data folder a fresh one is used, so that nothing of this machine is needed. Returns 1 when a test
    does not pass, 2 when there is none or something has to be put right first.
    """
    with tempfile.TemporaryDirectory(prefix="flowstudio-") as folder:
        if data is None:
            settings = replace(settings, data=Path(folder), store_url="memory:", has_samples=False)
        else:
            settings = replace(settings, store_url="memory:")
        studio, _ = build(settings)
        try:
            return _play(studio.tests, flows, report)
        except KernelError as error:
            print(f"flowstudio: {error}", file=sys.stderr)
            return NO_TESTS
        finally:
            studio.ai.close()
            studio.stores.close()
            studio.history.close()


def _play(tests: FlowTests, flows: Sequence[str], report: Path | None) -> int:
    lines: list[Line] = []
    unread = 0
    for flow_id in flows or [each.id for each in tests.library.entries()]:
        for file, why in tests.shelf.broken(flow_id).items():
            print(f"BROKEN {flow_id}: {file}: {why}", file=sys.stderr)
            unread += 1
        for test in tests.shelf.tests(flow_id):
            line = Line(test, tests.played(test).result)
            lines.append(line)
            print(line.words, flush=True)
    if report is not None:
        report.write_bytes(junit(lines))
    if not lines and not unread:
        print("flowstudio: there is no test; make one of a run with “Save as test”.", file=sys.stderr)
        return NO_TESTS
    print(summary(lines))
    return 1 if unread or any(each.result.state != "passed" for each in lines) else 0
