"""Parking a run before a step that cannot be taken yet: until a further attempt, or until a person says yes."""

from __future__ import annotations

from collections.abc import Callable

from .effects import Deed, EffectOutcome, sets_aside
from .engine import Engine
from .errors import StaleRevision
from .held import Held
from .models import RunState, RunStatus, WaitState, wait_json
from .plans import asked_json
from .records import EffectRecords
from .vars import note_attempt, set_result


def put_off(engine: Engine, held: Held, deed: Deed, outcome: EffectOutcome) -> bool:
    """Park the run until the next attempt; what its node has changed is dropped: it will be asked again."""
    plan, run, wait = deed.plan, held.run, outcome.wait
    if wait is not None and sets_aside(plan, wait):  # the run goes on: its node will ask for the same
        set_result(run.vars, str(plan.aside_key), {**wait_json(wait), "asked": asked_json(plan)})
        run.current_node, run.updated_at = str(plan.next_node), deed.now
        held.write(deed.records, durable=True)
        return False
    assert wait is not None
    told = wait.details or {}
    attempt, errors = int(told["attempt"]), told["errors"]
    return _park_before(
        engine, held, deed, wait, lambda run: note_attempt(run.vars, deed.key, attempt, errors)
    )


def ask_first(engine: Engine, held: Held, deed: Deed, wait: WaitState) -> bool:
    """Park the run until a person has said whether the effect may act; its node is asked again then."""
    deed.now = engine.now()
    told = EffectRecords(deed.run, deed.plan.node_id, deed.effect, deed.now, 1, deed.key)
    deed.records = [told.waiting(wait, deed.now)]
    held.flush()
    return _park_before(engine, held, deed, wait, lambda run: None)


def _park_before(
    engine: Engine, held: Held, deed: Deed, wait: WaitState, change: Callable[[RunState], None]
) -> bool:
    """Park the run as it was before this step, whose records tell why."""
    fresh = Held.load(engine.journal, held.run.run_id)
    if fresh.revision != held.revision:
        raise StaleRevision(f"Run {held.run.run_id} was changed by somebody else")
    run, fresh.traces = fresh.run, held.traces
    run.status, run.waiting, run.updated_at = RunStatus.WAITING, wait, deed.now
    change(run)
    fresh.keep_traces()
    fresh.write(deed.records, durable=True)
    held.run = run
    return True
