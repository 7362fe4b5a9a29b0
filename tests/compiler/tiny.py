"""A few node types of our own, to test the compiler without knowing the real ones."""

from __future__ import annotations

from typing import Any

from abstractruntime.core.models import Effect, EffectType
from abstractruntime.nodes.authored import setting
from abstractruntime.nodes.catalog import Catalog
from abstractruntime.nodes.define import (
    EXEC_IN,
    EXEC_OUT,
    Ask,
    Call,
    Field,
    Finding,
    Finish,
    Goto,
    Grow,
    NodeError,
    NodeType,
    Pin,
    action,
    control,
    effect,
    event,
    pure,
)


@event("begin", family="flow", outputs=(EXEC_OUT,), saved_pins=True)
def begin(call: Call) -> dict[str, Any]:
    """Begin."""
    return {pin: call.vars.get(pin) for pin in call.outs if pin != "exec-out"}


@control("finish", family="flow", inputs=(EXEC_IN,), saved_pins=True)
def finish(call: Call) -> Finish:
    """Finish."""
    return Finish({pin: call.get(pin) for pin in call.pins})


@action(
    "note",
    family="text",
    inputs=(EXEC_IN, Pin("text", "string", was=("words", "body")), Pin("size", "number", 1)),
    outputs=(EXEC_OUT, Pin("said", "string", was=("told",))),
    fields=(Field("noteConfig.tone", choices=("kind", "stern"), was=("tone",)),),
    was=("remark", "memo"),
)
def note(call: Call) -> dict[str, Any]:
    """Note a text."""
    return {"said": call.get("text")}


@action(
    "calls", family="subflow", inputs=(EXEC_IN,), outputs=(EXEC_OUT,), fields=(Field("call.flow", "flow"),)
)
def calls(call: Call) -> dict[str, Any]:
    """Name another flow."""
    return {}


@action("look", family="text", gives=True, inputs=(EXEC_IN,), outputs=(EXEC_OUT, Pin("seen", "string")))
def look(call: Call) -> dict[str, Any]:
    """Look, and do nothing else."""
    return {"seen": "it"}


@action("picky", family="text", inputs=(EXEC_IN, Pin("need", "string", required=True)), outputs=(EXEC_OUT,))
def picky(call: Call) -> Any:
    """Give back what is needed, as it is."""
    return call.get("need")


@action("breaks", family="text", inputs=(EXEC_IN, Pin("how", "string", "")), outputs=(EXEC_OUT,))
def breaks(call: Call) -> Any:
    """Break in the way that is asked for."""
    how = call.get("how")
    if how == "node error":
        raise NodeError("No.", code="breaks.no", pin="how")
    if how == "key":
        return {}["missing"]
    if how == "set":
        return {"bad": {1, 2}}
    if how == "nan":
        return {"bad": float("nan")}
    if how == "exit":
        return Goto("nowhere")
    if how == "deep":
        return breaks.run(call)
    return {"good": True}


@control(
    "pick",
    family="control",
    inputs=(EXEC_IN, Pin("way", "string", "left")),
    outputs=(Pin("left", "execution"), Pin("right", "execution")),
)
def pick(call: Call) -> Goto:
    """Go left or right."""
    return Goto(call.get("way"), {"way": call.get("way")})


@control(
    "repeat",
    family="control",
    inputs=(EXEC_IN, Pin("times", "number", 2)),
    outputs=(Pin("body", "execution"), Pin("after", "execution"), Pin("turn", "number")),
    loops=True,
    carries="both",
)
def repeat(call: Call) -> Goto:
    """Repeat."""
    turn = call.frame.get("turn", 0)
    if turn >= call.get("times"):
        return Goto("after")
    return Goto("body", {"turn": turn}, loop={"turn": turn + 1})


@control(
    "branches",
    family="control",
    inputs=(EXEC_IN,),
    grows=Grow("outputs", "then", 2, "execution", "One of the branches."),
    saved_pins=True,
)
def branches(call: Call) -> Goto:
    """Leave by the first branch."""
    return Goto("then:0")


def _twice(reply: Any, call: Call) -> Any:
    if call.kept:
        return {"answers": [call.kept["asked"], reply["response"]]}
    sure = Effect(EffectType.ASK_USER, {"prompt": f"Sure about {reply['response']}?"})
    return Ask(sure, {"asked": reply["response"]})


@effect(
    "ask",
    family="people",
    inputs=(EXEC_IN, Pin("prompt", "string", "?")),
    outputs=(EXEC_OUT, Pin("response", "string")),
    settle=lambda reply, call: {"response": reply["response"], "asked": call.get("prompt")},
)
def ask(call: Call) -> Effect:
    """Ask."""
    return Effect(EffectType.ASK_USER, {"prompt": call.get("prompt")})


@effect("again", family="people", inputs=(EXEC_IN,), outputs=(EXEC_OUT,), settle=_twice)
def again(call: Call) -> Effect:
    """Ask, and ask again."""
    return Effect(EffectType.ASK_USER, {"prompt": "What?"})


@effect(
    "pay",
    family="people",
    inputs=(EXEC_IN, Pin("order", "string")),
    outputs=(EXEC_OUT,),
    settle=lambda reply, call: {},
    key="order",
)
def pay(call: Call) -> Effect:
    """Pay."""
    return Effect(EffectType.ANSWER_USER, {"message": str(call.get("order"))})


@pure(
    "join2",
    family="text",
    inputs=(Pin("a", "string", ""), Pin("b", "string", "")),
    outputs=(Pin("result", "string"),),
)
def join2(call: Call) -> dict[str, Any]:
    """Join two texts."""
    return {"result": f"{call.get('a')}{call.get('b')}"}


@pure("number", family="math", outputs=(Pin("value", "number"),))
def number(call: Call) -> dict[str, Any]:
    """Give a number."""
    return {"value": setting(call.data, "literalValue", 0)}


@pure("list2", family="lists", inputs=(Pin("items", "array"),), outputs=(Pin("result", "array"),))
def list2(call: Call) -> dict[str, Any]:
    """Give a list."""
    return {"result": call.get("items")}


def _shape(data: Any) -> tuple[tuple[Pin, ...], tuple[Pin, ...]]:
    return (EXEC_IN,), tuple(Pin(f"way:{name}", "execution") for name in data["ways"])


def _check(data: Any) -> list[Finding]:
    if len(data["ways"]) > 3:
        return [Finding("error", "ways.many", "More than three ways.")]
    return [] if data["ways"] else [Finding("risk", "ways.none", "No way leads on.", pin="never")]


@control(
    "ways",
    family="control",
    inputs=(EXEC_IN,),
    shape=_shape,
    exits_follow=True,
    check=_check,
    template={"ways": []},
)
def ways(call: Call) -> Goto:
    """Leave by the first way."""
    return Goto(call.outs[0])


def _upgrade(data: dict[str, Any]) -> dict[str, Any]:
    if "cents" in data:  # older documents
        data["amount"] = data.pop("cents") / 100
    return data


@pure("price", family="math", outputs=(Pin("value", "number"),), upgrade=_upgrade)
def price(call: Call) -> dict[str, Any]:
    """Give a price."""
    return {"value": setting(call.data, "amount")}


TINY = Catalog(each for each in list(globals().values()) if isinstance(each, NodeType))
