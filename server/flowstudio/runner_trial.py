"""Trial runs: what their author asks of them beyond the program, and how they are led from stop to stop.

Breakpoints are marks in the documents (decision 0058). A trial run is started with those of its flow and of all
flows that it may call, and is told when they change while it is under way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from abstractruntime import Runtime
from abstractruntime.core.errors import StaleRevision
from abstractruntime.core.held import Held
from abstractruntime.core.models import WaitReason
from abstractruntime.core.permission import ASK, EFFECTS
from abstractruntime.core.vars import RUNTIME
from abstractruntime.visualflow_compiler.program import Program
from abstractruntime.visualflow_compiler.stops import GO_ON, OVER, lead
from abstractruntime.visualflow_compiler.trial import TRIAL, asked

from .programs import Programs
from .runner_pins import asked_of as pinned_of
from .runner_pins import trial_vars as pin_vars
from .runner_views import RunReader

Json = Any
TRIES = 50


def breaks_of(document: Mapping[str, Json]) -> list[str]:
    """Return the nodes of a document that have a breakpoint."""
    nodes = document.get("nodes")
    found = []
    for node in nodes if isinstance(nodes, list) else ():
        data = node.get("data") if isinstance(node, Mapping) else None
        marks = data.get("canvas") if isinstance(data, Mapping) else None
        if isinstance(marks, Mapping) and marks.get("breakpoint") is True:
            found.append(str(node.get("id") or "").strip())
    return found


def trial_vars(wanted: Mapping[str, Json], programs: Programs, root: str) -> dict[str, Json]:
    """Return the variables with which a run begins of which this is asked: its pins, and where it is to stop."""
    trial = dict(asked(pin_vars(wanted, programs.document(root), programs.program(root))))
    if wanted.get("breaks"):
        documents = programs.documents(root).items()
        trial["breaks"] = {flow_id: found for flow_id, each in documents if (found := breaks_of(each))}
    if wanted.get("to"):
        trial["to"] = wanted["to"]
    if wanted.get("step"):
        trial["step"] = "over"
    space: dict[str, Json] = {TRIAL: trial} if trial else {}
    if wanted.get("asks"):
        space[EFFECTS] = ASK
    return {RUNTIME: space} if space else {}


def asked_of(vars: Mapping[str, Json]) -> dict[str, Json] | None:
    """Return what asks the same of another run as was asked of the one with these variables."""
    breaks = {"breaks": True} if "breaks" in asked(vars) else {}
    return {**(pinned_of(vars) or {}), **breaks} or None


def is_step(program: Program | None, node_id: str) -> bool:
    """Say whether control may come to a node of a program."""
    op = program.ops.get(node_id) if program is not None else None
    return op is not None and op.is_exec


def listener_vars(vars: Mapping[str, Json]) -> dict[str, Json]:
    """Return the variables of a listener beside a run: the breakpoints of a trial run hold in it too."""
    trial = asked(vars)
    return {RUNTIME: {TRIAL: {"breaks": trial["breaks"]}}} if "breaks" in trial else {}


def lead_callers(runtime: Runtime, reader: RunReader, run_id: str, response: Json) -> None:
    """Have the runs that wait for this one go on as it does, when it has ended.

    Where it was stepped, they stop at their next node; where it was let go, they do not.
    """
    for caller in reader.line_of(run_id)[1:]:
        wait = reader.state(caller).waiting
        if wait is None or wait.reason is not WaitReason.SUBWORKFLOW:
            break  # it goes its own way: nobody waits for this one
        _change(runtime, caller, lambda trial: lead(trial, GO_ON if response == GO_ON else OVER))


def set_breaks(
    runtime: Runtime, run_ids: Iterable[str], flow_id: str, nodes: list[str], goals: Mapping[str, str]
) -> None:
    """Tell trial runs under way which nodes of a flow have breakpoints now, and to which node each is to run."""
    for run_id in run_ids:
        _change(runtime, run_id, partial(_broken, flow_id=flow_id, nodes=nodes, to=goals.get(run_id, "")))


def _broken(trial: dict[str, Json], *, flow_id: str, nodes: list[str], to: str) -> None:
    if "breaks" not in trial:
        return  # it was not asked to stop
    breaks = {key: value for key, value in (trial.get("breaks") or {}).items() if key != flow_id}
    trial["breaks"] = {**breaks, **({flow_id: nodes} if nodes else {})}
    if to:
        trial["to"] = to


def _change(runtime: Runtime, run_id: str, change: Callable[[dict[str, Json]], None]) -> None:
    """Change what is asked of a trial run between its steps; other runs, and what is over, stay as they are."""
    for _ in range(TRIES):
        held = Held.load(runtime.journal, run_id)
        trial = asked(held.run.vars)
        if held.run.status.is_over or not trial:
            return
        change(trial)
        try:
            held.write([], durable=True)
        except StaleRevision:
            continue
        held.released()
        return
    raise StaleRevision(f"Run {run_id} moves too fast to be told of its breakpoints: try again.")
