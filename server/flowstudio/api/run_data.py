"""Values in the data of runs: looked for in their ledgers, a bounded part of them at a time."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query

from ..errors import problems
from ..json_body import JsonRoute
from ..runner_search import search, wanted
from ..studio import TheStudio
from .run_data_models import RunDataFound

router = APIRouter(route_class=JsonRoute, prefix="/api/run-data", tags=["runs"])


@router.get("", responses=problems())
def find_value(
    studio: TheStudio,
    q: Annotated[str, Query(min_length=1, max_length=2000)],
    exact: bool = False,
    flow_id: str | None = None,
    after: str = "",
) -> RunDataFound:
    """Find steps of the newest runs whose data hold these words, or with `exact` this very value of JSON.

    A bounded number of ledger records is read; `next` is the run after which to ask on.
    """
    answer = search(studio.reader, wanted(q, exact), flow_id, after)
    return RunDataFound.model_validate(asdict(answer))
