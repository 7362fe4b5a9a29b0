"""Judges a play of a test: what was expected, what came, and where the two part.

The first difference is the one that explains the most: a request or a wait that the recording does not answer, then
a failure of the run, then the way, then what the run gave.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .leaves import ABSENT, others, said
from .reading import Deeds, Way
from .recording import Player
from .replay import Played

Json = Any
CHECKS = ("way", "outputs", "files", "effects")
MOST = 50


@dataclass(frozen=True)
class Parting:
    """One difference: what it is about (`kind`), where, and both sides in words.

    `path` is what one may leave out to have it ignored; empty where that makes no sense.
    """

    kind: str
    words: str
    flow: str = ""
    node_id: str = ""
    label: str = ""
    path: str = ""
    expected: str = ""
    found: str = ""

    def to_json(self) -> dict[str, Json]:
        """Return it as plain JSON."""
        return dict(vars(self))


Labels = Callable[[str, str], str]


def judge(
    expected: Deeds,
    found: Deeds,
    played: Played,
    player: Player,
    *,
    checks: Iterable[str],
    left_out: Iterable[str],
    labels: Labels,
) -> list[Parting]:
    """Return what differs, what explains the most first."""
    wanted, without = frozenset(checks), tuple(left_out)
    told = [*_unanswered(played, player, labels)]
    told += _ended(expected, found, played, without, labels)
    if "way" in wanted:
        told += _ways(expected, found, labels)
    if "outputs" in wanted:
        told += _given(expected, found, without, labels)
    if "files" in wanted:
        told += _lists("files", expected.files, found.files, without, labels)
    if "effects" in wanted:
        told += _counts(expected, found, player, without, labels)
    return told[:MOST]


def _unanswered(played: Played, player: Player, labels: Labels) -> Iterator[Parting]:
    for miss in player.misses:
        place, first = miss.place, next(iter(miss.differs), None)
        path = f"{miss.type}.{first.path}" if first is not None and len(miss.differs) == 1 else ""
        yield Parting(
            "request",
            miss.words,
            place.flow,
            place.node_id,
            labels(place.flow, place.node_id),
            path,
            said(first.before) if first is not None else "",
            said(first.after) if first is not None else "",
        )
    if played.stuck is not None:
        place = played.stuck.place
        label = labels(place.flow, place.node_id)
        yield Parting("wait", played.stuck.words, place.flow, place.node_id, label)


def _ended(
    expected: Deeds, found: Deeds, played: Played, left_out: tuple[str, ...], labels: Labels
) -> Iterator[Parting]:
    if played.stuck is not None:
        return
    node_id = played.root.current_node.removesuffix("~")
    flow = found.ways[0].flow if found.ways else ""
    where = (flow, node_id, labels(flow, node_id)) if found.status == "failed" else ("", "", "")
    if expected.status != found.status:
        why = f": {found.error}" if found.error else ""
        words = f"The run is {found.status} instead of {expected.status}{why}"
        yield Parting("status", words, *where, expected=expected.status, found=found.status)
    elif others(expected.error, found.error, left_out, "error"):
        words = f"It fails for another reason: {found.error}"
        yield Parting("error", words, *where, path="error", expected=expected.error, found=found.error)


def _ways(expected: Deeds, found: Deeds, labels: Labels) -> Iterator[Parting]:
    """Tell where each run leaves the way that was recorded."""
    for before, after in _pairs(expected.ways, found.ways):
        if before is None or after is None:
            way = before or after
            if way is None or not way.visits:
                continue
            words = (
                f"The flow {way.flow} {'runs no more' if after is None else 'runs once more'} in this test."
            )
            yield Parting("way", words, way.flow)
            continue
        one = [(each["node"], each["exit"]) for each in before.visits]
        two = [(each["node"], each["exit"]) for each in after.visits]
        step = next((n for n, pair in enumerate(zip(one, two, strict=False)) if pair[0] != pair[1]), None)
        if step is None and len(one) == len(two):
            continue
        step = min(len(one), len(two)) if step is None else step
        yield _left_way(one, two, step, after.flow, labels)


def _left_way(
    one: list[tuple[str, str]], two: list[tuple[str, str]], step: int, flow: str, labels: Labels
) -> Parting:
    was, now = one[step] if step < len(one) else None, two[step] if step < len(two) else None
    before = f" after “{labels(flow, two[step - 1][0])}”" if 0 < step <= len(two) else ""
    if was is not None and now is not None and was[0] == now[0]:
        label = labels(flow, now[0])
        words = f"Step {step + 1}, “{label}”, leaves by “{now[1]}” instead of “{was[1]}”."
        return Parting("way", words, flow, now[0], label, expected=was[1], found=now[1])
    sides = [("the end" if each is None else f"“{labels(flow, each[0])}”") for each in (was, now)]
    node_id = now[0] if now is not None else (two[-1][0] if two else "")
    words = f"Step {step + 1}{before} is {sides[1]} instead of {sides[0]}."
    return Parting(
        "way", words, flow, node_id, labels(flow, node_id) if node_id else "", "", sides[0], sides[1]
    )


def _pairs(before: Iterable[Way], after: Iterable[Way]) -> Iterator[tuple[Way | None, Way | None]]:
    """Pair the runs of both sides: the same run, else the next one of the same flow."""
    left = list(after)
    for way in before:
        same = next((each for each in left if each.run_id == way.run_id), None)
        same = same or next((each for each in left if each.flow == way.flow), None)
        if same is not None:
            left.remove(same)
        yield way, same
    for way in left:
        yield None, way


def _given(expected: Deeds, found: Deeds, left_out: tuple[str, ...], labels: Labels) -> Iterator[Parting]:
    """Tell what the run gave and said otherwise, and the first step from which that may come."""
    seen = [*_lists("messages", expected.messages, found.messages, left_out, labels)]
    given = others(expected.output, found.output, left_out, "output")
    origin = _origin(expected, found, left_out, labels) if given else ("", "", "", "")
    for each in given:
        words = f"`{each.path}` is {said(each.after)} instead of {said(each.before)}."
        yield Parting(
            "output", words + origin[0], *origin[1:], each.path, said(each.before), said(each.after)
        )
    yield from seen


def _origin(
    expected: Deeds, found: Deeds, left_out: tuple[str, ...], labels: Labels
) -> tuple[str, str, str, str]:
    """Return the first step that gave something else, in words, with flow, node and label."""
    for before, after in _pairs(expected.ways, found.ways):
        if before is None or after is None:
            continue
        for one, two in zip(before.visits, after.visits, strict=False):
            if one["node"] != two["node"]:
                break
            gave = others(one.get("gave"), two.get("gave"), left_out, "gave")
            if gave:
                label = labels(after.flow, two["node"])
                told = f" First at “{label}”: {said(gave[0].after)} instead of {said(gave[0].before)}."
                return told, after.flow, two["node"], label
    return "", "", "", ""


def _lists(
    kind: str,
    before: Iterable[Mapping[str, Json]],
    after: Iterable[Mapping[str, Json]],
    left_out: tuple[str, ...],
    labels: Labels,
) -> Iterator[Parting]:
    one, two = list(before), list(after)
    for each in others(one, two, left_out, kind):
        if each.before is ABSENT and not each.path.endswith((".text", ".path")):
            continue
        if each.after is ABSENT and not each.path.endswith((".text", ".path")):
            continue
        words = f"`{each.path}` is {said(each.after)} instead of {said(each.before)}."
        yield Parting(kind, words, path=each.path, expected=said(each.before), found=said(each.after))


def _counts(
    expected: Deeds, found: Deeds, player: Player, left_out: tuple[str, ...], labels: Labels
) -> Iterator[Parting]:
    first = next((each for each in player.unused if each.status == "completed"), None)
    for each in others(dict(expected.effects), dict(found.effects), left_out, "effects"):
        kind = each.path.removeprefix("effects.")
        was, now = (0 if side is ABSENT else side for side in (each.before, each.after))
        words = f"{kind}: {now} of them instead of {was}."
        where = first.place if first is not None and first.type == kind else None
        place = (where.flow, where.node_id, labels(where.flow, where.node_id)) if where else ("", "", "")
        yield Parting("effects", words, *place, each.path, str(was), str(now))
