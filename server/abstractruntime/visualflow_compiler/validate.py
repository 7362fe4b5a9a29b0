"""What keeps a flow from running, what may surprise, what has no effect.

`check` reads the declarations and names no type. Its errors are of two sorts. Structural ones leave
no program at all, so the compiler refuses them too. The others (an input that needs a value, what a
declaration's own check found) would only fail at their node: the door that starts runs refuses them.
Wires that upstream ignores or hands over unconverted are risks, so that old flows still run.
"""

from __future__ import annotations

import difflib
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain, count
from typing import Any

from ..nodes.catalog import Catalog, catalog, new_data
from ..nodes.define import ERROR_OUT, FAULTS, ON_ERROR, Check, Field, Finding, NodeType, Pin
from ..nodes.pins import PIN_TYPES, may_flow
from .constants import constants
from .document import EXEC_IN, EXEC_OUT, FORMAT, VisualEdge, load_visualflow_json
from .endless import endless
from .expressions import EXPRESSIONS, expression_problems, expressions_of
from .graph import Graph, Placed, graph_of
from .migrate import migrate
from .passed_start import left_out, passed_problem
from .policies import policy_problems
from .problem import Problem, Severity, choose, disconnect, errors_of, fix, set_to
from .risks import risks
from .routes import route_problems
from .written import written

__all__ = ["Problem", "check", "errors_of", "examine", "structural"]

LANDING = "~"  # the mark of an effect node's second half; see `bind`
_LEFT = ("node.unreachable", "node.unread")
_WHOLE = ("result", "output")
_ORDER: Mapping[Severity, int] = {"error": 0, "risk": 1, "note": 2}


def check(source: Any, types: Catalog | None = None, flows: Container[str] | None = None) -> list[Problem]:
    """Return all problems of a flow, errors first. `flows` are the ids that subflows may name."""
    known = types or catalog()
    flow, notes = migrate(load_visualflow_json(source), known)
    return examine(graph_of(flow, known, listeners=True), flows, notes)


def examine(
    graph: Graph, flows: Container[str] | None = None, notes: Iterable[Problem] = ()
) -> list[Problem]:
    """Return all problems of a flow whose wires are sorted already."""
    used, notes = graph.used, list(notes)
    problems = [*graph.flow.warnings, *notes, *_dangling(graph, used), *structural(graph)]
    for node_id, placed in graph.nodes.items():
        if placed.kind is not None:
            problems += _node(graph, placed, placed.kind, node_id in used, flows)
    problems += [*passed_problem(graph), *risks(graph)]
    problems += written(
        graph, {(each.node, each.pin) for each in problems if each.code == "web.written_secret"}
    )
    if passed := left_out(graph):  # who mends the entry needs them
        problems = [
            replace(each, fix=None) if each.code in _LEFT and each.node in passed else each
            for each in problems
        ]
    upgrades = {note.node: note.fix["changes"] for note in notes if note.fix and _replaces(note.fix)}
    if upgrades:
        problems = [_in_todays_words(problem, graph, upgrades) for problem in problems]
    problems.sort(key=lambda problem: _ORDER[problem.severity])
    return problems


def _replaces(mend: Mapping[str, Any]) -> bool:
    return any(change["op"] == "replace" for change in mend["changes"])


def _in_todays_words(problem: Problem, graph: Graph, upgrades: Mapping[str | None, list[Any]]) -> Problem:
    """Return a problem whose fix, where the document has the setting under an old name, writes today's first."""
    mend, placed = problem.fix, graph.nodes.get(problem.node or "")
    if mend is None or placed is None or problem.node not in upgrades:
        return problem
    if not any(change["op"] == "set" and _is_moved(placed, change) for change in mend["changes"]):
        return problem
    return replace(problem, fix=fix(mend["label"], *upgrades[problem.node], *mend["changes"]))


def _is_moved(placed: Placed, change: Mapping[str, Any]) -> bool:
    """Whether today's node has something else at the path of a change than the document."""
    path = change["path"] if isinstance(change["path"], str) else ".".join(change["path"])
    written = placed.node.raw.get("data") or {}
    return bool(setting_of(placed.node.data, path) != setting_of(written, path))


