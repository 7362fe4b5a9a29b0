"""Random flows: well-typed ones run to the same end with a restart at every visit; random JSON is only refused."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from abstractruntime.core.errors import InvalidFlow
from abstractruntime.core.models import RunState
from abstractruntime.visualflow_compiler import check, errors_of, load_visualflow_json, lower_tree, migrate
from drive import Host, end, flow, node, start

Document = dict[str, Any]
CALM = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@dataclass
class Sketch:
    """A flow under way: its nodes, its wires, and what may be read where the pen stands."""

    draw: Any
    nodes: dict[str, Document] = field(default_factory=dict)
    wires: list[str] = field(default_factory=list)

    def name(self, kind: str) -> str:
        """Return a free id."""
        return f"{kind}{len(self.nodes)}"

    def value(self, readable: dict[str, str], into: str, wanted: str) -> None:
        """Wire a value of the wanted type to a pin: directly, or through a fresh value node."""
        fitting = [pin for pin, kind in readable.items() if kind == wanted]
        choice = self.draw(st.integers(0, 3))
        if fitting and choice < 2:
            self.wires.append(f"{self.draw(st.sampled_from(sorted(fitting)))} -> {into}")
            return
        made = {
            "number": ("add", {"a": "number", "b": "number"}, "result"),
            "string": ("concat", {"a": "string", "b": "string"}, "result"),
            "boolean": ("compare", {"a": "number", "b": "number"}, "result"),
            "array": ("make_array", {"a": "number", "b": "number"}, "result"),
        }[wanted]
        kind, pins, out = made
        if wanted == "number" and choice == 3:
            kind, pins = "random_int", {}
        name = self.name("v")
        ins = [f"{pin}|{each}" for pin, each in pins.items()]
        defaults = {pin: 1 if each == "number" else "x" for pin, each in pins.items()}
        self.nodes[name] = node(kind, ins=ins, pins=defaults) if ins else node(kind)
        for pin, each in pins.items():
            if self.draw(st.booleans()):
                self.literal(readable, f"{name}.{pin}", each)
        self.wires.append(f"{name}.{out} -> {into}")

    def literal(self, readable: dict[str, str], into: str, wanted: str) -> None:
        """Wire a readable value, or leave the default."""
        fitting = sorted(pin for pin, kind in readable.items() if kind == wanted)
        if fitting:
            self.wires.append(f"{self.draw(st.sampled_from(fitting))} -> {into}")

    def steps(self, before: str, readable: dict[str, str], depth: int) -> str:
        """Draw some steps one after the other; return the exit at which the last of them stands."""
        for _ in range(self.draw(st.integers(0, 3))):
            before = self.step(before, readable, depth)
        return before

    def step(self, before: str, readable: dict[str, str], depth: int) -> str:
        kinds = ["set_var", "ask_user", "answer_user", "wait_until"]
        kinds += (
            ["if", "switch", "for", "while", "loop", "sequence", "parallel", "on_error"] if depth < 2 else []
        )
        kind = self.draw(st.sampled_from(kinds))
        name = self.name(kind)
        return getattr(self, f"draw_{kind}")(before, name, readable, depth)  # type: ignore[no-any-return]

    def place(self, before: str, name: str, described: Document) -> None:
        self.nodes[name] = described
        self.wires.append(f"{before} -> {name}")

    def draw_set_var(self, before: str, name: str, readable: dict[str, str], depth: int) -> str:
        variable = self.draw(st.sampled_from("abc"))
        self.place(before, name, node("set_var", ins=["exec-in", "value|number"], pins={"name": variable}))
        self.value(readable, f"{name}.value", "number")
        readable[f"{name}.value"] = "number"
        return name

    def draw_ask_user(self, before: str, name: str, readable: dict[str, str], depth: int) -> str:
        self.place(before, name, node("ask_user"))
        self.value(readable, f"{name}.prompt", "string")
        readable[f"{name}.response"] = "string"
        return name

    def draw_answer_user(self, before: str, name: str, readable: dict[str, str], depth: int) -> str:
        self.place(before, name, node("answer_user"))
        self.value(readable, f"{name}.message", "string")
        readable[f"{name}.message"] = "string"
        return name

    def draw_wait_until(self, before: str, name: str, readable: dict[str, str], depth: int) -> str:
        self.place(before, name, node("wait_until", pins={"duration": self.draw(st.integers(0, 5))}))
        return name

    def draw_if(self, before: str, name: str, readable: dict[str, str], depth: int) -> str:
        self.place(before, name, node("if"))
        self.value(readable, f"{name}.condition", "boolean")
        meet = self.name("set_var")
        self.nodes[meet] = node("set_var", pins={"name": "met", "value": 1})
        for way in ("true", "false"):
            self.wires.append(f"{self.steps(f'{name}:{way}', dict(readable), depth + 1)} -> {meet}")
        return meet

    def draw_switch(self, before: str, name: str, readable: dict[str, str], depth: int) -> str:
        cases = [{"id": each, "value": each} for each in ("go", "x")]
        self.place(before, name, node("switch", switchConfig={"cases": cases}))
        self.value(readable, f"{name}.value", "string")
        meet = self.name("set_var")
        self.nodes[meet] = node("set_var", pins={"name": "met", "value": 2})
        for way in ("case:go", "case:x", "default"):
            self.wires.append(f"{self.steps(f'{name}:{way}', dict(readable), depth + 1)} -> {meet}")
        return meet

    def draw_while(self, before: str, name: str, readable: dict[str, str], depth: int) -> str:
        """A counter of its own decides, so that the loop ends."""
        zero, keep, now = self.name("set_var"), f"{name}_keep", f"{name}_now"
        few, more = f"{name}_few", f"{name}_more"
        self.place(before, zero, node("set_var", pins={"name": name, "value": 0}))
        self.place(zero, name, node("while"))
        self.nodes[now] = node("get_var", pins={"name": name})
        self.nodes[few] = node("compare", pins={"b": self.draw(st.integers(0, 3)), "op": "<"})
        self.nodes[more] = node("add", pins={"b": 1})
        self.wires += [f"{now}.value -> {few}.a", f"{few}.result -> {name}.condition"]
        last = self.steps(f"{name}:loop", {**readable, f"{name}.index": "number"}, depth + 1)
        self.place(last, keep, node("set_var", pins={"name": name}))
        self.wires += [f"{now}.value -> {more}.a", f"{more}.result -> {keep}.value"]
        return f"{name}:done"

    def draw_on_error(self, before: str, name: str, readable: dict[str, str], depth: int) -> str:
        """A watched part that fails at its end, or not."""
        fail, meet = f"{name}_fail", self.name("set_var")
        self.place(before, name, node("on_error"))
        self.nodes[meet] = node("set_var", pins={"name": "met", "value": 3})
        self.place(self.steps(f"{name}:body", dict(readable), depth + 1), fail, node("stop_with_error"))
        self.value(readable, f"{fail}.when", "boolean")
        self.wires.append(f"{fail} -> {meet}")
        self.wires.append(
            f"{self.steps(f'{name}:failed', {**readable, f'{name}.error_message': 'string'}, depth + 1)} -> {meet}"
        )
        return meet

    def draw_for(self, before: str, name: str, readable: dict[str, str], depth: int) -> str:
        turns = self.draw(st.integers(0, 3))
        self.place(before, name, node("for", pins={"start": 0, "end": turns, "step": 1}))
        self.steps(f"{name}:loop", {**readable, f"{name}.i": "number"}, depth + 1)
        return f"{name}:done"

    def draw_loop(self, before: str, name: str, readable: dict[str, str], depth: int) -> str:
        self.place(before, name, node("loop"))
        self.value(readable, f"{name}.items", "array")
        self.steps(f"{name}:loop", {**readable, f"{name}.item": "number"}, depth + 1)
        return f"{name}:done"

    def draw_sequence(self, before: str, name: str, readable: dict[str, str], depth: int) -> str:
        self.place(before, name, node("sequence", outs=["then:0|execution", "then:1|execution"]))
        self.steps(f"{name}:then:0", readable, depth + 1)
        return f"{name}:then:1"

    def draw_parallel(self, before: str, name: str, readable: dict[str, str], depth: int) -> str:
        ways = ["then:0|execution", "then:1|execution", "completed|execution"]
        self.place(before, name, node("parallel", outs=ways))
        for branch in range(2):
            self.steps(f"{name}:then:{branch}", dict(readable), depth + 1)  # another may not have come as far
        return f"{name}:completed"


@st.composite
def typed_flows(draw: Any) -> Document:
    """Draw a flow in which every wire joins pins that fit."""
    sketch = Sketch(draw, {"start": start(n=3, word="go")})
    readable = {"start.n": "number", "start.word": "string"}
    last = sketch.steps("start", readable, 0)
    sketch.nodes["end"] = end("number", "text")
    sketch.wires.append(f"{last} -> end")
    sketch.value(readable, "end.number", "number")
    sketch.value(readable, "end.text", "string")
    return flow("any", sketch.nodes, "\n".join(sketch.wires))


class Named(Host):
    """A host whose run has the same id every time: chance follows from it."""

    def start(self, vars: Any = None, session_id: str | None = None) -> str:
        """Start the root."""
        return self.runtime.start(self.registry.specs[self.root], {}, session_id="s", run_id="the-run")


class Restless(Named):
    """A host that forgets everything but its store after every single step."""

    def drive(self, run_id: str, max_steps: int = 2_000) -> RunState:
        """Drive a run until it rests, with a restart after each step; a parent's branches as well."""
        for _ in range(max(max_steps, 2_000)):
            run = super().drive(run_id, 1)
            if run.status.value != "running":
                return run
            self.restart()
        raise AssertionError("the run does not rest")


