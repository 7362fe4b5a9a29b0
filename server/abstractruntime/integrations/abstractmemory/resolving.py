"""MEMORY_KG_RESOLVE: which thing of the graph a name means (contract/kernel.md 9.9)."""

from __future__ import annotations

from typing import Any

from ...core.boundary import guarded
from ...core.effects import EffectOutcome
from ...core.models import Effect, RunState
from ...memory.recall_levels import RecallLevel, parse_recall_level
from .assertions import words
from .queries import owners_of, score_of

LABELS = ("schema:name", "skos:preflabel", "skos:altlabel", "dcterms:title", "dcterms:identifier")
_TYPE = "rdf:type"
_OWN = "ex:"
_MOST, _EVIDENCE = 50, 3
_BY_LEVEL = {RecallLevel.URGENT: 3, RecallLevel.STANDARD: 5, RecallLevel.DEEP: 10}

Candidate = dict[str, Any]


def resolve_label(store: Any, run_store: Any, run: RunState, effect: Effect) -> EffectOutcome:
    """Return the things that a label may mean, the likeliest first."""
    payload = effect.payload
    try:
        level = parse_recall_level(payload.get("recall_level"))
    except ValueError as error:
        return EffectOutcome.failed(f"memory_kg_resolve: {error}")
    named = next((payload[key] for key in ("label", "query", "query_text") if payload.get(key)), None)
    label = " ".join(str(named or "").lower().split())
    if not label:
        return EffectOutcome.completed({**_none("label is required"), "raw": {"label": named}})
    kind = str(payload.get("expected_type") or payload.get("type") or "").strip()
    try:
        owners = owners_of(run, payload, str(payload.get("scope") or "run"), run_store)
        most = _most(payload.get("max_candidates"), level)
    except ValueError as error:
        return EffectOutcome.completed(_none(str(error)))
    warnings: list[str] = []
    found: dict[tuple[str, str, str], Candidate] = {}
    for scope, owner in owners:
        _look(store, label, scope, owner, found, warnings)
    if len(warnings) == len(owners):
        return EffectOutcome.completed(_none("; ".join(warnings)))  # not one scope could be asked
    wants_more = payload.get("include_semantic") is True or level is RecallLevel.DEEP
    if (
        level is not RecallLevel.URGENT
        and (wants_more or not found)
        and payload.get("include_semantic") is not False
    ):
        for scope, owner in owners:
            _search(store, label, scope, owner, payload.get("min_score"), found, warnings)
    made = [each for each in found.values() if _fits(store, each, kind)]
    made.sort(key=lambda each: (-each["score"], each["id"]))
    result: dict[str, Any] = {
        "ok": True,
        "count": len(made[:most]),
        "candidates": made[:most],
        "raw": {"label": named, "expected_type": kind or None},
    }
    if warnings:
        result["warnings"] = warnings
    return EffectOutcome.completed(result)


def _none(reason: str) -> dict[str, Any]:
    return {"ok": False, "count": 0, "candidates": [], "error": reason}


def _most(given: Any, level: RecallLevel | None) -> int:
    if given is None:
        return _BY_LEVEL.get(level or RecallLevel.STANDARD, 5)
    try:
        return max(1, min(int(given), _MOST))
    except (TypeError, ValueError):
        raise ValueError(f"max_candidates must be a number, not {given!r}") from None


def _look(
    store: Any,
    label: str,
    scope: str,
    owner: str,
    found: dict[tuple[str, str, str], Candidate],
    warnings: list[str],
) -> None:
    memory = words()
    for predicate in LABELS:
        query = memory.TripleQuery(
            predicate=predicate, object=label, scope=scope, owner_id=owner, limit=_MOST
        )
        rows, error = guarded(store.query, query)
        if error is not None:
            warnings.append(f"{scope}: {error}")
            return
        for row in rows or ():
            _add(found, row.to_dict(), label, 1.0)


def _search(
    store: Any,
    label: str,
    scope: str,
    owner: str,
    min_score: Any,
    found: dict[tuple[str, str, str], Candidate],
    warnings: list[str],
) -> None:
    memory = words()
    score = float(min_score) if isinstance(min_score, int | float) else None
    query = memory.TripleQuery(query_text=label, scope=scope, owner_id=owner, min_score=score, limit=_MOST)
    rows, error = guarded(store.query, query)
    if error is not None:
        warnings.append(f"{scope}: no search by meaning ({error})")
        return
    for row in rows or ():
        fact = row.to_dict()
        told = str(fact.get("object") or "") if fact.get("predicate") in LABELS else ""
        _add(found, fact, told, score_of(fact) or 0.0)


def _add(
    found: dict[tuple[str, str, str], Candidate], fact: dict[str, Any], label: str, score: float
) -> None:
    subject = str(fact.get("subject") or "")
    if not subject.startswith(_OWN):
        return
    scope, owner = str(fact.get("scope") or ""), str(fact.get("owner_id") or "")
    made = found.setdefault(
        (subject, scope, owner),
        {
            "id": subject,
            "label": label,
            "types": [],
            "scope": scope,
            "owner_id": owner,
            "score": score,
            "evidence": [],
        },
    )
    made["score"] = max(made["score"], score)
    made["label"] = made["label"] or label
    if len(made["evidence"]) < _EVIDENCE:
        made["evidence"].append(fact)


def _fits(store: Any, candidate: Candidate, kind: str) -> bool:
    """Fill in what a candidate is; say whether that is what was expected."""
    memory = words()
    query = memory.TripleQuery(
        subject=candidate["id"],
        predicate=_TYPE,
        scope=candidate["scope"],
        owner_id=candidate["owner_id"],
        limit=_MOST,
    )
    candidate["types"] = sorted({str(each.object) for each in store.query(query)})
    return not kind or kind.lower() in candidate["types"]
