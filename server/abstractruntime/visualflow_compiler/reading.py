"""Where the values of a visit come from: wires, defaults, and the value nodes behind them.

A value node is computed when a step reads it, once per visit, and never kept: so a loop always sees
fresh values and a step that is repeated sees the same ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..nodes.define import FAULTS, Call, NodeError, NodeType
from .expressions import evaluate
from .memory import MISSING, Memory
from .program import Op, Program, Source

WHOLE = ("result", "output")
_FRESH = (dict, list)


class Fault(Exception):
    """A node could not do its work. `at` is the value node to blame, when it is not the step itself."""

    def __init__(self, error: Exception, *, at: str | None = None, pin: str | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.at = at
        self.pin = pin


class Reader:
    """Reads the inputs of one visit. `call_for` makes the Call of a value node, `pins` are what is pinned to nodes."""

    __slots__ = ("_call_for", "computed", "kinds", "memory", "pins", "program", "values")

    def __init__(
        self,
        program: Program,
        kinds: Mapping[str, NodeType],
        memory: Memory,
        call_for: Callable[[str, Op, dict[str, Any]], Call],
        pins: Mapping[str, Any],
    ) -> None:
        self.pins = pins
        self.program = program
        self.kinds = kinds
        self.memory = memory
        self.values: dict[str, Mapping[str, Any]] = {}
        self.computed: dict[str, Any] = {}
        self._call_for = call_for

    def inputs(self, node_id: str, op: Op, came: str | None = None) -> dict[str, Any]:
        """Return the values of a node's inputs; a pin without any is absent. Raises Fault with the pin."""
        inputs: dict[str, Any] = {}
        sources = op.wires if not op.routes else _routed(op, came)
        for pin, source in sources.items():
            try:
                value = self._read(source)
            except Fault as fault:
                fault.pin = fault.pin or pin
                raise
            if value is not MISSING:
                inputs[pin] = value
        for pin, value in op.defaults.items():
            if pin not in sources:
                inputs[pin] = fresh(value)
        if op.expressions:
            inputs |= self._computed(node_id, op, inputs, sources)
        return inputs

    def _computed(
        self, node_id: str, op: Op, inputs: dict[str, Any], wired: Mapping[str, Source]
    ) -> dict[str, Any]:
        """Return the inputs that have an expression; each sees those that have none, and the variables."""
        call = self._call_for(node_id, op, inputs)
        found: dict[str, Any] = {}
        for pin, text in op.expressions.items():
            if pin in wired:
                continue
            seed = f"{call.run_id}:{node_id}:{call.visit}:{pin}"
            try:
                found[pin] = evaluate(call.sandbox, text, pin, inputs, call.vars, now=call.now, seed=seed)
            except NodeError as error:
                raise Fault(error, at=None if op.is_exec else node_id, pin=pin) from error
        if op.is_exec:
            self.computed = found
        return found

    def _read(self, source: Source) -> Any:
        node_id, pin = source
        op = self.program.ops.get(node_id)
        if op is not None and not op.is_exec:
            self._compute(node_id)
            outputs: Any = self.values[node_id]
        else:
            outputs = self.memory.outputs(node_id)
        if isinstance(outputs, Mapping):
            if pin in outputs:
                return outputs[pin]
            if pin in WHOLE and op is not None and not op.is_exec and len(outputs) == 1:
                return next((outputs[other] for other in WHOLE if other in outputs), outputs)
        return outputs if pin in WHOLE else MISSING

    def _compute(self, start: str) -> None:
        """Compute a value node and all it reads, sources first, without recursion."""
        ops, values = self.program.ops, self.values
        opened: set[str] = set()
        stack = [start]
        while stack:
            node_id = stack[-1]
            if node_id in values:
                stack.pop()
                continue
            if node_id in self.pins:
                values[node_id] = fresh(self.pins[node_id]["outputs"])
                continue
            op = ops[node_id]
            wanted = [
                source
                for source, _ in op.wires.values()
                if source not in values and source in ops and not ops[source].is_exec
            ]
            if not wanted:
                stack.pop()
                values[node_id] = self._value(node_id, op)
            elif node_id in opened:
                raise Fault(
                    NodeError(f"Data edge cycle detected at '{node_id}'", code="data.cycle"), at=node_id
                )
            else:
                opened.add(node_id)
                stack += wanted

    def _value(self, node_id: str, op: Op) -> Mapping[str, Any]:
        call = self._call_for(node_id, op, self.inputs(node_id, op))
        try:
            outputs = self.kinds[op.type].run(call)
        except FAULTS as error:
            raise Fault(error, at=node_id) from error
        return outputs if isinstance(outputs, Mapping) else {"result": outputs}


def _routed(op: Op, came: str | None) -> dict[str, Source]:
    sources = dict(op.wires)
    for pin, by_route in op.routes.items():
        if came in by_route:
            sources[pin] = by_route[came or ""]
    return sources


def fresh(value: Any) -> Any:
    """Return a copy of a default, so that no run shares it with the program."""
    if isinstance(value, dict):
        return {key: fresh(each) if isinstance(each, _FRESH) else each for key, each in value.items()}
    if isinstance(value, list):
        return [fresh(each) if isinstance(each, _FRESH) else each for each in value]
    return value
