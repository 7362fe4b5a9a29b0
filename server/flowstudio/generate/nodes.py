"""The pages of the node types, one per family, from the declarations."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from abstractruntime.nodes.catalog import built_in
from abstractruntime.nodes.define import UNSET, Example, Field, NodeType, Pin
from abstractruntime.nodes.families import FAMILIES, Family

MADE = "<!-- Written by `poe generate` from the declarations; edit those. -->"


def node_pages() -> dict[str, str]:
    """Return the text of `docs/nodes/*.md` by path."""
    pages = {}
    rows = [MADE, "", "# Node types", "", "| family | node types |", "|---|---|"]
    for family in FAMILIES:
        kinds = sorted((kind for kind in built_in() if kind.family == family.id), key=lambda kind: kind.label)
        if not kinds:
            continue
        pages[f"docs/nodes/{family.id}.md"] = family_page(family, kinds)
        names = ", ".join(f"[{kind.label}]({family.id}.md#{kind.name})" for kind in kinds)
        rows.append(f"| {family.label} | {names} |")
    pages["docs/nodes/index.md"] = "\n".join(rows) + "\n"
    return pages


def family_page(family: Family, kinds: Iterable[NodeType]) -> str:
    """Return the page of a family."""
    parts = [MADE, "", f"# {family.label}", ""]
    for kind in kinds:
        parts += type_part(kind)
    return "\n".join(parts).rstrip() + "\n"


def type_part(kind: NodeType) -> list[str]:
    """Return the lines about one node type."""
    lines = [f'<a id="{kind.name}"></a>', "", f"## {kind.label}", "", f"`{kind.name}` · {kind.kind}", ""]
    lines += [*(line.strip() for line in kind.doc.splitlines()), ""]
    inputs = [pin for pin in kind.inputs if not pin.hidden]
    outputs = [pin for pin in kind.outputs if not pin.hidden]
    if inputs:
        lines += [
            "| input | type | default | |",
            "|---|---|---|---|",
            *(input_row(pin) for pin in inputs),
            "",
        ]
    if kind.fields:
        lines += [
            "| setting | type | default | |",
            "|---|---|---|---|",
            *(field_row(f) for f in kind.fields),
            "",
        ]
    if outputs:
        rows = (f"| `{pin.id}` | {pin.type} | {cell(pin.description)} |" for pin in outputs)
        lines += ["| output | type | |", "|---|---|---|", *rows, ""]
    for example in kind.examples:
        lines += example_lines(example)
    return lines


def input_row(pin: Pin) -> str:
    """Return the table row of an input."""
    default = "" if pin.default is UNSET else f"`{short(pin.default)}`"
    choices = f" One of {', '.join(f'`{c}`' for c in pin.choices)}." if pin.choices else ""
    return f"| `{pin.id}` | {pin.type} | {default} | {cell(pin.description + choices)} |"


def field_row(each: Field) -> str:
    """Return the table row of a setting."""
    return f"| `{each.path}` | {each.type} | `{short(each.default)}` | {cell(each.description)} |"


def example_lines(example: Example) -> list[str]:
    """Return an example as a block: what goes in, what comes out."""
    given = {**example.data, **example.inputs}
    lines = [f"Example{': ' + example.note if example.note else ''}", "", "```", f"in   {short(given, 400)}"]
    if example.vars:
        lines.append(f"vars {short(example.vars, 400)}")
    if example.models:
        lines.append(f"models {short(example.models, 400)}")
    if example.ways:
        lines.append(f"came by {example.ways[0]}")
    if example.reply is not None:
        lines.append(f"reply {short(example.reply, 400)}")
    lines.append(f"out  {example.error if example.error else short(example.outputs, 400)}")
    return [*lines, "```", ""]


def cell(text: str) -> str:
    """Return text that stays in its table cell."""
    return text.replace("|", "\\|").replace("\n", " ")


def short(value: Any, most: int = 60) -> str:
    """Return a value as one line of JSON."""
    plain = dict(value) if isinstance(value, Mapping) else value
    text = json.dumps(plain, ensure_ascii=False, default=str)
    return text if len(text) <= most else text[: most - 1] + "…"
