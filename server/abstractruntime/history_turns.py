"""The turns of a session: its root runs told as question and answer, with what they cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .core.clock import parse_instant
from .core.models import RunState
from .storage.base import LedgerStore, Record, RunStore

_ANSWERS = ("response", "answer", "message", "text", "content")
_ANSWERS_IN_RESULTS = ("answer", "response", "message", "text", "content")
_INPUT = ("input_tokens", "prompt_tokens", "prompt", "input", "in")
_OUTPUT = ("output_tokens", "completion_tokens", "completion", "output", "out")
_TOTAL = ("total_tokens", "total")


def session_turns(session_id: str, runs: RunStore, ledger: LedgerStore, limit: int) -> list[dict[str, Any]]:
    """Return the last turns of a session, oldest first; only chat turns where there are any."""
    chats: list[RunState] = []
    others: list[RunState] = []
    for run in _roots(session_id, runs, max(1000, 5 * limit)) if limit else ():
        kind = kind_of(run)
        if kind == "chat":
            chats.append(run)
        elif kind != "internal" and len(others) < limit:
            others.append(run)
        if len(chats) == limit:
            break
    return [_turn(run, runs, ledger) for run in reversed(chats or others)]


def kind_of(run: RunState) -> str:
    """Say what a run is: `internal`, `scheduled`, `chat` or `run`."""
    meta, context = _object(run.vars.get("_meta")), _object(run.vars.get("context"))
    if run.workflow_id.startswith("__"):
        return "internal"
    if run.workflow_id.startswith("scheduled:") or isinstance(meta.get("schedule"), dict):
        return "scheduled"
    return "chat" if isinstance(context.get("messages"), list) else "run"


def _roots(session_id: str, runs: RunStore, most: int) -> Iterator[RunState]:
    """Give the root runs of a session, the last made first; only those that are taken are loaded."""
    index = getattr(runs, "list_run_index", None)
    if index is not None:
        rows = index(session_id=session_id, root_only=True, limit=most)
        rows.sort(key=lambda row: str(row["created_at"]), reverse=True)
        loaded = (runs.load(row["run_id"]) for row in rows)
        yield from (run for run in loaded if run is not None)
        return
    ask = getattr(runs, "list_runs", None)
    listed: list[RunState] = ask(limit=most) if ask is not None else []
    roots = [run for run in listed if run.session_id == session_id and not run.parent_run_id]
    yield from sorted(roots, key=lambda run: run.created_at, reverse=True)


def _turn(run: RunState, runs: RunStore, ledger: LedgerStore) -> dict[str, Any]:
    family = _family(run, runs)
    ledgers = {one.run_id: ledger.list(one.run_id) for one in family}
    answer, meta = _answer(run, ledgers[run.run_id])
    data = _object(run.vars.get("input_data")) or run.vars
    attachments = _object(data.get("context")).get("attachments")
    return {
        "run_id": run.run_id,
        "workflow_id": run.workflow_id,
        "kind": kind_of(run),
        "status": run.status.value,
        "created_at": run.created_at,
        "updated_at": run.updated_at,
        "prompt": _prompt(data),
        "attachments": [one for one in attachments if isinstance(one, dict)]
        if isinstance(attachments, list)
        else [],
        "answer": answer,
        "answer_meta": meta,
        "stats": _stats(record for records in ledgers.values() for record in records),
    }


def _family(root: RunState, runs: RunStore) -> list[RunState]:
    ask = getattr(runs, "list_children", None)
    family = {root.run_id: root}
    level = [root]
    while level and ask is not None:
        level = [
            child for one in level for child in ask(parent_run_id=one.run_id) if child.run_id not in family
        ]
        family.update({child.run_id: child for child in level})
    return [*family.values()]


def _prompt(data: Mapping[str, Any]) -> str | None:
    context = _object(data.get("context"))
    places = (
        data.get("prompt"),
        data.get("message"),
        data.get("task"),
        context.get("task"),
        context.get("message"),
    )
    for value in places:
        if isinstance(value, str) and value.strip():
            return value
    messages = context.get("messages")
    for message in messages if isinstance(messages, list) else []:
        said = _object(message)
        if said.get("role") == "user" and isinstance(said.get("content"), str):
            return str(said["content"])
    return None


def _answer(run: RunState, records: list[Record]) -> tuple[str | None, dict[str, Any] | None]:
    output = _object(run.output)
    for place in (output, _object(output.get("result")), _object(output.get("output"))):
        found = _first_text(place, _ANSWERS)
        if found is not None:
            meta = place.get("meta")
            return found, meta if isinstance(meta, dict) else None
    for record in reversed(records):
        if record.get("status") != "completed":
            continue
        effect, result = _object(record.get("effect")), _object(record.get("result"))
        if effect.get("type") == "answer_user":
            said = _first_text(result, ("message",)) or _first_text(
                _object(effect.get("payload")), ("message",)
            )
            if said is not None:
                return said, None
        told = result.get("output")
        found = (
            told
            if isinstance(told, str) and told.strip()
            else _first_text(_object(told), _ANSWERS_IN_RESULTS)
        )
        if found is not None:
            return found, None
    return None, None


def _stats(records: Iterable[Record]) -> dict[str, Any]:
    """Sum up what records cost; times are milliseconds."""
    moments, calls = [], {"llm_call": 0, "tool_calls": 0}
    used = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
    for record in records:
        at = record.get("ended_at") or record.get("started_at")
        if at:
            moments.append(parse_instant(at))
        effect, result = _object(record.get("effect")), _object(record.get("result"))
        if effect.get("type") == "llm_call" and record.get("status") in ("completed", "failed"):
            for name, count in _usage(result).items():  # a call that failed in the end may have been paid for
                used[name] += count
        if record.get("status") != "completed":
            continue
        if effect.get("type") == "llm_call":
            calls["llm_call"] += 1
        elif effect.get("type") == "tool_calls":
            asked = _object(effect.get("payload")).get("tool_calls")
            calls["tool_calls"] += len(asked) if isinstance(asked, list) else 0
    duration = round((max(moments) - min(moments)).total_seconds() * 1000, 2) if moments else None
    speed = (
        round(used["output_tokens"] / (duration / 1000), 2) if duration and used["output_tokens"] else None
    )
    return {
        "duration_ms": duration,
        "llm_calls": calls["llm_call"],
        "tool_calls": calls["tool_calls"],
        "usage": used,
        "tok_s": speed,
    }


def _usage(result: Mapping[str, Any]) -> dict[str, int]:
    for place in (result, _object(result.get("output"))):
        for name in ("usage", "token_usage", "tokens"):
            usage = _object(place.get(name))
            if usage:
                given, made = _first_count(usage, _INPUT), _first_count(usage, _OUTPUT)
                total = _first_count(usage, _TOTAL) or given + made
                return {"input_tokens": given, "output_tokens": made, "total_tokens": total}
    return {}


def _first_text(place: Mapping[str, Any], names: Iterable[str]) -> str | None:
    for name in names:
        value = place.get(name)
        if isinstance(value, str) and value.strip():
            return value
    return None


def _first_count(place: Mapping[str, Any], names: Iterable[str]) -> int:
    for name in names:
        value = place.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return 0


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
