"""The index of a run's memory: what was archived, noted or kept as evidence, and how to find it.

A span is one entry of `vars["_runtime"]["memory_spans"]`, in the order in which they were made; what
it stands for is an artifact. A position counts from 1 in that order, everywhere: an index that grows
at its end never gives a position to another span (kernel contract 2.14, weakness B13).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..core.clock import instant_micros, parse_instant
from ..core.models import RunState
from ..storage.artifacts import ArtifactStore

Span = dict[str, Any]
CONVERSATION, NOTE, EVIDENCE = "conversation_span", "memory_note", "evidence"
SUMMARY_KIND = "memory_summary"
_SUMMARY_HEAD = "[CONVERSATION HISTORY SUMMARY"
_LAST = 1_000_000


@dataclass(frozen=True)
class TimeRange:
    """A closed interval between two ISO moments; an open end is None."""

    start: str | None = None
    end: str | None = None

    def contains(self, *, start: str | None, end: str | None) -> bool:
        """Say whether something that lasted from `start` to `end` touches the interval.

        What has neither time touches only the unbounded interval. Raises ValueError for a bound of
        the interval that is no ISO moment; a span's own time that is none counts as missing.
        """
        if self.start is None and self.end is None:
            return True
        begun, ended = _instant(start), _instant(end)
        begun, ended = begun or ended, ended or begun
        if begun is None or ended is None:
            return False
        if self.start is not None and ended < parse_instant(self.start):
            return False
        return self.end is None or begun <= parse_instant(self.end)


def _instant(value: Any) -> Any:
    try:
        return parse_instant(value)
    except ValueError:
        return None


def spans_of(run: RunState) -> list[Span]:
    """Return a run's spans in the order in which they were made; to be read, not changed."""
    space = run.vars.get("_runtime")
    spans = space.get("memory_spans") if isinstance(space, dict) else None
    return [span for span in spans if isinstance(span, dict)] if isinstance(spans, list) else []


def add_span(run: RunState, span: Span) -> None:
    """Append a span to a run's index, unless it is there already."""
    space = run.vars.get("_runtime")
    if not isinstance(space, dict):
        run.vars["_runtime"] = {}
        space = run.vars["_runtime"]
    if not isinstance(space.get("memory_spans"), list):
        space["memory_spans"] = []
    if find_span(run, span["artifact_id"]) is None:
        space["memory_spans"].append(span)


def find_span(run: RunState, artifact_id: str) -> Span | None:
    """Return the span of an artifact, or None."""
    return next((span for span in spans_of(run) if span.get("artifact_id") == artifact_id), None)


def newest_first(spans: Iterable[Span]) -> list[Span]:
    """Return spans by `created_at`, the newest first; of equal ones, the later made."""
    numbered = list(enumerate(spans))
    numbered.sort(key=lambda pair: (_micros(pair[1].get("created_at")), pair[0]), reverse=True)
    return [span for _, span in numbered]


def resolve_span_ids(span_ids: Iterable[Any], spans: Sequence[Span]) -> list[str]:
    """Return artifact ids: a number is a position in `spans` from 1, other text an id as it is.

    Positions that do not exist are dropped, repetitions too.
    """
    found: dict[str, None] = {}
    for given in span_ids:
        place = position(given)
        if place is None:
            if isinstance(given, str) and given.strip():
                found[given.strip()] = None
        elif 1 <= place <= len(spans) and spans[place - 1].get("artifact_id"):
            found[str(spans[place - 1]["artifact_id"])] = None
    return list(found)


def position(given: Any) -> int | None:
    """Return the position that a number or a text of at most six digits names, else None.

    Longer digits are an artifact id that happens to have no letters.
    """
    if isinstance(given, int) and not isinstance(given, bool):
        return given
    text = given.strip() if isinstance(given, str) else ""
    return int(text) if text.isdecimal() and int(text) < _LAST else None


def summaries_of(run: RunState) -> dict[str, str]:
    """Return the summaries of archived messages that stand in a run's conversation, by artifact id."""
    found: dict[str, str] = {}
    for message in messages_of(run):
        metadata = message.get("metadata")
        if message.get("role") != "system" or not isinstance(metadata, dict):
            continue
        if metadata.get("kind") != SUMMARY_KIND or not metadata.get("source_artifact_id"):
            continue
        text = str(message.get("content") or "")
        if text.startswith(_SUMMARY_HEAD):
            text = text.partition("]:")[2].strip()
        found[str(metadata["source_artifact_id"])] = text
    return found


def summary_content(artifact_id: str, text: str) -> str:
    """Return what the message says that stands for archived ones."""
    return f"{_SUMMARY_HEAD} span_id={artifact_id}]: {text}"


def messages_of(run: RunState) -> list[dict[str, Any]]:
    """Return the messages of a run's conversation; to be read, not changed."""
    context = run.vars.get("context")
    messages = context.get("messages") if isinstance(context, dict) else None
    return [one for one in messages if isinstance(one, dict)] if isinstance(messages, list) else []


def note_text(store: ArtifactStore | None, artifact_id: str) -> str | None:
    """Return the text of a note's artifact, or None."""
    found = load_object(store, artifact_id)
    note = found.get("note")
    return note if isinstance(note, str) else None


