"""All node types, found by being there.

Every module of this package is imported and every `NodeType` in it is enrolled under its name and
its old names (`was`); so are those of installed packages that bring some (`packages`). Nothing else lists
them: the browser gets `cards()`, everyone else `get()` and `resolve()`.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib
import json
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from functools import cache, cached_property
from typing import Any

from .define import ON_ERROR, Field, NodeType
from .families import BY_ID, FAMILIES
from .packages import Package, declared_in, packages
from .pins import PIN_TYPES, error_pins, pin_card, pins_of
from .written_keys import RULE

_PLAIN = frozenset((str, int, float, bool, type(None)))
_NOT_FAMILIES = frozenset({"catalog", "define", "families", "packages", "pins"})


class Catalog:
    """The known node types by name; built once, never changed."""

    def __init__(self, types: Iterable[NodeType], packages: Iterable[Package] = ()) -> None:
        self.packages = tuple(packages)
        self._types: dict[str, NodeType] = {}
        self._names: dict[str, NodeType] = {}
        for kind in types:
            if kind.family not in BY_ID:
                raise ValueError(f"Node type '{kind.name}' is in no known family: '{kind.family}'.")
            for name in (kind.name, *kind.was):
                other = self._names.setdefault(name, kind)
                if other is not kind:
                    raise ValueError(f"Two node types are called '{name}': '{other.name}' and '{kind.name}'.")
            self._types[kind.name] = kind

    def __iter__(self) -> Iterator[NodeType]:
        return iter(self._types.values())

    def __len__(self) -> int:
        return len(self._types)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def get(self, name: str) -> NodeType | None:
        """Return the type of exactly this name, or None."""
        return self._types.get(name)

    def resolve(self, name: str) -> NodeType | None:
        """Return the type of this name or of this old name, or None."""
        return self._names.get(name)

    @cached_property
    def start(self) -> NodeType | None:
        """The type a new flow begins with: the event whose outputs the author names, its parameters."""
        return next((kind for kind in self if kind.kind == "event" and kind.saved_pins), None)

    @cached_property
    def end(self) -> NodeType | None:
        """The type a flow ends with: the control step without a way on whose inputs the author names, its outputs."""
        return next(
            (kind for kind in self if kind.kind == "control" and kind.saved_pins and not kind.outputs), None
        )

    def nearest(self, name: str) -> str | None:
        """Return the known name that an unknown one most likely means, or None."""
        lowered = name.strip().lower().replace(" ", "_").replace("-", "_")
        if lowered in self._names:
            return self._names[lowered].name
        close = difflib.get_close_matches(lowered, self._names, n=1, cutoff=0.6)
        return self._names[close[0]].name if close else None

    def cards(self) -> Mapping[str, Any]:
        """Return all that the browser needs to know; `digest` changes with any of it.

        The types are in the palette's order: by group, in a group what does something before what only computes.
        """
        return self._cards

    @cached_property
    def _cards(self) -> Mapping[str, Any]:
        order = {family.id: place for place, family in enumerate(FAMILIES)}
        body: dict[str, Any] = {
            "families": [
                {"id": each.id, "label": each.label, "icon": each.icon, "order": order[each.id]}
                for each in FAMILIES
            ],
            "pin_types": [
                {"id": each.id, "shape": each.shape, "letter": each.letter, "into": list(each.into)}
                for each in PIN_TYPES.values()
            ],
            "error_pins": {
                "path": ON_ERROR.path,
                "outputs": {
                    choice: [pin_card(pin, output=True) for pin in error_pins(choice)]
                    for choice in ON_ERROR.choices
                },
            },
            "written_keys": dict(RULE),
            "types": [
                type_card(kind)
                for kind in sorted(self, key=lambda kind: (order[kind.family], kind.kind == "pure"))
            ],
        }
        text = json.dumps(body, sort_keys=True, ensure_ascii=False)
        return {"digest": hashlib.sha256(text.encode()).hexdigest(), **body}


def type_card(kind: NodeType) -> dict[str, Any]:
    """Return the JSON form of a declaration; hidden pins are left out."""
    grow = kind.grows
    data = new_data(kind)
    inputs, outputs = pins_of(kind, data)
    return {
        "type": kind.name,
        "label": kind.label,
        "family": kind.family,
        "kind": kind.kind,
        "summary": kind.summary,
        "doc": kind.doc,
        "inputs": [pin_card(pin) for pin in inputs if not pin.hidden],
        "outputs": [pin_card(pin, output=True) for pin in outputs if not pin.hidden],
        "grows": grow and asdict(grow),
        "shaped": kind.shape is not None,
        "words": {side: _words(kind, place) for place, side in enumerate(("inputs", "outputs"))},
        "saved_pins": kind.saved_pins,
        "may_fail": kind.may_fail,
        "leaves": kind.leaves,
        "seldom": list(kind.seldom),
        "converts": kind.converts,
        "sentence": kind.sentence,
        "fields": [_field_card(each) for each in kind.fields],
        "keywords": list(kind.keywords),
        "template": data,
        "palette": kind.palette,
        "origin": kind.origin,
    }


def new_data(kind: NodeType) -> dict[str, Any]:
    """Return `node.data` of a node of this type that was just dropped on the canvas."""
    data: dict[str, Any] = {"nodeType": kind.name, "label": kind.label, **json_copy(kind.template)}
    inputs, outputs = pins_of(kind, data)
    for side, pins in (("inputs", inputs), ("outputs", outputs)):
        data[side] = [
            {"id": pin.id, "label": pin.id if pin.label is None else pin.label, "type": pin.type}
            for pin in pins
            if not pin.hidden
        ]
    return data


def _words(kind: NodeType, side: int) -> dict[str, str]:
    """Return what the pins of one side are that a type's settings bring, by id, as its examples have them.

    By "" where several have the same words: then every pin that the settings name is such a one.
    """
    if kind.shape is None:
        return {}
    declared = {pin.id for pin in (kind.inputs, kind.outputs)[side]}
    found = {
        pin.id: pin.description
        for data in (kind.template, *(example.data for example in kind.examples))
        for pin in kind.shape(data)[side]
        if pin.id not in declared and pin.description and not pin.hidden
    }
    same = set(found.values())
    return {"": same.pop()} if len(same) == 1 and len(found) > 1 else found


def _field_card(each: Field) -> dict[str, Any]:
    return {
        "path": each.path,
        "type": each.type,
        "default": each.default,
        "label": each.label or each.path.rsplit(".", 1)[-1],
        "description": each.description,
        "choices": list(each.choices),
        "widget": each.widget,
    }


def json_copy(value: Any) -> Any:
    """Return a copy of a JSON value that shares nothing with it; several times as fast as `copy.deepcopy`."""
    if value.__class__ in _PLAIN:  # most are, and to ask whether something is a mapping takes long
        return value
    if isinstance(value, (dict, Mapping)):
        return {key: json_copy(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_copy(each) for each in value]
    return value


@cache
def built_in() -> tuple[NodeType, ...]:
    """Return the node types of this package."""
    package = importlib.import_module(__package__ or "")
    found: dict[int, NodeType] = {}
    for entry in pkgutil.iter_modules(package.__path__):
        if entry.name in _NOT_FAMILIES:
            continue
        for kind in declared_in(importlib.import_module(f"{package.__name__}.{entry.name}")):
            found[id(kind)] = kind
    return tuple(found.values())


@cache
def catalog() -> Catalog:
    """Return the catalog: this package's node types, and those of installed packages."""
    own = built_in()
    brought = packages(name for kind in own for name in (kind.name, *kind.was))
    return Catalog((*own, *(kind for package in brought for kind in package.types)), brought)
