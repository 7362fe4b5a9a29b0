"""Two runs of a flow, step by step: what was the same, what gave something else, what only one of them came to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from ..runner_nodes import Story
from ..runner_visits import Visit
from ..studio import Studio, TheStudio
from .html import render
from .marked import Piece, Pieces, marked
from .passing import RUN_IDS, LeftOut, compared_outputs
from .runs import node_words
from .steps import NodeWords

router = APIRouter()
Json = Any
MOST_STEPS = 2_000  # of each run; what is beyond is not compared
MOST_MARKED = 300  # values that are marked word by word; those beyond are shown whole
MOST_LEFT_OUT = 20  # values left out that are named


@dataclass(frozen=True)
class Difference:
    """A value that differs: its output, and what it was on either side, in pieces; None where there was none."""

    pin: str
    left: Pieces | None
    right: Pieces | None


@dataclass(frozen=True)
class Row:
    """A step of either run, or of both. `state` is same, different, left or right."""

    node_id: str
    words: NodeWords
    visit: int
    state: str
    differences: tuple[Difference, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    is_first: bool = False  # of those that are not the same


@dataclass
class Comparison:
    """The rows of two runs in their order. `is_cut`: there are more steps than are told."""

    rows: list[Row] = field(default_factory=list)
    is_cut: bool = False

    @property
    def counts(self) -> dict[str, int]:
        """Return how many steps there are of each state."""
        states = [row.state for row in self.rows]
        return {each: states.count(each) for each in ("same", "different", "left", "right")}

    @property
    def left_out(self) -> dict[str, str]:
        """Return what was left out of the comparison, by step and path, with its rule."""
        return {f"{row.words.label}: {each.path}": each.rule for row in self.rows for each in row.left_out}


@router.get("/runs/{run_id}/compare/{other}")
@router.get("/runs/{run_id}/compare")
def show_comparison(
    request: Request, studio: TheStudio, run_id: str, to: str = "", other: str = ""
) -> HTMLResponse:
    """Compare a run with another one: if none is named a fork with its parent, others with the run before."""
    right = studio.reader.row(studio.reader.state(run_id))
    offered = [row for row in studio.stories.offered(right["flow_id"]) if row["run_id"] != run_id]
    first = other or to or _usual(studio, right, offered)
    if not first:
        return render(request, "compare_none.html", run=right)
    left = studio.reader.row(studio.reader.state(first))
    found = compared(studio, first, run_id)
    left_out = [*found.left_out.items()]
    return render(
        request,
        "side_by_side.html",
        left=left,
        right=right,
        offered=[row for row in offered if row["run_id"] != first],
        found=found,
        versions=_versions(studio, left, right),
        left_out=left_out[:MOST_LEFT_OUT],
        more_left_out=max(0, len(left_out) - MOST_LEFT_OUT),
        run_ids=RUN_IDS,
    )


def compared(studio: Studio, left_id: str, right_id: str) -> Comparison:
    """Return the steps of two runs side by side, in their order."""
    stories = [studio.stories.story(each) for each in (left_id, right_id)]
    left, right = ([*_steps(each)] for each in stories)
    names = [node_words(studio, studio.reader.state(each).workflow_id) for each in (left_id, right_id)]
    found = Comparison(is_cut=any(each.is_cut for each in stories) or max(len(left), len(right)) > MOST_STEPS)
    left, right = left[:MOST_STEPS], right[:MOST_STEPS]
    keys = [[(step.node_id, step.number) for step in steps] for steps in (left, right)]
    for kind, start, end, begin, stop in SequenceMatcher(
        None, keys[0], keys[1], autojunk=False
    ).get_opcodes():
        if kind == "equal":
            for one, other in zip(left[start:end], right[begin:stop], strict=True):
                found.rows.append(_row(names[1](one.node_id), one, other))
            continue
        for step in left[start:end]:
            found.rows.append(Row(step.node_id, names[0](step.node_id), step.number, "left", _only(step, 0)))
        for step in right[begin:stop]:
            found.rows.append(Row(step.node_id, names[1](step.node_id), step.number, "right", _only(step, 1)))
    first = next((at for at, row in enumerate(found.rows) if row.state != "same"), None)
    if first is not None:
        found.rows[first] = replace(found.rows[first], is_first=True)
    _mark(found.rows)
    return found


def _usual(studio: Studio, right: Mapping[str, Json], offered: list[dict[str, Json]]) -> str:
    """Return what a run is compared with where nobody says it, "" where there is nothing."""
    origin = studio.reader.origins.of(right["run_id"])
    if origin is not None:
        return origin.run_id
    runs = [row for row in offered if not row["recording"]] or offered
    before = [row for row in runs if str(row["created_at"]) < str(right["created_at"])] or runs
    return str(before[0]["run_id"]) if before else ""


def _versions(studio: Studio, left: Mapping[str, Json], right: Mapping[str, Json]) -> dict[str, Json] | None:
    """Return which versions two runs executed where these are not the same; None where they are."""
    ids = (left["run_id"], right["run_id"])
    if len({studio.reader.workflow_of(each) for each in ids}) == 1:
        return None
    numbers = [studio.versions.of_run(each) for each in ids]
    is_one_flow = left["flow_id"] == right["flow_id"]
    address = ""
    if is_one_flow and None not in numbers and numbers[0] != numbers[1]:
        address = f"{numbers[0]}..{numbers[1]}"
    return {"left": numbers[0], "right": numbers[1], "is_one_flow": is_one_flow, "span": address}


def _steps(story: Story) -> Iterable[Visit]:
    """Yield the steps of a run in their order, without the values that they read."""
    visits = [visit for each in story.visits.values() for visit in each if not visit.is_value]
    return sorted(visits, key=lambda visit: visit.position)


def _row(words: NodeWords, one: Visit, other: Visit) -> Row:
    pins, left_out = compared_outputs(one, other)
    left, right = ({**each.outputs, **_more(each)} for each in (one, other))
    pins += [name for name in {**_more(one), **_more(other)} if left.get(name) != right.get(name)]
    found = tuple(
        Difference(pin, *(_whole(side[pin]) if pin in side else None for side in (left, right)))
        for pin in pins
    )
    state = "different" if found else "same"
    return Row(one.node_id, words, one.number, state, found, tuple(left_out))


def _more(visit: Visit) -> dict[str, Json]:
    """Return what else there is to compare of a step: where it left, why it failed, that it is not over."""
    ways = {"left by": visit.exit} if visit.exit and visit.exit != "exec-out" else {}
    standing = {"state": visit.state} if visit.state in ("running", "waiting") else {}
    return {**ways, **({"error": visit.error} if visit.error else {}), **standing}


def _only(visit: Visit, side: int) -> tuple[Difference, ...]:
    told = {pin: value for pin, value in visit.outputs.items() if pin not in RUN_IDS} | _more(visit)
    shown = [(pin, _whole(value)) for pin, value in told.items()]
    return tuple(Difference(pin, *((None, value) if side else (value, None))) for pin, value in shown)


def _whole(value: Json) -> Pieces:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)
    return (Piece(text if len(text) <= 2_000 else f"{text[:2_000]} …"),)


def _mark(rows: list[Row]) -> None:
    """Mark within the first values that differ what differs in them."""
    left = MOST_MARKED
    for at, row in enumerate(rows):
        pairs = [each for each in row.differences if each.left and each.right]
        if row.state != "different" or not pairs or left <= 0:
            continue
        left -= len(pairs)
        found = [
            Difference(each.pin, *marked(each.left[0].text, each.right[0].text))
            if each.left and each.right
            else each
            for each in row.differences
        ]
        rows[at] = replace(row, differences=tuple(found))
