"""The stops of a visit: before it, where it is left, at its error. What goes on after one is kept with the run.

Control that leaves a node at a breakpoint is held where it arrives next (`left`), so a stop after a node and one on
a wire are stops before the next visit, too. Where nothing comes next, the end is held back, and an error is, before
it goes its way (`held`): somebody looks, and then the visit ends as it would have.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..core.models import Effect, EffectType, StepPlan
from . import stops
from .breakpoints import AFTER, BEFORE, WIRE, Found, entries, holds, wide
from .trial import asked

if TYPE_CHECKING:
    from ..core.models import RunState
    from ..nodes.define import NodeType
    from .machine import Bound
    from .program import Op


class Stopping:
    """What a visit under way does about stops; a part of it (`machine`)."""

    bound: Bound
    node_id: str
    run: RunState
    visit: int
    now: str
    context: Any

    if TYPE_CHECKING:

        @property
        def op(self) -> Op: ...

        @property
        def kind(self) -> NodeType: ...

        def inputs_seen(self) -> Mapping[str, Any]: ...

        def told_values(self) -> dict[str, Any]: ...

        def fails(self, failure: dict[str, Any], note: dict[str, Any]) -> StepPlan: ...

        recap: Any

    def arrives(self) -> StepPlan | None:
        """Return the plan of a stop before the visit, or of what was held back at one; None: it is visited."""
        trial = asked(self.run.vars)
        was_led = stops.heed(trial)
        held = self.held()
        if held is not None or was_led:
            return held
        found = self._before(trial)
        if found is None:
            return None
        self.inputs_seen()
        note = {"visit": self.visit, **self.told_values()}
        return self._stop(found, note, within=False)

    def held(self) -> StepPlan | None:
        """Return how a visit ends that was held back; None where none was."""
        trial = asked(self.run.vars)
        held = trial.get("held")
        if not isinstance(held, Mapping) or held.get("node") != self.node_id:
            return None
        del trial["held"]
        self.visit, note = int(held["visit"]), dict(held["note"])
        if "failure" in held:
            return self.fails(dict(held["failure"]), note)
        return StepPlan(self.node_id, complete_output=dict(held["output"]), note=note, recap=self.recap)

    def _before(self, trial: dict[str, Any]) -> Found | None:
        if trial.get("to") == self.node_id:
            del trial["to"]
            return Found("to")
        left = trial.pop("left", None)
        if isinstance(left, Mapping):
            return Found(str(left.get("why")), dict(left.get("about") or {}))
        seen: Mapping[str, Any] | None = None
        for entry in entries(trial, self.bound.program.flow_id, self.node_id, BEFORE):
            seen = (self.inputs_seen() if entry.get("when") else {}) if seen is None else seen
            about = self._holds(entry, seen)
            if about is not None:
                return Found("breakpoint", about)
        return Found("step") if "step" in trial else None

    def _holds(self, entry: Mapping[str, Any], seen: Mapping[str, Any]) -> dict[str, Any] | None:
        now = self.now or (self.context.now_iso() if self.context is not None else "")
        seed = f"{self.run.run_id}:{self.node_id}:{self.visit}:stop"
        return holds(entry, self.bound.sandbox, seen, self.run.vars, now=now, seed=seed)

    def leaves(self, pin: str, outputs: Any) -> Found | None:
        """Return why the run stops where control has left the node by an execution output."""
        trial = asked(self.run.vars)
        if not trial:
            return None
        seen = outputs if isinstance(outputs, Mapping) else {}
        origin = {"from": self.node_id}
        for at in (WIRE, AFTER):
            for entry in entries(trial, self.bound.program.flow_id, self.node_id, at):
                if at == WIRE and (entry.get("pin") != pin or pin not in self.op.exits):
                    continue
                about = self._holds(entry, seen)
                if about is not None:
                    return Found(at, {**origin, **about})
        return self._too_dear(trial, origin)

    def _too_dear(self, trial: dict[str, Any], origin: dict[str, Any]) -> Found | None:
        most = wide(trial, "cost")
        spent = getattr(self.context, "spent", None)
        if most is None or spent is None or not self.kind.asks:
            return None
        cost = spent(self.run.run_id)
        if cost <= most:
            return None
        trial["anywhere"] = {
            name: value for name, value in trial["anywhere"].items() if name != "cost"
        }  # it stops once
        return Found("cost", {**origin, "cost": cost, "most": most})

    def held_at(self, found: Found) -> None:
        """Have the run stop where control comes next."""
        asked(self.run.vars)["left"] = {"why": found.why, "about": found.about}

    def ends_at(self, found: Found, output: dict[str, Any], note: dict[str, Any]) -> StepPlan:
        """Return the plan that stops before the run ends with this node."""
        held = {"node": self.node_id, "visit": self.visit, "output": output, "note": note}
        asked(self.run.vars)["held"] = held
        return self._stop(found, {name: note[name] for name in note if name != "exit"}, within=True)

    @property
    def stops_at_errors(self) -> bool:
        """Whether the run stops before an error goes its way."""
        return bool(wide(asked(self.run.vars), "errors"))

    def errs(self, failure: dict[str, Any], note: dict[str, Any], *, to: str = "") -> StepPlan | None:
        """Return the plan that stops before an error goes its way; None where it goes at once.

        It goes it from here, or from `to`, where the step can be taken again.
        """
        if not self.stops_at_errors:
            return None
        asked(self.run.vars)["held"] = {
            "node": self.node_id,
            "visit": self.visit,
            "failure": failure,
            "note": note,
        }
        return self._stop(Found("error", {"error": str(failure["message"])}), note, within=True, to=to)

    def errs_later(self, failure: dict[str, Any], note: dict[str, Any]) -> StepPlan:
        """Return the plan that has an error go its way from where the step can be taken again."""
        trial = asked(self.run.vars)
        trial["held"] = {"node": self.node_id, "visit": self.visit, "failure": failure, "note": note}
        return StepPlan(self.node_id, next_node=self.node_id, note={})

    def _stop(self, found: Found, note: dict[str, Any], *, within: bool, to: str = "") -> StepPlan:
        calls = stops.calls_flow(self.kind) and not within
        key = stops.key_of(self.run.run_id, self.node_id, self.visit, within=within)
        told = stops.payload_of(found.why, self.node_id, found.about, key, calls=calls)
        effect = Effect(EffectType.ASK_USER, told, stops.SAID)
        return StepPlan(self.node_id, effect=effect, next_node=to or self.run.current_node, note=note)
