"""The loop of `Runtime.tick`: step after step, until the run rests or the steps are used up."""

from __future__ import annotations

from contextlib import suppress

from .advance import DrivenElsewhere, advance
from .engine import Engine
from .errors import StaleRevision
from .held import AnswerNotGiven, Held
from .spec import WorkflowSpec

_SAVE_TRIES = 50


def drive(engine: Engine, held: Held, workflow: WorkflowSpec, max_steps: int) -> Held:
    """Take steps of a run that may go on; return the run as it stands then."""
    journal, run_id, tries = engine.journal, held.run.run_id, 0
    try:
        while max_steps > 0:
            try:
                if advance(engine, held, workflow):
                    return held
            except DrivenElsewhere:
                return Held.load(journal, run_id)
            except StaleRevision as stale:
                if held.holds_answer:  # it was refused with whatever found the run changed
                    raise AnswerNotGiven from stale
                with suppress(StaleRevision):
                    held.flush()  # what is held back is refused in its turn, and kept apart where it may be
                fresh = Held.load(journal, run_id)
                tries += 1
                if tries > _SAVE_TRIES or not held.is_followed_by(fresh):
                    return fresh
                fresh.plans_retries, fresh.still_mine = held.plans_retries, held.still_mine
                held = fresh  # a run of this step's transaction had changed: take the step again
                continue
            max_steps -= 1
        _put_down(engine, held)
        return held
    finally:
        with suppress(StaleRevision, AnswerNotGiven):
            held.flush()  # only left to do when the node's code was interrupted from outside


def _put_down(engine: Engine, held: Held) -> None:
    """Write what a run that has not come to rest still carries."""
    try:
        held.put_down()
    except StaleRevision:
        held.run = Held.load(engine.journal, held.run.run_id).run
