"""The clock of a test: it goes by the instants of the recording and never back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Lock

from abstractruntime.core.clock import parse_instant
from abstractruntime.core.models import RunState, StepPlan
from abstractruntime.core.spec import NodeHandler, RunContext, WorkflowSpec

At = tuple[str, str, str]  # run, flow, node


class Moments:
    """Call it for the present moment. `shift` sets all instants later, to find out what depends on them."""

    def __init__(self, start: str, visits: Iterable[tuple[At, str]] = (), *, shift: float = 0.0) -> None:
        self._shift = timedelta(seconds=shift)
        self._now = parse_instant(start) + self._shift
        self._lock = Lock()
        self._of_run: dict[tuple[str, str], list[str]] = {}
        self._of_flow: dict[tuple[str, str], list[str]] = {}
        for (run_id, flow, node_id), at in visits:
            self._of_run.setdefault((run_id, node_id), []).append(at)
            self._of_flow.setdefault((flow, node_id), []).append(at)

    def __call__(self) -> datetime:
        """Return the present moment."""
        return self._now

    def move(self, at: str) -> None:
        """Go to an instant of the recording."""
        self.reach(parse_instant(at) + self._shift)

    def reach(self, moment: datetime) -> None:
        """Go to a moment of this clock, unless it has passed."""
        with self._lock:
            self._now = max(self._now, moment)

    def later(self, at: str) -> datetime:
        """Return when an instant of the recording is on this clock."""
        return parse_instant(at) + self._shift

    def visit(self, run_id: str, flow: str, node_id: str) -> None:
        """Go to the instant at which a node was visited next, if it was."""
        with self._lock:
            known: Mapping[tuple[str, str], list[str]] = self._of_run
            left = known.get((run_id, node_id)) or self._of_flow.get((flow, node_id)) or []
            at = left.pop(0) if left else None
        if at is not None:
            self.move(at)

    def followed(self, spec: WorkflowSpec, flow: str) -> WorkflowSpec:
        """Return a workflow whose visits set the clock first."""
        nodes = {
            node_id: handler if node_id.endswith("~") else self._timed(handler, flow, node_id)
            for node_id, handler in spec.nodes.items()
        }
        return replace(spec, nodes=nodes)

    def _timed(self, handler: NodeHandler, flow: str, node_id: str) -> NodeHandler:
        def timed(run: RunState, context: RunContext) -> StepPlan:
            opened = (run.vars.get("_temp") or {}).get("open")
            if not opened or opened.get("node") != node_id:  # else it is a further attempt of the same visit
                self.visit(run.run_id, flow, node_id)
            return handler(run, context)

        timed.asks = getattr(handler, "asks", True)  # type: ignore[attr-defined]  # see `NodeHandler`
        return timed
