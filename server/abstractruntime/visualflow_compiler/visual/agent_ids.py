"""The id of the workflow that an agent node runs, which other programs look up in a registry."""

from __future__ import annotations

import re

_UNSAFE = re.compile(r"[^a-zA-Z0-9_-]")


def visual_react_workflow_id(*, flow_id: str, node_id: str) -> str:
    """Return `visual_react_agent_<flow>_<node>`; what no file name should hold becomes `_`."""
    flow, node = (_UNSAFE.sub("_", str(one)) for one in (flow_id, node_id))
    return f"visual_react_agent_{flow}_{node}"
