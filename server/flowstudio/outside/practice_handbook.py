"""The handbook of the practice shop: what it promises its customers, to be searched by an agent that learns here."""

from __future__ import annotations

import re
from typing import Any

Json = Any
_WORD = re.compile(r"[a-z]{3,}")
_MOST = 2

ENTRIES: tuple[tuple[str, str], ...] = (
    ("Broken goods", "What comes broken is paid back in full, at once. The customer need not send it back."),
    ("Late parcels", "A parcel may take five days. After ten days it is sent again, at no cost."),
    ("Twice the same", "Who gets an order twice keeps one, and sends the other one back at our cost."),
    ("Sending back", "What is unused can be sent back within 30 days. The money comes within a week."),
    ("Another address", "An address can be changed as long as the order is being packed."),
    ("Invoices", "Every order has an invoice. A company tells us its tax number, and it stands on it."),
    ("Opening hours", "Monday to Friday from 9 to 18, Saturday from 10 to 14."),
)


def look_up(query: str) -> Json:
    """Return the entries that share most words with a query, the best first; `rendered` is how that reads."""
    wanted = set(_WORD.findall(query.lower()))
    shared = [
        (len(wanted & set(_WORD.findall(f"{title} {text}".lower()))), title, text) for title, text in ENTRIES
    ]
    best = sorted((each for each in shared if each[0]), key=lambda each: -each[0])[:_MOST]
    found = [{"title": title, "text": text} for _, title, text in best]
    said = " ".join(f"Handbook, {each['title']}: {each['text']}" for each in found)
    return {"query": query, "found": found, "rendered": said or "The handbook says nothing of this."}
