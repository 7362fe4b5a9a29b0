"""What a fork takes from its parent's recording: the reply to a request that the parent has made in the same words.

A fork whose effects are `recorded` reads the parent's ledger after the instant. Each reply there is taken once, in its
order, first those of the same node; which ones are taken is read off the fork's own ledger, whose records of the effect
name the entry (`effect.recorded`). What the parent did not ask for, or did not get, is asked about (`permission`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..storage.base import Journal, PlacedRecord, Record
from .effects import Deed, EffectOutcome, Handler, Services
from .jsonsafe import isolated
from .models import Effect, RunState, StepStatus, WaitState
from .permission import RECORDED, RECORDING, acts_outside, looks_outside, mode_of, question
from .vars import get_runtime

_ALL = 1_000_000_000


def recording(root_id: str, moment: int, kept: Mapping[str, int]) -> dict[str, Any]:
    """Return what a fork remembers of its parent: its root, the moment, and how many entries of each run it has kept."""
    return {"run_id": root_id, "moment": moment, "kept": dict(kept)}


def permit(journal: Journal, deed: Deed) -> WaitState | None:
    """Return the wait for a yes, None where the effect may be done; where the parent's reply serves it is not done."""
    mode = mode_of(deed.run)
    if not mode:
        return None
    if mode == RECORDED and (found := _reply(journal, deed)) is not None:
        _answer(deed, found)
        return None
    return question(deed)


def _answer(deed: Deed, found: PlacedRecord) -> None:
    """Have the handler's part played by a reply of the parent."""
    result = isolated(found.record["result"])

    def again(run: RunState, effect: Effect, next_node: str | None, services: Services) -> EffectOutcome:
        return EffectOutcome.completed(result)

    given = deed.handler
    deed.handler = Handler(again, given.external, retry=False) if given is not None else None
    deed.recorded = {"run_id": found.run_id, "seq": found.seq}


def _reply(journal: Journal, deed: Deed) -> PlacedRecord | None:
    run, effect = deed.run, deed.effect
    told = get_runtime(run.vars).get(RECORDING)
    if not isinstance(told, dict) or not (
        acts_outside(deed.handler, effect) or looks_outside(deed.handler, effect)
    ):
        return None
    kind, wanted = effect.type.value, request_of(effect.payload)
    taken = _taken(journal, _root_of(journal, run))
    replies = [
        placed
        for placed in _story(journal, told)
        if (placed.run_id, placed.seq) not in taken and _is_reply(placed.record, kind)
    ]
    replies.sort(key=lambda placed: placed.record.get("node_id") != deed.plan.node_id)
    for placed in replies:
        record = journal.whole(placed.record)
        if request_of(record["effect"].get("payload")) == wanted:
            return replace(placed, record=record)
    return None


def _story(journal: Journal, told: Mapping[str, Any]) -> Iterator[PlacedRecord]:
    """Yield the parent's records that the fork has not kept; none when the parent is gone."""
    kept = told["kept"]
    for placed in journal.tree_after(told["run_id"], 0, _ALL):
        if placed.run_id in kept:
            is_after = placed.seq > kept[placed.run_id]
        else:
            is_after = placed.position > told["moment"]
        if is_after:
            yield placed


def _taken(journal: Journal, root_id: str) -> set[tuple[str, int]]:
    """Return the entries of the parent whose replies the fork, or a run that it has started, has taken."""
    found = set()
    for placed in journal.tree_after(root_id, 0, _ALL):
        taken = _recorded_of(placed.record)
        if taken is not None:
            found.add((taken["run_id"], taken["seq"]))
    return found


def _root_of(journal: Journal, run: RunState) -> str:
    root_id, parent_id = run.run_id, run.parent_run_id
    while parent_id is not None and (found := journal.load(parent_id)) is not None:
        root_id, parent_id = found.run.run_id, found.run.parent_run_id
    return root_id


def _is_reply(record: Record, kind: str) -> bool:
    told = record.get("effect")
    is_kind = isinstance(told, dict) and told.get("type") == kind
    return is_kind and record.get("status") == StepStatus.COMPLETED.value


def _recorded_of(record: Record) -> dict[str, Any] | None:
    told = record.get("effect")
    taken = told.get("recorded") if isinstance(told, dict) else None
    return taken if isinstance(taken, dict) else None


def request_of(payload: Any) -> Any:
    """Return what makes two requests of a type the same: the payload without the numbers that the kernel gives to calls."""
    calls = payload.get("tool_calls") if isinstance(payload, dict) else None
    return (
        {**payload, "tool_calls": [_unnumbered(each) for each in calls]}
        if isinstance(calls, list)
        else payload
    )


def _unnumbered(call: Any) -> Any:
    if not isinstance(call, dict):
        return call
    number = call.get("runtime_call_id")
    numbered = ("runtime_call_id", "call_id") if call.get("call_id") == number else ("runtime_call_id",)
    return {name: value for name, value in call.items() if name not in numbered}
