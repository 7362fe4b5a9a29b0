"""Habits: what follows what in the flows of a library, and which of them are steps of others.

The editor offers what a person usually takes next, by their own flows and nobody else's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .library import FlowLibrary, FlowNotFound
from .links import calls

Json = Any
MOST_FLOWS = 200
MOST_NEXT = 12
MOST_OWN = 200
Follows = dict[str, dict[str, int]]


@dataclass(frozen=True)
class Own:
    """A flow of the library as a step of others: `uses` nodes run it."""

    id: str
    name: str
    description: str
    uses: int


class Habits:
    """Counts over the newest flows of a library, made again when one of them has changed."""

    def __init__(self, library: FlowLibrary) -> None:
        self._library = library
        self._made: tuple[frozenset[tuple[str, str]], Follows] | None = None

    def follows(self) -> Follows:
        """Return `{"type.pin": {type: times}}` for outputs, and for inputs under `"<type.pin"`, the most usual only."""
        newest = sorted(self._library.entries(), key=lambda entry: entry.updated_at, reverse=True)[
            :MOST_FLOWS
        ]
        stamp = frozenset((entry.id, entry.revision) for entry in newest)
        made = self._made
        if made is None or made[0] != stamp:
            made = (stamp, count(self._documents(entry.id for entry in newest)))
            self._made = made
        return made[1]

    def mine(self) -> list[Own]:
        """Return all flows of the library: those that others run most first, then the newest."""
        entries = sorted(self._library.entries(), key=lambda entry: entry.updated_at, reverse=True)
        uses = Counter(
            called
            for document in self._documents(entry.id for entry in entries[:MOST_FLOWS])
            for called, _ in calls(document)
        )
        found = [Own(entry.id, entry.name, entry.description, uses[entry.id]) for entry in entries]
        return sorted(found, key=lambda own: own.uses, reverse=True)[:MOST_OWN]

    def _documents(self, ids: Iterable[str]) -> Iterable[Mapping[str, Json]]:
        for flow_id in ids:
            try:
                yield self._library.get(flow_id)[0]
            except FlowNotFound:  # deleted meanwhile
                continue


def count(documents: Iterable[Mapping[str, Json]]) -> Follows:
    """Count the wires of flow documents by the pins and types that they join."""
    found: dict[str, Counter[str]] = {}
    for document in documents:
        types = {str(node.get("id")): _type(node) for node in document.get("nodes", [])}
        for edge in document.get("edges", []):
            source, target = types.get(str(edge.get("source"))), types.get(str(edge.get("target")))
            if not source or not target:
                continue
            found.setdefault(f"{source}.{edge.get('sourceHandle')}", Counter())[target] += 1
            found.setdefault(f"<{target}.{edge.get('targetHandle')}", Counter())[source] += 1
    return {key: dict(each.most_common(MOST_NEXT)) for key, each in sorted(found.items())}


def _type(node: Mapping[str, Json]) -> str:
    data = node.get("data")
    kind = (data.get("nodeType") if isinstance(data, dict) else None) or node.get("type")
    return kind if isinstance(kind, str) else ""