def load_object(store: ArtifactStore | None, artifact_id: str) -> dict[str, Any]:
    """Return the object that an artifact holds; empty when there is none of that id."""
    try:
        found = store.load_json(artifact_id) if store is not None else None
    except ValueError:  # an id that no artifact can have, or bytes that are not JSON
        return {}
    return found if isinstance(found, dict) else {}


@dataclass
class SpanFilter:
    """What a span must be like; all that is given must hold.

    `tags` maps a key to a value or to several of which one suffices; with `tags_mode` "any" one key
    suffices. Text is compared without regard to case.
    """

    time_range: TimeRange | None = None
    tags: Mapping[str, Any] | None = None
    tags_mode: str = "all"
    authors: Sequence[str] | None = None
    locations: Sequence[str] | None = None
    query: str | None = None
    store: ArtifactStore | None = None
    summaries: Mapping[str, str] = field(default_factory=dict)

    def keeps(self, span: Span) -> bool:
        """Say whether a span is like that."""
        if not span.get("artifact_id"):
            return False
        if self.time_range is not None and not self.time_range.contains(
            start=span.get("from_timestamp"), end=span.get("to_timestamp")
        ):
            return False
        tags = self._tags(span) if self.tags or self.locations or self.query else {}
        if not self._has_tags(tags):
            return False
        if self.authors and _low(span.get("created_by")) not in {_low(one) for one in self.authors}:
            return False
        if self.locations:
            place = span.get("location") or tags.get("location")
            if _low(place) not in {_low(one) for one in self.locations}:
                return False
        return not (self.query or "").strip() or _low(self.query) in self._text(span, tags).lower()

    def _has_tags(self, tags: Mapping[str, Any]) -> bool:
        wanted = {key: value for key, value in (self.tags or {}).items() if key != "kind"}
        if not wanted:
            return True
        hits = []
        for key, value in wanted.items():
            some = value if isinstance(value, (list, tuple, set)) else [value]
            hits.append(_low(tags.get(key)) in {_low(one) for one in some} and tags.get(key) is not None)
        return any(hits) if self.tags_mode.strip().lower() in ("any", "or") else all(hits)

    def _tags(self, span: Span) -> dict[str, Any]:
        """Return a span's tags: those given last; then the artifact's; then what the span is."""
        tags = span.get("tags")
        own = tags if isinstance(tags, dict) else {}
        stored = {} if span.get("tagged_at") else self._stored_tags(span)
        told = {key: span[key] for key in ("kind", "compression_mode", "focus") if span.get(key)}
        return {**told, **own, **stored}

    def _stored_tags(self, span: Span) -> dict[str, Any]:
        try:
            found = self.store.get_metadata(str(span["artifact_id"])) if self.store is not None else None
        except ValueError:
            return {}
        return dict(found.tags) if found is not None else {}

    def _text(self, span: Span, tags: Mapping[str, Any]) -> str:
        artifact_id = str(span["artifact_id"])
        parts = [self.summaries.get(artifact_id), span.get("note_preview")]
        if span.get("kind") == NOTE:
            note = load_object(self.store, artifact_id)
            parts.append(note.get("note"))
            sources = note.get("sources")
            ids = sources.get("span_ids") if isinstance(sources, dict) else None
            parts += [self.summaries.get(str(one)) for one in ids or ()]
        names = ("kind", "compression_mode", "focus", "from_timestamp", "to_timestamp", "created_at")
        parts += [span.get(name) for name in (*names, "created_by", "location", "artifact_id")]
        parts += [f"{key} {value}" for key, value in tags.items()]
        parts.append(self._content_type(artifact_id))
        return "\n".join(str(part) for part in parts if part)

    def _content_type(self, artifact_id: str) -> str | None:
        try:
            found = self.store.get_metadata(artifact_id) if self.store is not None else None
        except ValueError:
            return None
        return found.content_type if found is not None else None


def _low(value: Any) -> str:
    return str(value).strip().lower() if value is not None else ""


def connected(
    seeds: Sequence[Span], spans: Sequence[Span], *, hops: int, connect_by: Sequence[str], most: int
) -> list[Span]:
    """Return the seeds and, after them, their neighbours in time and those that share a tag value.

    Neighbours are up to `hops` places away; `connect_by` names the tags. At most `most` spans.
    """
    ordered = sorted(spans, key=lambda span: (_when(span), _micros(span.get("created_at"))))
    places = {str(span.get("artifact_id")): at for at, span in enumerate(ordered)}
    found = {str(span.get("artifact_id")): span for span in seeds}
    for seed in seeds:
        at = places.get(str(seed.get("artifact_id")))
        if at is None:
            continue
        near = [one for hop in range(1, hops + 1) for one in (at - hop, at + hop)]
        for place in near:
            if 0 <= place < len(ordered):
                found.setdefault(str(ordered[place].get("artifact_id")), ordered[place])
        for key in connect_by:
            value = _low((seed.get("tags") or {}).get(key))
            for span in ordered if value else ():
                if _low((span.get("tags") or {}).get(key)) == value:
                    found.setdefault(str(span.get("artifact_id")), span)
    return list(found.values())[:most]


def _when(span: Span) -> int:
    return _micros(span.get("from_timestamp") or span.get("created_at"))


def _micros(value: Any) -> int:
    try:
        return instant_micros(value)
    except ValueError:
        return 0
