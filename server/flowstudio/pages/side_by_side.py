"""Two runs of a flow, step by step: what was the same, what gave something else, what only one of them came to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from abstractruntime.core.errors import Conflict

from ..runner_nodes import Story
from ..runner_visits import Visit
from ..studio import Studio, TheStudio
from .html import render
from .runs import node_words
from .steps import NodeWords

router = APIRouter()
Json = Any
MOST_STEPS = 2_000  # of each run; what is beyond is not compared
IGNORED = ("sub_run_id",)  # outputs that are never the same in two runs


@dataclass(frozen=True)
class Difference:
    """A value that differs: its output, and what it was on either side; None where there was none."""

    pin: str
    left: str | None
    right: str | None


@dataclass(frozen=True)
class Row:
    """A step of either run, or of both. `state` is same, different, left or right."""

    words: NodeWords
    visit: int
    state: str
    differences: tuple[Difference, ...] = ()
    is_first: bool = False  # of those that are not the same


@router.get("/runs/{run_id}/compare")
def show_comparison(request: Request, studio: TheStudio, run_id: str, to: str = "") -> HTMLResponse:
    """Compare a run with another one, a fork with its parent if none is named."""
    origin = studio.reader.origins.of(run_id)
    other = to or (origin.run_id if origin is not None else "")
    if not other:
        raise Conflict("Say with which run to compare this one: it is no fork, so it has no parent.")
    left, right = (studio.reader.row(studio.reader.state(each)) for each in (other, run_id))
    rows, is_cut = compared(studio, other, run_id)
    counts = {
        state: sum(row.state == state for row in rows) for state in ("same", "different", "left", "right")
    }
    return render(
        request,
        "side_by_side.html",
        left=left,
        right=right,
        rows=rows,
        counts=counts,
        is_cut=is_cut,
        ignored=IGNORED,
    )


def compared(studio: Studio, left_id: str, right_id: str) -> tuple[list[Row], bool]:
    """Return the steps of two runs side by side, in their order, and whether there are more than are told."""
    stories = [studio.stories.story(each) for each in (left_id, right_id)]
    left, right = ([*_steps(each)] for each in stories)
    names = node_words(studio, studio.reader.state(right_id).workflow_id)
    rows: list[Row] = []
    keys = [[(step.node_id, step.number) for step in steps[:MOST_STEPS]] for steps in (left, right)]
    for _, start, end, begin, stop in SequenceMatcher(None, keys[0], keys[1], autojunk=False).get_opcodes():
        if end - start == stop - begin and keys[0][start:end] == keys[1][begin:stop]:
            for one, other in zip(left[start:end], right[begin:stop], strict=True):
                found = tuple(_differences(one, other))
                rows.append(Row(names(one.node_id), one.number, "different" if found else "same", found))
            continue
        rows += [
            Row(names(step.node_id), step.number, "left", tuple(_only(step, 0))) for step in left[start:end]
        ]
        rows += [
            Row(names(step.node_id), step.number, "right", tuple(_only(step, 1)))
            for step in right[begin:stop]
        ]
    first = next((index for index, row in enumerate(rows) if row.state != "same"), None)
    if first is not None:
        row = rows[first]
        rows[first] = Row(row.words, row.visit, row.state, row.differences, True)
    return rows, any(each.is_cut for each in stories) or max(len(left), len(right)) > MOST_STEPS


def _steps(story: Story) -> Iterable[Visit]:
    """Yield the steps of a run in their order, without the values that they read."""
    visits = [visit for each in story.visits.values() for visit in each if not visit.is_value]
    return sorted(visits, key=lambda visit: visit.position)


def _told(visit: Visit) -> Mapping[str, Json]:
    """Return what there is to compare of a step: what it gave, where it left, and why it failed."""
    told = {pin: value for pin, value in visit.outputs.items() if pin not in IGNORED}
    ways = {"left by": visit.exit} if visit.exit and visit.exit != "exec-out" else {}
    return {**told, **ways, **({"error": visit.error} if visit.error else {}), **_standing(visit)}


def _standing(visit: Visit) -> dict[str, Json]:
    return {"state": visit.state} if visit.state in ("running", "waiting") else {}


def _differences(one: Visit, other: Visit) -> Iterable[Difference]:
    left, right = _told(one), _told(other)
    for pin in dict.fromkeys((*left, *right)):
        if pin not in left or pin not in right or left[pin] != right[pin]:
            yield Difference(pin, *(_shown(side[pin]) if pin in side else None for side in (left, right)))


def _only(visit: Visit, side: int) -> Iterable[Difference]:
    for pin, value in _told(visit).items():
        shown = _shown(value)
        yield Difference(pin, shown if side == 0 else None, shown if side == 1 else None)


def _shown(value: Json) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)
    return text if len(text) <= 2_000 else f"{text[:2_000]} …"
