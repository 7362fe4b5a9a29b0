"""What one visit does: read the inputs, ask the node, decide where control goes.

`enter` is the arrival at a node, `land` the second half of an effect node, when the reply is there.
Both are functions of the program and the run's variables and of nothing else: no closure, no cache,
no clock but the call's context, pinned for the visit. A node answers with values, with `Goto`,
`Finish` or an `Effect`; that alone decides, so that no type is named here.

One rule for errors: whatever goes wrong at a node ends the run there, in loops too, unless its
author has said how it goes on (`Op.catch`, decision 0010): then the failure becomes outputs and
control leaves by the pin named.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ..core.errors import NotDurable
from ..core.jsonsafe import check
from ..core.models import Effect, EffectType, Retry, RunState, StepPlan
from ..core.spec import RunContext
from ..nodes.define import FAULTS, Ask, Call, Finish, Goto, NodeError, NodeType, Offers
from ..nodes.paths import write
from ..nodes.pin import SUCCESS
from . import stops
from .chance import Chance
from .clip import clip
from .document import EXEC_IN, EXEC_OUT
from .expressions import evaluate
from .failing import cause_of, failure_of
from .memory import MISSING, Memory, aside_key, failure_key, reply_key
from .pinned import exit_of, pins_asked
from .policies import KEY, NAMED
from .program import Op, Program
from .reading import Fault, Reader, fresh
from .routes import route_key
from .seeds import give_first, variable
from .stopping import Stopping
from .strands import CALLED, CARGO, LANDING, Strands, carry, deliver
from .trial import asked

MOST_TURNS = 10_000


@dataclass(frozen=True)
class Bound:
    """A program with the declarations it needs; shared by all its runs, changed by none."""

    program: Program
    kinds: Mapping[str, NodeType]
    draw: Callable[[str], Any]
    sandbox: Any = None
    most_turns: int = MOST_TURNS
    offers: Offers = field(default_factory=Offers)


def enter(bound: Bound, node_id: str, run: RunState, context: RunContext) -> StepPlan:
    """Visit a node: return what it wants to happen next."""
    if CARGO in run.vars:
        return carry(node_id, run)
    memory, here = Memory(run.vars), context.now_iso() if context is not None else ""
    if asked(run.vars):
        next_visit = memory.visits(node_id) + 1
        held = _Step(bound, node_id, run, memory, next_visit, here, context=context).arrives()
        if held is not None:
            return held
    visit, now = memory.begin(node_id, here)
    step = _Step(bound, node_id, run, memory, visit, now, context=context)
    try:
        give_first(bound.program, memory)
        if node_id in step.reader.pins:
            return step.pinned(step.reader.pins[node_id])
        return step.answer(step.kind.run(step.call()))
    except (Fault, NotDurable, *FAULTS) as error:
        return step.failed(error)


def land(bound: Bound, node_id: str, run: RunState, context: RunContext) -> StepPlan:
    """Finish the visit of a node whose effect has been carried out."""
    if CARGO in run.vars:
        return deliver(node_id, run)
    memory = Memory(run.vars)
    opened = memory.opened(node_id)
    stops.heed(asked(run.vars))
    here = context.now_iso() if context is not None else ""
    visit, now = opened or (memory.visits(node_id) or 1, here)
    step = _Step(bound, node_id, run, memory, visit, now, arrived=here, context=context)
    if (failure := memory.take_failure(node_id)) is not None:
        return step.goes_wrong({**step.place(), **failure})
    if (wait := memory.take_aside(node_id)) is not None:
        return step.plan(step.strands.hand_over(wait, node_id, run, context), {"visit": visit})
    opening = memory.temp.get("open", {})
    if opening.get("carried"):
        return step.strands.set_aside(node_id)
    if "answer" in opening:
        answer = memory.reply(node_id)
        memory.drop_reply(node_id)
        target = step.strands.answered(node_id, answer)
        if target != node_id + LANDING:
            return StepPlan(node_id, next_node=target, note={})
    if (opening and step.strands.tried_again()) or (opening.pop("again", False) and "asked" in opening):
        memory.drop_reply(node_id)
        return step.again(opening["asked"])
    reply = memory.reply(node_id)
    step.reply = reply = {} if reply is MISSING else reply  # a moment that has come brings nothing
    if (held := step.held()) is not None:
        return held
    try:
        if step.kind.settle is None:
            return step.answer(dict(reply) if isinstance(reply, Mapping) else {})
        return step.answer(step.kind.settle(reply, step.call()))
    except (Fault, NotDurable, *FAULTS) as error:
        return step.failed(error)


@dataclass
class _Step(Stopping):
    """One visit under way."""

    bound: Bound
    node_id: str
    run: RunState
    memory: Memory
    visit: int
    now: str
    reply: Any = MISSING
    arrived: str = ""
    context: Any = None
    has_failed: bool = False
    seen: Mapping[str, Any] = field(default_factory=dict)
    note: dict[str, Any] = field(default_factory=dict)
    reader: Reader = field(init=False)

    def __post_init__(self) -> None:
        pins = pins_asked(self.run.vars)
        self.reader = Reader(self.bound.program, self.bound.kinds, self.memory, self.call_for, pins)

    @property
    def strands(self) -> Strands:
        return Strands(self.memory)

    @property
    def op(self) -> Op:
        return self.bound.program.ops[self.node_id]

    @property
    def kind(self) -> NodeType:
        return self.bound.kinds[self.op.type]

    # what the node is told

    def call(self) -> Call:
        """Return the Call of the visited node."""
        op, kind = self.op, self.kind
        frame = (self.strands if kind.forks else self.memory).frame(self.node_id)
        inputs: dict[str, Any] = {}
        if kind.rereads or not frame:
            inputs = self.reader.inputs(self.node_id, op, self.memory.temp.get("came"))
        call = self.call_for(self.node_id, op, inputs)
        call.frame = frame
        call.random = Chance(self.bound.draw, f"{self.run.run_id}:{self.node_id}:{self.visit}")
        call.note = self.note
        call.kept = self.memory.kept(self.node_id)
        if kind.ambient:
            call.ambient = self._ambient(op)
        if kind.knows_way:
            call.came, call.ways = str(self.memory.temp.get("came") or ""), op.ways
        return call

    def call_for(self, node_id: str, op: Op, inputs: dict[str, Any]) -> Call:
        """Return a Call for a node of this visit: the visited one or a value node that it reads."""
        draws = self.bound.kinds[op.type].once
        seed = f"{self.run.run_id}:{self.node_id}:{self.visit}:{node_id}"
        return Call(
            inputs=inputs,
            data=op.settings,
            pins=op.pins,
            outs=op.outs,
            types=op.types,
            fed=op.fed,
            exits=op.ways_out,
            vars=self.run.vars,
            run_id=self.run.run_id,
            node_id=node_id,
            flow_id=self.bound.program.flow_id,
            workflow_id=self.bound.program.workflow_id,
            session_id=self.run.session_id or self.run.run_id,
            visit=self.visit,
            now=self.now,
            arrived=self.arrived,
            random=self.bound.draw(seed) if draws else None,
            sandbox=self.bound.sandbox,
            most_turns=self.bound.most_turns,
            wanted=op.wanted,
            offers=self.bound.offers,
        )

    def _ambient(self, op: Op) -> Any:
        if op.input_key:
            return self.run.vars.get(op.input_key)
        value = self.memory.ambient(self._on_demand)
        if value is MISSING:
            return {name: each for name, each in self.run.vars.items() if not name.startswith("_")}
        return value

    def _on_demand(self, node_id: str) -> tuple[str, ...]:
        op = self.bound.program.ops.get(node_id)
        return op.wanted if op is not None else ()

    def inputs_seen(self) -> Mapping[str, Any]:
        """Return what the visit would read, as far as it can be read; that is told with a stop."""
        with suppress(Fault, NotDurable, *FAULTS):  # what is wrong comes to light when the run goes on
            give_first(self.bound.program, self.memory)
            self.seen = self.seen or self.call().inputs
        return self.seen

    # what the node answered

    def answer(self, result: Any) -> StepPlan:
        """Return the plan that a node's answer asks for."""
        if isinstance(result, (Effect, Ask)):
            return self._ask(result if isinstance(result, Ask) else Ask(result))
        if isinstance(result, Finish):
            check(dict(result.output), "output")
            self._end_visit()
            told, output = self._note(result.output, None), dict(result.output)
            if (found := self.leaves("", output)) is not None:
                return self.ends_at(found, output, told)
            return StepPlan(self.node_id, complete_output=output, note=told, recap=self.recap)
        if isinstance(result, Goto):
            return self._leave(result.pin, dict(result.outputs), result.loop, bool(result.outputs))
        outputs = dict(result) if isinstance(result, Mapping) else result
        return self._leave(EXEC_OUT, outputs, None, True)

    def pinned(self, held: Mapping[str, Any]) -> StepPlan:
        """Return the plan that leaves with what is pinned to the node, which is not executed."""
        self.note["pinned"] = [self.node_id]
        return self._leave(exit_of(held, self.op), fresh(held["outputs"]), None, True)

    def _ask(self, ask: Ask) -> StepPlan:
        effect, keep = ask.effect, dict(ask.keep)
        check(effect.payload, "payload")
        check(keep, "keep")
        self.memory.drop_reply(self.node_id)
        self.memory.await_reply(self.node_id, self.visit, self.now, keep)
        payload = dict(effect.payload)
        if stops.calls_flow(self.kind):
            payload = stops.handed_on(payload, self.run.vars)
        if self.arrived and effect.type in CALLED:  # nothing but this visit could ask for it again
            self.memory.temp["open"]["asked"] = {"type": effect.type.value, "payload": fresh(payload)}
        if self.kind.listens:
            payload["keeps"] = True
        asked = Effect(effect.type, payload, reply_key(self.node_id))
        key = self._key(asked)
        asked = self.strands.carried(asked, self.node_id, self.run, self.context) or asked
        return self.plan(asked, {"visit": self.visit, **self.told_values(), **self.note}, key)

    def again(self, asked: Mapping[str, Any]) -> StepPlan:
        """Return the plan that asks once more for what a landing asked for, now that its wait is over."""
        effect = Effect(EffectType(asked["type"]), fresh(asked["payload"]), reply_key(self.node_id))
        return self.plan(effect, {"visit": self.visit}, self._key(effect))

    def _key(self, asked: Effect) -> str | None:
        """Return the name that the author gives what is asked for; None where there is none.

        It holds for this node of this flow, in whatever version of it.
        """
        if not self.op.key or asked.type not in NAMED:
            return None
        call = self.call()
        value = evaluate(
            call.sandbox,
            self.op.key,
            KEY,
            call.inputs,
            call.vars,
            now=call.now,
            seed=f"{call.run_id}:{self.node_id}:{self.visit}:{KEY}",
        )
        check(value, KEY)
        if value is None or value == "":
            raise NodeError("The key names nothing: its value is empty.", code="policy.no_key", pin=KEY)
        self.note["key"] = clip(value)
        return json.dumps([self.bound.program.flow_id, self.node_id, value], sort_keys=True)

    def plan(self, asked: Effect, note: dict[str, Any], key: str | None = None) -> StepPlan:
        """Return the plan of an effect of this visit; where it has to wait, other strands may go on."""
        is_caught = self.takes_failures or self.stops_at_errors
        caught = failure_key(self.node_id) if is_caught else None
        landing = self.node_id + LANDING
        is_over = asked.type is EffectType.CARRY_WAIT  # its own wait is one that was set aside before
        kept = "asked" in self.memory.temp.get("open", {})
        may_go_on = not is_over and (kept or self.strands.may_go_on(self.run, self.context))
        return StepPlan(
            self.node_id,
            effect=asked,
            next_node=landing,
            note=note,
            failure_key=caught,
            retry=self._retry(),
            aside_key=aside_key(self.node_id) if may_go_on else None,
            key=key,
            place={"node_type": self.op.type, "visit": self.visit},
        )

    def _retry(self) -> Retry | None:
        said = self.op.retry
        return Retry(int(said["attempts"]), said["pause"], said["longest"]) if said else None

    def _leave(self, pin: str, outputs: Any, loop: Mapping[str, Any] | None, gave: bool) -> StepPlan:
        if pin not in self.op.outs and pin not in ("", EXEC_OUT, self.op.catch):
            raise NodeError(f"There is no execution output '{pin}'.", code="node.unknown_exit", pin=pin)
        check(outputs, "outputs")
        if gave and self.op.catch == EXEC_OUT and isinstance(outputs, Mapping):
            outputs = {SUCCESS.id: True, **outputs}  # it goes on either way, so it says which (decision 0010)
        self._end_visit()
        memory, ambience = self.memory, self.kind.ambience
        if gave:
            memory.keep_outputs(self.node_id, outputs)
            self._keep_variable(outputs)
            if ambience == "own" or (ambience == "both" and loop is not None):
                memory.carry(self.node_id, over=ambience == "both")
        strands, forks = self.strands, self.kind.forks
        if loop is None:
            if forks and not strands.join(self.node_id):
                return strands.turn(self.node_id, self._note(None, None))
            strands.leaving(partial(memory.drop_frame, self.node_id))
        else:
            frame = strands.fork(self.node_id, self.visit, loop) if forks else loop
            strands.leaving(partial(memory.keep_frame, self.node_id, frame))
        return self._go(pin, self._note(outputs if gave else None, pin or None), outputs)

    def _go(self, pin: str, note: dict[str, Any], outputs: Any) -> StepPlan:
        target = self.op.exits.get(pin)
        if target is not None:
            self._mark_route(target, pin)
        target, found = target or self.memory.innermost(), self.leaves(pin, outputs)
        if target is not None:
            if found is not None:
                self.held_at(found)
            return StepPlan(self.node_id, next_node=self.strands.by_way(self.node_id, target), note=note)
        ending = self._ending(outputs)
        if found is not None:
            return self.ends_at(found, ending, note)
        return StepPlan(self.node_id, complete_output=ending, note=note, recap=self.recap)

    def _end_visit(self) -> None:
        self.memory.close()
        if self.reply is not MISSING:
            self.memory.drop_reply(self.node_id)

    def _mark_route(self, target: str, pin: str) -> None:
        op = self.bound.program.ops[target]
        if op.routes or op.ways:
            self.memory.temp["came"] = route_key(self.node_id, pin)

    def _keep_variable(self, outputs: Any) -> None:
        key = self.op.output_key
        if not key:
            return
        value = outputs
        if self.kind.main is not None and isinstance(outputs, Mapping):
            value = outputs.get(self.kind.main)
        elif self.reply is not MISSING:
            value = self.reply
        if self.reply is not MISSING and value is None:
            return
        top, *rest = variable(key)
        self.run.vars[top.key] = write(self.run.vars.get(top.key), tuple(rest), value)

    def _ending(self, outputs: Any) -> dict[str, Any]:
        """Return the output of a run that ends here, where no end node says what it is."""
        if self.has_failed:
            return dict(outputs)
        if self.kind.ambience == "own":
            if isinstance(outputs, Mapping):
                told = {pin: outputs.get(pin) for pin in self.kind.ends_with} or outputs
                return {**told, "success": outputs.get("success", True)}
            return {"response": outputs, "success": True}
        if self.reply is not MISSING:
            return {"success": True, "result": self.reply}
        ambient = self.memory.ambient(self._on_demand)
        also = (
            {name: outputs.get(name) for name in self.kind.ends_with} if isinstance(outputs, Mapping) else {}
        )
        return {"success": True, "result": {} if ambient is MISSING else ambient, **also}

    # what is told

    def recap(self, more_than: int) -> dict[str, dict[str, Any]]:
        """Return how often each node without effects was visited more than so many times, and its outputs."""
        notes: dict[str, dict[str, Any]] = {}
        for node_id, count in self.memory.often(more_than).items():
            op = self.bound.program.ops.get(node_id)
            if op is None or self.bound.kinds[op.type].asks:
                continue
            outputs = self.memory.outputs(node_id)
            notes[node_id] = {"visit": count, "outputs": None if outputs is MISSING else clip(outputs)}
        return notes

    def place(self) -> dict[str, Any]:
        """Return where a failure of this visit happened."""
        return {"node_id": self.node_id, "node_type": self.op.type, "pin": None, "visit": self.visit}

    def failed(self, error: Exception) -> StepPlan:
        """Return the plan that ends the run here, or goes on where the author has said how."""
        failure = failure_of(error, self.place(), self.bound.program.ops)
        printed = getattr(cause_of(error), "printed", "")
        note = {"visit": self.visit, **self.told_values(), **self.note}
        if printed:
            note["printed"] = printed
            self.note["printed"] = printed
        return self.errs(failure, note) or self.fails(failure, note)

    def goes_wrong(self, failure: dict[str, Any]) -> StepPlan:
        """Return the plan of a visit whose effect could not be carried out."""
        note = {"visit": self.visit}
        if (stopped := self.errs(failure, note, to=self.node_id)) is not None:
            return stopped
        if self.takes_failures or not asked(self.run.vars):
            return self.caught(failure)
        return self.errs_later(failure, note)

    def fails(self, failure: dict[str, Any], note: dict[str, Any]) -> StepPlan:
        """Return the plan of a failure that goes its way: that of its author, else the run ends."""
        if self.takes_failures:
            return self.caught(failure)
        return StepPlan(self.node_id, failure=failure, note=note, recap=self.recap)

    @property
    def takes_failures(self) -> bool:
        """Whether the run goes on when this visit fails."""
        return bool(self.op.catch) or self._guard() is not None

    def caught(self, failure: dict[str, Any]) -> StepPlan:
        """Return the plan that goes on with a failure as the node's outputs."""
        self._end_visit()
        if not self.op.catch:
            return self._to_guard(failure)
        self.has_failed = True
        outputs = {
            "success": False,
            "error_message": failure["message"],
            "error_code": failure["code"],
            "error_attempts": failure.get("attempts") or [failure["message"]],
            "failure": failure,
        }
        self.memory.keep_outputs(self.node_id, outputs)
        self.memory.drop_frame(self.node_id)
        note = {**self._note(outputs, self.op.catch), "failure": failure}
        return self._go(self.op.catch, note, outputs)

    def _guard(self) -> str | None:
        """Return the innermost other node of the active loops and scopes that takes failures."""
        ops, kinds = self.bound.program.ops, self.bound.kinds
        active = reversed(self.memory.active())
        return next((each for each in active if each != self.node_id and kinds[ops[each].type].guards), None)

    def _to_guard(self, failure: dict[str, Any]) -> StepPlan:
        """Return the plan that hands a failure to the guard around this node; what is inside it is over."""
        guard, memory = self._guard(), self.memory
        if guard is None:
            told = {"visit": self.visit}
            return StepPlan(self.node_id, failure=failure, note=told, recap=self.recap)
        held = {**memory.frame(guard), "failure": failure}
        self.strands.leaving(partial(memory.keep_frame, guard, held))
        note = {**self._note(None, None), "failure": failure}
        return StepPlan(self.node_id, next_node=self.strands.by_way(self.node_id, guard), note=note)

    def _note(self, outputs: Any, pin: str | None) -> dict[str, Any]:
        told: dict[str, Any] = {"visit": self.visit, "outputs": None if outputs is None else clip(outputs)}
        values = (
            self.told_values() if self.reply is MISSING else {}
        )  # those of an effect were told when it asked
        return {**told, "exit": pin, **values, **self.note}

    def told_values(self) -> dict[str, Any]:
        values, computed = self.reader.values, self.reader.computed
        told = {"values": clip(values)} if values else {}
        if values and (pinned := [each for each in values if each in self.reader.pins]):
            told["pinned"] = pinned
        return {**told, "computed": clip(computed)} if computed else told


__all__ = ["EXEC_IN", "LANDING", "Bound", "enter", "land"]
