"""Node types from other people's packages.

A Python package adds node types by an entry point in the group `flowstudio.nodes`; it names a module, and
every declaration in that module is enrolled as if it stood here. Code of others runs when it is
imported, so whatever it raises is kept as that package's fault and told by its name: the others, and the
start, go on (docs/nodes-of-your-own.md, decision 0024).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from itertools import chain
from types import ModuleType
from typing import Any

from ..core.boundary import attempted
from .define import NodeType
from .families import BY_ID
from .pins import PIN_TYPES, pins_of

GROUP = "flowstudio.nodes"
log = logging.getLogger("abstractruntime.nodes")


@dataclass(frozen=True)
class Package:
    """A package that adds node types, or the reason why it does not."""

    name: str
    version: str
    types: tuple[NodeType, ...] = ()
    fault: str = ""


def declared_in(module: ModuleType) -> Iterator[NodeType]:
    """Yield the declarations that a module holds."""
    for value in vars(module).values():
        if isinstance(value, NodeType):
            yield value


def packages(taken: Iterable[str]) -> tuple[Package, ...]:
    """Load the packages that are installed, in the order of their names; `taken` names are ours."""
    used = dict.fromkeys(taken, "FlowStudio")
    found = []
    for entry in sorted(entry_points(group=GROUP), key=lambda each: (_owner(each)[0], each.name)):
        package = _load(entry, used)
        for kind in package.types:
            used.update(dict.fromkeys((kind.name, *kind.was), package.name))
        if package.fault:
            log.warning("The node package '%s' adds nothing: %s", package.name, package.fault)
        found.append(package)
    return tuple(found)


def _owner(entry: EntryPoint) -> tuple[str, str]:
    return (entry.dist.name, entry.dist.version) if entry.dist is not None else (entry.name, "")


def _load(entry: EntryPoint, used: dict[str, str]) -> Package:
    name, version = _owner(entry)
    kinds, error = attempted(_enrolled, entry, used)
    if error is None:
        return Package(name, version, tuple(replace(kind, origin=name) for kind in kinds or ()))
    log.debug("The node package '%s' cannot be used", name, exc_info=error)
    said = str(error) if isinstance(error, BadPackage) else f"{type(error).__name__}: {error}"
    return Package(name, version, fault=said)


def _enrolled(entry: EntryPoint, used: dict[str, str]) -> tuple[NodeType, ...]:
    """Return the node types of a package, each of them checked."""
    kinds = tuple(_kinds(entry.load()))
    for kind in kinds:
        _check(kind, used)
    return kinds


class BadPackage(ValueError):
    """A package declares what cannot be enrolled; the message says what and where."""


def _kinds(loaded: Any) -> Iterator[NodeType]:
    if not isinstance(loaded, ModuleType):
        raise BadPackage("its entry point must name a module that holds declarations.")
    kinds = list(declared_in(loaded))
    if not kinds:
        raise BadPackage(f"the module '{loaded.__name__}' declares no node type.")
    yield from kinds


def _check(kind: NodeType, used: dict[str, str]) -> None:
    """Refuse what would break the catalog for everybody."""
    for name in (kind.name, *kind.was):
        if name in used:
            raise BadPackage(f"its node type '{kind.name}' is called like one of {used[name]}: '{name}'.")
    if kind.family not in BY_ID:
        raise BadPackage(
            f"'{kind.name}' is in the unknown family '{kind.family}'. Take one of: {', '.join(BY_ID)}."
        )
    for data in (kind.template, *(example.data for example in kind.examples)):
        for pin in chain(*pins_of(kind, data)):
            if pin.type not in PIN_TYPES:
                raise BadPackage(f"the pin '{pin.id}' of '{kind.name}' has the unknown type '{pin.type}'.")
            if pin.has_default:
                json.dumps(pin.default, allow_nan=False)
    json.dumps([kind.template, *(field.default for field in kind.fields)], allow_nan=False, default=dict)
    if not kind.examples:
        raise BadPackage(f"'{kind.name}' has no example: give it at least one, it is its help and its test.")
