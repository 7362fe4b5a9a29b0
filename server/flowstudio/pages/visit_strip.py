"""The strip of a node's visits in a run: a page of them, the ways to the others, and to those that failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ..runner_visits import Visit
from .node_tabs import sign_of
from .words import Sign

PAGE = 200


@dataclass(frozen=True)
class Tick:
    """One visit in the strip: its number from 1, its sign, and the visit."""

    number: int
    sign: Sign
    visit: Visit


@dataclass(frozen=True)
class Strip:
    """A page of visits around the one that is shown, `place`. The ways are numbers of visits, 0 where there is none.

    `failed` counts those that failed; `before` is the entry before the first visit, None where no fork could begin there.
    """

    place: int
    count: int
    ticks: tuple[Tick, ...]
    told: str
    earlier: int
    later: int
    failed_before: int
    failed_after: int
    failed: int
    before: int | None

    @property
    def first(self) -> int:
        """The number of the first visit on this page."""
        return self.ticks[0].number

    @property
    def last(self) -> int:
        """The number of the last visit on this page."""
        return self.ticks[-1].number


def strip_of(visits: Sequence[Visit], place: int, before: int | None = None) -> Strip:
    """Return the page of the strip that holds this visit; a visit whose failure the flow has caught has failed too."""
    start = (place - 1) // PAGE * PAGE
    shown = visits[start : start + PAGE]
    failed = [number for number, visit in enumerate(visits, 1) if visit.error]
    words = Counter(sign_of(visit).word.lower() for visit in visits)
    return Strip(
        place=place,
        count=len(visits),
        ticks=tuple(Tick(number, sign_of(visit), visit) for number, visit in enumerate(shown, start + 1)),
        told=" · ".join(f"{number:,} {word}" for word, number in words.most_common()),
        earlier=start,
        later=start + PAGE + 1 if start + PAGE < len(visits) else 0,
        failed_before=max((number for number in failed if number < place), default=0),
        failed_after=min((number for number in failed if number > place), default=0),
        failed=len(failed),
        before=before if failed and not visits[0].is_value else None,
    )
