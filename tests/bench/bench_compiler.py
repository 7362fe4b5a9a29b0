"""What reading, checking, compiling and running a flow costs, and how it grows.

    python tests/bench/bench_compiler.py [rounds]

Every figure is the least of interleaved rounds in CPU time of this process, so that a busy machine
disturbs them little. The machine's visits are compared with a loop written by hand that does the same:
it reads the same values, counts the same variable and keeps the same outputs, with nothing kept on disk.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "server"), str(ROOT / "tests")]

from abstractruntime.core.models import RunState, RunStatus  # noqa: E402
from abstractruntime.nodes.catalog import catalog  # noqa: E402
from abstractruntime.visualflow_compiler import (  # noqa: E402
    bind,
    check,
    compile_program,
    load_visualflow_json,
    lower_opened,
    open_flow,
)
from corpus.real import documents  # noqa: E402
from drive import Document, end, flow, node, start  # noqa: E402
from flowstudio.library import FlowLibrary  # noqa: E402
from flowstudio.programs import Programs  # noqa: E402

SIZES = (10, 100, 1_000, 5_000)
TURNS = 3_000


def chain(count: int) -> Document:
    """A flow of that many nodes: three of four are steps, each fourth a value that a step reads."""
    nodes: dict[str, Document] = {"start": start("x")}
    wires, before = [], "start"
    for number in range(count - 2):
        name = f"n{number}"
        if number % 4 == 3:
            nodes[name] = node("concat", pins={"a": "x", "b": "y"})
            wires.append(f"{name}.result -> {before}.value")
        else:
            nodes[name] = node("set_var", pins={"name": f"v{number}"})
            wires.append(f"{before} -> {name}")
            before = name
    nodes["end"] = end("r")
    return flow("chain", nodes, "\n".join([*wires, f"{before} -> end"]))


def counting() -> Document:
    """A loop that adds its number to a variable: two visits a turn, and two values that are read."""
    return flow(
        "count",
        {
            "start": start(total=0),
            "for": node("for", pins={"start": 0, "end": TURNS, "step": 1}),
            "get": node("get_var", pins={"name": "total"}),
            "add": node("add"),
            "set": node("set_var", ins=["exec-in", "value|number"], pins={"name": "total"}),
            "end": end("total"),
        },
        """start -> for, for:loop -> set, for:done -> end, get.value -> add.a, for.i -> add.b
        add.result -> set.value, set.value -> end.total""",
    )


class Now:
    """A context whose clock stands."""

    def now_iso(self) -> str:
        """Return the instant."""
        return "2030-01-01T00:00:00+00:00"


def by_machine(spec: Any) -> int:
    """Play a bound program in memory, without a store; return its visits."""
    run = RunState("r", spec.workflow_id, RunStatus.RUNNING, spec.entry_node, {"_temp": {}})
    context, visits = Now(), 0
    while True:
        plan = spec.nodes[run.current_node](run, context)
        visits += 1
        if plan.complete_output is not None:
            assert plan.complete_output["total"] == TURNS * (TURNS - 1) // 2
            return visits
        run.current_node = plan.next_node


def by_hand() -> int:
    """Do the same in a loop written for it."""
    variables: dict[str, Any] = {"total": 0}
    outputs: dict[str, dict[str, Any]] = {}
    visits = 1
    for i in range(TURNS):
        outputs["for"] = {"i": i, "index": i, "total": TURNS}
        total = variables["total"] + outputs["for"]["i"]
        variables["total"] = total
        outputs["set"] = {"value": total}
        visits += 2
    assert outputs["set"]["value"] == TURNS * (TURNS - 1) // 2
    return visits + 2


def least(rounds: int, *acts: Callable[[], Any]) -> list[float]:
    """Return the least CPU seconds of each act, taken in turns."""
    best = [float("inf")] * len(acts)
    for _ in range(rounds):
        for place, act in enumerate(acts):
            before = time.process_time()
            act()
            best[place] = min(best[place], time.process_time() - before)
    return best


def side_by_side(name: str, files: list[Path], count: int) -> Document:
    """Real flows beside one another, again and again, until there are that many nodes, as a request brings them."""
    flows = [json.loads(file.read_text()) for file in files]
    nodes: list[Document] = []
    edges: list[Document] = []
    for number, sample in enumerate(cycle(flows)):
        if len(nodes) >= count:
            return json.loads(json.dumps({"id": name, "nodes": nodes, "edges": edges}))  # type: ignore[no-any-return]
        nodes += [{**each, "id": f"{number}-{each['id']}"} for each in sample["nodes"]]
        for each in sample["edges"]:
            ends = {end: f"{number}-{each[end]}" for end in ("id", "source", "target")}
            edges.append({**each, **ends})
    raise AssertionError(f"there are no flows for {name}")


def yardstick() -> int:
    """Work that never changes, by which figures of different hours can be compared."""
    total = 0
    for number in range(200_000):
        total += len(str(number))
    return total


def validation(rounds: int) -> None:
    """Print what the server spends on `POST /api/flows/{id}/validate`, without the transport."""
    (stick,) = least(rounds, yardstick)
    print(f"\nyardstick of this hour: {1_000 * stick:.1f} ms of CPU")
    print("\n| nodes | all problems of a document, as the server finds them, ms |")
    print("|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        programs = Programs(Path(folder) / "programs", FlowLibrary(Path(folder) / "flows"), catalog())
        shapes = [(count, chain(count)) for count in (100, 1_000, 10_000)]
        for name, files in (
            ("sample", sorted((ROOT / "flows").glob("*.json"))),
            ("corpus", [*documents().values()]),
        ):
            shapes += [(1_000, side_by_side(name, files, 1_000))] if files else []
        for count, document in shapes:
            turns = max(3, min(rounds, rounds * 1_000 // count))
            (best,) = least(turns, lambda document=document: programs.problems("chain", document))
            name = f"{count:,}" if document["id"] == "chain" else f"{count:,} of the {document['id']} flows"
            print(f"| {name} | {1_000 * best:.1f} |")


def main(rounds: int) -> None:
    """Print the tables of docs/performance.md."""
    types = catalog()
    print("| nodes | read and sort, ms | check, ms | lower, ms | all, µs a node |")
    print("|---|---|---|---|---|")
    for count in SIZES:
        document = chain(count)
        loaded = load_visualflow_json(document)
        opened = open_flow(loaded, types)
        turns = max(3, min(rounds, rounds * 1_000 // count))
        read, checked, lowered, whole = least(
            turns,
            lambda document=document: open_flow(document, types),
            lambda loaded=loaded: check(loaded, types),
            lambda opened=opened: lower_opened({"chain": opened}, []),
            lambda document=document: compile_program(document, types=types),
        )
        figures = " | ".join(f"{1_000 * each:.1f}" for each in (read, checked, lowered))
        print(f"| {count:,} | {figures} | {1e6 * whole / count:.0f} |")
    validation(rounds)
    spec = bind(compile_program(counting(), types=types), types)
    visits = by_machine(spec)
    assert visits == by_hand()
    machine, hand = least(rounds, lambda: by_machine(spec), by_hand)
    print(f"\nvisits a second: {visits / machine:,.0f} by the machine, {visits / hand:,.0f} by hand")
    print(f"a visit: {1e6 * machine / visits:.1f} µs by the machine, {1e6 * hand / visits:.2f} µs by hand")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
