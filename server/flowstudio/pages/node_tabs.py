"""What the inspector's tabs beside the form show of a node: its data, its runs, and how it fails.

All but the policy is read from runs that have been, never from a page's own idea of one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from abstractruntime.nodes.deadlines import UNIT
from abstractruntime.nodes.define import NodeType
from abstractruntime.nodes.pins import pins_of
from abstractruntime.visualflow_compiler.policies import (
    LONGEST,
    MOST_RETRIES,
    PAUSE,
    can_key,
    can_retry,
    pauses,
    retry_of,
)

from ..runner_nodes import NO_RUN
from ..runner_visits import Visit
from ..studio import Studio
from .words import SIGNS, WAITS, Sign, state

Json = Any
TABS = (
    ("setup", "Set-up"),
    ("data", "Data"),
    ("runs", "Runs"),
    ("policy", "Policy"),
    ("notes", "Notes"),
)
WINDOW = 20_000
SHORT = 80
LOOKED_BACK = 5  # runs before one, for a comparison
OWN_POLICIES = frozenset({"retries", "timeout", "timeout_s", "deadline", "onTimeout", "deadlineUnit"})
_MORE = re.compile(r"… ([\d,]+) more items$|([\d,]+) more keys$")
_STATES = {
    "running": SIGNS["running"],
    "waiting": SIGNS["waiting"],
    "stopped": WAITS["stop"],
    "done": SIGNS["completed"],
    "failed": SIGNS["failed"],
}


CAUGHT = Sign("failed", "Failed, went on", "cross", "F")


def sign_of(visit: Visit) -> Sign:
    """Return how the state of a visit is shown."""
    if visit.error and visit.state == "done":
        return CAUGHT
    return SIGNS["pinned"] if visit.is_pinned and visit.state == "done" else sign_of_state(visit.state)


def sign_of_state(state: str) -> Sign:
    """Return how the state of a visit, or of an attempt, is shown."""
    return _STATES.get(state, SIGNS["running"])


def background_words(studio: Studio, flow_id: str, chosen: str) -> dict[str, Json]:
    """Return the picker of the run whose values are shown."""
    run_id = studio.stories.background(flow_id, chosen)
    runs = [{**row, "sign": state(row["status"], row["paused"])} for row in studio.stories.offered(flow_id)]
    known = {row["run_id"] for row in runs}
    picked = chosen if chosen == NO_RUN or chosen in known else ""
    return {"run_id": run_id, "runs": runs, "picked": picked, "no_run": NO_RUN}


def runs_words(studio: Studio, flow_id: str, node_id: str) -> dict[str, Json]:
    """Return what a node did in the last runs of its flow."""
    told = studio.stories.runs_of(flow_id, node_id)
    failed = sum(row.last.state == "failed" or bool(row.last.error) for row in told.rows)
    p50, p95 = length(told.percentile(0.5)), length(told.percentile(0.95))
    return {"told": told, "p50": p50, "p95": p95, "failed": failed, "sign_of": sign_of}


def length(ms: float | None) -> str:
    """Write a number of milliseconds for people."""
    if ms is None:
        return "–"
    if ms < 1000:
        return f"{ms:.0f} ms" if ms >= 1 else "< 1 ms"
    return f"{ms / 1000:.1f} s" if ms < 60_000 else f"{ms / 60_000:.1f} min"


@dataclass(frozen=True)
class Bar:
    """One pause between attempts as drawn: where it begins and how wide it is, of 100, and its words."""

    left: float
    width: float
    words: str


def bars(found: list[float]) -> list[Bar]:
    """Return the pauses in a row, as shares of all of them."""
    total = sum(found) or 1.0
    drawn, left = [], 0.0
    for seconds in found:
        width = seconds / total * 100
        drawn.append(Bar(round(left, 2), round(width, 2), length(seconds * 1000)))
        left += width
    return drawn


def last_inputs(studio: Studio, node_id: str, run_id: str | None, upto: int = 0) -> dict[str, str]:
    """Return what a node's inputs were in the last visit of a run, or the last by an instant, each in one short line."""
    is_read = run_id and (upto or studio.stories.glance(run_id) is not None)
    visits = studio.stories.visits(run_id, node_id, upto) if run_id and is_read else []
    return {pin: brief(value) for pin, value in (visits[-1].inputs if visits else {}).items()}


def brief(value: Json) -> str:
    """Write a value in one short line; an empty text is told by its quotes."""
    text = value if isinstance(value, str) and value.strip() else json.dumps(value, ensure_ascii=False)
    line = " ".join(text[: SHORT * 4].split())
    return line if len(line) <= SHORT else f"{line[: SHORT - 1]}…"


def policy_words(kind: NodeType, data: Mapping[str, Json]) -> dict[str, Json]:
    """Return what can be said of a node's failures: what its declaration and the compiler know."""
    retry = retry_of(kind, data)
    found = pauses(retry) if retry else []
    policy = data.get("policy")
    given = policy if isinstance(policy, Mapping) else {}
    inputs = [pin for pin in pins_of(kind, data)[0] if not pin.is_exec and not pin.hidden]
    has_deadline = any(pin.id == "deadline" for pin in inputs)
    return {
        "is_value": not kind.is_exec,
        "can_retry": can_retry(kind),
        "given": {key: given.get(key) for key in ("retries", "pause", "longest")},
        "usual": {"retries": 0, "pause": PAUSE, "longest": LONGEST},
        "most": MOST_RETRIES,
        "can_key": can_key(kind),
        "key": text if isinstance(text := given.get("key"), str) else "",
        "bars": bars(found),
        "in_all": length(sum(found) * 1000) if found else "",
        "own": [
            each
            for each in kind.fields
            if each.path.rsplit(".", 1)[-1] in OWN_POLICIES and (has_deadline or each.path != UNIT.path)
        ],
        "own_pins": [pin for pin in inputs if pin.id in OWN_POLICIES or pin.id == kind.key],
    }
