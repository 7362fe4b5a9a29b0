"""Forking a run of a flow: what may be changed at an instant, by the names that people know, and the fork itself.

What a flow took is a variable of its run and an output of its start node; what a step gave is under the step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast, get_args

from abstractruntime import Runtime
from abstractruntime.core.errors import WorkflowNotFound
from abstractruntime.core.fork import Effects
from abstractruntime.core.models import EffectType, RunState
from abstractruntime.nodes.catalog import Catalog
from abstractruntime.visualflow_compiler.policies import effects_of

from .programs import Programs
from .runner import BadInput
from .runner_mend import SAME, Course, Version, course_of
from .runner_views import RunReader

Json = Any
EFFECTS: tuple[Effects, ...] = get_args(Effects)
_ANSWERED = frozenset({EffectType.ASK_USER.value, EffectType.WAIT_EVENT.value})


@dataclass(frozen=True)
class Value:
    """A value that a fork may begin with changed. `group` is input, variable, answer or output."""

    group: str
    name: str
    now: Json
    paths: tuple[str, ...]
    node_id: str = ""

    @property
    def key(self) -> str:
        """Return what names it in a form."""
        return self.paths[0]


@dataclass(frozen=True)
class Instant:
    """Where a fork would begin: the parent, entry and next node, the effects if nothing is said, and the values."""

    run_id: str
    seq: int
    workflow_id: str
    next_node: str
    effects: Effects
    values: tuple[Value, ...]
    course: Course
    sent: tuple[tuple[str, str], ...] = ()  # (workflow, node) of the steps that had acted outside by then


@dataclass(frozen=True)
class Wanted:
    """What is to be changed: inputs and variables by name, outputs of steps by node and pin."""

    inputs: Mapping[str, Json] = field(default_factory=dict)
    variables: Mapping[str, Json] = field(default_factory=dict)
    outputs: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)


class Forks:
    """Looks at instants and finds the places of what is to be changed. Nothing is written here."""

    def __init__(self, runtime: Runtime, programs: Programs, reader: RunReader, types: Catalog) -> None:
        self._runtime = runtime
        self._programs = programs
        self._reader = reader
        self._types = types

    def instant(self, run_id: str, seq: int | None, version: Version = SAME) -> Instant:
        """Return where a fork of a run would begin, and how that version of its flow fits.

        Raises RunNotFound, FlowNotFound, InvalidFlow or Conflict.
        """
        self._reader.state(run_id)
        began = self._reader.state(self._reader.root_of(run_id)).workflow_id
        course = course_of(self._programs, began, version)
        run, told = self._runtime.preview_fork(run_id, seq, course)
        sent = [(self._reader.workflow_of(each["run_id"]), each["node_id"]) for each in told["sent"]]
        return Instant(
            run_id=str(told["run_id"]),
            seq=int(told["seq"]),
            workflow_id=run.workflow_id,
            next_node=run.current_node.removesuffix("~"),
            effects=cast(Effects, told["effects"]),
            values=tuple(self._values(run)),
            course=course,
            sent=tuple(dict.fromkeys(sent)),
        )

    def feeding(self, instant: Instant) -> tuple[Value, ...]:
        """Return the values that the next step reads, by its wires, also through nodes that only compute."""
        program = self._programs.program(instant.workflow_id)
        found: list[Value] = []
        pending, seen = [instant.next_node], {instant.next_node}
        while program is not None and pending:
            op = program.ops.get(pending.pop())
            for source, out in op.wires.values() if op is not None else ():
                other = program.ops.get(source)
                if other is not None and not other.is_exec and source not in seen:
                    seen.add(source)
                    pending.append(source)
                place = _path("_temp", "node_outputs", source, out)
                found += [each for each in instant.values if place in each.paths and each not in found]
        return tuple(found)

    def places(self, instant: Instant, wanted: Wanted) -> dict[str, Json]:
        """Return what is to be changed by its places in the run; raise BadInput for what is not there."""
        places: dict[str, Json] = {}
        asked = [("input", "", name, value) for name, value in wanted.inputs.items()]
        asked += [("variable", "", name, value) for name, value in wanted.variables.items()]
        for node_id, pins in wanted.outputs.items():
            asked += [("output", node_id, pin, value) for pin, value in pins.items()]
        for group, node_id, name, value in asked:
            groups = ("output", "answer") if group == "output" else (group,)
            there = [each for each in instant.values if each.group in groups and each.node_id == node_id]
            found = next((each for each in there if each.name == name), None)
            if found is None:
                named = ", ".join(repr(each.name) for each in there) or "none"
                of = f" of step {node_id!r}" if node_id else ""
                raise BadInput(f"There is no {group} {name!r}{of} at entry {instant.seq}; there: {named}.")
            places.update(dict.fromkeys(found.paths, value))
        return places

    def _values(self, run: RunState) -> list[Value]:
        nodes = self._nodes(run.workflow_id)
        temp = run.vars.get("_temp")
        given = temp.get("node_outputs") if isinstance(temp, Mapping) else None
        gave: dict[str, Mapping[str, Json]] = {
            node: outputs
            for node, outputs in (given.items() if isinstance(given, Mapping) else ())
            if isinstance(outputs, Mapping)
        }
        start = self._types.start
        starts = [node for node, (kind, _) in nodes.items() if start is not None and kind == start.name]
        names = dict.fromkeys(pin for node in starts for pin in (*nodes[node][1], *gave.get(node, ())))
        values = []
        for name in names:
            at = [node for node in starts if name in gave.get(node, ())]
            now = gave[at[0]][name] if at else run.vars.get(name)
            paths = (_path(name), *(_path("_temp", "node_outputs", node, name) for node in at))
            values.append(Value("input", name, now, paths))
        values += [
            Value("variable", name, value, (_path(name),))
            for name, value in run.vars.items()
            if name not in names and not name.startswith("_")
        ]
        for node, outputs in gave.items():
            if node in starts:
                continue
            kind = self._types.get(nodes.get(node, ("", ()))[0])
            group = "answer" if kind is not None and effects_of(kind) & _ANSWERED else "output"
            values += [
                Value(group, pin, value, (_path("_temp", "node_outputs", node, pin),), node)
                for pin, value in outputs.items()
            ]
        return values

    def _nodes(self, workflow_id: str) -> dict[str, tuple[str, tuple[str, ...]]]:
        """Return the nodes of a run's flow: their types, by today's names, and the data outputs that they are drawn with."""
        try:
            document = self._programs.document(workflow_id)
        except WorkflowNotFound:
            return {}
        found = {}
        for node in document.get("nodes", []):
            kind = self._types.resolve(str(node.get("type"))) if isinstance(node, Mapping) else None
            if kind is None:
                continue
            data = node.get("data")
            outputs = data.get("outputs") if isinstance(data, Mapping) else None
            pins = [pin for pin in outputs if isinstance(pin, Mapping)] if isinstance(outputs, list) else []
            names = tuple(str(pin.get("id")) for pin in pins if pin.get("type") != "execution")
            found[str(node.get("id"))] = (kind.name, names)
        return found


def _path(*steps: str) -> str:
    """Return the place of a variable as the kernel reads it."""
    return "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in map(str, steps))
