"""Branches that wait at once: several strands of one run, of which one has its turn.

A node whose type `forks` starts its branches one after the other, each as far as it comes. Where one has
to wait, and there is another that can go on, the wait is *carried* by a child run: a run of the same
workflow that begins at the waiting node, asks what it is given (`CARGO` in its variables) and ends with
the reply. The strand is set aside under the child's id; the next branch has its turn. When none can
go on, the run waits for the first of its children (`await_runs`), takes up the strand whose child is over,
and finishes its visit with the reply. A call of a model, of tools or of the web is made by the run itself, in
the order of the branches; only where it has to wait (for an approval, a budget, a host) that wait is
carried too, as it stands, and its answer comes back to where it would have come. So variables are shared, one step is taken at a time, and the order
depends on nothing but the order of the replies (decision 0027).

What belongs to a strand: the active loops with their frames, the visit that is open, the way by which
control came, the ambient value. What a forking node knows is shared by its strands.

    branches.forks.<fork>   how many of its strands live, and the frame of the forking node
    branches.held.<run>     a strand that is set aside: its node, and what belongs to it
    arrived                 how the child ended for which the run had waited
    let_go                  children that are not wanted any more, and where to go on
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..core.event_keys import build_event_wait_key
from ..core.models import Effect, EffectType, RunState, StepPlan
from ..core.spec import RunContext
from ..core.vars import note_attempt, set_result, with_answer
from .memory import MISSING, Memory, reply_key, slot
from .reading import fresh

CARGO = "_carried"
LANDING = "~"
_CARRIED = frozenset(
    {EffectType.ASK_USER, EffectType.WAIT_EVENT, EffectType.WAIT_UNTIL, EffectType.START_SUBWORKFLOW}
)
CALLED = frozenset(EffectType) - _CARRIED  # what a run does itself, and may have to wait for all the same
_OWN = ("_control", "open", "came", "ambient")


class Strands:
    """The strands of one run, seen from the one that has its turn."""

    __slots__ = ("memory",)

    def __init__(self, memory: Memory) -> None:
        self.memory = memory

    def _kept(self, name: str) -> dict[str, Any]:
        branches = self.memory.temp.get("branches")
        if not isinstance(branches, dict):
            branches = self.memory.temp["branches"] = {"forks": {}, "held": {}}
        kept: dict[str, Any] = branches[name]
        return kept

    def _forks_here(self) -> list[str]:
        """Return the forks that this strand is a branch of, innermost last."""
        frames = (self.memory.frame(node_id) for node_id in self.memory.active())
        return [frame["fork"] for frame in frames if "fork" in frame]

    # a forking node

    def frame(self, node_id: str) -> dict[str, Any]:
        """Return the frame of a forking node, which its strands share."""
        own = self.memory.frame(node_id)
        return dict(self._kept("forks")[own["fork"]]["frame"]) if own else {}

    def fork(self, node_id: str, visit: int, frame: Mapping[str, Any]) -> dict[str, Any]:
        """Keep what a forking node knows; return the frame that this strand keeps of it."""
        own = self.memory.frame(node_id) or {"fork": f"{node_id}#{visit}"}
        known = self._kept("forks").setdefault(own["fork"], {"live": 1})
        known["frame"] = dict(frame)
        return own

    def join(self, node_id: str) -> bool:
        """End this strand at its forking node; return whether it was the last and goes on for all."""
        own = self.memory.frame(node_id)
        if not own:
            return True
        forks = self._kept("forks")
        forks[own["fork"]]["live"] -= 1
        if forks[own["fork"]]["live"] > 0:
            return False
        del forks[own["fork"]]
        if not forks and not self._kept("held"):
            del self.memory.temp["branches"]
        return True

    # waiting

    def carried(self, effect: Effect, node_id: str, run: RunState, context: RunContext) -> Effect | None:
        """Return the effect that has a child run carry this one; None where the run itself can wait."""
        if effect.type not in _CARRIED or not self.may_go_on(run, context):
            return None
        starts = effect.type is EffectType.START_SUBWORKFLOW
        if starts and effect.payload.get("async") and not effect.payload.get("wait"):
            return None  # nobody waits for it
        return self._carrier(Effect(effect.type, _addressed(effect, run), effect.result_key), node_id, run)

    def may_go_on(self, run: RunState, context: RunContext) -> bool:
        """Say whether another strand can have its turn while a child run carries this one's wait."""
        if "branches" not in self.memory.temp or not self._has_others():
            return False
        knows = getattr(context, "knows", None)
        return knows is not None and bool(knows(run.workflow_id))

    def hand_over(self, wait: Mapping[str, Any], node_id: str, run: RunState, context: RunContext) -> Effect:
        """Return the effect that waits for what a call of this strand has come to: in a child, where others go on.

        Where its answer is to go, and what comes along, is kept with the visit; of the pause before a further
        attempt, what is to be asked for again, and which attempt that will be.
        """
        opened, carried = self.memory.temp["open"], dict(wait)
        if (again := carried.pop("asked", None)) is not None:
            details = carried.get("details") or {}
            opened["asked"] = again
            opened["attempt"] = {name: details.get(name) for name in ("key", "attempt", "errors")}
        else:
            opened["answer"] = {
                "to": wait.get("resume_to_node"),
                "key": wait.get("result_key"),
                "brings": with_answer(wait.get("details")),
            }
        asked = Effect(EffectType.CARRY_WAIT, {"wait": carried}, reply_key(node_id))
        return self._carrier(asked, node_id, run) if self.may_go_on(run, context) else asked

    def answered(self, node_id: str, reply: Any) -> str:
        """Put the answer to such a wait where it was to go; return where the strand goes on.

        An answer that is not the reply of the call means that the call is still to be made.
        """
        opened = self.memory.temp["open"]
        answer, landing = opened.pop("answer"), node_id + LANDING
        key, target = answer["key"], answer["to"] or landing
        brought = dict(answer["brings"])
        if reply is not MISSING and key:
            brought[key] = reply
        for each, value in brought.items():
            set_result(self.memory.vars, each, value)
        if key and key != reply_key(node_id) and target == landing:
            opened["again"] = True
        return str(target)

    def tried_again(self) -> bool:
        """Say whether a pause before a further attempt is over, and have the attempts counted from there."""
        told = self.memory.temp["open"].pop("attempt", None)
        if told is None:
            return False
        note_attempt(self.memory.vars, str(told["key"]), int(told["attempt"]), told.get("errors") or ())
        return True

    def _carrier(self, asked: Effect, node_id: str, run: RunState) -> Effect:
        """Return the effect that starts a child run which asks, and mark the visit as carried."""
        self.memory.temp["open"]["carried"] = True
        cargo = {
            "type": asked.type.value,
            "payload": asked.payload,
            "visit": self.memory.visits(node_id),
        }
        payload = {
            "workflow_id": run.workflow_id,
            "entry_node": node_id,
            "vars": {CARGO: cargo},
            "async": True,
            "wait": False,
            "bound": True,
        }
        return Effect(EffectType.START_SUBWORKFLOW, payload, asked.result_key)

    def _has_others(self) -> bool:
        forks = self._kept("forks")
        return bool(self._kept("held")) or any(
            forks[each]["frame"].get("left") for each in self._forks_here()
        )

    def set_aside(self, node_id: str) -> StepPlan:
        """Leave this strand to the child that carries its wait; return the plan of what has its turn now."""
        temp = self.memory.temp
        child = self.memory.reply(node_id)["sub_run_id"]
        self.memory.drop_reply(node_id)
        del temp["open"]["carried"]
        own = {key: fresh(temp[key]) for key in _OWN if key in temp}
        self._kept("held")[child] = {"node": node_id, "strand": own}
        del temp["open"]
        return self.turn(node_id, {})

    def turn(self, node_id: str, note: dict[str, Any]) -> StepPlan:
        """Return the plan that gives the turn to the next branch, or waits for the first child."""
        forks = self._kept("forks")
        for outer in reversed(self.memory.active()):
            fork = forks.get(self.memory.frame(outer).get("fork", ""))
            if fork is not None and fork["frame"].get("left"):
                fork["live"] += 1
                self.memory.unwind_to(outer)
                return StepPlan(node_id, next_node=outer, note=note)
        waits = Effect(EffectType.AWAIT_RUNS, {"run_ids": [*self._kept("held")]}, "_temp.arrived")
        return StepPlan(node_id, effect=waits, next_node=LANDING, note=note)

    def take_up(self) -> tuple[str, str]:
        """Give the turn to the strand whose child is over; return its node, and where it goes on."""
        temp = self.memory.temp
        told = temp.pop("arrived")
        held = self._kept("held").pop(told["sub_run_id"])
        for key in _OWN:
            temp.pop(key, None)
        temp.update(held["strand"])
        node_id: str = held["node"]
        output = told.get("output") or {}
        if told.get("status", "completed") != "completed":
            error = told.get("error") or f"The run that waited for it was {told['status']}"
            temp.setdefault("failed", {})[slot(node_id)] = {"code": "effect.failed", "message": error}
        elif "answer" in temp["open"]:
            return node_id, self.answered(node_id, output.get("reply", MISSING))
        elif "reply" in output:
            temp.setdefault("effects", {})[slot(node_id)] = output["reply"]
        return node_id, node_id + LANDING

    # leaving

    def leaving(self, change: Callable[[], None]) -> None:
        """Make a change of the active loops; forks that this strand leaves thereby are over for all.

        The children of their other strands are let go, before control goes on.
        """
        if "branches" not in self.memory.temp:
            change()
            return
        before = self._forks_here()
        change()
        left = set(before) - set(self._forks_here())
        forks, held = self._kept("forks"), self._kept("held")
        gone = [each for each in left if forks.pop(each, None) is not None]
        ids = [child for child, each in held.items() if _forks_of(each["strand"]) & set(gone)]
        for child in ids:
            del held[child]
        if ids:
            self.memory.temp["let_go"] = ids

    def by_way(self, node_id: str, target: str) -> str:
        """Return where control goes first on its way to a node: where children are let go, if any are."""
        ids = self.memory.temp.get("let_go")
        if not ids:
            return target
        self.memory.temp["let_go"] = {"ids": ids, "from": node_id, "to": target}
        return LANDING


