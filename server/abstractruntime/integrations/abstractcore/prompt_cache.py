"""The key under which a model server may keep the beginning of a prompt (contract/kernel.md 9.4.5)."""

from __future__ import annotations

import hashlib
import os
from typing import Any

from ...core.models import RunState

SWITCHES = ("ABSTRACTRUNTIME_PROMPT_CACHE", "ABSTRACTGATEWAY_PROMPT_CACHE")
DEFAULT_NAMESPACE = "session"
_ON = frozenset({"1", "true", "yes", "y", "on"})


def prompt_cache_key(run: RunState, params: dict[str, Any]) -> str | None:
    """Return a run's key, or None where nobody asked for one or it would not be its own.

    It needs a session, a provider and a model. An explicit `prompt_cache_key` wins, null too.
    """
    if "prompt_cache_key" in params:
        return None
    space = run.vars.get("_runtime")
    wanted = space.get("prompt_cache") if isinstance(space, dict) else None
    options = wanted if isinstance(wanted, dict) else {}
    if wanted is None:
        is_on = any(os.environ.get(name, "").strip().lower() in _ON for name in SWITCHES)
    else:
        is_on = bool(options.get("enabled", True)) if options else wanted is True
    if not is_on:
        return None
    if isinstance(options.get("key"), str) and options["key"].strip():
        return str(options["key"]).strip()
    provider, model = params.get("_provider"), params.get("_model")
    if not (run.session_id and provider and model):
        return None
    text = "|".join(
        ("v1", run.session_id, str(provider).lower(), str(model), run.workflow_id, run.current_node)
    )
    namespace = str(options.get("namespace") or DEFAULT_NAMESPACE)
    return f"{namespace}:{hashlib.sha256(text.encode()).hexdigest()[:24]}"
