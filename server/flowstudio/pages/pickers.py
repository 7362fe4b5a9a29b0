"""What the pickers of models and tools offer: asked of the providers and tool servers when a form is open."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from abstractruntime.integrations.abstractcore.llm_errors import LLMCallFailed

from ..studio import TheStudio
from .html import render

router = APIRouter(include_in_schema=False)
Json = Any
MOST_LISTED = 500


@router.get("/editor/models")
def models(request: Request, studio: TheStudio, listed: str, provider: str = "") -> HTMLResponse:
    """Answer with the models of a provider (empty: of the first) as a list to choose from, or why there is none."""
    words: dict[str, Json] = {"names": (), "listed": listed, "reason": "", "provider": provider}
    words["has_none"] = not studio.ai.models.providers.all()
    if not words["has_none"]:
        try:
            chosen = studio.ai.models.choose(provider)
            names, words["reason"] = studio.ai.models.listed(chosen)
            words |= {"names": names[:MOST_LISTED], "provider": chosen.name}
        except LLMCallFailed as error:
            words["reason"] = str(error)
    return render(request, "partials/_models.html", **words)


@router.get("/editor/tools")
def tools(request: Request, studio: TheStudio, chosen: str = "[]") -> HTMLResponse:
    """Answer with the tools that can be chosen now; those chosen that nobody offers stay."""
    names = _names(chosen)
    offered = studio.ai.tools.offered()
    known = {str(each["name"]) for each in offered.specs}
    missing = [name for name in names if name not in known]
    words = {"specs": offered.specs, "failed": offered.failed, "chosen": frozenset(names), "missing": missing}
    return render(request, "partials/_tools.html", **words)


def _names(text: str) -> Sequence[str]:
    try:
        found = json.loads(text)
    except ValueError:
        return ()
    return [name for name in found if isinstance(name, str)] if isinstance(found, list) else ()
