"""MEMORY_KG_ASSERT: facts go into the graph, all of a payload or none (contract/kernel.md 9.9)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib import import_module
from typing import Any

from ...core.effects import EffectOutcome
from ...core.models import Effect, RunState
from ..abstractcore.guard import NotInstalled
from .predicates import BadFact, read_fact
from .scopes import resolve_scope_owner_id

NOT_DURABLE = "the triple store is in memory: these facts are gone when the process ends"

NO_VECTOR = (
    "{count} facts were kept without a vector, for no model that embeds texts answered: they are found by what "
    "they name, not by their meaning. See that it answers (FlowStudio: page Settings, under Models)."
)


def words() -> Any:
    """Return AbstractMemory; raise NotInstalled."""
    try:
        return import_module("abstractmemory")
    except ModuleNotFoundError:
        raise NotInstalled(
            "A knowledge graph needs AbstractMemory, which is not installed: pip install 'flowstudio[memory]'"
        ) from None


def assert_facts(
    store: Any, run_store: Any, now_iso: Callable[[], str], run: RunState, effect: Effect, key: str | None
) -> EffectOutcome:
    """Keep an effect's facts. Asked again with the same key, it keeps nothing twice."""
    payload = effect.payload
    given = next((payload[name] for name in ("assertions", "triples", "items") if name in payload), None)
    if isinstance(given, dict):
        given = [given]
    if not isinstance(given, list):
        return EffectOutcome.failed("memory_kg_assert requires payload.assertions (an object or a list)")
    if not given:
        return EffectOutcome.completed({"ok": True, "count": 0, "assertion_ids": [], "skipped": True})
    try:
        facts = _facts(given, payload, run, run_store, now_iso(), key)
    except (BadFact, ValueError) as error:
        return EffectOutcome.failed(f"memory_kg_assert: {error}")
    fresh = facts
    if payload.get("dedupe", payload.get("deduplicate", True)) is not False:
        fresh = _without_known(
            store, facts, {_own_id(key, place) for place in range(len(given))} if key else set()
        )
    ids = store.add(fresh) if fresh else []
    made: dict[str, Any] = {
        "ok": True,
        "count": len(fresh),
        "assertion_ids": [str(each) for each in ids],
        "count_attempted": len(given),
        "skipped_duplicates": len(given) - len(fresh),
    }
    told = [NOT_DURABLE] if "memory" in type(store).__name__.lower() else []
    if without := _without_vector(store, made["assertion_ids"]):
        told.append(NO_VECTOR.format(count=without))
    if told:
        made["warnings"] = told
    return EffectOutcome.completed(made)


def _without_vector(store: Any, ids: list[str]) -> int:
    """Return how many facts an embedder that failed has left without a vector; 0 where a store has no embedder.

    A store that has one embeds all of a batch or nothing of it.
    """
    pin, vector = getattr(store, "embedding_pin", None), getattr(store, "stored_vector", None)
    if not ids or not callable(pin) or not callable(vector) or pin() is None:
        return 0
    return 0 if any(vector(each) is not None for each in ids) else len(ids)


def _facts(
    given: list[Any], payload: dict[str, Any], run: RunState, run_store: Any, now: str, key: str | None
) -> list[Any]:
    memory = words()
    allow = bool(payload.get("allow_custom_predicates", payload.get("allow_custom", False)))
    scope = str(payload.get("scope") or "run")
    defaults = payload.get("attributes_defaults")
    defaults = defaults if isinstance(defaults, dict) else {}
    provenance = {"writer_run_id": run.run_id, "writer_workflow_id": run.workflow_id}
    if payload.get("span_id"):
        provenance["span_id"] = str(payload["span_id"])
    made: dict[tuple[str, ...], Any] = {}
    for place, each in enumerate(given):
        fact = read_fact(each, place, allow_custom=allow)
        own = str(fact.get("scope") or scope)
        owner = str(
            fact.get("owner_id")
            or payload.get("owner_id")
            or resolve_scope_owner_id(run, scope=own, run_store=run_store)
        )
        known = {name: fact[name] for name in _PASSED if fact.get(name) is not None}
        assertion = memory.TripleAssertion(
            **known,
            scope=own,
            owner_id=owner,
            observed_at=str(fact.get("observed_at") or now),
            attributes={**defaults, **dict(fact.get("attributes") or {})},
            provenance={**provenance, **dict(fact.get("provenance") or {})},
            assertion_id=fact.get("assertion_id") or _own_id(key, place),
        )
        made.setdefault(_same(assertion), assertion)
    return [*made.values()]


_PASSED = ("subject", "predicate", "object", "valid_from", "valid_until", "confidence")


def _own_id(key: str | None, place: int) -> str | None:
    """Return the id of a fact of this visit: the same when the step is taken again after a crash."""
    return hashlib.sha256(f"{key}:{place}".encode()).hexdigest()[:32] if key else None


def _same(assertion: Any) -> tuple[str, ...]:
    terms = (assertion.subject, assertion.predicate, assertion.object)
    return (*(str(term).lower() for term in terms), str(assertion.scope), str(assertion.owner_id))


def _without_known(store: Any, facts: list[Any], own: set[str | None]) -> list[Any]:
    """Return the facts that nobody has told yet but this visit itself, whose ids are `own`.

    One query for each subject and owner.
    """
    memory = words()
    known: set[tuple[str, ...]] = set()
    for subject, scope, owner in {(each.subject, each.scope, each.owner_id) for each in facts}:
        found = store.query(memory.TripleQuery(subject=subject, scope=scope, owner_id=owner, limit=0))
        known |= {_same(each) for each in found if each.assertion_id not in own}
    return [each for each in facts if _same(each) not in known]
