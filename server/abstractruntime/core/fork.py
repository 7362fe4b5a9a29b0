"""A fork: a new run that begins where another one stood after an entry of its ledger, with something changed.

The other run, the parent, stays as it is. The fork is its state there under an id of its own, with a ledger of its
own, whose first record tells parent, entry, the hash of the parent's chain there, who forked and what was changed.
Effects get new keys, for they hold the run's id; what the author has named by a key and was done before the entry
is not done again.

A run that waited, or was over, takes the step anew that it was in: the fork begins before it. One that waited for runs
that it had started goes on waiting, for copies of them as they stood at that moment; their ledgers begin in the same
way. All of it is one commit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from ..storage.base import Journal, Record, StepCommit
from ..storage.codec import wait_from_json
from ..storage.ledger_chain import chain_head
from .engine import Engine
from .errors import Conflict, RunNotFound
from .ids import new_run_id
from .jsonsafe import check, isolated
from .models import RunState, RunStatus, StepStatus, WaitReason, wait_json
from .permission import ASK, EFFECTS, RECORDED, RECORDING, acted_outside
from .recorded import recording
from .records import fork_record, status_record
from .vars import DONE, RETRIED, RUNTIME, get_runtime, listening_key, parse_vars_path, set_at

Effects = Literal["live", "ask", "recorded"]
_ALL = 1_000_000_000
_SENDS = ("bound", "let_go", "inbox", "listening")  # of the kernel's own space: what names other runs
_GIVEN = "node_outputs"  # of a program's own space: what nodes gave, which names runs only as values


@dataclass(frozen=True)
class Wish:
    """What a fork is to be: the entry, the changes by place, what becomes of outside effects, by whom and why.

    `workflow_of` says with which workflow each copied run goes on, else with its own; it is asked with the run as it stood.
    """

    seq: int | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    effects: Effects | None = None
    actor_id: str | None = None
    reason: str | None = None
    workflow_of: Callable[[RunState], str] | None = None


@dataclass(frozen=True)
class _Stand:
    """A run as it stood: its state, and how many of its entries led there."""

    run: RunState
    seq: int


class Fork:
    """One fork in the making."""

    def __init__(
        self, journal: Journal, run_id: str, wish: Wish, acts_outside: Callable[[Record], bool]
    ) -> None:
        self._journal, self._wish, self._acts_outside = journal, wish, acts_outside
        self._root = self._root_of(run_id)
        self._told = journal.tree_after(self._root, 0, _ALL)
        self._seq, self._moment = self._place(run_id, wish.seq)
        self._names: dict[str, str] = {}
        self._stands: dict[str, _Stand] = {}

    def steps(self, now: str) -> list[StepCommit]:
        """Return the commits of the fork, to be made as one: those of its children, and its own last."""
        own = [placed for placed in self._told if placed.run_id == self._root]
        stand, is_over = self._standing(self._root, self._seq)
        # The children of a run that was over, too, as they stood before it came to its end.
        self._take(stand, own[stand.seq].position - 1 if is_over else self._moment)
        if len(self._stands) > 1 and not self._journal.atomic:
            raise Conflict(
                f"Run {self._root} waits there for runs that it has started, and these stores share no transaction:"
                " they cannot be forked as one. Fork it at an entry at which it does not wait for them."
            )
        effects = self._wish.effects or (ASK if self._reaches_out() else "live")
        return [self._step(each, effects, now) for each in reversed(self._stands.values())]

    def sent(self) -> list[dict[str, str]]:
        """Return which steps of the parent's tree had acted outside by then: none of it is done again."""
        kept = [
            each
            for each in self._told
            if each.position <= self._moment and each.record.get("status") == StepStatus.COMPLETED.value
        ]
        named = [
            {"run_id": each.run_id, "node_id": str(each.record.get("node_id"))}
            for each in kept
            if self._acts_outside(each.record)
        ]
        return [each for at, each in enumerate(named) if each not in named[:at]]

    # where

    def _root_of(self, run_id: str) -> str:
        found = self._journal.load(run_id)
        if found is None:
            raise RunNotFound(f"Unknown run_id: {run_id}")
        while (parent := found.run.parent_run_id) is not None:
            found = self._journal.load(parent)
            if found is None:
                raise Conflict(
                    f"Run {run_id} was started by run {parent}, which is gone: neither can be forked."
                )
        return found.run.run_id

    def _place(self, run_id: str, seq: int | None) -> tuple[int, int]:
        """Return how many entries the root had at the moment of a run's entry, and that moment's place in the store."""
        own = [placed for placed in self._told if placed.run_id == run_id]
        is_number = isinstance(seq, int) and not isinstance(seq, bool)
        if seq is not None and not (is_number and (run_id != self._root or seq >= 0) and seq <= len(own)):
            raise Conflict(
                f"Run {run_id} has {len(own)} entries, so there is no entry {seq!r} to fork it at."
            )
        if seq is None:
            moment = self._told[-1].position if self._told else 0
        elif seq < 1 and run_id != self._root:
            raise Conflict(
                f"Run {run_id} was started by another one: fork it at an entry from 1 on, or fork its root."
            )
        else:
            moment = own[seq - 1].position if seq else 0
        return sum(1 for each in self._told if each.run_id == self._root and each.position <= moment), moment

    # what is copied

    def _standing(self, run_id: str, seq: int) -> tuple[_Stand, bool]:
        """Return a run as it stood after an entry, or before the step that it waited in or ended with; and if it ended."""
        run = self._at(run_id, seq)
        is_over = run.status.is_over
        while not _goes_on(run):
            if seq == 0:
                raise Conflict(f"Run {run_id} was begun at rest: there is no step of it to take.")
            seq -= 1
            run = self._at(run_id, seq)
        return _Stand(run, seq), is_over

    def _at(self, run_id: str, seq: int) -> RunState:
        run = self._journal.state_at(run_id, seq) if seq else self._journal.begun(run_id)
        if run is None:
            where = f"after entry {seq}" if seq else "before its first entry"
            raise Conflict(
                f"What run {run_id} was {where} is not kept: it was pruned, saved whole by its host, or its stores keep"
                " no history. Fork it at a later entry."
            )
        run.status = RunStatus(run.status)
        return run

    def _take(self, stand: _Stand, moment: int) -> None:
        """Have a run copied, and the runs that it waits for or that its branches have set going."""
        self._names[stand.run.run_id] = new_run_id()
        self._stands[stand.run.run_id] = stand
        awaited, known = {*_texts(_wait_of(stand.run))}, {*_texts(_program_of(stand.run))}
        children = {placed.run_id for placed in self._told} | (awaited | known)
        for child_id in sorted(children - self._names.keys()):
            if not any(child_id in text for text in awaited | known):
                continue
            found = self._journal.load(child_id)
            if found is None or found.run.parent_run_id != stand.run.run_id:
                continue
            seq = sum(1 for each in self._told if each.run_id == child_id and each.position <= moment)
            child = self._at(child_id, seq)
            if child.status is RunStatus.COMPLETED or (child.status.is_over and child_id not in awaited):
                self._names[child_id], self._stands[child_id] = new_run_id(), _Stand(child, seq)
                continue
            begun, is_over = self._standing(child_id, seq)
            ends = [each.position for each in self._told if each.run_id == child_id]
            self._take(begun, ends[begun.seq] - 1 if is_over else moment)

    def _reaches_out(self) -> bool:
        """Say whether the parent, or a run that it has started, has acted outside after what the fork keeps of it."""
        kept = {run_id: stand.seq for run_id, stand in self._stands.items()}
        return any(
            self._acts_outside(each.record)
            for each in self._told
            if (each.seq > kept[each.run_id] if each.run_id in kept else each.position > self._moment)
        )

    # the copies

    def _step(self, stand: _Stand, effects: str, now: str) -> StepCommit:
        old, wish = stand.run, self._wish
        is_root = old.run_id == self._root
        run = RunState(**{name: getattr(old, name) for name in RunState.__dataclass_fields__})
        run.run_id, run.created_at, run.updated_at = self._names[old.run_id], now, now
        run.parent_run_id = None if old.parent_run_id is None else self._names[old.parent_run_id]
        run.session_id = self._names.get(old.session_id or "", old.session_id)
        run.actor_id = wish.actor_id or old.actor_id
        if wish.workflow_of is not None:
            run.workflow_id = wish.workflow_of(old)
        records = [each.record for each in self._told if each.run_id == old.run_id][: stand.seq]
        run.vars = self._vars(isolated(old.vars), records, effects, now)
        if old.waiting is not None:
            run.waiting = wait_from_json(_renamed(wait_json(old.waiting), self._names))
        changes = _changed(run, wish.changes) if is_root else []
        told: dict[str, Any] = {
            "run_id": old.run_id,
            "seq": stand.seq,
            "hash": chain_head(records),
            "effects": effects,
            "changes": changes,
        }
        if run.workflow_id != old.workflow_id:
            told["workflow"] = {"from": old.workflow_id, "to": run.workflow_id}
        if is_root and wish.reason and wish.reason.strip():
            told["reason"] = wish.reason.strip()
        begins = [
            fork_record(run, told, now=now),
            *([status_record(run, now=now)] if run.status.is_over else []),
        ]
        return StepCommit(run, None, tuple(begins), durable=True, listening=listening_key(run.vars))

    def _vars(
        self, vars: dict[str, Any], records: Sequence[Record], effects: str, now: str
    ) -> dict[str, Any]:
        """Return the variables of a copy: other runs, and addresses of events, under the names of the fork."""
        addresses = {
            f"evt:{kind}:{old}:": f"evt:{kind}:{new}:"
            for old, new in self._names.items()
            for kind in ("session", "run")
        }
        vars = _readdressed(vars, addresses)
        space = get_runtime(vars)
        for name in _SENDS:
            if name in space:
                space[name] = _renamed(space[name], self._names)
        if isinstance(space.get("bound"), list):
            space["bound"] = [each for each in space["bound"] if each in self._names.values()]
        temp = vars.get("_temp")
        if isinstance(temp, dict):
            vars["_temp"] = {
                name: part if name == _GIVEN else _renamed(part, self._names) for name, part in temp.items()
            }
        for name in ("control", "retry", RETRIED, "let_go", EFFECTS, RECORDING):
            space.pop(name, None)
        if effects != "live":
            space[EFFECTS] = effects
        if effects == RECORDED:
            kept = {run_id: stand.seq for run_id, stand in self._stands.items()}
            space[RECORDING] = recording(self._root, self._moment, kept)
        if done := _named_results(records):
            space[DONE] = {**(space.get(DONE) or {}), **done}
        return vars


