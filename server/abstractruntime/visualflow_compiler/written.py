"""Keys that are written into a flow, and the holes that were left where some were taken out."""

from __future__ import annotations

from collections.abc import Container, Iterator

from ..nodes.written_keys import Place, looked_through
from .graph import Graph
from .problem import Problem


def written(graph: Graph, told: Container[tuple[str | None, str | None]]) -> Iterator[Problem]:
    """Yield the keys and the holes of a flow; `told` are nodes and pins of which a type's own check has told."""
    for node_id, keys, holes in looked_through({key: each.node.data for key, each in graph.nodes.items()}):
        name_of = graph.nodes[node_id].name
        for pin, name in dict.fromkeys((_pin(place), name) for place, name in holes):
            text = (
                f"{name_of} has a hole in '{pin}': the key '{name}' was left out when this was copied or "
                "exported. Name a secret of the server, or write the key again."
            )
            yield Problem("error", "value.key_left_out", text, node_id, pin)
        for pin in dict.fromkeys(map(_pin, keys)):
            if (node_id, pin) not in told:
                text = (
                    f"{name_of} has what looks like a key written into '{pin}', where everyone who opens the "
                    "flow can read it. Name a secret of the server instead, where the node takes one."
                )
                yield Problem("risk", "value.written_secret", text, node_id, pin)


def _pin(place: Place) -> str:
    return place[1] if place[0] == "pinDefaults" and len(place) > 1 else ".".join(place)