def structural(graph: Graph) -> list[Problem]:
    """Return what is wrong with the nodes, the wires and the ways between them."""
    used = graph.used
    problems = [*_whole(graph), *_wires(graph, used)]
    for node_id, placed in graph.nodes.items():
        problems += _place(graph, placed, node_id in used)
    return [*problems, *endless(graph)]


def _whole(graph: Graph) -> Iterator[Problem]:
    flow = graph.flow
    version = flow.format
    if not isinstance(version, int) or isinstance(version, bool) or not 1 <= version <= FORMAT:
        yield Problem(
            "error",
            "flow.unknown_version",
            f"The flow '{flow.id}' says formatVersion {version!r}; this program knows up to {FORMAT}. "
            "Open it with a newer program.",
        )
    if graph.entry is None:
        yield Problem(
            "error",
            "flow.no_entry",
            f"The flow '{flow.id}' has no step to start with; add a start node.",
            fix=_new_start(graph),
        )
    elif flow.entry_node and flow.entry_node != graph.entry:
        yield Problem(
            "risk",
            "flow.entry_replaced",
            f"The entry '{flow.entry_node}' is not a step of this flow; '{graph.entry}' is used instead.",
            graph.entry,
            fix=fix("Make it the entry", {"op": "flow", "path": "entryNode", "value": graph.entry}),
        )
    for node in graph.doubled_nodes:
        yield Problem(
            "error",
            "node.duplicate_id",
            f"Two nodes have the id '{node.id}'; give one of them another id.",
            node.id,
        )
    for node_id, wires in graph.cyclic.items():
        text = f"{graph.nodes[node_id].name} reads its own result by way of its wires."
        cut = disconnect(*wires, label="Break the circle") if wires else None
        yield Problem("error", "data.cycle", text, node_id, fix=cut)


def _new_start(graph: Graph) -> dict[str, Any] | None:
    kind = graph.types.start
    if kind is None:
        return None
    names = chain(("start",), (f"start{number}" for number in count(2)))
    node_id = next(name for name in names if name not in graph.nodes)
    node = {"id": node_id, "type": kind.name, "position": {"x": 0, "y": 0}, "data": new_data(kind)}
    return fix("Add a start node", {"op": "add", "node": node})


def _dangling(graph: Graph, used: Container[str]) -> Iterator[Problem]:
    """Yield the wires to nodes that do not exist; who compiles passes over them (visualflow.md 2.6)."""
    for edge in graph.dangling:
        lost = edge.target if edge.source in graph.nodes else edge.source
        here = edge.source if edge.source in graph.nodes else edge.target
        goes_on = edge.target_handle == EXEC_IN and edge.source in used
        yield Problem(
            "error" if goes_on else "risk",
            "edge.dangling",
            f"A wire of '{here}' leads to a node '{lost}' that does not exist"
            + ("; nothing would be done there." if goes_on else "; it is ignored."),
            here if here in graph.nodes else None,
            edge.source_handle if here == edge.source else edge.target_handle,
            disconnect(edge),
        )


def _wires(graph: Graph, used: Container[str]) -> Iterator[Problem]:
    for edge in graph.doubled_exits:
        severity: Severity = "error" if edge.source in used else "risk"
        yield Problem(
            severity,
            "edge.duplicate_exit",
            f"{graph.nodes[edge.source].name} leaves by '{edge.source_handle or EXEC_OUT}' to more than one "
            "step; keep one wire.",
            edge.source,
            edge.source_handle or EXEC_OUT,
            disconnect(edge),
        )
    for edge in graph.doubled_wires:
        yield Problem(
            "risk",
            "edge.duplicate_input",
            f"{graph.nodes[edge.target].name}: the input '{edge.target_handle}' has several wires; only the last counts.",
            edge.target,
            edge.target_handle,
            disconnect(edge, label="Remove the wire that does not count"),
        )
    for edge in graph.crossed:
        yield Problem("risk", "edge.ignored", _crossed(graph, edge), edge.target, fix=disconnect(edge))


