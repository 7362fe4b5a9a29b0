"""Where several ways meet: what flows of later editors hold when they were written out by a program.

An author needs neither: a step may have several incoming execution wires, and `inputRouteOverrides`
says which source an input has by which of them. A document that spells it out runs all the same.
"""

from __future__ import annotations

from typing import Any

from .define import EXEC_IN, EXEC_OUT, Call, Example, Grow, Pin, action, pure
from .values import number

Json = Any


@action(
    "join_exec",
    family="control",
    label="Join",
    inputs=(EXEC_IN,),
    outputs=(
        EXEC_OUT,
        Pin("which", "number", description="Which of the incoming wires was taken, counted from 0."),
        Pin("from", "string", description="The step that control came from."),
        Pin("from_handle", "string", description="The output by which it left that step."),
    ),
    carries="before",
    knows_way=True,
    palette=False,
    keywords=("merge", "fan-in", "meet"),
    examples=(
        Example(outputs={"which": None, "from": "", "from_handle": ""}, note="Nothing leads here by a wire."),
        Example(
            outputs={"which": 1, "from": "check", "from_handle": "true"},
            ways=("check::true", "ask::exec-out"),
            note="Of two wires it came by the second.",
        ),
    ),
)
def join_exec(call: Call) -> dict[str, Json]:
    """Let several ways meet and tell by which of them control came."""
    source, _, handle = call.came.rpartition("::")
    which = call.ways.index(call.came) if call.came in call.ways else None
    return {"which": which, "from": source, "from_handle": handle}


@pure(
    "path_mux",
    family="control",
    label="Path Mux",
    inputs=(
        Pin("select", "number", description="Which of the inputs to take, counted from 0."),
        Pin("in0", "any", description="The value of the first way."),
        Pin("in1", "any", description="The value of the second way; further ones are in2, in3 and so on."),
        Pin("fallback", "any", description="What to give when that input has no wire."),
    ),
    outputs=(Pin("out", "any", description="The value taken."),),
    saved_pins=True,
    grows=Grow("inputs", names="free"),
    palette=False,
    keywords=("select", "choose", "merge"),
    examples=(
        Example({"select": 1, "in0": "a", "in1": "b"}, {"out": "b"}),
        Example({"select": 5, "fallback": "none"}, {"out": "none"}),
        Example({"select": None}, {"out": None}),
    ),
)
def path_mux(call: Call) -> dict[str, Json]:
    """Give the input that a number names, or the fallback where that input has none."""
    select = call.get("select")
    pin = f"in{int(number(select, 'select'))}" if select is not None else ""
    return {"out": call.inputs[pin] if pin in call.inputs else call.get("fallback")}
