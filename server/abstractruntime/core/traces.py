"""What each node asked for and got: its newest effect steps.

Traces live in `vars["_runtime"]["node_traces"]`, where node code and hosts read them. They must not
make every step dearer nor every checkpoint larger: the engine puts them there when the run comes to
rest, a node keeps at most its newest 100 steps, and of large payloads and results a cut copy. The
ledger has all of them whole; what a crash loses here is still there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from ..storage.codec import SealedRecord
from .clock import parse_instant
from .jsonsafe import decode, quoted
from .models import Effect, WaitState, wait_json
from .vars import get_node_traces, get_runtime

MOST_STEPS = 100
_KEPT_STEPS = 50
_ROOM = 4000  # characters kept of one payload or result
LATE_ROOM = 2 * _ROOM  # characters of a record that may be kept until the run rests, to be read then
_UNCUT = _ROOM // 4  # characters of JSON in which nothing is long enough to be cut
_FLAT = 100  # containers that cannot be nested too deeply, wherever they are put
_tuple = tuple.__new__  # of a named tuple, in a third of the time
_PLAIN = (int, float, bool, type(None))


def trace_entry(
    node_id: str,
    effect: Effect,
    *,
    key: str,
    status: str,
    result: Any,
    error: str | None,
    wait: WaitState | None,
    reused: bool,
    ms: float,
    now: str,
) -> dict[str, Any]:
    """Return the trace of one effect step."""
    entry: dict[str, Any] = {
        "ts": now,
        "node_id": node_id,
        "status": status,
        "idempotency_key": key,
        "reused_prior_result": reused,
        "effect": {"type": effect.type.value, "payload": None, "result_key": effect.result_key},
        "duration_ms": ms,
    }
    try:
        entry["effect"]["payload"] = cut_copy(effect.payload)
        if status == "completed":
            entry["result"] = cut_copy(result)
        elif status == "waiting" and wait is not None:
            entry["wait"] = cut_copy(wait_json(wait))
        else:
            entry["error"] = error
    except (TypeError, RecursionError):  # not JSON, or in itself
        entry["effect"] = {"type": effect.type.value, "result_key": effect.result_key}
        entry.pop("result", None)
        entry["error"] = "non_json_safe_trace_entry"
    return entry


class LateTrace(NamedTuple):
    """A step that has not failed, as its record tells it; most are forgotten before anybody looks."""

    node_id: str
    text: str
    ms: float
    effect: str  # of the text, what comes before the result and ends with the effect; empty where that is not known
    result: str  # of the text
    at: str
    status: str
    key: str

    def entry(self) -> dict[str, Any]:
        """Return the trace of the step, as `trace_entry` makes it."""
        entry = _told(decode(self.text), self.ms)
        if len(self.text) > _UNCUT:
            entry["effect"]["payload"] = cut_copy(entry["effect"]["payload"])
            last = "result" if "result" in entry else "wait"
            entry[last] = cut_copy(entry[last])
        return entry

    def entry_text(self) -> str | None:
        """Return the text of that, put together from the record's; None where it must be read and cut."""
        text, status = self.text, self.status
        if not self.effect or len(text) > _UNCUT or text.count("[") + text.count("{") > _FLAT:
            return None
        effect = self.effect.removeprefix('","effect":').removesuffix(',"result":')
        last = f'"result":{self.result}' if status == "completed" else self.result[1:-1]  # of {"wait": ...}
        return (
            f'{{"ts":"{self.at}","node_id":{quoted(self.node_id)},"status":"{status}","idempotency_key":{quoted(self.key)},'
            f'"reused_prior_result":false,"effect":{effect},"duration_ms":{self.ms!r},{last}}}'
        )


def late_trace(node_id: str, record: SealedRecord, ms: float, at: str, key: str) -> LateTrace:
    """Return the trace of a step that has not failed, by its record."""
    written = record.written
    _, result, effect = written if written is not None else (None, "", "")
    return _tuple(LateTrace, (node_id, record.text, ms, effect, result, at, record.status._value_, key))


Made = dict[int, tuple[Any, str]]  # values by identity, with their text


