"""The short forms of H1 and H2; the long ones are commands (docs/storage.md)."""

from __future__ import annotations

import pytest

from .every_write import FAULTS, Injection, why_not
from .random_kills import DURABLE, Killing

# Each how many calls of a kind one fails: files are written by fewer calls than a database.
STRIDES = {
    ("json", "kill"): 29,
    ("json", "enospc"): 11,
    ("json", "full"): 9,
    ("json", "eio"): 17,
    ("json", "handles"): 31,
    ("sqlite", "handles"): 1,
}


@pytest.mark.parametrize("backend", DURABLE)
@pytest.mark.parametrize("pairs", [False, True], ids=["alone", "pairs"])
def test_killed_workers_leave_nothing_wrong(backend: str, pairs: bool) -> None:
    report = Killing(backend, seed=20, pairs=pairs).run(24)
    assert report.bad == []
    assert report.kills >= 10
    assert report.stories >= 1
    print(report.line())


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("backend", DURABLE)
def test_a_fault_at_some_write_calls_leaves_nothing_wrong(backend: str, fault: str) -> None:
    reason = why_not()
    if reason is not None:
        pytest.skip(f"no faults can be injected at system calls: {reason}")
    report = Injection(fault, backend).run(stride=STRIDES.get((backend, fault), 97))
    assert report.bad == []
    assert report.faults >= 5
    assert report.felt >= 1
    print(report.line())
