"""Questions to people: `/api/prompts` for programs, `/prompts` for pages."""

from __future__ import annotations

from fastapi import APIRouter, Request

from ..access import actor_of
from ..errors import BODY, problems
from ..json_body import JsonRoute
from ..studio import TheStudio
from .models import Answered, Answering, PromptList, PromptRow

router = APIRouter(route_class=JsonRoute, tags=["prompts"])
LATE = (
    *BODY,
    "run.not_found",
    "run.stale_revision",
    "workflow.not_found",
    "prompt.gone",
    "prompt.answered",
    "prompt.timed_out",
    "run.is_paused",
    "prompt.not_a_choice",
)


@router.get("/api/prompts", responses=problems())
def list_prompts(studio: TheStudio) -> PromptList:
    """List the open questions of all runs, the oldest first."""
    return PromptList(prompts=[PromptRow.model_validate(row) for row in studio.reader.prompts()])


@router.post("/api/prompts/{run_id}", responses=problems(*LATE))
def answer_prompt(run_id: str, body: Answering, request: Request, studio: TheStudio) -> Answered:
    """Answer a question; 409 with who and when if somebody was first."""
    run = studio.runner.answer(
        run_id, body.wait_key, body.response, actor=actor_of(request.scope), asked_at=body.asked_at
    )
    return Answered(run_id=run.run_id, status=run.status.value)
