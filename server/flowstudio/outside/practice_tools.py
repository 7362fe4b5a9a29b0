"""The practice shop as tools, to learn from: one takes a place, one gives it back, one charges, one looks up an order.

They work offline and harm nobody. A call is one entry in the books per `key`, however often it is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .practice import Practice

Json = Any

_ITEM = {"type": "string", "description": "What it is about, as train or hotel."}
_KEY = {"type": "string", "description": "The name of this booking: the same key is booked once."}
_SEATS = {"type": "integer", "description": "How many there are; unset: as many as one likes."}

SPECS: Mapping[str, Mapping[str, Json]] = {
    "practice_reserve": {
        "name": "practice_reserve",
        "description": "Reserve something in the books of the practice shop.",
        "parameters": {
            "type": "object",
            "properties": {"item": _ITEM, "key": _KEY, "seats": _SEATS},
            "required": ["item", "key"],
        },
        "toolset": "practice",
    },
    "practice_cancel": {
        "name": "practice_cancel",
        "description": "Cancel a reservation in the books of the practice shop.",
        "parameters": {
            "type": "object",
            "properties": {"item": _ITEM, "key": _KEY},
            "required": ["item", "key"],
        },
        "toolset": "practice",
    },
    "practice_charge": {
        "name": "practice_charge",
        "description": "Charge a total in the books of the practice shop; a negative one is refused.",
        "parameters": {
            "type": "object",
            "properties": {"total": {"type": "number", "description": "How much it costs."}, "key": _KEY},
            "required": ["total", "key"],
        },
        "toolset": "practice",
    },
    "practice_order": {
        "name": "practice_order",
        "description": "Tell how an order of the practice shop stands.",
        "parameters": {
            "type": "object",
            "properties": {"order": {"type": "string", "description": "Its number, as R-17."}},
            "required": ["order"],
        },
        "toolset": "practice",
    },
}
_STATES = ("is being packed", "is on its way", "waits at the post office")


def practice_tools(shop: Practice) -> dict[str, Callable[..., Json]]:
    """Return the tools by name; what the shop refuses raises ValueError."""

    def practice_reserve(item: str, key: str, seats: int = 1_000_000) -> Json:
        return shop.book(item, "reserve", key=key, seats=seats)

    def practice_cancel(item: str, key: str) -> Json:
        return shop.book(item, "cancel", key=key)

    def practice_charge(total: float, key: str) -> Json:
        if total < 0:
            raise ValueError(
                f"practice_charge takes no negative total: it got {total}. Look at where it comes from."
            )
        return {**shop.book("payment", "reserve", key=key), "total": total}

    def practice_order(order: str) -> Json:
        return {"order": order, "state": _STATES[sum(order.encode()) % len(_STATES)]}

    return {
        each.__name__: each for each in (practice_reserve, practice_cancel, practice_charge, practice_order)
    }
