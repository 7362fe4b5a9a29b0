"""The inspector: the form of one node, made from its type's declaration.

The page sends the node as it stands and gets HTML. Each input carries `data-path` (dotted under
`node.data`, segments with dots quoted as JSON list) and `data-kind`; the page turns what is typed into changes. Nothing
is kept here, and no node type is named here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from starlette.responses import HTMLResponse

from abstractruntime.nodes.define import ON_ERROR, Field, NodeType, Pin
from abstractruntime.nodes.families import BY_ID
from abstractruntime.nodes.outside import secret_headers
from abstractruntime.nodes.pins import PIN_TYPES, pins_of, saved_pins
from abstractruntime.visualflow_compiler.expressions import EXPRESSIONS, kind_of
from abstractruntime.visualflow_compiler.sandbox import shared_sandbox
from abstractruntime.visualflow_compiler.sandbox_names import offered

from ..code_health import what_is_off
from ..links import wanted
from ..studio import Studio, TheStudio
from .data_values import window
from .html import render
from .node_data import Looked, data_words
from .node_settings import ABSENT, read_path
from .node_tabs import (
    TABS,
    background_words,
    last_inputs,
    policy_words,
    runs_words,
)
from .nodes import palette
from .pinned import pinned_words

router = APIRouter(include_in_schema=False)

WIDGETS = {
    "string": "line",
    "workspace_file": "line",
    "workspace_folder": "line",
    "number": "number",
    "boolean": "switch",
    "any": "value",
    "flow": "flow",
    "json_schema": "schema",
}
WRITTEN_AS_JSON = frozenset({"json", "schema"})
PICKERS = frozenset({"provider", "model", "tools"})
CALLED = "flow"
REMARK, OWNER = "canvas.remark", "canvas.owner"  # see decision 0023: marks of the editor
OFFERED_TYPES = ("string", "number", "boolean", "object", "array", "any")


@dataclass(frozen=True)
class Row:
    """One line of the form: a pin's value or a setting."""

    path: str
    name: str
    label: str
    type: str
    widget: str
    value: Any
    default: Any
    description: str
    choices: tuple[str, ...] = ()
    is_wired: bool = False
    is_required: bool = False
    is_set: bool = False
    is_pin: bool = False
    expression: str | None = None
    may_go: bool = False
    words: tuple[str, ...] = ()

    @property
    def field_id(self) -> str:
        """The id of the field's element."""
        return "field-" + re.sub(r"[^A-Za-z0-9_-]", "-", self.path)

    @property
    def shown(self) -> Any:
        """The value that counts: the node's own, else the default."""
        return self.value if self.is_set else self.default

    @property
    def text(self) -> str:
        """The value as the text of a field."""
        return as_text(self.shown, self.widget)

    @property
    def hint(self) -> str:
        """What an empty field stands for."""
        return as_text(self.default, self.widget)


@dataclass(frozen=True)
class Author:
    """A side of pins that the author names: parameters, results, inputs of code.

    `values` is what stands before the value of a pin, as "starts as"; empty where pins have none.
    """

    side: str
    title: str
    pins: tuple[Pin, ...]
    defaults: Mapping[str, Any]
    values: str


def as_text(value: Any, widget: str) -> str:
    """Write a value for a field of this widget; nothing for an absent one."""
    if value is None or value is ABSENT:
        return "" if widget not in WRITTEN_AS_JSON or value is ABSENT else "null"
    if widget == "lines" and isinstance(value, list):
        return "\n".join(str(each) for each in value)
    if widget in WRITTEN_AS_JSON or not isinstance(value, str | int | float | bool):
        return json.dumps(value, ensure_ascii=False, indent=2)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def widget_of(kind: str, widget: str | None, choices: tuple[str, ...]) -> str:
    """Return the template of `templates/widgets/` that edits a value."""
    picker = kind.partition("_")[0]
    if picker in PICKERS and widget in (None, "lines"):
        return picker
    return widget or ("choice" if choices else WIDGETS.get(kind, "json"))


def path_of(*keys: str) -> str:
    """Write a path for `data-path`: dotted, or a JSON list where a key holds a dot."""
    return json.dumps(keys) if any("." in key for key in keys) else ".".join(keys)


def expression_at(data: Mapping[str, Any], pin: str) -> str | None:
    """Return the text of an input's expression, None for an input that has none."""
    held = data.get(EXPRESSIONS)
    text = held.get(pin) if isinstance(held, Mapping) else None
    return text if isinstance(text, str) else None


def pin_row(pin: Pin, data: Mapping[str, Any], wired: frozenset[str], may_go: bool) -> Row:
    """Return the line of an input pin."""
    defaults = data.get("pinDefaults")
    value = defaults.get(pin.id, ABSENT) if isinstance(defaults, Mapping) else ABSENT
    return Row(
        path=path_of("pinDefaults", pin.id),
        name=pin.id,
        label=pin.id if pin.label is None else pin.label or pin.id,
        type=pin.type,
        widget=widget_of(pin.type, pin.widget, pin.choices),
        value=value,
        default=pin.default if pin.has_default else None,
        description=pin.description,
        choices=pin.choices,
        is_wired=pin.id in wired,
        is_required=pin.required,
        is_set=value is not ABSENT,
        is_pin=True,
        expression=expression_at(data, pin.id),
        may_go=may_go,
    )


