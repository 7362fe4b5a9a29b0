"""The value that an expression would have, from the run in the background: computed in the sandbox, no effect."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from starlette.responses import HTMLResponse

from abstractruntime.core.clock import utc_now_iso
from abstractruntime.nodes.define import NodeError, NodeType
from abstractruntime.nodes.pins import pins_of
from abstractruntime.visualflow_compiler.breakpoints import BEFORE, CONDITION
from abstractruntime.visualflow_compiler.clip import is_clipped
from abstractruntime.visualflow_compiler.expressions import (
    MOST,
    argument,
    evaluate,
    expressions_of,
    kind_of,
    mismatch,
    unknown_name,
)
from abstractruntime.visualflow_compiler.sandbox import shared_sandbox
from abstractruntime.visualflow_compiler.sandbox_words import SandboxRefusal

from ..studio import Studio, TheStudio
from .html import render
from .node_tabs import brief

router = APIRouter(include_in_schema=False)
Json = Any


@router.post("/editor/expression")
def expression(
    request: Request,
    studio: TheStudio,
    node: Annotated[dict[str, Any], Body()],
    wired: Annotated[list[str], Body()],
    pin: Annotated[str, Body()],
    text: Annotated[str, Body()],
    flow_id: Annotated[str, Body()] = "",
    background: Annotated[str, Body()] = "",
    instant_run: Annotated[str, Body()] = "",
    upto: Annotated[int, Body()] = 0,
) -> HTMLResponse:
    """Answer with what an expression gives, or why it gives nothing."""
    run_id = studio.stories.background(flow_id, background)
    at = upto if run_id == instant_run else 0
    told = _told(studio, node, frozenset(wired), pin, text, run_id, at)
    return render(request, "partials/_expression_result.html", **told)


@router.post("/editor/condition")
def condition(
    request: Request,
    studio: TheStudio,
    node: Annotated[dict[str, Any], Body()],
    wired: Annotated[list[str], Body()],
    at: Annotated[str, Body()],
    text: Annotated[str, Body()],
    flow_id: Annotated[str, Body()] = "",
    background: Annotated[str, Body()] = "",
) -> HTMLResponse:
    """Answer with what the condition of a breakpoint gives: before a node over its inputs, else over its outputs."""
    node_id, run_id = str(node.get("id") or ""), studio.stories.background(flow_id, background)
    if at == BEFORE:
        told = _told(studio, node, frozenset(wired), CONDITION, text, run_id, 0)
    else:
        visits = studio.stories.story(run_id).of(node_id) if run_id else []
        gave = dict(visits[-1].outputs) if visits and isinstance(visits[-1].outputs, Mapping) else {}
        told = _computed(studio, gave, CONDITION, text, run_id)
    return render(request, "partials/_expression_result.html", **told)


def _told(
    studio: Studio,
    node: Mapping[str, Json],
    wired: frozenset[str],
    pin: str,
    text: str,
    run_id: str | None,
    upto: int,
) -> dict[str, Json]:
    kind = studio.catalog.resolve(str(node.get("type")))
    data = node.get("data")
    data = data if isinstance(data, Mapping) else {}
    pins = values_of(studio, kind, str(node.get("id") or ""), data, wired, run_id, upto)
    wanted = "any" if pin == CONDITION else _type_of(kind, data, pin)
    return _computed(studio, pins, pin, text, run_id, upto, wanted)


def _computed(
    studio: Studio,
    pins: Mapping[str, Json],
    pin: str,
    text: str,
    run_id: str | None,
    upto: int = 0,
    wanted: str = "any",
) -> dict[str, Json]:
    blank: dict[str, Json] = {"value": "", "about": "", "wrong": "", "notes": []}
    if not text.strip():
        return {**blank, "about": "Write a Python expression, such as amount * 1.2 or f'Dear {name}'."}
    if len(text) > MOST:
        return {**blank, "wrong": f"More than {MOST:,} characters: such a text belongs into a code node."}
    variables = studio.stories.variables(run_id, upto) if run_id else {}
    try:
        value = evaluate(
            shared_sandbox(), text, pin, pins, variables, now=utc_now_iso(), seed=f"{run_id}:{pin}"
        )
    except NodeError as error:
        cause = error.__cause__
        name = unknown_name(cause) if isinstance(cause, SandboxRefusal) else ""
        if name and not run_id:
            return {**blank, "about": f"No run of this flow has ended well yet: '{name}' is not known here."}
        return {**blank, "wrong": str(error)}
    notes = [mismatch(wanted, value)]
    if any(is_clipped(each) for each in argument(text, pins, variables).values()):
        notes.append("Computed from the short pictures of large values that the ledger keeps.")
    shown = json.dumps(value, ensure_ascii=False) if value == "" or value is None else brief(value)
    return {**blank, "value": shown, "about": kind_of(value), "notes": [note for note in notes if note]}


def values_of(
    studio: Studio,
    kind: NodeType | None,
    node_id: str,
    data: Mapping[str, Json],
    wired: frozenset[str],
    run_id: str | None,
    upto: int,
) -> dict[str, Json]:
    """Return what a node's inputs are now: its constants, and by wire what they were in a run."""
    inputs = pins_of(kind, data)[0] if kind is not None else ()
    given = data.get("pinDefaults")
    constants = {pin.id: pin.default for pin in inputs if pin.has_default}
    constants |= dict(given) if isinstance(given, Mapping) else {}
    ran = studio.stories.inputs(run_id, node_id, upto) if run_id else {}
    hidden = expressions_of(data)
    found = {pin: value for pin, value in constants.items() if pin not in wired and pin not in hidden}
    return {**found, **{pin: value for pin, value in ran.items() if pin in wired}}


def _type_of(kind: NodeType | None, data: Mapping[str, Json], pin: str) -> str:
    inputs = pins_of(kind, data)[0] if kind is not None else ()
    return next((each.type for each in inputs if each.id == pin), "any")
