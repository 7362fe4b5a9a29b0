"""Looking into the variables of a run."""

from __future__ import annotations

import json
from typing import Any

from ..core.delta import plain
from ..core.effects import EffectOutcome, Services, handles
from ..core.models import Effect, EffectType, RunState
from ..core.vars import ensure_namespaces, parse_vars_path, resolve_vars_path
from ..core.waits import tool_result


@handles(EffectType.VARS_QUERY)
def vars_query(run: RunState, effect: Effect, next_node: str | None, services: Services) -> EffectOutcome:
    """Read a place in a run's variables; always completes, as the result of one tool call."""
    payload = effect.payload
    name, call_id = payload.get("tool_name") or "inspect_vars", payload.get("call_id") or "vars"
    path = str(payload.get("path") or payload.get("var_path") or "scratchpad")
    target = str(payload.get("target_run_id") or run.run_id)
    found = services.state(target)
    if found is None:
        error = f"Unknown target_run_id: {target}"
        return EffectOutcome.completed(tool_result(name, call_id, output=None, error=error))
    try:
        value = resolve_vars_path(ensure_namespaces(plain(found.vars)), parse_vars_path(path))
    except ValueError as bad:
        return EffectOutcome.completed(tool_result(name, call_id, output=None, error=str(bad)))
    told = _told(path, value, keys_only=bool(payload.get("keys_only")))
    output = json.dumps(told, ensure_ascii=False, indent=2, sort_keys=True)
    return EffectOutcome.completed(tool_result(name, call_id, output=output, error=None))


def _told(path: str, value: Any, *, keys_only: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"path": path, "type": type(value).__name__}
    if keys_only and isinstance(value, dict):
        told["keys"] = sorted(value)
    elif keys_only and isinstance(value, list):
        told["length"] = len(value)
    else:
        told["value"] = value
    return told


CASES: list[tuple[EffectType, dict[str, Any], str | None, str, Any]] = [
    (
        EffectType.VARS_QUERY,
        {"path": "scratchpad.missing", "call_id": "c"},
        "next",
        "completed",
        {
            "mode": "executed",
            "results": [
                {
                    "call_id": "c",
                    "name": "inspect_vars",
                    "success": False,
                    "output": None,
                    "error": "Missing key 'missing' at scratchpad",
                }
            ],
        },
    ),
    (
        EffectType.VARS_QUERY,
        {"var_path": "context", "keys_only": True},
        "next",
        "completed",
        {
            "results": [
                {
                    "call_id": "vars",
                    "name": "inspect_vars",
                    "success": True,
                    "output": '{\n  "keys": [],\n  "path": "context",\n  "type": "dict"\n}',
                    "error": None,
                }
            ]
        },
    ),
]
