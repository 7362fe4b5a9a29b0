"""What is written in the flows of a library: titles, notes, prompts, code and values, searched for words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from abstractruntime.nodes.catalog import Catalog

from .library import FlowEntry, FlowLibrary

Json = Any
SILENT = frozenset({"nodeType", "inputs", "outputs", "icon", "headerColor"})  # as in the editor's own search
AROUND = 30  # characters before the words in an excerpt


@dataclass(frozen=True)
class Hit:
    """A node in which words stand: its id, its title, and the text around the first of them."""

    node: str
    title: str
    excerpt: str


@dataclass(frozen=True)
class _Text:
    node: str
    title: str
    text: str


class FlowTexts:
    """The texts of all flows, each read once for each of its revisions."""

    def __init__(self, library: FlowLibrary, catalog: Catalog) -> None:
        self._library = library
        self._catalog = catalog
        self._read: dict[str, tuple[str, list[_Text]]] = {}

    def find(self, entry: FlowEntry, words: list[str]) -> Hit | None:
        """Return the first node of a flow that holds all words, but those that the flow itself is called by.

        `words` are in lower case. Raises FlowNotFound when the flow was deleted meanwhile.
        """
        about = f"{entry.name} {entry.description} {entry.id}".lower()
        wanted = [word for word in words if word not in about]
        for each in self._texts(entry) if wanted else ():
            low = each.text.lower()
            if all(word in low for word in wanted):
                return Hit(each.node, each.title, _around(each.text, low.find(wanted[0])))
        return None

    def _texts(self, entry: FlowEntry) -> list[_Text]:
        revision, texts = self._read.get(entry.id, ("", []))
        if revision != entry.revision:
            document, revision = self._library.get(entry.id)
            texts = [self._text(node) for node in document.get("nodes") or () if isinstance(node, Mapping)]
            self._read[entry.id] = (revision, texts)
        return texts

    def _text(self, node: Mapping[str, Json]) -> _Text:
        data = node.get("data")
        data = data if isinstance(data, Mapping) else {}
        kind = self._catalog.resolve(str(node.get("type")))
        title = str(data.get("label") or (kind.label if kind else node.get("type")))
        parts = [text for key, value in data.items() if key not in SILENT for text in _strings(value)]
        return _Text(str(node.get("id")), title, "\n".join([*parts, title]))


def _strings(value: Json) -> Iterator[str]:
    """Yield every text and number of a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)


def _around(text: str, at: int) -> str:
    """Return one line of text with a place of it near its beginning."""
    first = max(0, at - AROUND)
    return ("…" if first else "") + " ".join(text[first : at + 4 * AROUND].split())