def _forks_of(strand: Mapping[str, Any]) -> set[str]:
    frames = strand.get("_control", {}).get("frames", {})
    return {frame["fork"] for frame in frames.values() if "fork" in frame}


def _addressed(effect: Effect, run: RunState) -> dict[str, Any]:
    """Return a payload that means the same in a child run: the name of an event is spelt out."""
    payload = dict(effect.payload)
    name = payload.get("name")
    if (
        effect.type is EffectType.WAIT_EVENT
        and not payload.get("wait_key")
        and isinstance(name, str)
        and name
    ):
        payload["wait_key"] = build_event_wait_key(
            scope=payload.get("scope"),
            name=name,
            session_id=payload.get("session_id") or run.session_id or run.run_id,
            workflow_id=run.workflow_id,
            run_id=run.run_id,
        )
    return payload


def carry(node_id: str, run: RunState) -> StepPlan:
    """Take the first step of a run that carries a wait: ask what it was given."""
    cargo = run.vars[CARGO]
    kind = cargo.get("type") if isinstance(cargo, Mapping) else None
    if kind not in {*_CARRIED, EffectType.CARRY_WAIT} or not isinstance(cargo.get("payload"), Mapping):
        message = f"'{CARGO}' is a word of the system: it holds a wait, and no input can have this name."
        return StepPlan(node_id, failure={"code": "run.cargo", "message": message, "node_id": node_id})
    effect = Effect(EffectType(kind), dict(cargo["payload"]), reply_key(node_id))
    return StepPlan(
        node_id, effect=effect, next_node=node_id + LANDING, note={"visit": cargo.get("visit", 1)}
    )


def deliver(node_id: str, run: RunState) -> StepPlan:
    """Take the last step of a run that carries a wait: end with the reply, if there is one."""
    reply = Memory(run.vars).reply(node_id)
    return StepPlan(node_id, complete_output={} if reply is MISSING else {"reply": reply}, note={})


def rejoin(run: RunState, context: RunContext) -> StepPlan:
    """Go on where a child is over, or let children go on the way to a node."""
    memory = Memory(run.vars)
    if "let_go" in memory.temp:
        way = memory.temp.pop("let_go")
        let_go = Effect(EffectType.AWAIT_RUNS, {"run_ids": [], "let_go": way["ids"]})
        return StepPlan(way["from"], effect=let_go, next_node=way["to"], note={})
    node_id, target = Strands(memory).take_up()
    return StepPlan(node_id, next_node=target, note={})