def _crossed(graph: Graph, edge: VisualEdge) -> str:
    source, target = graph.nodes[edge.source].name, graph.nodes[edge.target].name
    if not edge.target_handle or not edge.source_handle:
        return f"A wire from {source} to {target} does not say which pins it connects; it is ignored."
    if edge.is_exec:
        return (
            f"The wire from {source} to {target} is ignored: a value node has no place in the order of steps."
        )
    return f"The wire from {source} to {target} joins an execution pin with a value; it is ignored."


def _place(graph: Graph, placed: Placed, used: bool) -> Iterator[Problem]:
    node_id = placed.node.id
    severity: Severity = "error" if used else "risk"
    if placed.kind is None:
        near = graph.types.nearest(placed.node.type)
        hint = f" Did you mean '{near}'?" if near else ""
        text = f"{placed.name}: there is no node type '{placed.node.type}'.{hint}"
        yield Problem(severity, "node.unknown_type", text, node_id, fix=_retyped(placed, near))
        return
    if placed.fault is not None:
        text = f"{placed.name}: its settings cannot be read ({placed.fault})."
        yield Problem(severity, "node.settings", text, node_id)
    twin = graph.nodes.get(node_id.removesuffix(LANDING)) if node_id.endswith(LANDING) else None
    if used and twin is not None:
        text = f"The id '{node_id}' is reserved for the second half of '{twin.node.id}'; choose another id."
        yield Problem("error", "node.reserved_id", text, node_id)
    if used and placed.is_exec:
        yield from _exits(graph, placed)
        if "inputRouteOverrides" in placed.node.data or "entryRoutes" in placed.node.data:
            yield from route_problems(placed.node, graph.incoming.get(node_id, []), graph.nodes)


def _node(
    graph: Graph, placed: Placed, kind: NodeType, used: bool, flows: Container[str] | None
) -> Iterator[Problem]:
    node_id = placed.node.id
    if placed.is_exec and not used:
        text = f"{placed.name} is never reached from the start; it is left out."
        yield Problem("note", "node.unreachable", text, node_id, fix=_removal(node_id))
    if not placed.is_exec:
        yield from _stray_pins(placed, node_id in graph.passed)
    data, wires = placed.node.data, graph.wires.get(node_id, {})
    computed = expressions_of(data)
    if wires:
        yield from _wires_in(graph, placed, wires, used)
    yield from _inputs(placed, wires, computed, used)
    if EXPRESSIONS in data:
        yield from expression_problems(node_id, placed.name, data, placed.data_pins(), wires)
    if "policy" in data:
        yield from policy_problems(placed, kind)
    for setting in kind.judged:
        value = setting_of(data, setting.path)
        if value is not None or setting.type == "flow":
            yield from _field(placed, setting, value, used, flows)
    if kind.check is not None:
        given = {**wires, **computed} if computed else wires
        fixed = constants(graph, placed) if given else {}
        yield from _own_check(placed, kind.check, used, given, fixed)


def _stray_pins(placed: Placed, is_passed: bool) -> Iterator[Problem]:
    for side in ("inputs", "outputs"):
        saved = placed.node.data.get(side)
        pins: list[Any] = saved if isinstance(saved, list) else []
        for pin in pins:
            if isinstance(pin, dict) and pin.get("type") == "execution":
                effect = "control goes past it" if is_passed else "its execution pin has no effect"
                text = f"{placed.name} is a value: it is computed when read, {effect}."
                kept = [each for each in pins if each is not pin]
                drop = None if is_passed else set_to("Remove the pin", placed.node.id, side, kept)
                yield Problem("risk", "node.stray_execution_pin", text, placed.node.id, pin.get("id"), drop)


def _removal(node_id: str) -> dict[str, Any]:
    return fix("Remove the node", {"op": "remove", "node": node_id})