def _goes_on(run: RunState) -> bool:
    """Say whether a run can be copied as it stood: it would take a step, or waits for runs that come along."""
    if run.status is RunStatus.RUNNING:
        return True
    return (
        run.status is RunStatus.WAITING
        and run.waiting is not None
        and run.waiting.reason is WaitReason.SUBWORKFLOW
    )


def _wait_of(run: RunState) -> Any:
    return None if run.waiting is None else wait_json(run.waiting).get("details")


def _program_of(run: RunState) -> Any:
    temp = run.vars.get("_temp")
    return {name: part for name, part in temp.items() if name != _GIVEN} if isinstance(temp, dict) else None


def _texts(value: Any) -> Iterable[str]:
    """Yield every text in a JSON value, names too."""
    pending = [value]
    while pending:
        each = pending.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, dict):
            pending += [*each, *each.values()]
        elif isinstance(each, list):
            pending += each


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """Return a JSON value in which runs have their new ids, also within a text such as a wait key."""
    if isinstance(value, str):
        for old, new in names.items():
            if old in value:
                value = value.replace(old, new)
        return value
    if isinstance(value, dict):
        return {_renamed(name, names): _renamed(each, names) for name, each in value.items()}
    return [_renamed(each, names) for each in value] if isinstance(value, list) else value


