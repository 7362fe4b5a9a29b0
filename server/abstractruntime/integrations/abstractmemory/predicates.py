"""What a fact may say: the predicates of AbstractSemantics, their other names, and ids as they are kept.

(source: contract/kernel.md 9.9)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from ..abstractcore.guard import NotInstalled

ALIASES = {
    "schema:description": "dcterms:description",
    "schema:creator": "dcterms:creator",
    "schema:awareness": "schema:knowsabout",
    "schema:hasparent": "dcterms:ispartof",
    "schema:hasmember": "dcterms:haspart",
    "schema:recognizedas": "skos:closematch",
    "schema:hasmemorysource": "dcterms:references",
    "schema:haspart": "dcterms:haspart",
    "dcterms:has_part": "dcterms:haspart",
    "schema:ispartof": "dcterms:ispartof",
    "dcterms:is_part_of": "dcterms:ispartof",
}
_OWN = "ex:"
_SHOWN = 12


class BadFact(ValueError):
    """A fact cannot be kept; the message names its place and what is wrong."""


def is_installed() -> bool:
    """Say whether the package with the predicates is there."""
    return find_spec("abstractsemantics") is not None


@cache
def known_predicates() -> frozenset[str]:
    """Return the predicates of the registry, in lower case; raise NotInstalled."""
    return frozenset(str(each).lower() for each in _registry().predicate_ids())


def semantics() -> dict[str, Any]:
    """Return what facts may be made of: `version`, `prefixes`, `predicates`, their `aliases`, `entity_types`.

    Raises NotInstalled.
    """
    registry = _registry()
    return {
        "version": str(registry.version),
        "prefixes": dict(registry.prefixes),
        "predicates": [
            {"id": each.id, "label": each.label, "inverse": each.inverse, "description": each.description}
            for each in registry.predicates
        ],
        "aliases": dict(ALIASES),
        "entity_types": [
            {"id": each.id, "label": each.label, "parent": each.parent, "description": each.description}
            for each in registry.entity_types
        ],
    }


@cache
def _registry() -> Any:
    try:
        module = import_module("abstractsemantics")
    except ModuleNotFoundError:
        raise NotInstalled(
            "Facts are checked against AbstractSemantics, which is not installed: pip install 'flowstudio[memory]'"
        ) from None
    return module.load_semantics_registry()


def read_fact(given: Any, place: int, *, allow_custom: bool) -> dict[str, Any]:
    """Return a fact as it is kept; raise BadFact."""
    if not isinstance(given, Mapping):
        raise BadFact(f"assertions[{place}] is {type(given).__name__}, not an object")
    made = dict(given)
    for key in ("subject", "predicate", "object"):
        text = given.get(key)
        if not isinstance(text, str) or not text.strip():
            raise BadFact(f"assertions[{place}].{key} must be a text that is not empty")
        made[key] = text.strip()
    predicate = made["predicate"].lower()
    predicate = ALIASES.get(predicate, predicate)
    is_own = allow_custom and predicate.startswith(_OWN)
    if not is_own and predicate not in known_predicates():
        shown = ", ".join(sorted(known_predicates())[:_SHOWN])
        raise BadFact(
            f"assertions[{place}].predicate {made['predicate']!r} is unknown; known ones are {shown}, ... "
            "(ex:* with allow_custom_predicates)"
        )
    made["predicate"] = predicate
    for key in ("subject", "object"):
        made[key] = own_id(made[key])
        if made[key] == _OWN:
            raise BadFact(f"assertions[{place}].{key} {given[key]!r} has no name after {_OWN}")
    for key in ("attributes", "provenance"):
        if not isinstance(made.get(key) or {}, Mapping):
            raise BadFact(f"assertions[{place}].{key} must be an object")
    confidence = made.get("confidence")
    if isinstance(confidence, bool) or not isinstance(confidence, int | float | None):
        raise BadFact(f"assertions[{place}].confidence must be a number, not {confidence!r}")
    return made


def own_id(term: str) -> str:
    """Return an `ex:` id in its one spelling (`ex:My Thing` is `ex:my-thing`); other terms as they are."""
    if not term.lower().startswith(_OWN):
        return term
    return _OWN + re.sub(r"[^a-z0-9_.-]+", "-", term[len(_OWN) :].strip().lower()).strip("-")
