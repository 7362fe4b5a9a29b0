"""What the inspector's tabs beside the form show of a node: its data, its runs, and how it fails.

All but the policy is read from runs that have been, never from a page's own idea of one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from abstractruntime.core.errors import RunNotFound
from abstractruntime.nodes.deadlines import UNIT
from abstractruntime.nodes.define import NodeType
from abstractruntime.nodes.pins import pins_of
from abstractruntime.visualflow_compiler.clip import is_clipped
from abstractruntime.visualflow_compiler.expressions import expressions_of
from abstractruntime.visualflow_compiler.policies import (
    LONGEST,
    MOST_RETRIES,
    PAUSE,
    can_key,
    can_retry,
    pauses,
    retry_of,
)

from ..library import FlowNotFound
from ..library_compare import nodes_of, title_of
from ..runner_nodes import NO_RUN
from ..runner_visits import Visit
from ..studio import Studio
from .data_views import Changed, Part, Table, differing, parts_of, table_of
from .html import path
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


@dataclass(frozen=True)
class Shown:
    """One value as shown: `kind` is missing, null, empty, plain, text or json.

    `changed` are the places where it differs from the run before, None where there is nothing to compare.
    """

    pin: str
    kind: str
    text: str = ""
    about: str = ""
    is_more: bool = False
    table: Table | None = None
    parts: tuple[Part, ...] = ()
    changed: tuple[Changed, ...] | None = None


@dataclass(frozen=True)
class Window:
    """A part of a large value's text. `next` is where the rest begins, None at the end."""

    text: str
    start: int
    total: int
    next: int | None


def sign_of(visit: Visit) -> Sign:
    """Return how the state of a visit is shown."""
    if visit.is_pinned and visit.state == "done":
        return SIGNS["pinned"]
    return _STATES.get(visit.state, SIGNS["running"])


def background_words(studio: Studio, flow_id: str, chosen: str) -> dict[str, Json]:
    """Return the picker of the run whose values are shown."""
    run_id = studio.stories.background(flow_id, chosen)
    runs = [{**row, "sign": state(row["status"], row["paused"])} for row in studio.stories.offered(flow_id)]
    known = {row["run_id"] for row in runs}
    picked = chosen if chosen == NO_RUN or chosen in known else ""
    return {"run_id": run_id, "runs": runs, "picked": picked, "no_run": NO_RUN}


def data_words(
    studio: Studio, kind: NodeType, node: Mapping[str, Json], flow_id: str, run_id: str | None, at: int
) -> dict[str, Json]:
    """Return what came in and out of a node in a run: of the last visit, or the one at this place (from 1).

    The last visit is compared with the last one in the run before.
    """
    node_id = str(node.get("id") or "")
    story = studio.stories.story(run_id) if run_id else None
    visits = story.of(node_id) if story else []
    if not visits:
        is_cut = bool(story and story.is_cut)
        return {"visit": None, "visits": [], "count": 0, "is_cut": is_cut, "is_step": kind.is_exec}
    place = at if 1 <= at <= len(visits) else len(visits)
    visit = visits[place - 1]
    data = node.get("data")
    inputs, outputs = pins_of(kind, data if isinstance(data, Mapping) else {})
    is_last = place == len(visits) and not visit.is_value
    before, old = run_before(studio, flow_id, run_id or "", node_id) if place == len(visits) else (None, None)
    named = [pin.id for pin in outputs if not pin.is_exec]
    came = _values([pin.id for pin in inputs if not pin.is_exec], visit.inputs, False)
    gave = _values(named, visit.outputs, is_last)
    return {
        "visit": visit,
        "sign": sign_of(visit),
        "place": place,
        "visits": visits,
        "count": story.counts.get(node_id, 0) if story else 0,
        "came": _viewed(came, visit.inputs, old.inputs if old else None),
        "gave": _viewed(gave, visit.outputs, old.outputs if old else None),
        "run_before": before,
        "step_in": step_in(studio, flow_id, run_id or "", node_id, visit),
        "out_pins": frozenset(named),
        "is_cut": bool(story and story.is_cut),
        "computed": frozenset(expressions_of(data)) if isinstance(data, Mapping) else frozenset(),
        "reader": _title(studio, flow_id, visit.read_by),
    }


