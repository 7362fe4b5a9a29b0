"""What of a run's history a model gets to see, and how archived parts come back.

The class is the published door (kernel contract 8.2); spans are in `spans`, insertion in `rehydrate`.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Any

from ..core.clock import utc_now_iso
from ..core.errors import RunNotFound
from ..core.models import RunState
from ..core.vars import get_context, get_limits
from ..storage.artifacts import ArtifactStore
from ..storage.base import RunStore
from .compaction import Message
from .rehydrate import rehydrate
from .spans import (
    Span,
    SpanFilter,
    TimeRange,
    load_object,
    messages_of,
    newest_first,
    resolve_span_ids,
    spans_of,
    summaries_of,
)

__all__ = ["ActiveContextPolicy", "TimeRange"]


class ActiveContextPolicy:
    """Reads and changes the conversation of stored runs; an unknown run is RunNotFound (a KeyError).

    For code outside the engine: nodes ask for the effects `memory_query` and `memory_rehydrate`,
    which change a run together with their step.
    """

    def __init__(self, *, run_store: RunStore, artifact_store: ArtifactStore) -> None:
        self._runs = run_store
        self._artifacts = artifact_store

    def _run(self, run_id: str) -> RunState:
        found = self._runs.load(run_id)
        if found is None:
            raise RunNotFound(f"Unknown run_id: {run_id}")
        return found

    def list_memory_spans(self, run_id: str) -> list[Span]:
        """Return copies of a run's spans, newest first."""
        return self.list_memory_spans_from_run(self._run(run_id))

    @staticmethod
    def list_memory_spans_from_run(run: RunState) -> list[Span]:
        """Return copies of a run's spans, newest first."""
        return copy.deepcopy(newest_first(spans_of(run)))

    def filter_spans(
        self,
        run_id: str,
        *,
        time_range: TimeRange | None = None,
        tags: dict[str, Any] | None = None,
        tags_mode: str = "all",
        authors: Sequence[str] | None = None,
        locations: Sequence[str] | None = None,
        query: str | None = None,
        limit: int = 1000,
    ) -> list[Span]:
        """Return the spans for which all that is given holds, newest first: see `SpanFilter`."""
        return self.filter_spans_from_run(
            self._run(run_id),
            artifact_store=self._artifacts,
            time_range=time_range,
            tags=tags,
            tags_mode=tags_mode,
            authors=authors,
            locations=locations,
            query=query,
            limit=limit,
        )

    @staticmethod
    def filter_spans_from_run(
        run: RunState,
        *,
        artifact_store: ArtifactStore,
        time_range: TimeRange | None = None,
        tags: dict[str, Any] | None = None,
        tags_mode: str = "all",
        authors: Sequence[str] | None = None,
        locations: Sequence[str] | None = None,
        query: str | None = None,
        limit: int = 1000,
    ) -> list[Span]:
        """Return the spans of a loaded run for which all that is given holds, newest first."""
        wanted = SpanFilter(
            time_range=time_range,
            tags=tags,
            tags_mode=tags_mode,
            authors=authors,
            locations=locations,
            query=query,
            store=artifact_store,
            summaries=summaries_of(run) if query else {},
        )
        found = [span for span in newest_first(spans_of(run)) if wanted.keeps(span)]
        return copy.deepcopy(found[: max(0, limit)])

    def rehydrate_into_context(
        self,
        run_id: str,
        *,
        span_ids: Sequence[Any],
        placement: str = "after_summary",
        dedup_by: str = "message_id",
        max_messages: int | None = None,
    ) -> dict[str, Any]:
        """Put archived messages back into a stored run's conversation and save the run."""
        run = self._run(run_id)
        told = self.rehydrate_into_context_from_run(
            run, span_ids=span_ids, placement=placement, dedup_by=dedup_by, max_messages=max_messages
        )
        run.updated_at = utc_now_iso()
        self._runs.save(run)
        return told

    def rehydrate_into_context_from_run(
        self,
        run: RunState,
        *,
        span_ids: Sequence[Any],
        placement: str = "after_summary",
        dedup_by: str = "message_id",
        max_messages: int | None = None,
    ) -> dict[str, Any]:
        """Put archived messages back into a loaded run's conversation; return what was done.

        The report is `{"inserted", "skipped", "artifacts": [{"artifact_id", "inserted", "skipped"
        [, "error", "preview"]}]}`. Numbers among `span_ids` are positions in the order of making.
        """
        ids = resolve_span_ids(span_ids, spans_of(run))
        done = rehydrate(
            messages_of(run),
            [(one, load_object(self._artifacts, one)) for one in ids],
            placement=placement,
            dedup_by=dedup_by,
            max_messages=max_messages,
        )
        set_messages(run, done.messages)
        return done.report

    def select_active_messages_for_llm(
        self, run_id: str, *, max_history_messages: int | None = None
    ) -> list[Message]:
        """Return the messages of a stored run that a model gets to see."""
        return self.select_active_messages_for_llm_from_run(
            self._run(run_id), max_history_messages=max_history_messages
        )

    @staticmethod
    def select_active_messages_for_llm_from_run(
        run: RunState, *, max_history_messages: int | None = None
    ) -> list[Message]:
        """Return the messages that a model gets to see; the bound is the run's own unless given."""
        most = max_history_messages
        if most is None:
            told = get_limits(copy.copy(run.vars)).get("max_history_messages")
            most = told if isinstance(told, int) and not isinstance(told, bool) else -1
        return ActiveContextPolicy.select_messages_view(messages_of(run), max_history_messages=most)

    @staticmethod
    def select_messages_view(messages: Iterable[Any], *, max_history_messages: int) -> list[Message]:
        """Return the system's messages, then the last N others; negative is all, 0 none of those."""
        kept = [copy.deepcopy(one) for one in messages if isinstance(one, dict)]
        system = [one for one in kept if one.get("role") == "system"]
        others = [one for one in kept if one.get("role") != "system"]
        if max_history_messages >= 0:
            others = others[len(others) - min(len(others), max_history_messages) :]
        return [*system, *others]

    @staticmethod
    def resolve_span_ids_from_spans(span_ids: Iterable[Any], spans: Sequence[Span]) -> list[str]:
        """Return artifact ids: numbers are positions in `spans` from 1, other text is an id."""
        return resolve_span_ids(span_ids, spans)

    @staticmethod
    def summary_text_by_artifact_id_from_run(run: RunState) -> dict[str, str]:
        """Return the summaries that stand in a run's conversation, by the artifact they stand for."""
        return summaries_of(run)


def set_messages(run: RunState, messages: Sequence[Message]) -> None:
    """Replace a run's conversation, in its output too where that is an object."""
    get_context(run.vars)["messages"] = list(messages)
    if isinstance(run.output, dict):
        run.output["messages"] = list(messages)


def add_messages(run: RunState, messages: Sequence[Message]) -> None:
    """Append to a run's conversation, in its output too where that is an object."""
    if messages:
        context = get_context(run.vars)
        if not isinstance(context.get("messages"), list):
            context["messages"] = []
        context["messages"].extend(messages)
        if isinstance(run.output, dict):
            run.output["messages"] = messages_of(run)
