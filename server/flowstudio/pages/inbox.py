"""Questions to people: the list of the open ones, one on its own page, and its answer.

The page of a question works without script and stays small, for phones on slow lines. Of two
answers one is recorded; whoever comes late is told who was first and keeps what they typed.
"""

from __future__ import annotations

import json
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse
from starlette.datastructures import FormData

from abstractruntime.integrations.abstractcore.tool_approval import NO, YES
from abstractruntime.visualflow_compiler.stops import is_told_by

from ..access import actor_of
from ..errors import Refused
from ..runner import NotAChoice, PromptAnswered, PromptGone, PromptTimedOut
from ..runner_views import timed_out
from ..studio import Studio, TheStudio
from .form import Posted, go, text, within
from .html import fragment, path, questions, render

router = APIRouter()
Whom = Annotated[str, Query(alias="for", max_length=200)]
LOOKED_AT = 30  # runs that are looked through for answers
ANSWERED = 5
ARGUMENTS = "arguments:"  # what a field with the arguments of a call is named after its id


@router.get("/inbox")
def inbox(request: Request, studio: TheStudio, whom: Whom = "") -> HTMLResponse:
    """Show the open questions, or those for one person or group; without any, what was answered last."""
    listed = _list(studio, whom)
    answered = () if listed["prompts"] else _answered(request, studio)
    return render(request, "inbox.html", digest="", answered=answered, **listed)


@router.get("/inbox/list")
def inbox_list(request: Request, studio: TheStudio, whom: Whom = "") -> Response:
    """Return the list of open questions when it has changed."""
    return fragment(request, "partials/_inbox_list.html", **_list(studio, whom))


def _answered(request: Request, studio: Studio) -> list[dict[str, Any]]:
    """Return the last questions that the reader has answered, of the newest runs; the newest first."""
    found = []
    for row in studio.reader.rows(limit=LOOKED_AT):
        for run in studio.reader.tree(row["run_id"]).runs:
            answer = last_answer(request, studio, run.run_id, stops=False)
            if answer is not None and answer["outcome"] == "answered" and answer["answered_by"] == "you":
                found.append({**answer, "run_id": run.run_id, "flow_name": row["flow_name"]})
    return sorted(found, key=lambda each: str(each["answered_at"]), reverse=True)[:ANSWERED]


def _list(studio: Studio, whom: str) -> dict[str, Any]:
    """Return the open questions for somebody, and for whom there are any."""
    prompts = studio.reader.prompts()
    groups = sorted({*(prompt["assignee"] for prompt in prompts if prompt["assignee"]), whom} - {""})
    shown = [prompt for prompt in prompts if whom in ("", prompt["assignee"])]
    here = f"/inbox?{urlencode({'for': whom})}" if whom else "/inbox"
    return {"prompts": shown, "groups": groups, "whom": whom, "back": here}


@router.get("/inbox/count")
def inbox_count(request: Request, studio: TheStudio, have: str = "") -> Response:
    """Return how many questions are open when the number has changed."""
    count = questions(studio)
    if have == str(count):
        return Response(status_code=204)
    return render(request, "partials/_count.html", inbox_count=count)


@router.get("/inbox/{run_id}")
def question(request: Request, studio: TheStudio, run_id: str, recorded: bool = False) -> HTMLResponse:
    """Show one question, or what became of it."""
    prompt = studio.reader.prompt(run_id)
    if prompt is not None and not recorded:
        return render(request, "prompt.html", prompt=prompt, **_blank_form())
    answer = last_answer(request, studio, run_id)
    outcome = "gone" if answer is None else answer["outcome"]
    if recorded and outcome == "answered":
        outcome = "recorded"
    return _outcome(request, run_id, outcome, answer)


@router.get("/inbox/{run_id}/form")
def form_of_question(request: Request, studio: TheStudio, run_id: str) -> HTMLResponse:
    """Return the form of an open question alone, for a page that shows it among other things."""
    prompt = studio.reader.prompt(run_id)
    if prompt is None:
        raise PromptGone("This question is not open any more.")
    words = {**_blank_form(), "autofocus": False, "heading": "p"}
    return render(request, "partials/_prompt.html", prompt=prompt, **words)


@router.get("/inbox/{run_id}/open")
def still_open(studio: TheStudio, run_id: str, asked_at: str) -> Response:
    """Say whether a question is still open (204) or not (205)."""
    prompt = studio.reader.prompt(run_id)
    return Response(status_code=204 if prompt is not None and prompt["asked_at"] == asked_at else 205)


