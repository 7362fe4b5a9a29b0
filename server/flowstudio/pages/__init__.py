"""The HTML door: whole pages on first load, parts of them when something changed."""

from __future__ import annotations

from fastapi import APIRouter

from . import (
    bundles,
    coach,
    compare,
    editor,
    expression,
    fork,
    gallery,
    home,
    inbox,
    inspector,
    library,
    login,
    many,
    nodes,
    outbox,
    phone,
    pickers,
    run_search,
    runs,
    sample,
    schedules,
    server,
    settings,
    side_by_side,
    starting,
    tests,
    versions,
)
from .error import error_page

router = APIRouter(include_in_schema=False)
# The editor comes last: its address takes whatever the others left.
for page in (
    home,
    coach,
    compare,
    login,
    phone,
    gallery,
    versions,
    tests,
    bundles,
    library,
    run_search,
    runs,
    fork,
    side_by_side,
    inbox,
    outbox,
    schedules,
    nodes,
    server,
    settings,
    starting,
    inspector,
    expression,
    many,
    pickers,
    sample,
    editor,
):
    router.include_router(page.router)

__all__ = ["error_page", "router"]
