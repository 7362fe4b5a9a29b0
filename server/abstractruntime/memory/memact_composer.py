"""Facts of the knowledge graph in an agent's current context (kernel contract 8.7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core.clock import utc_now_iso
from .active_memory import apply_memact_envelope, ensure_memact_memory
from .kg_packets import packetize_assertions


def compose_memact_current_context_from_kg_result(
    vars: dict[str, Any],
    *,
    kg_result: Any,
    stimulus: str,
    marker: str = "KG:",
    max_items: int | None = None,
    now_iso: Callable[[], str] = utc_now_iso,
) -> dict[str, Any]:
    """Replace the facts that an earlier query put into `current_context` by those of this one.

    `kg_result` has `packets`, or `items` to make them of. Entries that begin with the marker are
    from here. At the same moment (`now_iso`) the same memory and result come out. Returns `{"ok", "delta": {"added", "removed"}, "trace", "active_memory"}`, or
    `{"ok": False, "error"}` when the result is no object.
    """
    if not isinstance(kg_result, dict):
        return {"ok": False, "error": f"The result is {type(kg_result).__name__}, not an object."}
    memory = ensure_memact_memory(vars, now_iso=now_iso)
    packets = kg_result.get("packets")
    if not isinstance(packets, list):
        packets = packetize_assertions(kg_result.get("items") or [])
    told = [
        _line(marker, packet) for packet in packets if isinstance(packet, dict) and packet.get("statement")
    ]
    kept = told if max_items is None or max_items < 0 else told[:max_items]
    old = [one["text"] for one in memory["current_context"] if _is_marked(one["text"], marker)]
    # The best fact comes first in the result and shall stand first, and what is added comes to the front.
    delta = {"added": list(reversed(kept)), "removed": old}
    done = apply_memact_envelope(vars, envelope={"current_context": delta}, now_iso=now_iso)
    trace = {
        "stimulus": stimulus,
        "marker": marker,
        "packets": len(told),
        "dropped": len(told) - len(kept),
        "applied": done["applied"]["current_context"],
    }
    return {
        "ok": True,
        "delta": {"added": kept, "removed": old},
        "trace": trace,
        "active_memory": ensure_memact_memory(vars, now_iso=now_iso),
    }


def _is_marked(text: str, marker: str) -> bool:
    return text.casefold().startswith(marker.strip().casefold())


def _line(marker: str, packet: dict[str, Any]) -> str:
    names = (("span", packet.get("span_id")), ("wf", packet.get("writer_workflow_id")))
    notes = "; ".join(f"{name}:{value}" for name, value in names if value)
    return f"{marker} {packet['statement']}" + (f" ({notes})" if notes else "")
