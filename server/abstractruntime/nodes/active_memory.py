"""The active memory of a run: what an agent keeps in mind."""

from __future__ import annotations

from typing import Any

from ..memory.active_memory import (
    DEFAULT_LIMITS,
    MEMACT_ACTIVE_MEMORY_VERSION,
    render_memact_blocks,
    render_memact_system_prompt,
)
from ..memory.memact_composer import compose_memact_current_context_from_kg_result
from .define import EXEC_IN, EXEC_OUT, Call, Example, Pin, action
from .values import text, whole

Json = Any

_SAID = "KG: Ada —likes→ tea"
_MEMORY: dict[str, Json] = {
    "version": MEMACT_ACTIVE_MEMORY_VERSION,
    "persona": "I help Ada.",
    "limits": DEFAULT_LIMITS,
    "created_at": "2030-01-01T00:00:00+00:00",
    **{name: [] for name in DEFAULT_LIMITS},
    "current_context": [
        {
            "id": "ctx_f15485cc2cbd",
            "text": _SAID,
            "ts": "30/01/01 00:00:00",
            "created_at": "2030-01-01T00:00:00+00:00",
        }
    ],
    "updated_at": "2030-01-01T00:00:00+00:00",
}
_AFTER = {"_runtime": {"active_memory": _MEMORY}}


@action(
    "memact_compose",
    family="memory",
    label="MemAct Compose",
    inputs=(
        EXEC_IN,
        Pin("kg_result", "object", description="What KG Query gave as raw.", was=("raw", "result")),
        Pin("stimulus", "string", "", "What the facts were looked up for.", was=("query_text",)),
        Pin("marker", "string", "KG:", "How the entries begin; earlier ones that begin so are replaced."),
        Pin("max_items", "number", None, "How many facts at most."),
    ),
    outputs=(
        EXEC_OUT,
        Pin("ok", "boolean", description="Whether the facts could be read."),
        Pin("delta", "object", description="What was added and what was taken out."),
        Pin("trace", "object", description="What was done and why."),
        Pin("active_memory", "object", description="The active memory as it is now."),
        Pin("memact_blocks", "array", description="The active memory in blocks with titles."),
        Pin("memact_system_prompt", "string", description="The active memory as a text for a model."),
        Pin("error", "string", hidden=True),
    ),
    seldom=("marker", "max_items", "delta", "trace", "memact_blocks"),
    keywords=("active", "memory", "facts", "context", "prompt", "knowledge"),
    examples=(
        Example(
            {
                "kg_result": {"items": [{"subject": "Ada", "predicate": "likes", "object": "tea"}]},
                "stimulus": "What does Ada drink?",
            },
            {
                "ok": True,
                "delta": {"added": [_SAID], "removed": []},
                "trace": {
                    "stimulus": "What does Ada drink?",
                    "marker": "KG:",
                    "packets": 1,
                    "dropped": 0,
                    "applied": {"added": 1, "removed": 0, "trimmed": 0},
                },
                "active_memory": _MEMORY,
                "memact_blocks": render_memact_blocks(_AFTER),
                "memact_system_prompt": render_memact_system_prompt(_AFTER),
            },
            vars={"_runtime": {"active_memory": {"persona": "I help Ada."}}},
            vars_after=_AFTER,
            note="A fact that was found stands in the active memory, and in the text for a model.",
        ),
        Example(
            {"kg_result": "nothing"},
            {
                "ok": False,
                "error": "The result is str, not an object.",
                "delta": {},
                "trace": {},
                "active_memory": {},
                "memact_blocks": [],
                "memact_system_prompt": "",
            },
            note="What is no answer of KG Query changes nothing.",
        ),
        Example(
            {"kg_result": None, "max_items": 3},
            {
                "ok": False,
                "error": "The result is NoneType, not an object.",
                "delta": {},
                "trace": {},
                "active_memory": {},
                "memact_blocks": [],
                "memact_system_prompt": "",
            },
        ),
        Example({"kg_result": {}, "max_items": "some"}, error="'max_items' needs a number"),
    ),
)
def memact_compose(call: Call) -> dict[str, Json]:
    """Put the facts that KG Query found into the active memory of this run."""
    most = call.get("max_items")
    done = compose_memact_current_context_from_kg_result(
        call.vars,
        kg_result=call.get("kg_result"),
        stimulus=text(call.get("stimulus")),
        marker=text(call.get("marker")) or "KG:",
        max_items=None if most in (None, "") else whole(most, "max_items"),
        now_iso=lambda: call.now,
    )
    if not done.get("ok"):
        empty: dict[str, Json] = {"delta": {}, "trace": {}, "active_memory": {}}
        return {
            "ok": False,
            "error": done.get("error"),
            **empty,
            "memact_blocks": [],
            "memact_system_prompt": "",
        }
    return {
        **{key: done[key] for key in ("ok", "delta", "trace", "active_memory")},
        "memact_blocks": render_memact_blocks(call.vars),
        "memact_system_prompt": render_memact_system_prompt(call.vars),
    }
