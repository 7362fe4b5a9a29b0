"""Pin types, what flows into what, and which pins a node has.

One table answers the editor (through the catalog), the validator and the documentation. `into`
lists the other types that a value of this type may be wired to; the same type always fits, and
`any` fits every value. Values are not converted by a wire: a node converts what it is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from .define import ERROR_ATTEMPTS, ERROR_OUT, ERROR_PINS, ON_ERROR, Grow, NodeType, Pin, by_id
from .pin import SUCCESS


@dataclass(frozen=True)
class PinType:
    """A kind of value: the sign (`shape`, `letter`) it is drawn with and the types it flows into."""

    id: str
    shape: str
    letter: str
    into: tuple[str, ...] = ()


EXECUTION = "execution"
ANY = "any"


def _scoped(scopes: Iterable[str]) -> Iterator[PinType]:
    for scope in scopes:
        yield PinType(f"provider_{scope}", "circle", "p", ("provider",))
        yield PinType(f"model_{scope}", "circle", "m", ("model",))


def _artifacts(modalities: Iterable[str]) -> Iterator[PinType]:
    for modality in modalities:
        yield PinType(f"artifact_{modality}", "file", "f", ("artifact",))
        yield PinType(f"artifacts_{modality}", "list", "f", ("artifacts",))


_TABLE: tuple[PinType, ...] = (
    PinType(EXECUTION, "triangle", ""),
    PinType(ANY, "ring", ""),
    PinType("string", "square", "t", ("provider", "model", "workspace_file", "workspace_folder")),
    PinType("number", "circle", "n", ("string",)),
    PinType("boolean", "diamond", "b", ("string",)),
    PinType("object", "frame", "o", ("assertion", "assertions", "memory", "json_schema")),
    PinType("array", "list", "l", ("object", "tools", "assertions")),
    PinType("tools", "list", "k", ("array", "object")),
    PinType("provider", "circle", "p", ("string",)),
    PinType("model", "circle", "m", ("string",)),
    PinType("agent", "hexagon", "g"),
    PinType("memory", "frame", "y", ("object",)),
    PinType("assertion", "frame", "a", ("object",)),
    PinType("assertions", "list", "a", ("array", "object")),
    PinType("json_schema", "frame", "s", ("object",)),
    PinType("artifact", "file", "f"),
    PinType("artifacts", "list", "f"),
    PinType("workspace_file", "file", "w", ("string",)),
    PinType("workspace_folder", "file", "d", ("string",)),
    *_scoped(("text", "image", "video", "voice", "music")),
    *_artifacts(("image", "audio", "text", "video")),
)


def _with_any(table: Sequence[PinType]) -> dict[str, PinType]:
    values = tuple(each.id for each in table if each.id not in (EXECUTION, ANY))
    complete = {}
    for each in table:
        into = values if each.id == ANY else each.into + (() if each.id == EXECUTION else (ANY,))
        if each.id in ("provider", "model"):  # the unscoped word fits every scope
            into += tuple(name for name in values if name.startswith(f"{each.id}_"))
        complete[each.id] = PinType(each.id, each.shape, each.letter, into)
    return complete


PIN_TYPES: Mapping[str, PinType] = _with_any(_TABLE)


def may_flow(source: str, target: str) -> bool:
    """Say whether an output of one type may be wired to an input of another."""
    if source == target:
        return True
    if EXECUTION in (source, target):
        return False
    if ANY in (source, target):
        return True
    known = PIN_TYPES.get(source)
    return known is not None and target in known.into


def pin_card(pin: Pin, *, output: bool = False) -> dict[str, Any]:
    """Return the JSON form of a pin; a pin without a default has no `default` key."""
    card: dict[str, Any] = {
        "id": pin.id,
        "label": pin.id if pin.label is None else pin.label,
        "type": pin.type,
        "description": pin.description,
        "choices": list(pin.choices),
        "widget": pin.widget,
        "required": pin.required,
    }
    if not output and pin.has_default:
        card["default"] = pin.default
    return card


def saved_pins(raw: Any) -> tuple[Pin, ...]:
    """Read the pins that a document keeps with a node; malformed entries are left out."""
    pins = []
    for entry in raw if isinstance(raw, (list, tuple)) else ():
        name = entry.get("id") if isinstance(entry, dict) else None
        if not isinstance(name, str) or not (name := name.strip()):
            continue
        get = entry.get
        kind, label, description = get("type"), get("label"), get("description")
        if not isinstance(kind, str) or not kind:
            kind = ANY
        if not isinstance(label, str):
            label = None
        if description:
            pins.append(Pin(name, kind, description=str(description), label=label))
        else:
            pins.append(_plain(name, kind, label))
    return tuple(pins)


def has_execution(raw: Any) -> bool:
    """Say whether a document keeps an execution pin among these."""
    for entry in raw if isinstance(raw, (list, tuple)) else ():
        if isinstance(entry, dict) and entry.get("type") == EXECUTION:
            name = entry.get("id")
            if isinstance(name, str) and name.strip():
                return True
    return False


@lru_cache(maxsize=4_096)
def _plain(name: str, kind: str, label: str | None) -> Pin:
    """Return a pin without words of its own: flows name the same few again and again."""
    return Pin(name, kind, label=label)


def next_name(grow: Grow, taken: Iterable[str]) -> str:
    """Return the id of the next pin of a growing node."""
    used = set(taken)
    number = 0
    while True:
        if grow.names == "then":
            name = f"then:{number}"
        elif grow.names == "letters" and number < 26:
            name = chr(ord("a") + number)
        else:
            name = f"p{number}"
        if name not in used:
            return name
        number += 1


def pins_of(kind: NodeType, data: Mapping[str, Any]) -> tuple[tuple[Pin, ...], tuple[Pin, ...]]:
    """Return a node's inputs and outputs: from its settings, its saved pins, or the declaration.

    A shape function decides alone. Types that save their pins, and the grown side of a growing
    type, keep the document's pins and order, completed by the declared ones that are missing. For
    all other types the declaration wins over the copies in the document. A step whose failure is caught has
    the pins for it last.
    """
    inputs, outputs = _own_pins(kind, data)
    if not kind.may_fail:
        return inputs, outputs
    choice = data.get(ON_ERROR.path)
    if choice is None and outputs is kind.outputs and ERROR_OUT.id not in kind.outputs_by_id:
        return inputs, outputs
    return inputs, _with_error_pins(outputs, choice, data)


def error_pins(choice: Any) -> tuple[Pin, ...]:
    """Return the outputs that a step gets by what its author chose for a failure."""
    return {"branch": (ERROR_OUT, *ERROR_PINS), "continue": (SUCCESS, *ERROR_PINS)}.get(str(choice), ())


def _with_error_pins(outputs: tuple[Pin, ...], choice: Any, data: Mapping[str, Any]) -> tuple[Pin, ...]:
    own = tuple([pin for pin in outputs if pin.id != ERROR_OUT.id])
    if choice is None:
        return own
    present = {pin.id for pin in own}
    listed = data.get("outputs")
    names = [pin.get("id") for pin in listed if isinstance(pin, Mapping)] if isinstance(listed, list) else []
    more = (ERROR_ATTEMPTS,) if ERROR_ATTEMPTS.id in names else ()
    return own + tuple(pin for pin in (*error_pins(choice), *more) if pin.id not in present)


def _own_pins(kind: NodeType, data: Mapping[str, Any]) -> tuple[tuple[Pin, ...], tuple[Pin, ...]]:
    if kind.shape is not None:
        return kind.shape(data)
    inputs, outputs = kind.inputs, kind.outputs
    grow = kind.grows
    if kind.saved_pins or (grow is not None and grow.side == "inputs"):
        inputs = _kept(data.get("inputs"), inputs, grow if grow and grow.side == "inputs" else None)
    if kind.saved_pins or (grow is not None and grow.side == "outputs"):
        outputs = _kept(data.get("outputs"), outputs, grow if grow and grow.side == "outputs" else None)
    return inputs, outputs


def _kept(raw: Any, declared: tuple[Pin, ...], grow: Grow | None) -> tuple[Pin, ...]:
    saved = saved_pins(raw)
    if not saved:
        return _grown(declared, grow) if grow is not None else declared
    known = by_id(declared)
    kept = tuple([known.get(pin.id) or _described(pin, grow) for pin in saved])
    present = {pin.id for pin in saved}
    # A growing node may have lost a declared pin on purpose; execution pins are never lost.
    missing = [
        pin for pin in declared if pin.id not in present and (grow is None or pin.is_exec or pin.hidden)
    ]
    if not missing:
        return kept
    execs = tuple([pin for pin in missing if pin.is_exec])
    return execs + kept + tuple([pin for pin in missing if not pin.is_exec])


def _described(pin: Pin, grow: Grow | None) -> Pin:
    """Return an added pin with the words of its kind, unless its author gave it others."""
    if grow is None or pin.description or pin.is_exec != (grow.type == EXECUTION):
        return pin
    return Pin(pin.id, pin.type, description=grow.description, label=pin.label)


def _grown(declared: tuple[Pin, ...], grow: Grow) -> tuple[Pin, ...]:
    numbered = grow.names == "then"
    have = sum(1 for pin in declared if (pin.id.startswith("then:") if numbered else not pin.is_exec))
    grown: list[Pin] = []
    while have + len(grown) < grow.least:
        taken = [pin.id for pin in (*declared, *grown)]
        grown.append(grow.pin(next_name(grow, taken)))
    # Branches come first, so that what follows them (`completed`) is drawn below.
    return (*grown, *declared) if numbered else (*declared, *grown)
