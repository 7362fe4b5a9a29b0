"""Which models a backend holds in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.models import Effect, EffectType
from .authored import chosen, setting
from .define import EXEC_IN, EXEC_OUT, Call, Example, Field, NodeError, Pin, effect
from .values import clipped, items, number, text, truth

Json = Any

_OPERATIONS = ("list_loaded", "load", "unload")
_CONFIG = "effectConfig"


def _told(reply: Json, call: Call) -> dict[str, Json]:
    known = reply if isinstance(reply, Mapping) else {}
    error = known.get("error")
    return {
        "success": bool(known.get("success", not error)),
        "affected_models": items(known.get("affected_models")),
        "models": items(known.get("models")),
        "error": text(error),
        "warnings": items(known.get("warnings")),
        "result": reply,
    }


@effect(
    "model_residency",
    family="ai",
    label="Model Residency",
    sentence="{operation|name} models[ of {provider|name}][: {model|name}]",
    inputs=(
        EXEC_IN,
        Pin("operation", "string", "list_loaded", "What is done.", choices=_OPERATIONS),
        Pin("task", "string", description="What the model is for, as in text_generation."),
        Pin("provider", "provider", description="Whose model."),
        Pin("model", "model", description="Which model."),
    ),
    outputs=(
        EXEC_OUT,
        Pin("success", "boolean", description="Whether it was done."),
        Pin("affected_models", "array", description="The models that were loaded or let go."),
        Pin("models", "array", description="The models that are held now."),
        Pin("error", "string", description="Why it was not done."),
        Pin("warnings", "array", description="What is to be known besides."),
        Pin("result", "object", description="All that came back."),
    ),
    seldom=("affected_models", "warnings", "result"),
    fields=(
        Field(
            f"{_CONFIG}.runtime_id",
            "string",
            "",
            "Backend",
            "Which of several backends; empty: the usual one.",
        ),
        Field(
            f"{_CONFIG}.base_url",
            "string",
            "",
            "Address",
            "The backend's address, where it is another server.",
        ),
        Field(f"{_CONFIG}.timeout_s", "number", None, "Longest time", "In seconds."),
        Field(
            f"{_CONFIG}.options", "object", {}, "Options", "Settings of this backend alone.", widget="json"
        ),
        Field(
            f"{_CONFIG}.pin",
            "boolean",
            False,
            "Keep it",
            "Whether the backend shall not let it go by itself.",
        ),
        Field(
            f"{_CONFIG}.required", "boolean", False, "Needed", "Whether the run fails when it is not done."
        ),
        Field(f"{_CONFIG}.cache_policy", "string", "", "Cache", "What becomes of what the model has read."),
    ),
    settle=_told,
    carries="own",
    main="models",
    keywords=("load", "unload", "memory", "warm up", "gpu", "ai"),
    examples=(
        Example(
            {},
            {
                "effect": {"type": "model_residency", "payload": {"operation": "list_loaded"}},
                "settled": {
                    "success": True,
                    "affected_models": [],
                    "models": ["qwen"],
                    "error": "",
                    "warnings": [],
                    "result": {"models": ["qwen"]},
                },
            },
            reply={"models": ["qwen"]},
        ),
        Example(
            {"operation": "load", "provider": "lmstudio", "model": "qwen"},
            {
                "effect": {
                    "type": "model_residency",
                    "payload": {
                        "operation": "load",
                        "provider": "lmstudio",
                        "model": "qwen",
                        "timeout_s": 30,
                        "pin": True,
                    },
                },
                "settled": {
                    "success": False,
                    "affected_models": [],
                    "models": [],
                    "error": "no memory left",
                    "warnings": [],
                    "result": {"success": False, "error": "no memory left"},
                },
            },
            data={"effectConfig": {"timeout_s": 30, "pin": True}},
            reply={"success": False, "error": "no memory left"},
        ),
        Example({"operation": "load"}, error="needs a model"),
        Example({"operation": "melt"}, error="'operation' is one of: list_loaded, load, unload"),
    ),
)
def model_residency(call: Call) -> Effect:
    """List, load or let go the models that a backend holds in memory."""
    operation = text(chosen(call, "operation", f"{_CONFIG}.operation", "list_loaded")).strip().lower()
    if operation not in _OPERATIONS:
        message = f"'operation' is one of: {', '.join(_OPERATIONS)}, but got '{clipped(operation, 60)}'."
        raise NodeError(message, code="residency.operation", pin="operation")
    payload: dict[str, Json] = {"operation": operation}
    for name in ("task", "provider", "model"):
        if word := text(chosen(call, name, f"{_CONFIG}.{name}")).strip():
            payload[name] = word
    if operation != "list_loaded" and "model" not in payload:
        raise NodeError(f"'{operation}' needs a model.", code="residency.no_model", pin="model")
    for name in ("runtime_id", "base_url", "cache_policy"):
        if word := text(setting(call.data, f"{_CONFIG}.{name}")).strip():
            payload[name] = word
    if (seconds := setting(call.data, f"{_CONFIG}.timeout_s")) not in (None, ""):
        payload["timeout_s"] = number(seconds, "timeout_s")
    if options := setting(call.data, f"{_CONFIG}.options"):
        payload["options"] = options
    for name in ("pin", "required"):
        if truth(setting(call.data, f"{_CONFIG}.{name}", False), name):
            payload[name] = True
    return Effect(EffectType.MODEL_RESIDENCY, payload)
