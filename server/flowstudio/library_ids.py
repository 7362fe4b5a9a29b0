"""Which ids a new flow may have: those whose address, and whose place in a bundle, is their own.

A flow `a/bundle` would have the address of the bundle of `a`. Flows that are there already stay as
they are and can be read, saved and deleted.
"""

from __future__ import annotations

import uuid

from abstractruntime.core.errors import InvalidFlow
from abstractruntime.workflow_bundle import is_flow_id


class BadFlowId(InvalidFlow):
    """A new flow cannot have this id; nothing was saved."""

    code = "flow.bad_id"


def new_id() -> str:
    """Return an id that no flow has."""
    return uuid.uuid4().hex[:8]


def check_new_id(flow_id: str) -> None:
    """Raise BadFlowId, saying what to do, when a new flow cannot have this id."""
    if not is_flow_id(flow_id):
        raise BadFlowId(
            f"A new flow cannot have the id {flow_id[:80]!r}: it has a slash, an invisible character or a "
            "space around it, is all dots, or is longer than 200 characters. Use letters, digits, `_`, `-` and `.`."
        )