@router.post("/inbox/{run_id}")
def answer(request: Request, studio: TheStudio, run_id: str, form: Posted) -> Response:
    """Record an answer and go back to where the question was seen."""
    said = text(form, "choice") or text(form, "text")
    is_part = request.headers.get("hx-request") == "true"
    try:
        if not said.strip():
            raise NotAChoice("Type an answer, or choose one.")
        studio.runner.answer(
            run_id,
            text(form, "wait_key") or None,
            _decision(form, said) or said,
            actor=actor_of(request.scope),
            asked_at=text(form, "asked_at") or None,
        )
    except NotAChoice as error:
        prompt = studio.reader.prompt(run_id)
        if is_part or prompt is None:
            raise Refused(422, error.code, str(error)) from None
        words = {**_blank_form(), "wrong": str(error), "text": text(form, "text"), "edited": _edited(form)}
        return render(request, "prompt.html", 422, prompt=prompt, **words)
    except (PromptAnswered, PromptGone, PromptTimedOut) as error:
        if is_part:
            raise
        return _too_late(request, studio, run_id, error, said)
    if is_part:
        return Response(status_code=204)
    return go(within(text(form, "back")) or f"/inbox/{path(run_id)}?recorded=true")


def _decision(form: FormData, said: str) -> dict[str, Any] | None:
    """Return what a person decided of calls of tools, with the arguments that they changed."""
    written = _edited(form)
    if not written:
        return None
    if said.strip().lower() not in YES:
        return {"approved": False, "reason": "" if said.strip().lower() in NO else said}
    edited: dict[str, Any] = {}
    for key, value in written.items():
        try:
            edited[key] = given = json.loads(value)
        except ValueError as error:
            raise NotAChoice(f"The arguments are not JSON: {error}") from None
        if not isinstance(given, dict):
            raise NotAChoice("The arguments of a tool are a JSON object: {...}.")
    return {"approved": True, "arguments": edited}


def _edited(form: FormData) -> dict[str, str]:
    """Return the arguments of calls as they were written, by the ids of the calls."""
    return {
        key.removeprefix(ARGUMENTS): value
        for key, value in form.items()
        if key.startswith(ARGUMENTS) and isinstance(value, str)
    }


def _too_late(
    request: Request,
    studio: Studio,
    run_id: str,
    error: PromptAnswered | PromptGone | PromptTimedOut,
    said: str,
) -> HTMLResponse:
    if isinstance(error, PromptGone):
        return _outcome(request, run_id, "gone", None, status=404, is_late=True, text=said)
    if isinstance(error, PromptTimedOut):
        late = {"answered_at": error.extra["timed_out_at"], "text": ""}
        return _outcome(request, run_id, "timed_out", late, status=409, is_late=True, text=said)
    found = last_answer(request, studio, run_id)
    by, at = error.extra["answered_by"], error.extra["answered_at"]
    who = {"answered_by": _who(request, by), "answered_at": at, "text": ""}
    return _outcome(request, run_id, "answered", found or who, status=409, is_late=True, text=said)


def last_answer(
    request: Request, studio: Studio, run_id: str, *, stops: bool = True
) -> dict[str, Any] | None:
    """Return who answered this run's last question, when, and what; or when its deadline passed.

    Without `stops`, what was said to a trial run at a breakpoint is no answer.
    """
    for record in studio.reader.answers(run_id):
        payload = record["effect"].get("payload") or {}
        if payload.get("wait_reason") not in ("user", "event"):
            continue
        if str(payload.get("wait_key") or "").startswith("pause:") or (is_told_by(record) and not stops):
            continue
        given = payload.get("payload")
        said = given.get("response") if isinstance(given, dict) else given
        return {
            "outcome": "timed_out" if timed_out(given) else "answered",
            "answered_by": _who(request, record.get("actor_id")),
            "answered_at": record.get("ended_at"),
            "text": said if isinstance(said, str) else "",
        }
    return None


def _who(request: Request, actor: str | None) -> str:
    return "you" if actor == actor_of(request.scope) else actor or "somebody"


def _blank_form() -> dict[str, Any]:
    return {"wrong": "", "text": "", "autofocus": True, "back": "", "heading": "h1", "edited": {}}


def _outcome(
    request: Request,
    run_id: str,
    outcome: str,
    answer: dict[str, Any] | None,
    *,
    status: int = 200,
    is_late: bool = False,
    text: str = "",
) -> HTMLResponse:
    return render(
        request,
        "prompt.html",
        status,
        prompt=None,
        outcome=outcome,
        answer=answer,
        run_id=run_id,
        is_late=is_late,
        text=text,
    )
