"""What an author has left unsaid: how long a question may wait, for whom it is, what a step is called.

None of it keeps a flow from running, and most small flows leave it out, so each is told once for the whole flow, as a
note that names the nodes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ..core.models import EffectType
from ..nodes.authored import setting
from ..nodes.deadlines import ON_TIMEOUT, STAGES, UNIT, is_chosen
from ..nodes.people import ASSIGNEE
from .graph import Graph, Placed
from .policies import effects_of
from .problem import Problem, fix

_SHOWN = 5
_DAYS = 7


def unsaid(graph: Graph) -> Iterator[Problem]:
    """Yield at most one note each on deadlines, people and names."""
    steps = [
        placed
        for node_id in graph.reachable
        if (placed := graph.nodes[node_id]).kind is not None and placed.kind.asks
    ]
    questions = [placed for placed in steps if _is_question(placed)]
    yield from _for_ever(questions)
    yield from _for_nobody(questions)
    yield from _namesakes(steps)


def _is_question(placed: Placed) -> bool:
    kind = placed.kind
    return (
        kind is not None
        and EffectType.ASK_USER.value in effects_of(kind)
        and ON_TIMEOUT.path in {each.path for each in kind.fields}
    )


def _for_ever(questions: Sequence[Placed]) -> Iterator[Problem]:
    """Yield a note where questions wait for ever, and nobody has said that they may."""
    found = [placed for placed in questions if not is_chosen(placed.node.data)]
    if not found:
        return
    text = (
        f"No deadline is chosen: {_named(found)}. Until somebody answers, a run stands there for ever. Give each a "
        "deadline, or choose “wait” as its deadline to say that it may."
    )
    changes = [
        {"op": "set", "node": placed.node.id, "path": path, "value": value}
        for placed in found
        for path, value in (
            (ON_TIMEOUT.path, "stop"),
            ("pinDefaults.deadline", _DAYS),
            (UNIT.path, "days"),
        )
    ]
    label = f"Let {'it' if len(found) == 1 else 'each'} fail after {_DAYS} days"
    yield Problem("risk", "ask.no_deadline", text, found[0].node.id, ON_TIMEOUT.path, fix(label, *changes))


def _for_nobody(questions: Sequence[Placed]) -> Iterator[Problem]:
    """Yield a risk where a question is for nobody by name, and others of the flow, or its reminders, are for somebody."""
    named = [placed for placed in questions if _is_said(placed, ASSIGNEE)]
    found = [
        placed
        for placed in questions
        if not _is_said(placed, ASSIGNEE) and (named or any(_is_said(placed, each.path) for each in STAGES))
    ]
    if not found:
        return
    why = "while others of this flow are for somebody" if named else "and to be reminded or passed on"
    text = (
        f"For nobody by name, {why}: {_named(found)}. It stands in the inbox for everybody. Say for whom it is, also "
        "where that is “everybody”."
    )
    yield Problem("risk", "ask.no_assignee", text, found[0].node.id, ASSIGNEE)


def _is_said(placed: Placed, path: str) -> bool:
    value = setting(placed.node.data, path, None)
    return bool(value.strip() if isinstance(value, str) else value)


def _namesakes(steps: Sequence[Placed]) -> Iterator[Problem]:
    """Yield a note where several steps that ask something of the world are called by nothing but their type."""
    plain = [placed for placed in steps if _is_plain(placed)]
    counts = Counter(placed.node.type for placed in plain)
    found = [placed for placed in plain if counts[placed.node.type] > 1]
    if not found:
        return
    kinds = {placed.node.type: placed.kind.label for placed in found if placed.kind is not None}
    each = ", ".join(f"{counts[name]} × {label}" for name, label in kinds.items())
    text = (
        f"Steps have no name but their type ({each}), so that a run and the inbox cannot tell which is which. "
        f"Say what each does: {_named(found)}."
    )
    yield Problem("note", "node.no_label", text, found[0].node.id, "label")


def _is_plain(placed: Placed) -> bool:
    """Whether a step is called as the editors call a new one."""
    label = placed.node.label.casefold().replace("_", " ")
    usual = (placed.kind.label, placed.kind.name) if placed.kind is not None else ()
    return label in {each.casefold().replace("_", " ") for each in usual}


def _named(found: Sequence[Placed]) -> str:
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return ", ".join(placed.name for placed in found[:_SHOWN]) + more