def _retyped(placed: Placed, near: str | None) -> dict[str, Any] | None:
    if near is None:
        return None
    data = {**placed.node.data, "nodeType": near} if "nodeType" in placed.node.data else placed.node.data
    node = {**placed.node.to_json(), "type": near, "data": data}
    return fix(f"Make it '{near}'", {"op": "replace", "node": node})


def _exits(graph: Graph, placed: Placed) -> Iterator[Problem]:
    declared, wired = placed.exits(), graph.exits.get(placed.node.id, {})
    for handle, edge in wired.items():
        if handle not in declared:
            catches = handle == ERROR_OUT.id and placed.kind is not None and placed.kind.may_fail
            yield Problem(
                "error",
                "edge.unknown_exit",
                f"{placed.name} has no execution output '{handle}'; it has: {', '.join(declared) or 'none'}.",
                placed.node.id,
                handle,
                set_to("Catch its failures", placed.node.id, ON_ERROR.path, "branch")
                if catches
                else disconnect(edge),
            )
    if ERROR_OUT.id in declared and ERROR_OUT.id not in wired:
        yield Problem(
            "risk",
            "failure.unwired",
            f"{placed.name}: its output 'On error' leads nowhere, so a failure still ends the run.",
            placed.node.id,
            ERROR_OUT.id,
            set_to("Let a failure end the run", placed.node.id, ON_ERROR.path),
        )


def _wires_in(graph: Graph, placed: Placed, wires: Mapping[str, VisualEdge], used: bool) -> Iterator[Problem]:
    for pin_id, edge in wires.items():
        source, pin = graph.nodes[edge.source], placed.inputs.get(pin_id)
        out = source.outputs.get(edge.source_handle)
        fits = out is not None and pin is not None and (out.type == pin.type or may_flow(out.type, pin.type))
        if not fits or (used and source.is_exec and edge.source not in graph.reached):
            yield from _wire(graph, placed, pin, edge, used)


def _inputs(placed: Placed, wires: Container[str], computed: Container[str], used: bool) -> Iterator[Problem]:
    node_id, defaults = placed.node.id, placed.node.defaults
    for pin in [pin for pin in placed.inputs.values() if pin.id in defaults or pin.required]:
        if pin.is_exec or pin.id in wires or pin.id in computed:
            continue
        if pin.id in defaults:
            yield from _default(placed, pin, defaults[pin.id])
        elif pin.required and used and not pin.has_default:
            text = f"{placed.name}: the input '{pin.id}' needs a wire or a value."
            yield Problem("error", "pin.required", text, node_id, pin.id)


def _wire(graph: Graph, placed: Placed, pin: Pin | None, edge: VisualEdge, used: bool) -> Iterator[Problem]:
    node_id, source = placed.node.id, graph.source_of(edge)
    out = source.outputs.get(edge.source_handle)
    where = f"{placed.name}: the input '{edge.target_handle}'"
    if pin is None:
        text = f"{where} is not one of this node's; the value may have no effect."
        yield Problem("risk", "pin.unknown_input", text, node_id, edge.target_handle, disconnect(edge))
    if source.kind is None:
        return
    if out is None:
        if edge.source_handle not in _WHOLE:
            text = f"{where} reads '{edge.source_handle}', which {source.name} does not have."
            yield Problem("risk", "pin.unknown_output", text, node_id, edge.target_handle, disconnect(edge))
    elif pin is not None and pin.type in PIN_TYPES and not may_flow(out.type, pin.type):
        text = f"{where} is a {pin.type}, but {source.name} gives a {out.type}; it is handed over as it is."
        yield Problem("risk", "pin.type", text, node_id, pin.id, disconnect(edge))
    if used and source.is_exec and edge.source not in graph.reached:
        text = f"{where} reads {source.name}, which is never reached, so it stays empty."
        yield Problem("risk", "pin.never_set", text, node_id, edge.target_handle, disconnect(edge))


