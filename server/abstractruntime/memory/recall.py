"""Finding spans: what is asked for, and which spans of a run answer it (kernel contract 2.14)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..core.clock import parse_instant
from ..core.models import RunState
from ..storage.artifacts import ArtifactStore
from .payload import flag, given, mode, text, texts, whole
from .recall_levels import Clamp, RecallLevel, parse_recall_level, policy_for
from .spans import (
    CONVERSATION,
    EVIDENCE,
    Span,
    SpanFilter,
    TimeRange,
    connected,
    load_object,
    newest_first,
    position,
    resolve_span_ids,
    spans_of,
    summaries_of,
)

RETURN_MODES = ("rendered", "meta", "both")
_LIMIT_SPANS, _DEEP_SPANS, _DEEP_MESSAGES, _HOPS, _ALL = 5, 50, 400, 1, -1


@dataclass(frozen=True)
class Effort:
    """How far a search goes. `max_messages` -1 shows all of them."""

    limit_spans: int
    deep: bool
    deep_limit_spans: int
    deep_limit_messages_per_span: int
    connected: bool
    neighbor_hops: int
    max_messages: int


@dataclass(frozen=True)
class Question:
    """What a query asks, read and bounded."""

    scope: str
    ids: list[Any]
    query: str
    time_range: TimeRange
    tags: Mapping[str, Any]
    tags_mode: str
    authors: list[str]
    locations: list[str]
    connect_by: list[str]
    return_mode: str
    effort: Effort
    level: RecallLevel | None = None
    warnings: list[str] = field(default_factory=list)

    @property
    def meta(self) -> dict[str, Any]:
        """Return what a recall level has made of the question, as JSON."""
        told: dict[str, Any] = {}
        if self.level is not None:
            told["effort"] = {"recall_level": self.level.value, "applied": dict(vars(self.effort))}
        return {**told, **({"warnings": self.warnings} if self.warnings else {})}


def read_question(payload: Mapping[str, Any]) -> Question:
    """Read a payload; raise ValueError naming the field that cannot be used."""
    scope = text(payload, "scope").lower() or "run"
    ids = given(payload, "span_ids", "span_id")
    ids = [] if ids is None else list(ids) if isinstance(ids, (list, tuple)) else [ids]
    if scope == "all" and any(position(one) is not None for one in ids):
        raise ValueError("a position means nothing in scope 'all'; give ids of spans")
    query, tags = text(payload, "query"), payload.get("tags")
    level = parse_recall_level(given(payload, "recall_level", "recallLevel"))
    warnings: list[str] = []
    asked = _asked(payload, has_query=bool(query))
    if level is not None:
        asked = _bounded(payload, asked, Clamp(level, warnings))
    return Question(
        scope=scope,
        ids=ids,
        query=query,
        time_range=TimeRange(_moment(payload, "since"), _moment(payload, "until")),
        tags=tags if isinstance(tags, dict) else {},
        tags_mode=mode(
            payload, "tags_mode", "tagsMode", "tag_mode", known=("all", "any", "and", "or"), default="all"
        ),
        authors=texts(payload, "authors", "usernames", "users"),
        locations=texts(payload, "locations", "location"),
        connect_by=texts(payload, "connect_by", "connectBy") or ["topic", "person"],
        return_mode=mode(payload, "return", "return_mode", known=RETURN_MODES, default="rendered"),
        effort=asked,
        level=level,
        warnings=warnings,
    )


def _asked(payload: Mapping[str, Any], *, has_query: bool) -> Effort:
    """Return the effort as asked for; what is left open gets the kernel's defaults."""

    def number(name: str, default: int) -> int:
        found = whole(payload, name)
        return default if found is None else max(0, found)

    shown = whole(payload, "max_messages")
    return Effort(
        limit_spans=number("limit_spans", _LIMIT_SPANS),
        deep=flag(payload, "deep", default=has_query),
        deep_limit_spans=number("deep_limit_spans", _DEEP_SPANS),
        deep_limit_messages_per_span=number("deep_limit_messages_per_span", _DEEP_MESSAGES),
        connected=flag(payload, "connected"),
        neighbor_hops=number("neighbor_hops", _HOPS),
        max_messages=_ALL if shown is None else max(_ALL, shown),
    )


