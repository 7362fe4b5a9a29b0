"""Many runs of one compiled flow in several threads never meet."""

import sys
import threading
from collections.abc import Iterator

import pytest

from drive import Host, end, flow, node, start

COUNTING = flow(
    "counting",
    {
        "start": start("who", "n|number"),
        "zero": node("set_var", pins={"name": "sum", "value": 0}),
        "loop": node("for", pins={"start": 0}),
        "sum": node("get_var", pins={"name": "sum"}),
        "more": node("add"),
        "keep": node("set_var", pins={"name": "sum"}),
        "end": end("who", "sum", "last"),
    },
    """
    start -> zero, zero -> loop, loop:loop -> keep, loop:done -> end, start.n -> loop.end
    sum.value -> more.a, loop.i -> more.b, more.result -> keep.value
    start.who -> end.who, sum.value -> end.sum, loop.i -> end.last
    """,
)


@pytest.fixture
def quick_switches() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("quick_switches")
def test_runs_in_threads_share_nothing(store: str) -> None:
    host = Host(COUNTING, store=store)
    spec = host.registry.specs["counting"]
    outputs: dict[int, object] = {}

    def run_some(numbers: range) -> None:
        for number in numbers:
            run_id = host.runtime.start(spec, {"who": f"run {number}", "n": 3 + number % 7})
            outputs[number] = host.runtime.tick(spec, run_id, 1_000).output

    threads = [threading.Thread(target=run_some, args=(range(first, 48, 4),)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for number in range(48):
        turns = 3 + number % 7
        total = turns * (turns - 1) // 2
        wanted = {"who": f"run {number}", "sum": total, "last": turns - 1, "success": True}
        assert outputs[number] == wanted


def test_a_program_is_not_changed_by_its_runs() -> None:
    host = Host(COUNTING)
    before = host.programs["counting"]
    bound = host.registry.specs["counting"].nodes["keep"].args[0]  # type: ignore[attr-defined]
    text = bound.program.digest
    for number in range(3):
        host.play({"who": "x", "n": number + 1}, restarts=False)
    assert bound.program.digest == text
    assert host.programs["counting"] == before