def field_row(each: Field, data: Mapping[str, Any]) -> Row:
    """Return the line of a setting."""
    value = read_path(data, each.path)
    return Row(
        path=each.path,
        name=each.path,
        label=each.label or each.path.rsplit(".", 1)[-1],
        type=each.type,
        widget=widget_of(each.type, each.widget, each.choices),
        value=value,
        default=each.default,
        description=each.description,
        choices=each.choices,
        words=each.words,
        is_set=value is not ABSENT,
    )


def authored(
    kind: NodeType, data: Mapping[str, Any], pins: tuple[tuple[Pin, ...], tuple[Pin, ...]]
) -> list[Author]:
    """Return the sides whose pins the author names, for types that keep the document's pins."""
    if not kind.saved_pins or calls_flow(kind):
        return []
    sides = []
    defaults = data.get("pinDefaults")
    for side, own, declared in (("inputs", pins[0], kind.inputs), ("outputs", pins[1], kind.outputs)):
        fixed = {pin.id for pin in declared}
        free = tuple(pin for pin in own if pin.id not in fixed and not pin.is_exec)
        entry = kind.kind == "event"
        if free or (entry and side == "outputs") or (not entry and side == "inputs"):
            title = "Parameters" if entry else ("Inputs" if side == "inputs" else "Outputs")
            values = defaults if isinstance(defaults, Mapping) else {}
            word = "starts as" if entry else ("value" if side == "inputs" else "")
            sides.append(Author(side, title, free, values, word))
    return sides


def calls_flow(kind: NodeType) -> bool:
    """Say whether a node runs a flow, so that its pins follow that flow."""
    return any(each.type == CALLED for each in kind.fields)


