"""The VisualFlow document: read tolerantly, written back without loss.

A document is read into `VisualFlow`, `VisualNode` and `VisualEdge`. What we do not know is kept
where it was found and written back unchanged; what cannot be a node or a wire is kept aside, told
as a warning, and written back too. Only three things are refused: text that is not JSON, a document
that is not an object, and one without an id. Documents keep upstream's camelCase keys; this file is
the border.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from os import PathLike
from pathlib import Path
from typing import Any

from ..core.errors import InvalidFlow
from .plain import plain_copy
from .problem import Problem, Severity

FORMAT = 1  # `formatVersion` of documents that we write or migrate to; absent means 1
MAX_BYTES = 64 * 1024 * 1024
MAX_DEPTH = 100
EXEC_IN = "exec-in"
EXEC_OUT = "exec-out"

_FLOW_KEYS = ("id", "name", "description", "interfaces", "nodes", "edges", "entryNode")
_NODE_KEYS = ("id", "type", "position", "data")
_MISSING = type(None)
_NUMBERS = frozenset((int, float))
# Parts without which a node would do something else than its author wrote.
_NEEDED = ("pinDefaults", "inputs", "outputs")
_EDGE_KEYS = ("id", "source", "sourceHandle", "target", "targetHandle", "animated")


class NotAFlow(InvalidFlow, TypeError):
    """The document is not a JSON object."""

    code = "flow.not_an_object"


@dataclass(slots=True)
class VisualNode:
    """A node as the document has it. `raw` is its entry with every key, known or not."""

    id: str
    type: str
    data: dict[str, Any]
    raw: Mapping[str, Any]

    @property
    def label(self) -> str:
        """What people call the node: its own label, else its type."""
        label = self.data.get("label")
        return label.strip() if isinstance(label, str) and label.strip() else self.type

    @property
    def defaults(self) -> Mapping[str, Any]:
        """Values of unconnected inputs, by pin."""
        given = self.data.get("pinDefaults")
        return given if isinstance(given, dict) else {}

    def to_json(self) -> dict[str, Any]:
        """Return the entry for the document, known keys first."""
        entry = _ordered(self.raw, _NODE_KEYS)
        if _type_name(entry.get("type")) != self.type:
            entry["type"] = self.type
        if self.data or isinstance(entry.get("data"), dict):
            entry["data"] = self.data
        return entry


@dataclass(slots=True)
class VisualEdge:
    """A wire as the document has it; a handle that is missing is the empty text.

    `at` is its place among the entries of `edges`, where the document's id does not name it alone: it has none, or
    another wire has the same. Its `id` is then one that is free, the same as in the editor.
    """

    id: str
    source: str
    source_handle: str
    target: str
    target_handle: str
    raw: Mapping[str, Any]
    at: int | None = None

    @property
    def is_exec(self) -> bool:
        """Whether the wire carries control."""
        return self.target_handle == EXEC_IN

    @property
    def is_data(self) -> bool:
        """Whether the wire carries a value."""
        return bool(self.target_handle and self.source_handle) and (
            self.target_handle != EXEC_IN and self.source_handle != EXEC_OUT
        )

    def to_json(self) -> dict[str, Any]:
        """Return the entry for the document, known keys first."""
        entry = _ordered(self.raw, _EDGE_KEYS)
        for key, value in (("sourceHandle", self.source_handle), ("targetHandle", self.target_handle)):
            if _text(entry.get(key)) != value:
                entry[key] = value
        return entry


@dataclass
class VisualFlow:
    """A flow: the document in memory.

    `strays` are entries of `nodes` and `edges` that could not be read, with their places; they are
    written back where they were. `warnings` tells of them.
    """

    id: str
    name: str = ""
    description: str = ""
    interfaces: list[str] = field(default_factory=list)
    nodes: list[VisualNode] = field(default_factory=list)
    edges: list[VisualEdge] = field(default_factory=list)
    entry_node: str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)
    strays: dict[str, list[tuple[int, Any]]] = field(default_factory=dict)
    warnings: list[Problem] = field(default_factory=list)

    @property
    def entryNode(self) -> str | None:
        """The preferred entry, under its name in documents."""
        return self.entry_node

    @property
    def format(self) -> Any:
        """The version that the document says it has; 1 when it says nothing."""
        return self.raw.get("formatVersion", 1)

    def node(self, node_id: str) -> VisualNode | None:
        """Return the first node of this id."""
        return next((node for node in self.nodes if node.id == node_id), None)

    def to_json(self) -> dict[str, Any]:
        """Return the whole document, with everything that was read, in canonical key order."""
        entry = _ordered(self.raw, _FLOW_KEYS)
        for key, parts in (("nodes", self.nodes), ("edges", self.edges)):
            if parts or key in entry:
                entries: list[Any] = [part.to_json() for part in parts]
                for place, stray in self.strays.get(key, ()):
                    entries.insert(place, stray)
                if entries or isinstance(entry.get(key, []), list):
                    entry[key] = entries
        return entry


def flow_text(flow: VisualFlow) -> str:
    """Return the document as pretty JSON text, as it is kept in files."""
    return json.dumps(flow.to_json(), indent=2, ensure_ascii=False) + "\n"


def load_visualflow_json(source: Any, *, own: bool = False) -> VisualFlow:
    """Read a flow from a mapping, JSON text or bytes, a path, or an object with `model_dump`.

    With `own` the source is a dict that was just read from JSON text, within the same limits, and is not
    changed as long as the flow is used: it is taken as it is, where all others are copied.

    Raises NotAFlow (a TypeError) for what is not a JSON object and InvalidFlow (a ValueError) for
    a document without an id or beyond the limits of size and depth. Everything else is kept, and
    told in `VisualFlow.warnings`.
    """
    if isinstance(source, VisualFlow):
        return source
    document = source if own else _document(source)
    if not isinstance(document, dict):
        raise NotAFlow("VisualFlow must be a JSON object (dict)")
    flow_id = next(
        (text for key in ("id", "flow_id", "workflow_id") if (text := _text(document.get(key)))), ""
    )
    if not flow_id:
        raise InvalidFlow("VisualFlow missing required 'id'")
    flow = VisualFlow(
        id=flow_id,
        name=_plain_text(document.get("name")),
        description=_plain_text(document.get("description")),
        interfaces=[text for each in _list(document.get("interfaces")) if (text := _text(each))],
        entry_node=_text(document.get("entryNode")) or None,
        raw=document,
    )
    if not isinstance(document.get("interfaces"), list | None):
        flow.warnings.append(Problem("risk", "flow.interfaces", "'interfaces' is not a list; it is ignored."))
    _read_nodes(flow, document.get("nodes"))
    _read_edges(flow, document.get("edges"))
    return flow


def _document(source: Any) -> Any:
    if isinstance(source, PathLike):
        source = Path(source).read_bytes()
    for dump in ("model_dump", "to_json", "dict"):
        if not isinstance(source, (Mapping, str, bytes)) and callable(getattr(source, dump, None)):
            source = getattr(source, dump)()
    if isinstance(source, (str, bytes, bytearray)):
        if len(source) > MAX_BYTES:
            raise InvalidFlow(_TOO_BIG)
        document = _parse(source)
    else:
        document = source
    return _detached(document) if isinstance(document, Mapping) else document


_TOO_BIG = f"The flow is larger than {MAX_BYTES // 1024 // 1024} MB; split it into subflows."
_TOO_DEEP = f"The flow is nested deeper than {MAX_DEPTH} levels."


def _parse(source: str | bytes | bytearray) -> Any:
    try:
        return json.loads(source)
    except RecursionError:
        raise InvalidFlow(_TOO_DEEP) from None
    except UnicodeDecodeError as error:
        raise NotAFlow(f"The flow is not UTF-8 text: byte {error.start} cannot be read.") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise NotAFlow(f"The flow is not valid JSON: {error.msg} at {where}.") from None
    except ValueError as error:  # a number with too many digits
        raise NotAFlow(f"The flow is not valid JSON: {error}") from None


def _detached(document: Mapping[str, Any]) -> Any:
    """Return a copy that shares nothing with the caller and is surely JSON."""
    if document.__class__ is dict and (copy := plain_copy(document, MAX_DEPTH, MAX_BYTES)) is not None:
        return copy
    try:
        text = json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:
        raise InvalidFlow("The flow holds text with half a surrogate pair, which cannot be stored.") from None
    except RecursionError:
        raise InvalidFlow(_TOO_DEEP) from None
    except (TypeError, ValueError) as error:
        raise NotAFlow(f"The flow holds a value that is not JSON: {error}") from None
    if len(text) > MAX_BYTES:
        raise InvalidFlow(_TOO_BIG)
    copy = json.loads(text)
    _check_depth(copy)
    return copy


def _check_depth(document: dict[str, Any]) -> None:
    level: list[Any] = [document]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for value in level:
            below += value.values() if isinstance(value, dict) else value
        level = [child for child in below if isinstance(child, (dict, list))]
        if not level:
            return
    raise InvalidFlow(_TOO_DEEP)


def _read_nodes(flow: VisualFlow, entries: Any) -> None:
    kinds: dict[str, str] = {}
    for place, entry in enumerate(_entries(flow, "nodes", entries)):
        node_id = _text(entry.get("id")) if isinstance(entry, dict) else ""
        kind = _known_type_name(entry.get("type"), kinds) if node_id else ""
        if not kind:
            what = _lacks(entry, "id", "type")
            name = f"Node '{node_id}'" if node_id else f"Node number {place + 1}"
            _stray(flow, "nodes", place, entry, f"{name} {what}; it is ignored.", node_id)
            continue
        data = entry.get("data")
        if data is not None and not isinstance(data, dict):
            text = f"Node '{node_id}': data is not an object; the node is ignored."
            _stray(flow, "nodes", place, entry, text, node_id)
            continue
        for part, wanted in () if _is_usual(entry, data or {}) else _odd_parts(entry, data or {}):
            text = f"Node '{node_id}': {part} is not {wanted}; it is ignored."
            severity: Severity = "error" if part.removeprefix("data.") in _NEEDED else "risk"
            flow.warnings.append(Problem(severity, "node.malformed", text, node_id))
        flow.nodes.append(VisualNode(node_id, kind, data or {}, entry))


def _lacks(entry: Any, *needed: str) -> str:
    """Say why an entry of `nodes` or `edges` is none: which of its texts are no texts."""
    if not isinstance(entry, dict):
        return "is not an object"
    missing = [key for key in needed if not entry.get(key)]
    if missing:
        return f"has no {' and no '.join(missing)}"
    odd = next((key for key in needed if not _text(entry[key])), needed[-1])
    return f"has {json.dumps(entry[odd])[:40]} as its {odd}, which must be text"


def _is_usual(entry: dict[str, Any], data: dict[str, Any]) -> bool:
    """Whether no part of a node is of the wrong kind, seen quickly; what does not pass is looked at part by part."""
    place = entry.get("position")
    if place is not None and (
        place.__class__ is not dict or not _NUMBERS.issuperset(map(type, place.values()))
    ):
        return False
    if data.get("pinDefaults").__class__ not in (dict, _MISSING):
        return False
    for side in ("inputs", "outputs"):
        pins = data.get(side)
        if pins.__class__ is not list:
            if pins is None:
                continue
            return False
        for pin in pins:
            if pin.__class__ is not dict:
                return False
            name = pin.get("id")
            if name.__class__ is not str or not name or name.isspace():
                return False
    return True


def _odd_parts(entry: dict[str, Any], data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the parts of a node that are of the wrong kind, and what each should be."""
    place = entry.get("position")
    if place is not None and not (isinstance(place, dict) and all(map(_is_number, place.values()))):
        yield "position", "an object with the numbers x and y"
    if not isinstance(data.get("pinDefaults"), (dict, _MISSING)):
        yield "data.pinDefaults", "an object with a value for each pin"
    for side in ("inputs", "outputs"):
        pins = data.get(side)
        if not isinstance(pins, (list, _MISSING)):
            yield f"data.{side}", "a list of pins"
        for number, pin in enumerate(pins if isinstance(pins, list) else ()):
            if not (isinstance(pin, dict) and _text(pin.get("id"))):
                yield f"data.{side}[{number}]", "a pin with an id"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _read_edges(flow: VisualFlow, entries: Any) -> None:
    edges, rows, taken = flow.edges, _entries(flow, "edges", entries), set[str]()
    alike = Counter(_text(entry.get("id")) for entry in rows if isinstance(entry, dict))
    for place, entry in enumerate(rows):
        said = _text(entry.get("id")) if isinstance(entry, dict) else ""
        edge_id = _free_id(said, taken)
        if isinstance(entry, dict):
            taken.add(edge_id)
        source = _text(entry.get("source")) if isinstance(entry, dict) else ""
        target = _text(entry.get("target")) if isinstance(entry, dict) else ""
        if not source or not target:
            what = _lacks(entry, "source", "target")
            _stray(flow, "edges", place, entry, f"Wire number {place + 1} {what}; it is ignored.")
            continue
        at = None if edge_id == said and alike[said] == 1 else place
        start, goal = _text(entry.get("sourceHandle")), _text(entry.get("targetHandle"))
        edges.append(VisualEdge(edge_id, source, start, target, goal, entry, at))


