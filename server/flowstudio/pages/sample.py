"""One node type at work with sample values, for who is choosing among types: what goes in, what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from abstractruntime.nodes.define import Example, NodeType
from abstractruntime.nodes.pins import pins_of

from ..errors import Refused
from ..studio import TheStudio
from .html import render

router = APIRouter(include_in_schema=False)
_PINS = ("pinDefaults", "inputs", "outputs")  # what node.data says of pins: no settings
_WAITS = {"ask_user": "a person", "wait_event": "an event", "wait_until": "a moment"}
MOST_ROWS = 6

Row = tuple[str, Any]


@dataclass(frozen=True)
class Sample:
    """`takes` are values by input, `settings` what was set; `gives` are values by output.

    `way` is the output by which control goes on, and `waits` what for before; empty where the type does neither.
    """

    takes: tuple[Row, ...] = ()
    settings: tuple[Row, ...] = ()
    gives: tuple[Row, ...] = ()
    note: str = ""
    way: str = ""
    waits: str = ""
    is_end: bool = False


@router.get("/editor/sample/{name}", response_class=HTMLResponse)
def show_sample(request: Request, studio: TheStudio, name: str) -> HTMLResponse:
    """Show an example of a node type, as a part of a page."""
    kind = studio.catalog.resolve(name)
    if kind is None:
        raise Refused(404, "node_type.unknown", f"There is no node type {name!r}.")
    return render(request, "partials/_sample.html", type=kind, sample=sample_of(kind))


def sample_of(kind: NodeType) -> Sample | None:
    """Return the first example of a type that is not refused, without what is seldom looked at."""
    example = next((each for each in kind.examples if each.error is None), None)
    if example is None:
        return None
    takes = {**example.data.get("pinDefaults", {}), **example.inputs}
    names = {field.path.split(".")[0]: field.label for field in kind.fields if field.label}
    settings = {names.get(key, key): value for key, value in example.data.items() if key not in _PINS}
    outcome = _outcome(example)
    pins = pins_of(kind, example.data)[1]
    away = {pin.id for pin in pins if pin.hidden} | set(kind.seldom)
    gives = [(name, value) for name, value in outcome.gives if name not in away]
    ways = {pin.id: pin.label or "then" for pin in pins if pin.is_exec}
    return replace(
        outcome,
        takes=tuple(takes.items())[:MOST_ROWS],
        settings=tuple({**settings, **example.vars}.items())[:MOST_ROWS],
        gives=tuple(gives[:MOST_ROWS]),
        note=example.note,
        way=ways.get(outcome.way, outcome.way),
    )


def _outcome(example: Example) -> Sample:
    """Return what comes of an example."""
    outputs: Mapping[str, Any] = example.outputs
    if "finish" in outputs:
        return Sample(gives=tuple(outputs["finish"].items()), is_end=True)
    waits = ""
    if "effect" in outputs:
        waits = _WAITS.get(str(outputs["effect"].get("type", "")), "")
        outputs = outputs.get("settled") or {}
    gives = {key: value for key, value in outputs.items() if key != "goto"} or example.vars_after or {}
    return Sample(gives=tuple(gives.items()), way=str(outputs.get("goto", "")), waits=waits)
