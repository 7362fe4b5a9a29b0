"""Value nodes as plain functions, under the older path of their names."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from ...core.clock import utc_now_iso
from ...nodes.catalog import catalog
from ...nodes.define import Call, NodeType
from ...nodes.pins import pins_of

Builtin = Callable[[Mapping[str, Any]], Any]


def get_builtin_handler(node_type: str) -> Builtin | None:
    """Return a function that makes a value node's outputs, by pin, of its inputs, by pin; None for other types.

    It raises what the node raises: NodeError for inputs that it cannot use.
    """
    kind = catalog().get(node_type)
    if kind is None or kind.kind != "pure":
        return None
    return lambda inputs: kind.run(_call(kind, inputs))


def _call(kind: NodeType, inputs: Mapping[str, Any]) -> Call:
    takes, gives = pins_of(kind, {})
    defaults = {pin.id: pin.default for pin in takes if pin.has_default}
    return Call(
        inputs={**defaults, **inputs},
        data={},
        pins=tuple(dict.fromkeys([*(pin.id for pin in takes), *inputs])),
        outs=tuple(pin.id for pin in gives),
        fed=tuple(inputs),
        now=utc_now_iso(),
        random=random.Random(),
    )