def _free_id(said: str, taken: set[str]) -> str:
    """Return what a wire is called: its own id, else one that no other has, by the rule of the editor (document.ts)."""
    if said and said not in taken:
        return said
    return next(name for number in count(len(taken)) if (name := f"{said}~{number}") not in taken)


def _entries(flow: VisualFlow, key: str, entries: Any) -> list[Any]:
    if entries is not None and not isinstance(entries, list):
        flow.warnings.append(Problem("error", f"flow.{key}", f"'{key}' is not a list; it is ignored."))
    return _list(entries)


def _stray(flow: VisualFlow, key: str, place: int, entry: Any, message: str, node_id: str = "") -> None:
    flow.strays.setdefault(key, []).append((place, entry))
    code = "node.malformed" if key == "nodes" else "edge.malformed"
    # What has no name cannot be meant by a wire: leaving it out changes nothing else.
    flow.warnings.append(Problem("error" if node_id else "risk", code, message, node_id or None))


def _known_type_name(value: Any, known: dict[str, str]) -> str:
    """Return the name of a type; `known` are those of the texts that were met before."""
    if value.__class__ is not str:
        return _type_name(value)
    name = known.get(value)
    if name is None:
        name = known[value] = _type_name(value)
    return name


def _type_name(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("value")
    name = _text(value)
    prefix, dot, rest = name.partition(".")
    return rest.lower() if dot and prefix == "NodeType" else name


def _ordered(raw: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    entry = {key: raw[key] for key in keys if key in raw}
    entry.update((key, value) for key, value in raw.items() if key not in entry)
    return entry


def _text(value: Any) -> str:
    return value.strip() if value.__class__ is str or isinstance(value, str) else ""


def _plain_text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
