"""What is worth keeping of each tool's result, and what of it moves to an artifact.

One function a tool: it takes arguments and output and returns facts about them, the parts to store,
and the output to put in place of the given one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..storage.artifacts import artifact_ref

Keep = Callable[[str, str, str], str]  # (part, text, content type) -> artifact id
_LONGEST_INLINE = 262_144
_PREVIEW = 4_000


@dataclass
class Kept:
    """What one tool's result has become.

    `facts` go into the evidence, `labels` into its tags and its span, `parts` are refs by name.
    """

    output: Any
    facts: dict[str, Any] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    parts: dict[str, Any] = field(default_factory=dict)


def fetch_url(arguments: Mapping[str, Any], output: Any, keep: Keep) -> Kept:
    """Keep a page: as it came, and as text."""
    told = output if isinstance(output, dict) else {}
    kept = Kept(dict(output) if isinstance(output, dict) else output)
    for name in ("url", "final_url", "content_type", "size_bytes"):
        value = told.get(name) if told.get(name) is not None else arguments.get(name)
        if value is not None:
            kept.facts[name] = value
    media = str(told.get("content_type") or "text/plain")
    _move(kept, told, "raw_text", "raw_artifact", "raw", media, keep)
    _move(kept, told, "normalized_text", "normalized_artifact", "normalized_text", "text/plain", keep)
    if kept.facts.get("url"):
        kept.labels["url"] = str(kept.facts["url"])
    return kept


def execute_command(arguments: Mapping[str, Any], output: Any, keep: Keep) -> Kept:
    """Keep what a command has printed."""
    told = output if isinstance(output, dict) else {}
    kept = Kept(dict(output) if isinstance(output, dict) else output)
    for name in ("command", "return_code", "duration_s", "working_directory", "platform"):
        value = told.get(name) if told.get(name) is not None else arguments.get(name)
        if value is not None:
            kept.facts[name] = value
    for name in ("stdout", "stderr"):
        _move(kept, told, name, f"{name}_artifact", name, "text/plain", keep)
    if isinstance(output, str) and output:
        kept.parts["output"] = artifact_ref(keep("output", output, "text/plain"))
    if kept.facts.get("command"):
        kept.labels["command"] = str(kept.facts["command"])
    return kept


def web_search(arguments: Mapping[str, Any], output: Any, keep: Keep) -> Kept:
    """Keep what a search has found; only a very long answer is cut in the run itself."""
    kept = Kept(output)
    query = arguments.get("query")
    if query is not None:
        kept.facts["query"] = query
        kept.labels["query"] = str(query)
    if output in (None, ""):
        return kept
    is_data, text = _as_text(output)
    kept.parts["results"] = artifact_ref(
        keep("results", text, "application/json" if is_data else "text/plain")
    )
    if len(text) > _LONGEST_INLINE:
        kept.output = {"results_artifact": kept.parts["results"], "preview": text[:_PREVIEW]}
    return kept


def other(arguments: Mapping[str, Any], output: Any, keep: Keep) -> Kept:
    """Keep the output of a tool that the host has named."""
    kept = Kept(output)
    if output not in (None, ""):
        is_data, text = _as_text(output)
        kept.parts["output"] = artifact_ref(
            keep("output", text, "application/json" if is_data else "text/plain")
        )
    return kept


def _as_text(output: Any) -> tuple[bool, str]:
    """Return whether an output is data, and its text."""
    if not isinstance(output, str):
        return True, json.dumps(output, ensure_ascii=False, default=str)
    try:
        is_data = output.lstrip()[:1] in ("{", "[") and json.loads(output) is not None
    except ValueError:
        is_data = False
    return is_data, output


def _move(
    kept: Kept, told: Mapping[str, Any], name: str, ref_name: str, part: str, media: str, keep: Keep
) -> None:
    """Move a text of the output to an artifact and leave a ref in its place."""
    text = told.get(name)
    if isinstance(text, str) and text:
        ref = artifact_ref(keep(part, text, media))
        del kept.output[name]
        kept.output[ref_name] = ref
        kept.parts[part] = ref


TOOLS = {"fetch_url": fetch_url, "execute_command": execute_command, "web_search": web_search}
