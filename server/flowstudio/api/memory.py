"""The memory explorer: facts looked for by hand, among those that a run can see."""

from __future__ import annotations

from fastapi import APIRouter

from ..errors import BODY, problems
from ..json_body import JsonRoute
from ..studio import TheStudio
from .offers_models import FactQuery, FactsFound

router = APIRouter(route_class=JsonRoute, prefix="/api/memory", tags=["memory"])


@router.post(
    "/kg/query",
    responses=problems(*BODY, "run.not_found", "memory.bad_query", "integration.not_installed"),
    response_model_exclude_unset=True,
)
def query_facts(body: FactQuery, studio: TheStudio) -> FactsFound:
    """Look for facts as the step KG Query of a run would; nothing is written."""
    run = studio.reader.state(body.run_id)
    asked = body.model_dump(exclude={"run_id"}, exclude_none=True)
    return FactsFound.model_validate(studio.ai.facts.find(studio.stores.runs, run, asked))
