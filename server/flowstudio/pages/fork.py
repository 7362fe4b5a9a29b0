"""Forking a run: where it begins, what is changed, what becomes of outside effects; a page, and a part of the editor."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from starlette.datastructures import FormData

from abstractruntime.core.errors import Conflict, InvalidFlow
from abstractruntime.core.fork import Effects
from abstractruntime.visualflow_compiler.stops import is_told_by

from ..access import actor_of
from ..library import FlowNotFound
from ..runner_fork import EFFECTS, Instant, Value
from ..runner_mend import SAME, VERSIONS, Course, Version, node_name
from ..studio import Studio, TheStudio
from .form import Posted, go, text
from .html import path, render
from .runs import node_words
from .steps import NodeWords

router = APIRouter()
Json = Any
LONGEST = 20_000  # characters of a value that can be changed in a field
GROUPS = (
    ("input", "Inputs", "What the run began with."),
    ("variable", "Variables", "As they stood at this moment."),
    ("answer", "Answers", "What people and events had answered."),
    ("output", "Outputs of earlier steps", "What later steps read is what stands here."),
)


@dataclass(frozen=True)
class Field:
    """A value as a field of the form: `kind` is text or json, or long for one that is only shown."""

    key: str
    label: str
    kind: str
    text: str
    was: str
    wrong: str = ""


@router.get("/runs/{run_id}/fork")
def show_fork(
    request: Request,
    studio: TheStudio,
    run_id: str,
    seq: int | None = None,
    version: Version = SAME,
    effects: str = "",
) -> HTMLResponse:
    """Ask what a fork of a run at an entry, now if none is named, is to begin with; nothing is executed."""
    said = {"version": version} | ({"effects": _effects(effects)} if effects else {})
    return _page(request, studio, run_id, seq, FormData(said), {})


@router.post("/runs/{run_id}/fork")
def fork(request: Request, studio: TheStudio, form: Posted, run_id: str) -> Response:
    """Start the fork, or show again what of the values cannot be read."""
    said = text(form, "seq")
    seq = int(said) if said.isdecimal() else None
    instant = studio.forks.instant(run_id, seq)
    changes: dict[str, Json] = {}
    wrong: dict[str, str] = {}
    for value in instant.values:
        raw = form.get(f"v:{value.key}")
        if not isinstance(raw, str) or _kind(value) == "long":
            continue
        try:
            now = _read(value, raw.replace("\r\n", "\n"))
        except ValueError as error:
            wrong[value.key] = str(error)
            continue
        if now != value.now or type(now) is not type(value.now):
            changes.update(dict.fromkeys(value.paths, now))
    effects = _effects(text(form, "effects"))
    version = _version(text(form, "version"))
    if wrong or _course(studio, run_id, seq, version)[1]:
        return _page(request, studio, run_id, seq, form, wrong)
    actor, reason = actor_of(request.scope), text(form, "reason")
    new = studio.runner.fork(
        run_id, seq, changes, effects=effects, actor=actor, reason=reason, version=version
    )
    if _is_part(request):
        return Response(status_code=204, headers={"X-Run": new})
    return go(f"/runs/{path(new)}")


def _page(
    request: Request,
    studio: Studio,
    run_id: str,
    seq: int | None,
    form: FormData,
    wrong: Mapping[str, str],
) -> HTMLResponse:
    words: dict[str, Json] = {"run_id": run_id, "seq": seq, "refused": "", "instant": None}
    try:
        instant = studio.forks.instant(run_id, seq)
    except Conflict as refused:
        words["refused"] = str(refused)
    else:
        words |= _words(studio, instant, form, wrong)
    template = "partials/_fork_form.html" if _is_part(request) else "fork.html"
    run = studio.reader.row(studio.reader.state(studio.reader.root_of(run_id)))
    is_refused = bool(words["refused"] or (request.method == "POST" and words.get("misfits")))
    return render(request, template, 422 if wrong else 409 if is_refused else 200, run=run, **words)


def _words(studio: Studio, instant: Instant, form: FormData, wrong: Mapping[str, str]) -> dict[str, Json]:
    """Return the fields of an instant: those that the next step reads first, the others by what they are."""
    names = node_words(studio, instant.workflow_id)
    feeding = studio.forks.feeding(instant)
    first = [_field(each, names, form, wrong) for each in feeding]
    groups = []
    for group, title, hint in GROUPS:
        values = [each for each in instant.values if each.group == group and each not in feeding]
        fields = [_field(each, names, form, wrong) for each in values]
        if fields:
            is_open = any(each.wrong for each in fields) or (not first and group == "input")
            groups.append({"title": title, "hint": hint, "fields": fields, "open": is_open})
    total = len(studio.stores.ledger.list(instant.run_id))
    version = _version(text(form, "version"))
    course, misfits = _course(studio, instant.run_id, instant.seq, version)
    effects = text(form, "effects") or instant.effects
    return {
        "instant": instant,
        "next_label": _called(studio, course, instant),
        "version": version,
        "versions": _offered(studio, instant),
        "misfits": misfits,
        "kept": _kept(studio, instant, course),
        "is_same": course is not None and version != SAME and course.is_same,
        "total": total,
        "first": first,
        "groups": groups,
        "effects": effects,
        "reason": text(form, "reason"),
        "wrong": len(wrong),
    }


def _course(
    studio: Studio, run_id: str, seq: int | None, version: Version
) -> tuple[Course | None, list[str]]:
    """Return how a fork goes on in a version of the flow, and why it cannot, where it cannot."""
    try:
        course = studio.forks.instant(run_id, seq, version).course
    except (FlowNotFound, InvalidFlow, Conflict) as refused:
        return None, [str(refused)]
    return course, course.reasons


def _offered(studio: Studio, instant: Instant) -> list[tuple[str, str, str]]:
    """Return the versions that a fork may go on with: value, name, and what that means."""
    flow_id = studio.programs.flow_id(instant.workflow_id)
    offered: list[tuple[str, str, str]] = [(SAME, "As it began", "The version that this run has.")]
    if any(entry.id == flow_id for entry in studio.library.entries()):
        offered.append(
            ("draft", "The flow as it is now", "With what was mended since, saved and not published.")
        )
        if (number := studio.versions.published(flow_id)) is not None:
            offered.append(
                (
                    "published",
                    f"Published version {number}",
                    "What runs that are started elsewhere begin with.",
                )
            )
    return offered


def _kept(studio: Studio, instant: Instant, course: Course | None) -> dict[str, Json]:
    """Return what a fork takes over and does not do again, by the names of the steps."""
    root = course.fits.get(instant.workflow_id) if course is not None else None
    names = node_words(studio, instant.workflow_id)
    sent = [node_words(studio, workflow)(node.removesuffix("~")).label for workflow, node in instant.sent]
    told = (
        {"changed": [], "gone": []}
        if root is None
        else {
            "changed": [names(node).label for node in root.changed],
            "gone": [names(node).label for node in root.gone],
        }
    )
    records = studio.stores.ledger.list(instant.run_id)[: instant.seq]
    steps = {str(each.get("node_id")).removesuffix("~") for each in records if each.get("node_id")} - {
        instant.next_node
    }
    answers = sum(
        1 for each in records if (each.get("effect") or {}).get("type") == "resume" and not is_told_by(each)
    )
    return {
        **told,
        "steps": [names(node).label for node in steps_in_order(records, steps)],
        "answers": answers,
        "sent": list(dict.fromkeys(sent)),
    }


def steps_in_order(records: list[dict[str, Json]], steps: set[str]) -> list[str]:
    """Return these steps in the order in which control came to them first."""
    came = dict.fromkeys(str(each.get("node_id")).removesuffix("~") for each in records)
    return [node for node in came if node in steps and node != "runtime"]


def _called(studio: Studio, course: Course | None, instant: Instant) -> str:
    """Return how the next step is called, in the version that the fork goes on with."""
    workflow = instant.workflow_id if course is None else course.root
    return node_name(studio.programs, workflow, workflow, instant.next_node)


def _version(said: str) -> Version:
    """Return the version that is asked for: nothing that is known is the one that the run has."""
    return next((known for known in VERSIONS if said == known), SAME)


def _field(
    value: Value, names: Callable[[str], NodeWords], form: FormData, wrong: Mapping[str, str]
) -> Field:
    was = _shown(value.now)
    raw = form.get(f"v:{value.key}")
    said = raw if isinstance(raw, str) else was
    label = f"{names(value.node_id).label} › {value.name}" if value.node_id else value.name
    return Field(value.key, label, _kind(value), said, was, wrong.get(value.key, ""))


def _kind(value: Value) -> str:
    if len(_shown(value.now)) > LONGEST:
        return "long"
    return "text" if isinstance(value.now, str) else "json"


def _shown(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def _read(value: Value, raw: str) -> Json:
    """Read what was typed; raise ValueError that names the place of a mistake."""
    if isinstance(value.now, str):
        return raw
    try:
        return json.loads(raw, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ValueError(f"This is not JSON: {error.msg.lower()}, at {where}.") from None
    except RecursionError:
        raise ValueError("This is not JSON that can be kept: it is nested too deeply.") from None


def _refuse(constant: str) -> Json:
    raise ValueError(f"This is not JSON: {constant} is no number.")


def _effects(said: str) -> Effects:
    """Return what becomes of outside effects: whoever says nothing that is known is asked."""
    for known in EFFECTS:
        if said == known:
            return known
    return "ask"


def _is_part(request: Request) -> bool:
    """Say whether the editor asks, which shows the form beside its canvas."""
    return request.headers.get("HX-Request") == "true"
