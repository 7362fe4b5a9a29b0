"""What a commit is made of: record texts, a delta, and now and then a whole checkpoint.

Shared by the backends that keep history. A delta says where the run goes on (`node`, `at`) and how
its variables change (`ops`); a run that is anything but plainly running adds `rest`: its status,
wait, output and error. Whole checkpoints are written when the deltas since the last one outweigh
it twice: reading a run costs at most about three times its state, and steps cost the same however
large the state has grown.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..core.clock import instant_micros
from ..core.delta import Delta, fold
from ..core.errors import LedgerMoved, RunNotFound, StaleRevision
from ..core.jsonsafe import decode, encode, isolated, quoted
from ..core.models import RunState, RunStatus, wait_json
from .base import StepCommit
from .codec import encode_run, run_from_text, wait_from_json

CHECKPOINT_FLOOR = 8_192


def rests(run: RunState) -> bool:
    """Say whether a run is parked or over, or otherwise not plainly running."""
    return (
        run.status != RunStatus.RUNNING
        or run.waiting is not None
        or run.output is not None
        or run.error is not None
    )


def brings_vars(step: StepCommit) -> bool:
    """Say whether the variables of a step's run are as the step leaves them, so that they can be read."""
    return step.ops is None or (not step.held_back and (bool(step.ops) or type(step.ops) is Delta))


def delta_text(step: StepCommit, *, at_rest: bool) -> str | None:
    """Encode the change of a step; None when the step brings its state whole.

    `at_rest` is what `rests` says of its run.
    """
    if step.ops is None:
        return None
    run, ops = step.run, step.ops
    told = ops.text if type(ops) is Delta else encode(list(ops), "ops")
    node, at = run.current_node, run.updated_at
    is_plain = type(node) is str and type(at) is str and node.isascii() and at.isascii()
    node, at = (quoted(node), quoted(at)) if is_plain else (encode(node), encode(at))
    head = f'{{"node":{node},"at":{at}'
    if not at_rest:
        return f'{head},"ops":{told}}}'
    status, waiting, output, error = RunStatus(run.status), "null", "null", "null"
    if run.waiting is not None:
        waiting = encode(wait_json(run.waiting), "run", ("waiting",))
    if run.output is not None:
        output = encode(run.output, "run", ("output",))
    if run.error is not None:
        error = encode(run.error, "run", ("error",))
    rest = f'"status":"{status._value_}","waiting":{waiting},"output":{output},"error":{error}'
    return f'{head},"rest":{{{rest}}},"ops":{told}}}'


def brings_state(step: StepCommit) -> bool:
    """Say whether the variables of a commit's run may be read."""
    return step.expected_revision is None or brings_vars(step)


def check_place(step: StepCommit, last_seq: int) -> None:
    """Raise LedgerMoved unless the ledger ends where the step's records follow."""
    if step.follows is not None and step.follows != last_seq:
        raise LedgerMoved(
            f"The ledger of run '{step.run.run_id}' has {last_seq} records, not {step.follows}: it grew meanwhile."
        )


def brought_text(step: StepCommit) -> str:
    """Encode the state after a step that brings the variables."""
    ops = step.ops
    return encode_run(step.run, known=ops is not None, made=ops.made if type(ops) is Delta else None)


def whole_text(step: StepCommit, stored: RunState | None) -> str:
    """Encode the state after a step; where it cannot be read there, from the stored one and the change."""
    if stored is None or brings_vars(step):
        return brought_text(step)
    vars = stored.vars
    if step.ops:
        vars = fold(vars, isolated(list(step.ops), "ops"))
    return encode_run(step.run, vars_text=encode(vars, "vars", known=True))


def due_micros(run: RunState) -> int | None:
    """Return when a parked run is due, in microseconds since 1970; None if no moment wakes it.

    That is the moment that it waits for, or the deadline of a wait for something else.
    """
    wait = run.waiting
    if run.status != RunStatus.WAITING or wait is None or wait.until is None:
        return None
    return moment_micros(wait.until)


def moment_micros(value: str | None) -> int | None:
    """Return a moment in microseconds since 1970; None for one that cannot be read."""
    try:
        return instant_micros(value)
    except (ValueError, OverflowError):
        return None


def outweigh(deltas: int, state: int, *, patient: bool = False) -> bool:
    """Say whether the characters of the deltas call for a whole checkpoint.

    Where it must be put together from what is stored, be `patient`: the next commit may bring it.
    """
    return deltas > CHECKPOINT_FLOOR and deltas > max(2 * state, CHECKPOINT_FLOOR) * (2 if patient else 1)


def ends_whole(deltas: int, state: int) -> bool:
    """Say whether a run that ends is written whole; else its last whole state and the deltas are what stays."""
    return deltas > state


def fold_run(text: str, deltas: Iterable[str]) -> RunState:
    """Rebuild a run from a whole checkpoint and what changed since; ValueError if unreadable."""
    run = run_from_text(text)
    changes = decode(f"[{','.join(deltas)}]")
    for change in changes:
        fold(run.vars, change["ops"])
    if changes:
        _stand(run, changes[-1])
    return run


def apply_change(run: RunState, change: dict[str, Any]) -> None:
    """Change a run by the object that a delta's text stands for; ValueError, KeyError if it does not fit."""
    fold(run.vars, change["ops"])
    _stand(run, change)


def _stand(run: RunState, change: dict[str, Any]) -> None:
    """Put a run where a change left it; its variables are another matter."""
    run.current_node, run.updated_at = change["node"], change["at"]
    rest = change.get("rest")
    if not rest:
        run.status, run.waiting, run.output, run.error = RunStatus.RUNNING, None, None, None
        return
    run.status = RunStatus(rest["status"])
    run.waiting = wait_from_json(rest.get("waiting"))
    run.output, run.error = rest.get("output"), rest.get("error")


def agree(step: StepCommit, revision: int | None) -> int:
    """Return the revision that a step makes; raise StaleRevision when it builds on another one.

    `revision` is the stored one, None for a run that is not stored.
    """
    expected, run_id = step.expected_revision, step.run.run_id
    if expected is None:
        if revision is not None:
            raise StaleRevision(f"Run '{run_id}' exists already, at revision {revision}.")
        return 1
    if revision is None:
        raise RunNotFound(f"Run '{run_id}' is not stored, so it has no revision {expected} to go on from.")
    if expected != revision:
        raise StaleRevision(
            f"Run '{run_id}' is at revision {revision}, not {expected}: somebody else advanced it first."
        )
    return revision + 1
