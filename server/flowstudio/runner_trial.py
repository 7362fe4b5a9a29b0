"""Trial runs: what their author asks of them beyond the program, and how they are led from stop to stop.

Breakpoints are marks in the documents (decision 0058). A trial run is started with those of its flow and of all
flows that it may call, and is told when they change while it is under way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from abstractruntime import Runtime
from abstractruntime.core.errors import StaleRevision
from abstractruntime.core.halt import TRIAL
from abstractruntime.core.held import Held
from abstractruntime.core.models import WaitReason
from abstractruntime.core.permission import ASK, EFFECTS, STOP
from abstractruntime.core.vars import RUNTIME, get_runtime
from abstractruntime.visualflow_compiler.breakpoints import AFTER, WIRE
from abstractruntime.visualflow_compiler.program import Program
from abstractruntime.visualflow_compiler.stops import GO_ON, OVER, lead
from abstractruntime.visualflow_compiler.trial import asked

from .programs import Programs
from .runner_pins import asked_of as pinned_of
from .runner_pins import trial_vars as pin_vars
from .runner_views import RunReader

Json = Any
TRIES = 50


@dataclass(frozen=True)
class Told:
    """What trial runs are told while they are under way: the breakpoints of a flow, where one is to go, and what they
    stop at anywhere; none leaves that as it was.
    """

    flow_id: str
    breaks: list[Json]
    to: str = ""
    anywhere: Mapping[str, Json] | None = None


def breaks_of(document: Mapping[str, Json]) -> list[Json]:
    """Return the breakpoints of a document, as a run takes them; one that is off, or cannot be read, is none."""
    nodes = document.get("nodes")
    found: list[Json] = []
    for node in nodes if isinstance(nodes, list) else ():
        data = node.get("data") if isinstance(node, Mapping) else None
        marks = data.get("canvas") if isinstance(data, Mapping) else None
        if not isinstance(marks, Mapping):
            continue
        node_id, mark = str(node.get("id") or "").strip(), marks.get("breakpoint")
        if mark is True:
            found.append(node_id)
        elif isinstance(mark, Mapping) and mark.get("off") is not True:
            at = {"at": AFTER} if mark.get("at") == AFTER else {}
            found.append({"node": node_id, **at, **_when(mark)})
        wires = marks.get("breaks")
        for key, held in wires.items() if isinstance(wires, Mapping) else ():
            if (held is True or isinstance(held, Mapping)) and (wire := _wire(key, node_id, document)):
                mark = held if isinstance(held, Mapping) else {}
                found += [] if mark.get("off") is True else [{**wire, **_when(mark)}]
    return found


def _when(mark: Mapping[str, Json]) -> dict[str, str]:
    return {"when": mark["when"]} if isinstance(mark.get("when"), str) and mark["when"].strip() else {}


def _wire(key: str, target: str, document: Mapping[str, Json]) -> dict[str, str] | None:
    """Return where the wire leaves that a mark is about; None where there is no such wire."""
    try:
        source, pin, into = json.loads(key)
    except (ValueError, TypeError):
        return None
    wanted = (source, pin, target, into)
    edges = document.get("edges")
    for edge in edges if isinstance(edges, list) else ():
        names = ("source", "sourceHandle", "target", "targetHandle")
        if isinstance(edge, Mapping) and tuple(edge.get(name) for name in names) == wanted:
            return {"node": str(source), "at": WIRE, "pin": str(pin)}
    return None


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
    if wanted.get("anywhere"):
        _everywhere(trial, space, wanted["anywhere"])
        space[TRIAL] = trial
    if wanted.get("asks"):
        space[EFFECTS] = ASK
    return {RUNTIME: space} if space else {}


def asked_of(vars: Mapping[str, Json]) -> dict[str, Json] | None:
    """Return what asks the same of another run as was asked of the one with these variables."""
    trial = asked(vars)
    breaks = {"breaks": True} if "breaks" in trial else {}
    wide = dict(trial.get("anywhere") or {})
    space = vars.get(RUNTIME)
    if isinstance(space, Mapping) and space.get(EFFECTS) == STOP:
        wide["outside"] = True
    return {**(pinned_of(vars) or {}), **breaks, **({"anywhere": wide} if wide else {})} or None


def is_step(program: Program | None, node_id: str) -> bool:
    """Say whether control may come to a node of a program."""
    op = program.ops.get(node_id) if program is not None else None
    return op is not None and op.is_exec


def listener_vars(vars: Mapping[str, Json]) -> dict[str, Json]:
    """Return the variables of a listener beside a run: the breakpoints of a trial run hold in it too."""
    trial = asked(vars)
    held = {name: trial[name] for name in ("breaks", "anywhere") if name in trial}
    return {RUNTIME: {TRIAL: held}} if held else {}


def lead_callers(runtime: Runtime, reader: RunReader, run_id: str, response: Json) -> None:
    """Have the runs that wait for this one go on as it does, when it has ended.

    Where it was stepped, they stop at their next node; where it was let go, they do not.
    """
    for caller in reader.line_of(run_id)[1:]:
        wait = reader.state(caller).waiting
        if wait is None or wait.reason is not WaitReason.SUBWORKFLOW:
            break  # it goes its own way: nobody waits for this one
        _change(runtime, caller, lambda trial, _: lead(trial, GO_ON if response == GO_ON else OVER))


def set_breaks(runtime: Runtime, run_ids: Iterable[str], told: Told, goes: str) -> None:
    """Tell trial runs under way which breakpoints a flow has now, and the one that goes where it is to go."""
    for run_id in run_ids:
        _change(runtime, run_id, partial(_broken, told=told, to=told.to if run_id == goes else ""))


def _broken(trial: dict[str, Json], space: dict[str, Json], *, told: Told, to: str) -> None:
    if "breaks" not in trial:
        return  # it was not asked to stop
    breaks = {key: value for key, value in (trial.get("breaks") or {}).items() if key != told.flow_id}
    trial["breaks"] = {**breaks, **({told.flow_id: told.breaks} if told.breaks else {})}
    if told.anywhere is not None:
        _everywhere(trial, space, told.anywhere)
    if to:
        trial["to"] = to


def _everywhere(trial: dict[str, Json], space: dict[str, Json], wide: Mapping[str, Json]) -> None:
    """Have a run stop at these wherever it is, and at no others."""
    held = {name: wide[name] for name in ("errors", "cost") if wide.get(name) not in (None, False)}
    trial.pop("anywhere", None)
    if held:
        trial["anywhere"] = held
    if wide.get("outside") and not space.get(EFFECTS):
        space[EFFECTS] = STOP
    elif not wide.get("outside") and space.get(EFFECTS) == STOP:
        del space[EFFECTS]


def _change(
    runtime: Runtime, run_id: str, change: Callable[[dict[str, Json], dict[str, Json]], None]
) -> None:
    """Change what is asked of a trial run between its steps; other runs, and what is over, stay as they are."""
    for _ in range(TRIES):
        held = Held.load(runtime.journal, run_id)
        trial = asked(held.run.vars)
        if held.run.status.is_over or not trial:
            return
        change(trial, get_runtime(held.run.vars))
        try:
            held.write([], durable=True)
        except StaleRevision:
            continue
        held.released()
        return
    raise StaleRevision(f"Run {run_id} moves too fast to be told of its breakpoints: try again.")