def _default(placed: Placed, pin: Pin, value: Any) -> Iterator[Problem]:
    node_id = placed.node.id
    if pin.choices and isinstance(value, str) and not pin.allows(value):
        text = f"{placed.name}: '{pin.id}' is '{value[:60]}', not one of: {', '.join(pin.choices)}."
        usual = choose("Use the default", node_id, ("pinDefaults", pin.id), value, pin.choices)
        yield Problem("risk", "pin.choice", text, node_id, pin.id, usual)
    elif not _fits(pin.type, value):
        text = f"{placed.name}: '{pin.id}' should be a {pin.type}, but its value is {_shown(value)}."
        usual = set_to("Remove the value", node_id, ("pinDefaults", pin.id))
        yield Problem("risk", "pin.value", text, node_id, pin.id, usual)


def _fits(kind: str, value: Any) -> bool:
    if value is None:
        return True
    if kind == "number":
        return isinstance(value, (int, float)) or (isinstance(value, str) and _numeric(value))
    if kind == "boolean":
        return not isinstance(value, (list, dict))
    known = PIN_TYPES.get(kind)
    if known is not None and known.shape == "frame":  # objects; text may hold one as JSON
        return isinstance(value, (dict, str))
    return True


def _numeric(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"


def _field(
    placed: Placed, setting: Field, value: Any, used: bool, flows: Container[str] | None
) -> Iterator[Problem]:
    if setting.choices and isinstance(value, str) and value and value not in setting.choices:
        text = f"{placed.name}: '{setting.path}' is '{value[:60]}', not one of: {', '.join(setting.choices)}."
        usual = choose("Use the default", placed.node.id, setting.path, value, setting.choices)
        yield Problem("risk", "field.choice", text, placed.node.id, setting.path, usual)
    if setting.type != "flow":
        return
    severity: Severity = "error" if used else "risk"
    if not isinstance(value, str) or not value.strip():
        text = f"{placed.name}: choose the flow to run ('{setting.path}' is empty)."
        yield Problem(severity, "flow.unset", text, placed.node.id, setting.path)
    elif flows is not None and value.strip() not in flows:
        near = difflib.get_close_matches(value, _ids(flows), n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        text = f"{placed.name}: there is no flow '{value.strip()}'.{hint}"
        take = set_to(f"Run '{near[0]}'", placed.node.id, setting.path, near[0]) if near else None
        yield Problem(severity, "flow.missing", text, placed.node.id, setting.path, take)


def _ids(flows: Container[str]) -> list[str]:
    return [each for each in flows if isinstance(each, str)] if isinstance(flows, Iterable) else []


def setting_of(data: Mapping[str, Any], path: str) -> Any:
    """Return what node.data holds at a field's dotted path, or None."""
    here: Any = data
    for key in path.split("."):
        here = here.get(key) if isinstance(here, dict) else None
    return here


def _own_check(
    placed: Placed, own: Check, used: bool, wires: Container[str], fixed: Mapping[str, Any]
) -> Iterator[Problem]:
    """Yield what a type's own check finds; `fixed` are the values of wired inputs that are known already."""
    node_id, data = placed.node.id, placed.node.data
    try:
        findings = own({**data, "pinDefaults": {**placed.node.defaults, **fixed}} if fixed else data)
    except FAULTS as error:
        text = f"{placed.name}: its settings cannot be read ({error})."
        yield Problem("error" if used else "risk", "node.settings", text, node_id)
        return
    for found in findings:
        if found.pin in placed.inputs and found.pin in wires and found.pin not in fixed:
            continue  # it speaks of the unconnected value
        severity: Severity = "risk" if found.severity == "error" and not used else found.severity
        text = f"{placed.name}: {found.message}"
        mend = None if found.pin in fixed else _own_fix(node_id, found)  # a typed value would not count
        yield Problem(severity, found.code, text, node_id, found.pin, mend)


def _own_fix(node_id: str, found: Finding) -> dict[str, Any] | None:
    if found.sets is None:
        return None
    sets = found.sets.items()
    changes = [{"op": "set", "node": node_id, "path": path, "value": value} for path, value in sets]
    return fix(found.label or "Mend it", *changes)
