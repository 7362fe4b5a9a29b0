"""The data tab of a node: what came in, the settings it was executed with, and what came out, of one visit of a run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from abstractruntime.core.errors import RunNotFound
from abstractruntime.nodes.define import NodeType
from abstractruntime.nodes.pins import pins_of
from abstractruntime.visualflow_compiler.expressions import expressions_of
from abstractruntime.visualflow_compiler.program import Op

from ..library import FlowNotFound
from ..library_compare import nodes_of, title_of
from ..runner_nodes import Story
from ..runner_pins import NoOutputs, outputs_of
from ..runner_visits import Try, Visit
from ..studio import Studio
from .against import NOTHING, others, run_before, visit_of
from .data_values import VIEWS, Shown, values_of, viewed
from .data_views import changes_of
from .html import path
from .node_settings import settings_used
from .node_tabs import sign_of, sign_of_state
from .recomputed import NOW, recomputed
from .visit_strip import strip_of
from .words import moment

Json = Any


@dataclass(frozen=True)
class Looked:
    """What is looked at: which visit (from 1, 0: the last), which attempt of it (0: the last), compared with what, and by
    "in name" and "out name" in which views; as the run stood at which position of its story (0: as it is now)."""

    at: int = 0
    attempt: int = 0
    against: str = ""
    views: Mapping[str, str] = field(default_factory=dict)
    upto: int = 0


@dataclass(frozen=True)
class Compared:
    """What values are compared with: its key in the list, its words, what came in and out there, or why there is nothing."""

    key: str = ""
    words: str = ""
    came: Mapping[str, Json] | None = None
    gave: Mapping[str, Json] | None = None
    reason: str = ""


def data_words(
    studio: Studio,
    kind: NodeType,
    node: Mapping[str, Json],
    flow_id: str,
    run_id: str | None,
    looked: Looked,
) -> dict[str, Json]:
    """Return what the tab shows of a node in a run: of the last visit, or of the one that is looked at."""
    node_id = str(node.get("id") or "")
    story = studio.stories.story(run_id) if run_id else None
    every = story.of(node_id) if story else []
    visits = studio.stories.visits(run_id, node_id, looked.upto) if run_id else []
    instant = {"instant": instant_of(story, looked.upto), "later": len(every) - len(visits)}
    if story is None or run_id is None or not visits:
        is_cut = bool(story and story.is_cut)
        return {"visit": None, "is_cut": is_cut, "is_step": kind.is_exec, **instant}
    place = looked.at if 1 <= looked.at <= len(visits) else len(visits)
    visit, count = visits[place - 1], len(visits)
    is_last = place == len(every) and visit is every[-1]
    data = node.get("data")
    data = data if isinstance(data, Mapping) else {}
    op = studio.stories.op(run_id, node_id)
    compared = _compared(studio, flow_id, run_id, node_id, visit, place, count, looked.against)
    made, usual = settings_used(kind, op, data) if op is not None else ([], [])
    return {
        "visit": visit,
        "sign": sign_of(visit),
        "sign_of_state": sign_of_state,
        "place": place,
        "strip": strip_of(visits, place, _before(studio, story, every[0], looked.upto))
        if count > 1
        else None,
        **instant,
        "view_words": VIEWS,
        **_sides(studio, kind, data, op, run_id, visit, is_last, compared, looked),
        "made": made,
        "usual": usual,
        "has_program": op is not None,
        "compared": compared,
        "others": others(studio, flow_id, run_id, place),
        "nothing": NOTHING,
        "step_in": step_in(studio, flow_id, run_id, node_id, visit),
        "is_cut": story.is_cut,
        "computed": frozenset(expressions_of(data)),
        "reader": _title(studio, flow_id, visit.read_by),
    }


def _before(studio: Studio, story: Story, first: Visit, upto: int) -> int | None:
    """Return the entry of a run before a node's first visit, None where a fork cannot begin there or nobody asks for one."""
    if upto or not studio.reader.state(story.run_id).status.is_over:
        return None
    if not story.entries or first.position < story.entries[0].position:
        return None  # the visit is one of a parent's
    entry = story.entry(first.position - 1)
    return entry.seq if entry else 0


def instant_of(story: Story | None, upto: int) -> dict[str, Json] | None:
    """Return at which entry a run is looked at, of how many; None for the run as it is now."""
    entry = story.entry(upto) if story is not None and upto else None
    if story is None or entry is None:
        return None
    return {"seq": entry.seq, "total": story.entries[-1].seq, "at": entry.at}


