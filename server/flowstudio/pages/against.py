"""What the values of a visit can be compared with: the visit before, another run, the newest run of another version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..runner_pins import NoOutputs, visit_at
from ..runner_visits import Visit
from ..studio import Studio
from .words import moment, short_run, state

Json = Any
VISIT = "visit"  # stands for the visit before in the list of what to compare with
NOTHING = "none"
VERSION = "version:"
LOOKED_BACK = 5  # runs before one, for a comparison that nobody has asked for


@dataclass(frozen=True)
class Other:
    """One thing to compare with: `key` chooses it, `words` name it in a list, `short` after "Differs from"."""

    key: str
    words: str
    short: str


def others(studio: Studio, flow_id: str, run_id: str, place: int) -> list[Other]:
    """Return what the visit at this place of a run can be compared with, the nearest first."""
    found = [Other(VISIT, "the visit before", "the visit before")] if place > 1 else []
    mine = studio.versions.of_run(run_id)
    newest: dict[int, Other] = {}
    for row in studio.stories.offered(flow_id):
        if row["run_id"] == run_id:
            continue
        when, sign = moment(row["created_at"]), state(row["status"], row["paused"])
        kind = " · recording" if row["recording"] else ""
        words = f"{when} · {sign.word}{kind} · {short_run(row['run_id'])}"
        found.append(Other(row["run_id"], words, f"the run of {when}"))
        version = studio.versions.of_run(row["run_id"])
        if version is not None and version != mine and version not in newest:
            newest[version] = Other(
                f"{VERSION}{version}", f"version {version}, its run of {when}", f"version {version}"
            )
    return [*found, *newest.values()]


def visit_of(
    studio: Studio, flow_id: str, run_id: str, key: str, node_id: str, place: int
) -> tuple[str, Visit]:
    """Return the run and visit that a key of `others` stands for; `place` is that of the visit compared.

    Of another run it is the visit of the same number; for the last one, and where there is none, the last.
    Raises NoOutputs.
    """
    if key == VISIT:
        return run_id, visit_at(studio.stories, run_id, node_id, place - 1)
    other = key
    if key.startswith(VERSION):
        rows = studio.stories.offered(flow_id)
        wanted = key.removeprefix(VERSION)
        ids = (row["run_id"] for row in rows if str(studio.versions.of_run(row["run_id"])) == wanted)
        other = next(ids, "")
    if not other:
        raise NoOutputs("That version has no run any more.")
    is_last = place >= len(studio.stories.story(run_id).of(node_id))
    count = len(studio.stories.story(other).of(node_id))
    return other, visit_at(studio.stories, other, node_id, 0 if is_last or place > count else place)


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