def called_words(studio: Studio, kind: NodeType, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return which flow a node runs, and the versions of it that it may be bound to."""
    named = read_path(data, next(each.path for each in kind.fields if each.type == CALLED))
    called = named.strip() if isinstance(named, str) else ""
    held = {each.number: each for each in studio.versions.newest(called)} if called else {}
    lasting = {each.number for each in studio.versions.lasting(called)} if held else set()
    rows = [each for number, each in held.items() if number in lasting or str(number) == wanted(data)]
    numbers = [str(each.number) for each in rows]
    has_published = any(each.is_published for each in held.values())
    return {
        "called_flow": called,
        "called_versions": {"rows": rows, "numbers": numbers, "published": has_published},
    }


def form_of(kind: NodeType, data: Mapping[str, Any], wired: frozenset[str]) -> dict[str, Any]:
    """Return what the template of the form needs."""
    inputs, outputs = pins_of(kind, data)
    authors = authored(kind, data, (inputs, outputs))
    free = {pin.id for author in authors if author.side == "inputs" for pin in author.pins}
    given = {pin.id for author in authors if author.side == "outputs" for pin in author.pins}
    declared = {pin.id for pin in kind.inputs}
    grows_in = kind.grows is not None and kind.grows.side == "inputs"
    values = [pin for pin in inputs if not pin.is_exec and not pin.hidden and pin.id not in free]
    spare = len(values) - (kind.grows.least if kind.grows else 0)
    return {
        "rows": [
            pin_row(pin, data, wired, grows_in and (pin.id not in declared or spare > 0)) for pin in values
        ],
        "fields": [field_row(each, data) for each in kind.fields if each.path != ON_ERROR.path],
        "outputs": [pin for pin in outputs if not pin.is_exec and not pin.hidden and pin.id not in given],
        "exits": [pin for pin in outputs if pin.is_exec and pin.id != "exec-out"],
        "authors": authors,
        "grow": kind.grows,
    }


def words(kind: NodeType, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the names that the text of a code field may use: the node's inputs, and the sandbox's own."""
    inputs = [
        {"name": pin.id, "type": pin.type}
        for pin in pins_of(kind, data)[0]
        if not pin.is_exec and not pin.hidden and pin.id.isidentifier()
    ]
    return {"inputs": inputs, **offered()}


def expression_words(names: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the names that an expression may use: those of code, the run's variables, and all of both."""
    found = [
        {"name": name, "type": kind_of(value), "what": "variable"}
        for name, value in list(variables.items())[:200]
        if name.isidentifier()
    ]
    both = [{"name": "pins", "type": "object"}, {"name": "vars", "type": "object"}]
    return {
        **names,
        "inputs": [*names["inputs"], *found, *both],
        "words": ["and", "else", "for", "if", "in", "is", "lambda", "not", "or"],
    }


@router.post("/editor/inspector")
def inspector(
    request: Request,
    studio: TheStudio,
    node: Annotated[dict[str, Any], Body()],
    wired: Annotated[list[str], Body()],
    flow_id: Annotated[str, Body()] = "",
    tab: Annotated[str, Body()] = "setup",
    background: Annotated[str, Body()] = "",
    visit: Annotated[int, Body()] = 0,
    attempt: Annotated[int, Body()] = 0,
    against: Annotated[str, Body()] = "",
    views: Annotated[dict[str, str] | None, Body()] = None,
    instant_run: Annotated[str, Body()] = "",
    upto: Annotated[int, Body()] = 0,
) -> HTMLResponse:
    """Answer with what one tab shows of a node; `background` is the run whose values are shown. The run `instant_run` is
    shown as it stood at the position `upto` of its story."""
    name = node.get("type")
    kind = studio.catalog.resolve(name) if isinstance(name, str) else None
    raw = node.get("data")
    data: dict[str, Any] = raw if isinstance(raw, dict) else {}
    known: dict[str, Any] = {
        "node": {"id": "", "type": "", **node},
        "data": data,
        "flow_id": flow_id,
        "pin_types": OFFERED_TYPES,
    }
    if kind is None:
        nearest = studio.catalog.resolve(studio.catalog.nearest(str(name or "")) or "")
        pins = (saved_pins(data.get("inputs")), saved_pins(data.get("outputs")))
        known |= {"nearest": nearest, "pins": pins, "groups": palette(studio.catalog.cards())}
        return render(request, "partials/_inspector_unknown.html", **known)
    known |= {"family": BY_ID[kind.family], "types": PIN_TYPES, "wired": frozenset(wired), "kind": kind}
    known |= {"tabs": TABS, "tab": tab if tab in dict(TABS) else "setup"}
    at = upto if upto > 0 and studio.stories.background(flow_id, background) == instant_run else 0
    shown = _tab_words(studio, known, background, Looked(visit, attempt, against, views or {}, at))
    return render(request, "partials/_inspector.html", **shown, **known)


def _tab_words(studio: Studio, known: dict[str, Any], background: str, looked: Looked) -> dict[str, Any]:
    """Return what the template of the shown tab needs, beside what every tab knows."""
    kind, data, node, flow_id = known["kind"], known["data"], known["node"], known["flow_id"]
    node_id = str(node["id"])
    match known["tab"]:
        case "data":
            chosen = background_words(studio, flow_id, background)
            came = data_words(studio, kind, node, flow_id, chosen["run_id"], looked)
            return {**chosen, **pinned_words(kind, data), **came}
        case "runs":
            return runs_words(studio, flow_id, node_id)
        case "policy":
            fails = [field_row(each, data) for each in kind.fields if each.path == ON_ERROR.path]
            told = policy_words(kind, data)
            own = [field_row(each, data) for each in told["own"]]
            own += [pin_row(pin, data, known["wired"], False) for pin in told["own_pins"]]
            names = words(kind, data)
            more = {
                "ran": {},
                "seen": expression_words(names, {}),
                "words_of": lambda row: names,
                "path_of": path_of,
            }
            return {**told, "fails": fails, "own_rows": own, **more}
        case "notes":
            remark, owner = (read_path(data, each) for each in (REMARK, OWNER))
            return {
                "remark": remark if isinstance(remark, str) else "",
                "owner": owner if isinstance(owner, str) else "",
            }
    run_id = studio.stories.background(flow_id, background)
    ran = last_inputs(studio, node_id, run_id, looked.upto)
    form = form_of(kind, data, known["wired"])
    names = words(kind, data)
    seen = expression_words(names, studio.stories.variables(run_id, looked.upto) if run_id else {})
    form |= {"words_of": lambda row: names, "ran": ran, "run_id": run_id}
    form["code_off"] = what_is_off(shared_sandbox()) if kind.source else ""
    form |= {"seen": seen, "expression_at": lambda pin: expression_at(data, pin), "path_of": path_of}
    form["providers"] = [each.name for each in studio.ai.models.providers.all()]
    rows = (*form["rows"], *form["fields"])
    form["provider_here"] = next((row.text for row in rows if row.widget == "provider" and row.text), "")
    form["own_model"] = studio.ai.models.own_model(form["provider_here"])
    form["secrets"] = sorted(studio.settings.secrets)
    form["secrets_unset"] = sorted({name for _, name, _ in secret_headers(data)} - {*form["secrets"]})
    if calls_flow(kind):
        form["flows"] = [each for each in studio.library.entries() if each.id != flow_id]
        form |= called_words(studio, kind, data)
    return form


@router.get("/editor/value")
def value(
    request: Request, studio: TheStudio, run: str, node: str, pin: str, start: int = 0, side: str = "out"
) -> HTMLResponse:
    """Answer with a part of a large value that came in or out of a node in its last visit of a run."""
    at = studio.stories.source(run, node, pin) if side == "in" else (node, pin)
    words: dict[str, Any] = {"pin": pin, "side": side}
    try:
        found = studio.stories.whole(run, *at) if at else ABSENT
    except KeyError:
        found = ABSENT
    if found is ABSENT:
        text = f"The run no longer holds '{pin}' of this node."
        return render(request, "partials/_node_window.html", part=window(text, 0), is_text=True, **words)
    part, is_text = window(found, start), isinstance(found, str)
    return render(request, "partials/_node_window.html", part=part, is_text=is_text, **words)
