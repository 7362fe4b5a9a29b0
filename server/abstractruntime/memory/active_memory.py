"""What an agent keeps in mind from turn to turn, in `vars["_runtime"]["active_memory"]`.

Six lists of short records, newest first, each with a limit. A model changes them by an *envelope*:
what it adds and removes, list by list (kernel contract 8.7). A change at a given moment (`now_iso`)
gives the same records with the same ids each time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from hashlib import sha256
from typing import Any

from ..core.clock import parse_instant, utc_now, utc_now_iso
from ..core.vars import get_namespace, get_runtime
from .blueprints import DEFAULT_PERSONA_MD, MEMORY_BLUEPRINTS_MD

__all__ = [
    "DEFAULT_LIMITS",
    "DEFAULT_PERSONA_MD",
    "MEMACT_ACTIVE_MEMORY_VERSION",
    "MEMACT_ENVELOPE_SCHEMA_V1",
    "MEMORY_BLUEPRINTS_MD",
    "apply_memact_envelope",
    "ensure_memact_memory",
    "get_memact_memory",
    "render_memact_blocks",
    "render_memact_system_prompt",
]

MEMACT_ACTIVE_MEMORY_VERSION = 1
DEFAULT_LIMITS = {
    "relationships": 40,
    "current_tasks": 8,
    "current_context": 60,
    "critical_insights": 60,
    "references": 80,
    "history": 200,
}
_PREFIXES = {
    "relationships": "rel",
    "current_tasks": "tsk",
    "current_context": "ctx",
    "critical_insights": "ins",
    "references": "ref",
    "history": "hist",
}
_ID_DIGITS = 12
_STAMP = re.compile(r"^(?:-\s+)?\[?\d{2}/\d{2}/\d{2}(?:\s+\d{2}:\d{2}(?::\d{2})?)?\]?\s*[-:]?\s*")

Memory = dict[str, Any]


def _strings() -> dict[str, Any]:
    return {"type": "array", "items": {"type": "string"}}


def _module(*names: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {name: _strings() for name in names},
        "required": list(names),
        "additionalProperties": False,
    }


MEMACT_ENVELOPE_SCHEMA_V1: dict[str, Any] = {
    "type": "object",
    "properties": {
        "content": {"type": "string"},
        **{
            name: _module("added") if name == "history" else _module("added", "removed")
            for name in DEFAULT_LIMITS
        },
    },
    "required": ["content", *DEFAULT_LIMITS],
    "additionalProperties": False,
}


def now_compact(moment: datetime | None = None) -> str:
    """Return a moment as `YY/MM/DD HH:MM:SS`, the form that models read and copy."""
    return (moment or utc_now()).strftime("%y/%m/%d %H:%M:%S")


def get_memact_memory(vars: dict[str, Any]) -> Memory | None:
    """Return the memory of a run, None when it has none yet."""
    found = get_runtime(vars).get("active_memory")
    return found if isinstance(found, dict) else None


def ensure_memact_memory(vars: dict[str, Any], *, now_iso: Callable[[], str] = utc_now_iso) -> Memory:
    """Return the memory of a run with all that it must have; plain texts in its lists become records."""
    memory: Memory = get_namespace(get_runtime(vars), "active_memory")
    memory.setdefault("version", MEMACT_ACTIVE_MEMORY_VERSION)
    if not isinstance(memory.get("persona"), str) or not memory["persona"].strip():
        memory["persona"] = DEFAULT_PERSONA_MD
    limits = memory.get("limits")
    memory["limits"] = {**DEFAULT_LIMITS, **(limits if isinstance(limits, dict) else {})}
    if not memory.get("created_at"):
        memory["created_at"] = now_iso()
    for name in DEFAULT_LIMITS:
        kept = memory.get(name)
        kept = kept if isinstance(kept, list) else []
        records = (_as_record(name, one, now_iso, str(place)) for place, one in enumerate(kept))
        memory[name] = [record for record in records if record is not None]
    return memory


def _as_record(module: str, value: Any, now_iso: Callable[[], str], place: str) -> Memory | None:
    if isinstance(value, dict):
        return value if str(value.get("text") or "").strip() else None
    if not isinstance(value, str) or not value.strip():
        return None
    created_at = now_iso()
    return _record(module, value, created_at, now_compact(parse_instant(created_at)), place)


def _record(module: str, text: str, created_at: str, ts: str, place: str = "") -> Memory:
    text = _STAMP.sub("", " ".join(text.split()))
    origin = "\0".join((module, text, created_at, place)).encode("utf-8", "surrogatepass")
    return {
        "id": f"{_PREFIXES[module]}_{sha256(origin).hexdigest()[:_ID_DIGITS]}",
        "text": text,
        "ts": ts,
        "created_at": created_at,
    }


def apply_memact_envelope(
    vars: dict[str, Any],
    *,
    envelope: Any,
    now_iso: Callable[[], str] = utc_now_iso,
    now_compact: Callable[[], str] | None = None,
) -> dict[str, Any]:
    """Remove, then add what an envelope says; return `{"ok", "applied": {list: counts}}`.

    Texts are the same when they differ only in case, blanks, or a time put in front. Nothing is
    removed from the history. Beyond its limit a list forgets its oldest records. `now_compact` writes the
    moment as models see it; left out it writes that of `now_iso`.
    """
    if not isinstance(envelope, dict):
        return {"ok": False, "error": f"The envelope is {type(envelope).__name__}, not an object."}
    memory = ensure_memact_memory(vars, now_iso=now_iso)
    applied = {}
    for name in DEFAULT_LIMITS:
        change = envelope.get(name)
        change = change if isinstance(change, dict) else {}
        gone = {_same(text) for text in _texts(change.get("removed"))} if name != "history" else set()
        kept = [record for record in memory[name] if _same(record["text"]) not in gone]
        removed = len(memory[name]) - len(kept)
        known = {_same(record["text"]) for record in kept}
        added = 0
        for text in _texts(change.get("added")):
            if _same(text) not in known:
                created_at = now_iso()
                kept.insert(0, _record(name, text, created_at, _stamp(created_at, now_compact)))
                known.add(_same(text))
                added += 1
        most = _limit(memory["limits"], name)
        memory[name] = kept[:most]
        applied[name] = {"added": added, "removed": removed, "trimmed": max(0, len(kept) - most)}
    memory["updated_at"] = now_iso()
    return {"ok": True, "applied": applied}


def _stamp(created_at: str, shown: Callable[[], str] | None) -> str:
    return now_compact(parse_instant(created_at)) if shown is None else shown()


def _texts(values: Any) -> list[str]:
    found: Iterable[Any] = values if isinstance(values, list) else ()
    return [value for value in found if isinstance(value, str) and value.strip()]


def _same(text: Any) -> str:
    return _STAMP.sub("", " ".join(str(text).split())).casefold()


def _limit(limits: dict[str, Any], name: str) -> int:
    most = limits.get(name)
    is_count = isinstance(most, int) and not isinstance(most, bool) and most >= 0
    return most if is_count and isinstance(most, int) else DEFAULT_LIMITS[name]


def render_memact_blocks(vars: dict[str, Any]) -> list[dict[str, str]]:
    """Return the parts of the memory as text, each `{"component_id", "title", "content"}`."""
    memory = ensure_memact_memory(vars)
    blocks = [
        {"component_id": "memory_blueprints", "title": "MEMORY BLUEPRINTS", "content": MEMORY_BLUEPRINTS_MD},
        {"component_id": "persona", "title": "MY PERSONA", "content": memory["persona"]},
    ]
    for name in DEFAULT_LIMITS:
        lines = [f"- [{record.get('ts') or ''}] {record['text']}" for record in memory[name]]
        content = "\n".join(lines) or "(empty)"
        blocks.append({"component_id": name, "title": name.replace("_", " ").upper(), "content": content})
    return blocks


def render_memact_system_prompt(vars: dict[str, Any]) -> str:
    """Return the memory as one text for a model's system prompt."""
    first, *others = render_memact_blocks(vars)
    parts = [first["content"].strip()]
    parts += [f"## {block['title']}\n{block['content'].strip()}" for block in others]
    return "\n\n".join(parts)
