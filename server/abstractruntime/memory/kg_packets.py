"""Facts of a knowledge graph as short lines for a model's prompt (kernel contract 8.6).

An assertion is `{"subject", "predicate", "object", "observed_at", "scope", "owner_id", "provenance",
"attributes"}`; a packet is what of it is worth a model's tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .token_budget import estimate_tokens

KG_MEMORY_PACKETS_VERSION = 0
_PROVENANCE = ("span_id", "writer_run_id", "writer_workflow_id")

Packet = dict[str, Any]


def packetize_assertions(items: Iterable[Any]) -> list[Packet]:
    """Return one packet per fact; of the same fact observed at the same moment, the first.

    What lacks a subject, a predicate or an object is left out.
    """
    found: dict[tuple[str, ...], Packet] = {}
    for item in items or ():
        packet = _packet(item) if isinstance(item, dict) else None
        if packet is not None:
            same = tuple(packet[key].casefold() for key in ("subject", "predicate", "object"))
            found.setdefault((*same, str(packet.get("observed_at") or "")), packet)
    return list(found.values())


def _packet(item: dict[str, Any]) -> Packet | None:
    subject, predicate, target = (_text(item.get(key)) for key in ("subject", "predicate", "object"))
    if not (subject and predicate and target):
        return None
    packet: Packet = {
        "version": KG_MEMORY_PACKETS_VERSION,
        "statement": f"{subject} —{predicate}→ {target}",
        "subject": subject,
        "predicate": predicate,
        "object": target,
    }
    for key in ("observed_at", "scope", "owner_id"):
        if _text(item.get(key)):
            packet[key] = _text(item[key])
    provenance = item.get("provenance")
    for key in _PROVENANCE:
        told = _text(provenance.get(key)) if isinstance(provenance, dict) else ""
        if told:
            packet[key] = told
    score = _score(item.get("attributes"))
    if score is not None:
        packet["retrieval_score"] = score
    return packet


def _text(value: Any) -> str:
    return " ".join(str(value).split()) if isinstance(value, str | int | float) else ""


def _score(attributes: Any) -> float | None:
    retrieval = attributes.get("_retrieval") if isinstance(attributes, dict) else None
    score = retrieval.get("score") if isinstance(retrieval, dict) else None
    return float(score) if isinstance(score, int | float) and not isinstance(score, bool) else None


def pack_active_memory_text(
    packets: Sequence[Packet],
    *,
    scope: str,
    max_input_tokens: int,
    model: str | None = None,
    title: str = "KG ACTIVE MEMORY",
    include_scores: bool = True,
) -> tuple[str, list[Packet], int, int]:
    """Return the text, the packets in it, its estimated tokens, and how many packets did not fit.

    Packets are taken in the order in which the query found them, up to the first that does not fit. A
    budget of 0 or less gives nothing.
    """
    if max_input_tokens <= 0:
        return "", [], 0, 0
    told = [packet for packet in packets if packet.get("statement")]
    by_score = include_scores and any(packet.get("retrieval_score") is not None for packet in told)
    order = "similarity-desc" if by_score else "observed_at-desc"
    text = f"## {title}\nscope={scope}; order={order}; budget={max_input_tokens} tokens\n"
    kept: list[Packet] = []
    tokens = 0
    for packet in told:
        longer = f"{text}\n{_line(packet, include_scores)}"
        estimate = estimate_tokens(longer, model=model)
        if estimate > max_input_tokens:
            break
        text, tokens = longer, estimate
        kept.append(packet)
    dropped = len(told) - len(kept)
    return (text, kept, tokens, dropped) if kept else ("", [], 0, dropped)


def _line(packet: Packet, include_scores: bool) -> str:
    at = f"[{packet['observed_at']}] " if packet.get("observed_at") else ""
    notes = [f"span:{packet['span_id']}"] if packet.get("span_id") else []
    score = packet.get("retrieval_score")
    if include_scores and isinstance(score, int | float):
        notes.append(f"score:{score:.3f}")
    return f"- {at}{packet['statement']}" + (f" ({'; '.join(notes)})" if notes else "")
