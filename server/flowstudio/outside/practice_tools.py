"""The practice shop as tools, to learn from: they take a place, give it back, charge, look up an order or the handbook,
and pay back, which a person has to allow.

They work offline and harm nobody. A call is one entry in the books per `key`, however often it is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .practice import Practice
from .practice_handbook import look_up

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
    "practice_handbook": {
        "name": "practice_handbook",
        "description": "Search the handbook of the practice shop.",
        "parameters": {
            "type": "object",
            "properties": {"query": {"type": "string", "description": "A few words, as broken goods."}},
            "required": ["query"],
        },
        "toolset": "practice",
    },
    "practice_refund": {
        "name": "practice_refund",
        "description": "Pay an order of the practice shop back; a person has to allow it.",
        "parameters": {
            "type": "object",
            "properties": {
                "order": {"type": "string", "description": "Its number, as R-17."},
                "amount": {"type": "number", "exclusiveMinimum": 0, "description": "How much is paid back."},
            },
            "required": ["order", "amount"],
        },
        "toolset": "practice",
    },
}
ASK_FIRST = frozenset({"practice_refund"})  # to learn from: all others of the shop run without asking
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
        state = _STATES[sum(order.encode()) % len(_STATES)]
        return {"order": order, "state": state, "rendered": f"{order} {state}."}

    def practice_handbook(query: str) -> Json:
        return look_up(query)

    def practice_refund(order: str, amount: float) -> Json:
        if amount <= 0:
            raise ValueError(f"practice_refund pays more than nothing back: it got {amount}.")
        entry = shop.book(order, "refund", key=f"refund:{order}:{amount:g}")
        return {
            **entry,
            "order": order,
            "amount": amount,
            "rendered": f"{amount:g} is paid back for {order}.",
        }

    made = (
        practice_reserve,
        practice_cancel,
        practice_charge,
        practice_order,
        practice_handbook,
        practice_refund,
    )
    return {each.__name__: each for each in made}
