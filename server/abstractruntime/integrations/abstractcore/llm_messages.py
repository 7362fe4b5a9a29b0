"""The messages of a call as model servers read them."""

from __future__ import annotations

import base64
import json
import mimetypes
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .llm_errors import LLMCallFailed


def chat_messages(
    *, prompt: str, messages: Iterable[Mapping[str, Any]] | None, system_prompt: str | None
) -> list[dict[str, Any]]:
    """Return the system prompt, then the messages or else the prompt, in OpenAI's shape."""
    made: list[dict[str, Any]] = []
    if system_prompt and system_prompt.strip():
        made.append({"role": "system", "content": system_prompt})
    history = [_message(each) for each in messages or ()]
    if history and prompt and prompt.strip() and history[-1]["role"] != "user":
        history.append({"role": "user", "content": prompt})
    return made + (history or [{"role": "user", "content": prompt}])


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"role": str(message.get("role") or "user"), "content": message.get("content")}
    calls = message.get("tool_calls")
    if isinstance(calls, list) and calls:
        made["tool_calls"] = [
            _call(each, place) for place, each in enumerate(calls) if isinstance(each, dict)
        ]
    call_id = message.get("tool_call_id") or message.get("call_id")
    if made["role"] == "tool" and call_id:
        made["tool_call_id"] = str(call_id)
    if isinstance(message.get("name"), str):
        made["name"] = message["name"]
    if made["content"] is None and "tool_calls" not in made:
        made["content"] = ""
    elif made["content"] is not None and not isinstance(made["content"], str | list):
        made["content"] = json.dumps(made["content"], ensure_ascii=False)
    return made


def _call(call: Mapping[str, Any], place: int) -> dict[str, Any]:
    inner = call["function"] if isinstance(call.get("function"), Mapping) else call
    arguments = inner.get("arguments")
    text = arguments if isinstance(arguments, str) else json.dumps(arguments or {}, ensure_ascii=False)
    call_id = call.get("call_id") or call.get("id") or f"call_{place + 1}"
    return {
        "id": str(call_id),
        "type": "function",
        "function": {"name": str(inner.get("name") or ""), "arguments": text},
    }


def with_images(messages: list[dict[str, Any]], media: Iterable[Any]) -> list[dict[str, Any]]:
    """Return messages whose last user turn carries images as data URLs.

    Raises LLMCallFailed (bad_request) for a file that is no image: a chat server cannot take it.
    """
    parts = [{"type": "image_url", "image_url": {"url": _data_url(each)}} for each in media]
    if not parts:
        return messages
    made = [dict(each) for each in messages]
    last = next((each for each in reversed(made) if each["role"] == "user"), None)
    if last is None:
        last = {"role": "user", "content": ""}
        made.append(last)
    text = last["content"]
    last["content"] = (
        [{"type": "text", "text": text or ""}, *parts] if isinstance(text, str) else [*text, *parts]
    )
    return made


def _data_url(item: Any) -> str:
    if not isinstance(item, str):
        raise LLMCallFailed(
            "bad_request", f"This client takes files by their path, not {type(item).__name__}"
        )
    kind = mimetypes.guess_type(item)[0] or ""
    if not kind.startswith("image/"):
        raise LLMCallFailed(
            "bad_request", f"{Path(item).name} is {kind or 'of unknown type'}; this server takes images only"
        )
    return f"data:{kind};base64,{base64.b64encode(Path(item).read_bytes()).decode()}"