def _readdressed(value: Any, addresses: Mapping[str, str]) -> Any:
    """Return a JSON value in which the wait keys of events have the new addresses."""
    if isinstance(value, str):
        if value.startswith("evt:"):
            for old, new in addresses.items():
                if value.startswith(old):
                    return new + value.removeprefix(old)
        return value
    if isinstance(value, dict):
        return {name: _readdressed(each, addresses) for name, each in value.items()}
    return [_readdressed(each, addresses) for each in value] if isinstance(value, list) else value


def _named_results(records: Iterable[Record]) -> dict[str, Any]:
    """Return the results of what was asked for under a key of its author, by that key."""
    named: set[str] = set()
    done: dict[str, Any] = {}
    for record in records:
        key, result = record.get("idempotency_key"), record.get("result")
        visit = result.get("visit") if isinstance(result, dict) else None
        if isinstance(visit, dict) and "key" in visit and record.get("status") == StepStatus.STARTED.value:
            named.add(str(key))
        elif key in named and record.get("status") == StepStatus.COMPLETED.value:
            done[str(key)] = result
    return done


def _changed(run: RunState, changes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Make the changes in the variables of a run, and tell them; nothing is made if one cannot be."""
    told = []
    for path, value in changes.items():
        check(value, path)
        tokens = parse_vars_path(path)
        if not tokens or tokens[0] == RUNTIME:
            raise Conflict(f"'{path}' cannot be changed: it is no variable, or one that the kernel keeps.")
        try:
            set_at(run.vars, tokens, isolated(value, path))
        except ValueError as wrong:
            raise Conflict(f"'{path}' cannot be changed: {wrong}.") from None
        told.append({"path": path, "value": value})
    return told


def plan_fork(engine: Engine, run_id: str, wish: Wish) -> list[StepCommit]:
    """Return the commits that make a fork, its own last; nothing is written."""
    acts_outside = partial(acted_outside, engine.handlers)
    return Fork(engine.journal, run_id, wish, acts_outside).steps(engine.now())


def preview(engine: Engine, run_id: str, wish: Wish) -> tuple[RunState, dict[str, Any]]:
    """Return the state that a fork would begin in, what its first record would tell, and as `sent` what acted outside."""
    fork = Fork(engine.journal, run_id, wish, partial(acted_outside, engine.handlers))
    [*_, step] = fork.steps(engine.now())
    return step.run, {**(step.records[0].effect or {})["payload"], "sent": fork.sent()}