def told(host: Host) -> tuple[Any, ...]:
    played = host.play(answers=[f"answer {number}" for number in range(60)], restarts=False)
    visits = [
        (visited, note["visit"], note.get("exit"), json.dumps(note["outputs"], sort_keys=True, default=str))
        for visited, note in played._told()
    ]
    return played.status, played.error, played.output, played.asked, played.waits, played.messages, visits


@CALM
@given(document=typed_flows())
def test_a_well_typed_flow_ends_the_same_with_a_restart_at_every_visit(document: Document) -> None:
    assert errors_of(check(document)) == []
    undisturbed, restless = Named(document), Restless(document)
    status, error, *rest = told(undisturbed)
    assert (status, error) == ("completed", None)
    again_status, again_error, *again = told(restless)
    assert (again_status, again_error) == ("completed", None)
    assert again == rest


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
TYPES = st.sampled_from(
    ["on_flow_start", "on_flow_end", "switch", "loop", "code", "concat", "subflow", "get_var"]
)
IDS = st.sampled_from(["a", "b", "c", "a~", ""]) | JSON
HANDLES = st.sampled_from(["exec-in", "exec-out", "loop", "then:0", "value", "", "case:1"]) | JSON
DATA = st.dictionaries(
    st.sampled_from(
        [
            "inputs",
            "outputs",
            "pinDefaults",
            "switchConfig",
            "entryRoutes",
            "inputRouteOverrides",
            "onError",
            "code",
        ]
    ),
    JSON | st.lists(st.fixed_dictionaries({"id": IDS, "type": JSON})),
    max_size=4,
)
NODES = st.lists(
    st.fixed_dictionaries({"id": IDS}, optional={"type": TYPES | JSON, "data": DATA | JSON}), max_size=5
)
EDGES = st.lists(
    st.fixed_dictionaries(
        {"source": IDS, "target": IDS},
        optional={"sourceHandle": HANDLES, "targetHandle": HANDLES, "id": JSON},
    ),
    max_size=8,
)
FLOWISH = st.fixed_dictionaries(
    {}, optional={"id": st.just("x") | JSON, "nodes": NODES | JSON, "edges": EDGES | JSON, "entryNode": IDS}
)


