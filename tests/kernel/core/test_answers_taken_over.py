"""An answer to a run whose driver was lost, which somebody else has answered a moment before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from abstractruntime import Effect, EffectType, RunState, RunStatus, Runtime, StepPlan
from abstractruntime.core.errors import NotWaiting
from abstractruntime.core.runtime import EffectOutcome
from abstractruntime.storage import open_stores
from abstractruntime.storage.base import Asking
from abstractruntime.testing.flows import ask_for, end, flow


def test_of_two_answers_the_later_is_refused_where_a_lost_lease_is_taken_over(tmp_path: Path) -> None:
    stores, acted, earlier = open_stores(f"sqlite://{tmp_path}/runs.db"), [], ["first"]

    def act(run: RunState, effect: Effect) -> EffectOutcome:
        acted.append(run.vars["answer"])
        return EffectOutcome.completed({})

    def asks(run: RunState, context: Any) -> StepPlan:
        for text in [*earlier]:
            earlier.clear()
            first.resume(spec, run.run_id, None, {"response": text}, 0)
        return StepPlan("act", Effect(EffectType.LLM_CALL, {}, "done"), "end")

    spec = flow(
        "ask",
        ask=ask_for("ask", EffectType.ASK_USER, {"prompt": "?"}, "act", "answer"),
        act=asks,
        end=end("end"),
    )
    first, second = (
        Runtime(
            run_store=stores.runs,
            ledger_store=stores.ledger,
            effect_handlers={EffectType.LLM_CALL: act},
            owner=name,
        )
        for name in ("first", "second")
    )
    run_id = second.start(spec)
    assert second.tick(spec, run_id).status is RunStatus.WAITING
    long_ago = datetime(2000, 1, 1, tzinfo=UTC)
    lost = Asking(run_id, "lost", 1, long_ago, long_ago + timedelta(seconds=1), None, lambda owner: True)
    assert second.journal.leases is not None
    assert second.journal.leases.take(lost) is not None
    with pytest.raises(NotWaiting):
        second.resume(spec, run_id, None, {"response": "second"})
    assert second.get_state(run_id).vars["answer"] == {"response": "first"}
    assert acted == []
    assert second.tick(spec, run_id).status is RunStatus.COMPLETED
    assert acted == [{"response": "first"}]
    stores.close()
