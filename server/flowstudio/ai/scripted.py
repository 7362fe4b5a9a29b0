"""A model in the box: it answers from rules, always the same, without a key or a network.

Flows can be built, tried and tested with it; it knows nothing. A script is a list of rules, and the first
that fits answers:

`{"when": text within the last message, "task": text within the first of the person's, "if_tools": [names], "turn": n,
"answer": text | object, "tool_calls": [{"name", "arguments"}]}`

Every condition may be left out. Where no rule fits, it calls a tool that it was told to use by its name,
fills a schema with plain values, or says back what it was asked. Asked for a stream, it says its answer word by
word, at the pace of a quick model.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from typing import Any

from abstractruntime.integrations.abstractcore.llm_errors import LLMCallFailed
from abstractruntime.integrations.abstractcore.llm_result import llm_result
from abstractruntime.integrations.abstractcore.llm_schema import schema_of
from abstractruntime.integrations.abstractcore.llm_stream import CALLED_OFF, has_ended, tell
from abstractruntime.integrations.abstractcore.tool_results import CALLS
from abstractruntime.integrations.abstractcore.tool_specs import openai_tools

Rule = Mapping[str, Any]
MODEL = "scripted"
_MOST_ECHO = 400
_MOST_LEVELS = 12
_WORD_SECONDS = 0.03


class ScriptedModel:
    """Answers by rules; `script` may be empty."""

    def __init__(self, script: Iterable[Rule] = ()) -> None:
        self._script = [dict(rule) for rule in script]

    def generate(
        self,
        *,
        prompt: str,
        messages: list[dict[str, Any]] | None = None,
        system_prompt: str | None = None,
        tools: list[Any] | None = None,
        media: list[Any] | None = None,
        params: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the answer of the first rule that fits, or a plain one; with `params.stream` it takes its time."""
        history = [*(messages or []), *([{"role": "user", "content": prompt}] if prompt else [])]
        offered = [each["function"] for each in openai_tools(tools)]
        wanted = (params or {}).get("response_model")
        schema = schema_of(wanted) if isinstance(wanted, type) else None
        rule = next((each for each in self._script if _fits(each, history, offered)), None)
        made = _by_rule(rule) if rule is not None else _plain(history, offered, schema)
        if schema is not None and isinstance(made.get("content"), str):
            try:
                made["data"] = json.loads(made["content"])
            except ValueError:
                made["data"] = None
        params = params or {}
        begun = time.monotonic()
        ttft_ms = _said_slowly(str(made.get("content") or ""), params) if params.get("stream") else None
        return llm_result(
            **made,
            ttft_ms=ttft_ms,
            gen_time=round((time.monotonic() - begun) * 1000, 1),
            provider=MODEL,
            model=str(params.get("_model") or MODEL),
            finish_reason="stop",
            usage=_usage(history, system_prompt, made),
        )


def _said_slowly(text: str, params: Mapping[str, Any]) -> float | None:
    """Tell an answer word by word to who listens; return the milliseconds until the first word."""
    run_id = str((params.get("trace_metadata") or {}).get("run_id") or "")
    words = text.split(" ")
    for place, word in enumerate(words):
        time.sleep(_WORD_SECONDS)
        if has_ended():
            raise LLMCallFailed("cancelled", CALLED_OFF)
        tell(run_id, {"content": word if place == 0 else f" {word}"})
    return _WORD_SECONDS * 1000 if text else None


def _fits(rule: Rule, history: list[dict[str, Any]], offered: list[dict[str, Any]]) -> bool:
    words = str(rule.get("when") or "").lower()
    if words and words not in _text(history[-1]).lower():
        return False
    task = str(rule.get("task") or "").lower()
    if task and task not in next((_text(each).lower() for each in history if each.get("role") == "user"), ""):
        return False
    names = rule.get("if_tools")
    if isinstance(names, list) and not set(names) <= {each["name"] for each in offered}:
        return False
    turn = rule.get("turn")
    return turn is None or turn == 1 + sum(each.get("role") == "assistant" for each in history)


def _by_rule(rule: Rule) -> dict[str, Any]:
    answer = rule.get("answer", "")
    content = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
    return {"content": content, CALLS: rule.get(CALLS)}


def _plain(
    history: list[dict[str, Any]], offered: list[dict[str, Any]], schema: Mapping[str, Any] | None
) -> dict[str, Any]:
    last = history[-1] if history else {}
    if schema is not None:
        return {"content": json.dumps(filled(schema, schema, "answer"), ensure_ascii=False)}
    if last.get("role") == "tool":
        return {"content": f"The tool said: {_text(last)[:_MOST_ECHO]}"}
    named = next((each for each in offered if each["name"].lower() in _text(last).lower()), None)
    if named is not None:
        schema = named["parameters"]
        arguments = filled(schema, schema, named["name"])
        return {"content": "", CALLS: [{"name": named["name"], "arguments": arguments}]}
    return {"content": f"(scripted model) You said: {_text(last)[:_MOST_ECHO]}"}


def filled(schema: Any, root: Mapping[str, Any], name: str, level: int = 0) -> Any:
    """Return a plain value that fits a JSON schema."""
    if not isinstance(schema, Mapping) or level > _MOST_LEVELS:
        return None
    if "const" in schema:
        return schema["const"]
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return schema["enum"][0]
    if "default" in schema:
        return schema["default"]
    if isinstance(schema.get("$ref"), str):
        last = schema["$ref"].rpartition("/")[2]
        known = {**(root.get("definitions") or {}), **(root.get("$defs") or {})}
        return filled(known.get(last), root, name, level + 1)
    for way in ("anyOf", "oneOf", "allOf"):
        if isinstance(schema.get(way), list) and schema[way]:
            return filled(schema[way][0], root, name, level + 1)
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "object" or "properties" in schema:
        return {
            key: filled(each, root, key, level + 1) for key, each in (schema.get("properties") or {}).items()
        }
    if kind == "array":
        return [filled(schema.get("items"), root, name, level + 1)]
    plain: dict[Any, Any] = {"string": name, "integer": 1, "number": 1, "boolean": True}
    return plain.get(kind)


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)


def _usage(history: list[dict[str, Any]], system: str | None, made: Mapping[str, Any]) -> dict[str, int]:
    """Return about how many tokens this would have been: a word is one."""
    asked = sum(len(_text(each).split()) for each in history) + len((system or "").split())
    said = len(str(made.get("content") or "").split()) + 8 * len(made.get(CALLS) or [])
    return {"input_tokens": asked, "output_tokens": said, "total_tokens": asked + said}