def _sides(
    studio: Studio,
    kind: NodeType,
    data: Mapping[str, Json],
    op: Op | None,
    run_id: str,
    visit: Visit,
    is_last: bool,
    compared: Compared,
    looked: Looked,
) -> dict[str, Json]:
    """Return what came in and out, and of an effect that was tried several times the attempt looked at."""
    inputs, outputs = pins_of(kind, data)
    settled = {pin for pin in op.defaults if pin not in op.fed} if op is not None else set()
    again, reasons = recomputed(studio, run_id, visit, op) if op is not None else ({}, {})
    came_in = {pin: value for pin, value in {**visit.inputs, **again}.items() if pin not in settled}
    how = reasons | dict.fromkeys(again, NOW)
    pins = [pin.id for pin in inputs if not pin.is_exec and pin.id not in settled]
    named = [pin.id for pin in outputs if not pin.is_exec]
    tries = [visit.tries[number] for number in sorted(visit.tries)]
    tried = next((each for each in tries if each.number == looked.attempt), tries[-1] if tries else None)
    is_early = bool(tried and tried is not tries[-1])
    gave, names = (_answer(tried), []) if tried and is_early else (visit.outputs, named)
    kept = is_last and not visit.is_value and not is_early
    is_shaped = (
        kept and "schema" in looked.views.values()
    )  # the run itself is read only where it is looked at
    whole = outputs_of(studio.stories, run_id, visit)[0] if is_shaped else gave
    node_id = visit.node_id
    is_step = is_last and not visit.is_value
    came = values_of(
        pins, came_in, lambda pin: is_step and studio.stories.source(run_id, node_id, pin) is not None
    )
    came = [replace(each, how=how.get(each.pin, "")) for each in came]
    told = values_of(names, gave, lambda pin: kept)
    old = None if is_early else compared.gave
    return {
        "came": _viewed("in", came, came_in, compared.came, looked.views, came_in),
        "gave": _viewed("out", told, gave, old, looked.views, whole),
        "tries": tries,
        "tried": tried,
        "is_early": is_early,
        "tried_changes": _since(tries, tried),
        "out_pins": frozenset(() if is_early else named),
    }


def _viewed(
    side: str,
    shown: list[Shown],
    values: Mapping[str, Json],
    before: Mapping[str, Json] | None,
    views: Mapping[str, str],
    whole: Mapping[str, Json],
) -> list[Shown]:
    """Add to values how else they are looked at, and what differs from before."""
    return [
        viewed(
            each,
            values,
            before,
            views.get(f"{side} {each.pin}", ""),
            whole.get(each.pin, values.get(each.pin)),
        )
        for each in shown
    ]


def _answer(tried: Try) -> dict[str, Json]:
    """Return what came of an attempt."""
    told = {"error": tried.error} if tried.error else {}
    return told if tried.answer is None else {**told, "answer": tried.answer}


def _since(tries: list[Try], tried: Try | None) -> list[Json]:
    """Return what differs between an attempt and the one before."""
    place = tries.index(tried) if tried in tries else 0
    if tried is None or place < 1:
        return []
    one, other = ({**_answer(each), "state": each.state} for each in (tries[place - 1], tried))
    return [*changes_of("attempt", one, other)]


def _compared(
    studio: Studio,
    flow_id: str,
    run_id: str,
    node_id: str,
    visit: Visit,
    named: int,
    count: int,
    against: str,
) -> Compared:
    """Return what a visit is compared with: what was chosen, else the last visit with that of the run before."""
    if against == NOTHING:
        return Compared(NOTHING)
    if not against:
        row, old = run_before(studio, flow_id, run_id, node_id) if named == count else (None, None)
        if row is None or old is None:
            return Compared()
        words = f"the run of {moment(row['created_at'])}"
        return Compared("", words, old.inputs, old.outputs)
    found = {each.key: each for each in others(studio, flow_id, run_id, named)}.get(against)
    if found is None:
        return Compared()
    try:
        _, old = visit_of(studio, flow_id, run_id, against, node_id, named)
    except NoOutputs as error:
        return Compared(against, found.short, reason=str(error))
    return Compared(against, found.short, old.inputs, old.outputs)


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