def add_traces(vars: dict[str, Any], entries: Iterable[dict[str, Any] | LateTrace]) -> Made:
    """Append steps to the traces of their nodes, and forget the oldest beyond 100 each.

    Removing from the front rewrites the list. A few new steps that do not fit therefore drop the older
    half at once, so that the next ones are cheap. Returns what was put there and can be written as it is.
    """
    fresh: dict[str, list[dict[str, Any] | LateTrace]] = {}
    for entry in entries:
        node_id = entry.node_id if isinstance(entry, LateTrace) else entry["node_id"]
        fresh.setdefault(node_id, []).append(entry)
    traces, made = get_node_traces(vars), Made()
    is_new, told = not traces, []
    for node_id, newest in fresh.items():
        steps, texts = _steps(newest[-MOST_STEPS:])
        trace = traces.get(node_id)
        if not isinstance(trace, dict) or not isinstance(trace.get("steps"), list):
            trace = traces[node_id] = {"node_id": node_id, "steps": steps, "updated_at": steps[-1]["ts"]}
            if texts:
                told.append(
                    f'{{"node_id":{quoted(node_id)},"steps":[{",".join(texts)}],"updated_at":{quoted(steps[-1]["ts"])}}}'
                )
                made[id(trace)] = trace, told[-1]
            continue
        kept = trace["steps"]
        if len(kept) + len(steps) <= MOST_STEPS:
            kept.extend(steps)
            made.update((id(step), (step, text)) for step, text in zip(steps, texts, strict=False))
        else:
            most = MOST_STEPS if len(steps) > _KEPT_STEPS else _KEPT_STEPS
            trace["steps"] = [*kept, *steps][-most:]
        trace["updated_at"] = steps[-1]["ts"]
    if is_new and len(told) == len(fresh):
        inner = ",".join(f"{quoted(node_id)}:{text}" for node_id, text in zip(fresh, told, strict=True))
        made[id(traces)] = traces, f"{{{inner}}}"
    return made


def _steps(newest: list[dict[str, Any] | LateTrace]) -> tuple[list[Any], list[str]]:
    """Return the entries of steps, and their texts where all are made of text."""
    texts = [one.entry_text() if isinstance(one, LateTrace) else None for one in newest]
    made = [text for text in texts if text is not None]
    if len(made) == len(newest):
        return decode(f"[{','.join(made)}]"), made
    return [one.entry() if isinstance(one, LateTrace) else one for one in newest], []


def traces_of(vars: dict[str, Any], ledger: Callable[[], Iterable[dict[str, Any]]]) -> dict[str, Any]:
    """Return the traces kept with the run, or those that its ledger tells."""
    kept = get_runtime(vars).get("node_traces")
    if isinstance(kept, dict) and kept:
        return kept
    told: dict[str, Any] = {}
    outcomes = [record for record in ledger() if _is_outcome(record)]
    entries = [_told(one, _milliseconds(one.get("started_at"), one.get("ended_at"))) for one in outcomes]
    add_traces({"_runtime": {"node_traces": told}}, entries)
    return told


def _is_outcome(record: dict[str, Any]) -> bool:
    """Say whether a record tells how an effect ended."""
    key = record.get("idempotency_key")
    is_effect = bool(key) and isinstance(record.get("effect"), dict) and ":" not in str(key)
    return is_effect and str(record.get("status")) != "started"


def _told(record: dict[str, Any], ms: float) -> dict[str, Any]:
    """Return the trace entry that an effect's outcome record stands for."""
    status = str(record.get("status"))
    entry = {
        "ts": record.get("ended_at"),
        "node_id": record.get("node_id"),
        "status": status,
        "idempotency_key": record.get("idempotency_key"),
        "reused_prior_result": False,
        "effect": record.get("effect"),
        "duration_ms": ms,
    }
    if status == "completed":
        entry["result"] = record.get("result")
    elif status == "waiting":
        entry["wait"] = (record.get("result") or {}).get("wait")
    else:
        entry["error"] = record.get("error")
    return entry


def _milliseconds(start: Any, end: Any) -> float:
    try:
        begun: datetime = parse_instant(start)
        return round((parse_instant(end) - begun).total_seconds() * 1000, 3)
    except ValueError:
        return 0.0


def cut_copy(value: Any, room: int = _ROOM) -> Any:
    """Return an own copy of a JSON value, cut after about that many characters; else TypeError."""
    return _cut(value, [room])


def _cut(value: Any, left: list[int]) -> Any:
    if isinstance(value, str):
        room = left[0]
        left[0] -= len(value)
        return value if len(value) <= room else f"{value[: max(room, 0)]}… ({len(value)} characters)"
    if isinstance(value, _PLAIN):
        left[0] -= 8
        return value
    if isinstance(value, dict):
        copy: dict[str, Any] = {}
        for number, (name, item) in enumerate(value.items()):
            if left[0] <= 0:
                copy["…"] = f"{len(value) - number} more"
                break
            left[0] -= len(name)
            copy[name] = _cut(item, left)
        return copy
    if isinstance(value, list | tuple):
        items: list[Any] = []
        for number, item in enumerate(value):
            if left[0] <= 0:
                items.append(f"… {len(value) - number} more")
                break
            items.append(_cut(item, left))
        return items
    raise TypeError(f"{type(value).__name__} is not JSON")