def _title(studio: Studio, flow_id: str, node_id: str) -> str:
    """Return what a node is called in the library's flow, or its id where it is not in it."""
    try:
        found = nodes_of(studio.library.get(flow_id)[0]).get(node_id)
    except FlowNotFound:
        found = None
    return title_of(found) if found else node_id


def step_in(studio: Studio, flow_id: str, run_id: str, node_id: str, visit: Visit) -> str:
    """Return the address of the call that a visit made of another flow, with the way back; empty for none."""
    called = visit.outputs.get("sub_run_id")
    if not isinstance(called, str) or not called:
        return ""
    try:
        inner = studio.reader.flow_of(called)
    except RunNotFound:
        return ""  # it was cleared away
    way = urlencode({"via": json.dumps([flow_id, node_id, run_id]), "run": called})
    return f"/flows/{path(inner)}?{way}"


def run_before(
    studio: Studio, flow_id: str, run_id: str, node_id: str
) -> tuple[Mapping[str, Json] | None, Visit | None]:
    """Return the run before this one that came to the node, and its last visit; of short runs, the nearest five."""
    rows = studio.stories.offered(flow_id)
    at = next((place for place, row in enumerate(rows) if row["run_id"] == run_id), len(rows))
    for row in rows[at + 1 : at + 1 + LOOKED_BACK]:
        story = studio.stories.glance(row["run_id"])
        if story is not None and (visits := story.of(node_id)):
            return row, visits[-1]
    return None, None


def _viewed(shown: list[Shown], values: Mapping[str, Json], before: Mapping[str, Json] | None) -> list[Shown]:
    """Add to values how else they are looked at, and what differs from before."""
    return [
        replace(
            each,
            table=table_of(values.get(each.pin)),
            parts=tuple(parts_of(each.pin, values.get(each.pin))),
            changed=None if before is None else tuple(differing(each.pin, before, values)),
        )
        for each in shown
    ]


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


def last_inputs(studio: Studio, node_id: str, run_id: str | None) -> dict[str, str]:
    """Return what a node's inputs were in the last visit of a run, each in one short line."""
    story = studio.stories.glance(run_id) if run_id else None
    visits = story.of(node_id) if story is not None else []
    return {pin: brief(value) for pin, value in (visits[-1].inputs if visits else {}).items()}


def brief(value: Json) -> str:
    """Write a value in one short line; an empty text is told by its quotes."""
    text = value if isinstance(value, str) and value.strip() else json.dumps(value, ensure_ascii=False)
    line = " ".join(text[: SHORT * 4].split())
    return line if len(line) <= SHORT else f"{line[: SHORT - 1]}…"


def window(value: Json, start: int) -> Window:
    """Return the part of a value's text that begins here."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2, default=str)
    start = min(max(start, 0), len(text))
    end = min(start + WINDOW, len(text))
    return Window(text[start:end], start, len(text), end if end < len(text) else None)


def _values(pins: list[str], given: Mapping[str, Json], is_kept: bool) -> list[Shown]:
    names = [*pins, *(name for name in given if name not in pins)]
    return [_shown(pin, given[pin], is_kept) if pin in given else Shown(pin, "missing") for pin in names]


def _shown(pin: str, value: Json, is_kept: bool) -> Shown:
    if value is None:
        return Shown(pin, "null", "null")
    if value == "" and isinstance(value, str):
        return Shown(pin, "empty", "", "text")
    is_more = is_kept and is_clipped(value)
    if isinstance(value, str):
        kind = "plain" if len(value) <= SHORT and "\n" not in value else "text"
        return Shown(pin, kind, value, "text", is_more)
    if isinstance(value, list | dict):
        about = f"list of {_count(value):,}" if isinstance(value, list) else f"object of {_count(value):,}"
        text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
        return Shown(
            pin,
            "plain" if len(text) <= 40 else "json",
            text if len(text) > 40 else json.dumps(value, ensure_ascii=False),
            about,
            is_more,
        )
    return Shown(
        pin, "plain", json.dumps(value), "number" if not isinstance(value, bool) else "true or false"
    )


def _count(value: list[Json] | dict[str, Json]) -> int:
    """Return how many parts a value had before its record was cut (see `visualflow_compiler.clip`)."""
    told = value.get("…") if isinstance(value, dict) else value[-1] if value else None
    more = _MORE.match(told) if isinstance(told, str) else None
    return len(value) - 1 + int((more[1] or more[2]).replace(",", "")) if more else len(value)


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
