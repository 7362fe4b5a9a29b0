"""What a flow becomes: a program of plain data.

A `Program` can be saved with a run, packed, hashed and compared; nothing in it is code. An `Op` is
one node, ready to be visited: its settings, where each input comes from, and where each execution
output leads. `machine` reads it, `bind` makes it a WorkflowSpec.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

from ..core.errors import InvalidFlow
from ..nodes.define import ERROR_OUT

FORMAT = 1  # of a program without expressions
# 2: with expressions, 3: with keys of effects; an older reader would leave them out unseen
FORMATS = (1, 2, 3)

Source = tuple[str, str]  # (node, pin)


@dataclass(frozen=True)
class Op:
    """One node of a program.

    pins, outs    ids of data inputs and of all outputs, in order
    types         type of each data pin
    wires         input -> (source node, source pin)
    routes        input -> "<node>::<handle>" of the wire by which control came -> source
    defaults      input -> value when unconnected
    expressions   input -> the expression that gives its value when unconnected
    exits         execution output -> next node
    ways          the execution wires that lead here, in order, where the node is told which was taken
    retry         attempts, pause and longest pause of an effect that is tried again
    key           the expression that names what an effect does, so that it is done once
    catch         the execution output by which a failure leaves; "": a failure ends the run
    wanted        outputs on demand that another node reads
    output_key    dotted run variable that also receives the output; input_key: read as ambient value
    """

    type: str
    kind: str
    data: Mapping[str, Any] = field(default_factory=dict)
    pins: tuple[str, ...] = ()
    outs: tuple[str, ...] = ()
    types: Mapping[str, str] = field(default_factory=dict)
    wires: Mapping[str, Source] = field(default_factory=dict)
    routes: Mapping[str, Mapping[str, Source]] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    expressions: Mapping[str, str] = field(default_factory=dict)
    exits: Mapping[str, str] = field(default_factory=dict)
    ways: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()
    output_key: str = ""
    input_key: str = ""
    catch: str = ""
    retry: Mapping[str, float] = field(default_factory=dict)
    key: str = ""

    @property
    def is_exec(self) -> bool:
        """Whether control passes through the node."""
        return self.kind != "pure"

    # what every visit is told, made once

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """The settings, to be read only."""
        return MappingProxyType(dict(self.data))

    @cached_property
    def fed(self) -> tuple[str, ...]:
        """The inputs that have a wire, or an expression: those that do not stand in the node."""
        return (*self.wires, *self.expressions)

    @cached_property
    def ways_out(self) -> tuple[str, ...]:
        """The execution outputs that have a wire and that the node itself may choose."""
        return tuple(pin for pin in self.exits if pin != ERROR_OUT.id)

    def to_json(self) -> dict[str, Any]:
        """Return the op as JSON; what is empty is left out."""
        body: dict[str, Any] = {
            "type": self.type,
            "kind": self.kind,
            "data": dict(self.data),
            "pins": list(self.pins),
            "outs": list(self.outs),
            "types": dict(self.types),
            "wires": {pin: list(source) for pin, source in self.wires.items()},
            "routes": {
                pin: {key: list(source) for key, source in by_route.items()}
                for pin, by_route in self.routes.items()
            },
            "defaults": dict(self.defaults),
            "expressions": dict(self.expressions),
            "exits": dict(self.exits),
            "ways": list(self.ways),
            "wanted": list(self.wanted),
            "output_key": self.output_key,
            "input_key": self.input_key,
            "catch": self.catch,
            "retry": dict(self.retry),
            "key": self.key,
        }
        return {key: value for key, value in body.items() if value}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Op:
        """Read an op back."""
        routes = body.get("routes", {})
        return cls(
            type=body["type"],
            kind=body["kind"],
            data=body.get("data", {}),
            pins=tuple(body.get("pins", ())),
            outs=tuple(body.get("outs", ())),
            types=body.get("types", {}),
            wires={pin: (node, out) for pin, (node, out) in body.get("wires", {}).items()},
            routes={
                pin: {key: (node, out) for key, (node, out) in by_route.items()}
                for pin, by_route in routes.items()
            },
            defaults=body.get("defaults", {}),
            expressions=body.get("expressions", {}),
            exits=body.get("exits", {}),
            ways=tuple(body.get("ways", ())),
            wanted=tuple(body.get("wanted", ())),
            output_key=body.get("output_key", ""),
            input_key=body.get("input_key", ""),
            catch=body.get("catch", ""),
            retry=body.get("retry", {}),
            key=body.get("key", ""),
        )


@dataclass(frozen=True)
class Program:
    """A flow, ready to be bound and run.

    `seeds` are first values of run variables; `ignored` the execution nodes that no run can reach.
    """

    workflow_id: str
    flow_id: str
    entry: str
    ops: Mapping[str, Op]
    seeds: tuple[tuple[str, Any], ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def format(self) -> int:
        """The oldest format that says all that this program holds."""
        if any(op.key for op in self.ops.values()):
            return 3
        return 2 if any(op.expressions for op in self.ops.values()) else FORMAT

    def to_json(self) -> dict[str, Any]:
        """Return the program as JSON."""
        return {
            "format": self.format,
            "workflow_id": self.workflow_id,
            "flow_id": self.flow_id,
            "entry": self.entry,
            "seeds": [[name, value] for name, value in self.seeds],
            "ignored": list(self.ignored),
            "ops": {node_id: op.to_json() for node_id, op in self.ops.items()},
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Program:
        """Read a program back; raise InvalidFlow for another format or missing parts."""
        version = body.get("format")
        if version not in FORMATS:
            raise InvalidFlow(
                f"This program has format {version!r}; only formats up to {FORMATS[-1]} can be run."
            )
        try:
            return cls(
                workflow_id=body["workflow_id"],
                flow_id=body["flow_id"],
                entry=body["entry"],
                seeds=tuple((name, value) for name, value in body.get("seeds", ())),
                ignored=tuple(body.get("ignored", ())),
                ops={node_id: Op.from_json(op) for node_id, op in body["ops"].items()},
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InvalidFlow(f"This program is damaged: {type(error).__name__} {error}.") from None

    @property
    def digest(self) -> str:
        """The SHA-256 of the program's canonical JSON, in hex."""
        text = json.dumps(self.to_json(), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()