@settings(CALM, max_examples=150)
@given(document=JSON | FLOWISH | FLOWISH.map(lambda each: {**each, "id": "x"}))
def test_random_json_is_read_checked_and_compiled_or_refused(document: Any) -> None:
    before = json.dumps(document)
    opened, refusal = attempt(load_visualflow_json, document)
    if opened is None:
        assert str(refusal)
        return
    assert json.loads(json.dumps(opened.to_json())) == _trimmed(json.loads(before), opened.to_json())
    migrated, _ = migrate(opened)
    assert migrate(migrated.to_json())[0].to_json() == migrated.to_json()
    for problem in check(opened):
        assert problem.message
        json.dumps(problem.to_json())
    tree, refusal = attempt(lower_tree, opened.id, {opened.id: opened})
    if tree is None:
        assert str(refusal)
        assert refusal.problems
    else:
        for program in tree.programs.values():
            json.dumps(program.to_json())
    assert json.dumps(document) == before


def attempt(act: Any, *given: Any) -> tuple[Any, Any]:
    """Return what comes of it, or the refusal; any other exception is a fault."""
    try:
        return act(*given), None
    except InvalidFlow as refusal:
        return None, refusal


def _trimmed(document: Any, written: Any) -> Any:
    """Texts of ids and handles are written trimmed; everything else comes back as it was."""
    return written if _loosely(document) == _loosely(written) else document


def _loosely(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _loosely(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_loosely(each) for each in value]
    return value.strip() if isinstance(value, str) else value