def _bounded(payload: Mapping[str, Any], asked: Effort, clamp: Clamp) -> Effort:
    """Bring the effort into the bounds of a level; only what was asked for is warned about."""
    bounds = policy_for(clamp.level).span
    is_deep, is_connected = given(payload, "deep") is not None, given(payload, "connected") is not None
    deep = clamp.allow("deep scan", asked.deep, bounds.deep_allowed) if is_deep else asked.deep
    wide = clamp.allow("connected expansion", asked.connected, bounds.connected_allowed)

    def most(name: str, default: int, bound: int) -> int:
        return clamp.most(name, whole(payload, name), min(default, bound), bound)

    return Effort(
        limit_spans=most("limit_spans", bounds.limit_spans_default, bounds.limit_spans_max),
        deep=deep and bounds.deep_allowed,
        deep_limit_spans=most("deep_limit_spans", _DEEP_SPANS, bounds.deep_limit_spans_max),
        deep_limit_messages_per_span=most(
            "deep_limit_messages_per_span", _DEEP_MESSAGES, bounds.deep_limit_messages_per_span_max
        ),
        connected=wide if is_connected else False,
        neighbor_hops=most("neighbor_hops", _HOPS, bounds.neighbor_hops_max),
        max_messages=most("max_messages", bounds.max_messages_default, bounds.max_messages_max),
    )


def _moment(payload: Mapping[str, Any], name: str) -> str | None:
    value = text(payload, name)
    if not value:
        return None
    try:
        parse_instant(value)
    except ValueError as bad:
        raise ValueError(f"payload.{name}: {bad}") from None
    return value


def select(question: Question, run: RunState, store: ArtifactStore) -> list[Span]:
    """Return the spans of one run that answer a question: matches, then deep hits, then what is near."""
    spans = [one for one in spans_of(run) if one.get("kind") != EVIDENCE]
    effort = question.effort
    if question.ids:
        ids = resolve_span_ids(question.ids, spans_of(run))
        by_id = {str(one.get("artifact_id")): one for one in spans}
        found = [by_id[one] for one in ids if one in by_id]
    else:
        ordered = newest_first(spans)
        wanted = _filter(question, question.query, run, store)
        found = [one for one in ordered if wanted.keeps(one)][: effort.limit_spans]
        if question.query and effort.deep:
            others = _filter(question, "", run, store)
            known = {id(one) for one in found}
            scanned = [one for one in ordered if one.get("kind") == CONVERSATION and others.keeps(one)]
            found += [
                one
                for one in scanned[: effort.deep_limit_spans]
                if id(one) not in known and _says(one, question, store)
            ]
    if not effort.connected:
        return found
    return connected(
        found,
        spans,
        hops=effort.neighbor_hops,
        connect_by=question.connect_by,
        most=max(effort.limit_spans, len(found)),
    )


def _filter(question: Question, query: str, run: RunState, store: ArtifactStore) -> SpanFilter:
    return SpanFilter(
        time_range=question.time_range,
        tags=question.tags,
        tags_mode=question.tags_mode,
        authors=question.authors,
        locations=question.locations,
        query=query,
        store=store,
        summaries=summaries_of(run) if query else {},
    )


def _says(span: Span, question: Question, store: ArtifactStore) -> bool:
    """Say whether one of a span's archived messages contains the query."""
    messages = archived(store, span)[: question.effort.deep_limit_messages_per_span]
    return any(question.query.lower() in str(one.get("content") or "").lower() for one in messages)


def archived(store: ArtifactStore, span: Span) -> Sequence[dict[str, Any]]:
    """Return the messages that a span has archived; none for a note."""
    messages = load_object(store, str(span.get("artifact_id"))).get("messages")
    return [one for one in messages if isinstance(one, dict)] if isinstance(messages, list) else []
