"""Asking a model once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.models import Effect, EffectType
from .asking import (
    CONTEXT,
    IN_TOKENS,
    MODEL,
    OUT_TOKENS,
    PROVIDER,
    SCHEMA,
    SEED,
    SELDOM,
    SYSTEM,
    TEMPERATURE,
    THINKING,
    TOOLS,
    UNSAID,
    USE_CONTEXT,
    active_messages,
    check_model,
    composed,
    last_question,
    model_of,
    recalled,
    sampling,
    schema_of,
    token_limit,
    trimmed,
    with_facts,
)
from .authored import chosen, setting
from .context import context_of
from .define import EXEC_IN, EXEC_OUT, Ask, Call, Example, Field, Finding, NodeError, Pin, effect
from .jsontext import first_value
from .recall import MEMORY_PIN, OLD_PINS, gather, learned, settings_of, wants
from .values import items, json_text, text, truth

Json = Any

_CONFIG = "effectConfig"
_META = "abstractflow.llm_call.v1.meta"
_BAD_ENDS = ("error", "content_filter", "failed")
_TOOL_KEYS = ("name", "description", "parameters")
_OUTPUTS = ("output", "outputs")  # the later releases' setting for what is to be made beside text
_TEXT = {"text", "text_generation"}


def tools_for(call: Call, given: Json) -> list[Json]:
    """Return descriptions of tools: objects as they are, names by what the host knows of them."""
    described, unknown = [], []
    for each in items(given):
        if isinstance(each, Mapping) and text(each.get("name")).strip():
            described.append({key: each[key] for key in _TOOL_KEYS if key in each})
        elif isinstance(each, str) and each.strip():
            spec = call.offers.tools.get(each.strip())
            if spec is None:
                unknown.append(each.strip())
            else:
                described.append({key: spec[key] for key in _TOOL_KEYS if key in spec})
    if unknown:
        warning = f"These tools are not known here and were left out: {', '.join(unknown)}."
        call.note.setdefault("warnings", []).append(warning)
    return described


def _history(call: Call, found: Mapping[str, Json], use_context: bool) -> list[dict[str, Json]] | None:
    """Return the conversation that the model is to know; None: none at all."""
    context = call.get("context")
    if isinstance(context, Mapping) and items(context.get("messages")):
        return [dict(each) for each in items(context["messages"]) if isinstance(each, Mapping)]
    if use_context:
        return active_messages(call.vars)
    return recalled(call.vars, found.get("span_ids")) or None


def _media(call: Call, use_context: bool) -> Json:
    context = call.get("context")
    if isinstance(context, Mapping) and isinstance(context.get("attachments"), list):
        return context["attachments"]
    attachments = context_of(call.vars).get("attachments") if use_context else None
    return attachments if isinstance(attachments, list) and attachments else None


def _beside_text(asked: Json) -> str:
    """Return what is asked for beside text: a word, a selector, several of them; empty: nothing."""
    words: list[str] = []
    for each in asked if isinstance(asked, list) else [asked]:
        if isinstance(each, Mapping):
            named = [text(each[key]) for key in ("modality", "type", "output", "task") if each.get(key)]
            words += named or [text(key) for key, value in each.items() if value not in UNSAID]
        elif each not in UNSAID:
            words.append(text(each))
    return ", ".join(word.strip()[:40] for word in words if word.strip().lower() not in _TEXT)


def _no_media(where: str, asked: str) -> str:
    return f"'{where}' asks for {asked}, but this node answers with text: take a node of “Pictures & sound” for it."


def _check(data: Mapping[str, Json]) -> list[Finding]:
    found = check_model(_CONFIG, data)
    for place, key in ((place, key) for place in (_CONFIG, "pinDefaults") for key in _OUTPUTS):
        path, pin = f"{place}.{key}", key if place == "pinDefaults" else None
        if asked := _beside_text(setting(data, path)):
            words, mend = _no_media(key, asked), {path: None}
            found.append(Finding("error", "media.not_text", words, pin, mend, "Ask for text alone"))
    return found


def _refuse_media(call: Call) -> None:
    for key in _OUTPUTS:
        if asked := _beside_text(setting(call.data, f"{_CONFIG}.{key}")) or _beside_text(call.get(key)):
            raise NodeError(_no_media(key, asked), code="media.not_text", pin=key)


def _payload(call: Call, found: Mapping[str, Json]) -> dict[str, Json]:
    provider, model = model_of(call, _CONFIG)
    prompt, system = text(call.get("prompt")), text(call.get("system"))
    use_context = truth(chosen(call, "use_context", f"{_CONFIG}.include_context", False), "use_context")
    params = sampling(call, _CONFIG)
    if most := token_limit(call, "max_out_tokens", f"{_CONFIG}.max_output_tokens"):
        params["max_output_tokens"] = most
    settings = settings_of(call)
    if "use_session_attachments" in settings:
        params["include_session_attachments_index"] = wants(settings, "use_session_attachments")
    history = _history(call, found, use_context)
    system = with_facts(system, text(found.get("kg_text")), history or [])
    tools = tools_for(call, chosen(call, "tools", f"{_CONFIG}.tools"))
    payload: dict[str, Json] = {
        "tools": tools,
        "params": params,
        "provider": provider,
        "model": model,
        "include_context": use_context,
    }
    if history is None:
        payload = {"prompt": prompt, "system_prompt": system, **payload}
    most_in = token_limit(call, "max_in_tokens", f"{_CONFIG}.max_input_tokens")
    if history is not None:
        payload["messages"] = trimmed(composed(history, system, prompt), most_in, call.vars, model)
    if most_in:
        payload["max_input_tokens"] = most_in
    if (schema := schema_of(call)) is not None:
        payload |= {"response_schema": schema, "response_schema_name": "LLM_StructuredOutput"}
        if truth(setting(call.data, f"{_CONFIG}.structured_output_fallback"), "structured_output_fallback"):
            payload["structured_output_fallback"] = True
    if (media := _media(call, use_context)) is not None:
        payload["media"] = media
    return payload


def _next(call: Call, found: Mapping[str, Json]) -> Ask:
    """Ask memory for what is still wanted, then the model."""
    _refuse_media(call)
    _, model = model_of(call, _CONFIG)
    context = call.get("context")
    said = context.get("messages") if isinstance(context, Mapping) else None
    query = text(call.get("prompt")).strip() or last_question(said)
    asked = gather(call, query, model, found)
    if asked is not None:
        return asked
    return Ask(Effect(EffectType.LLM_CALL, _payload(call, found)), {"asked": "model"})


def data_of(reply: Mapping[str, Json]) -> Json:
    """Return the structured answer of a model: its data, else what its text holds; None without."""
    if reply.get("data") is not None:
        return reply["data"]
    try:
        return first_value(text(reply.get("content")))
    except NodeError:
        return None


def _settle(reply: Json, call: Call) -> Json:
    if call.kept.get("asked", "model") != "model":
        return _next(call, learned(reply, call.kept))
    known = reply if isinstance(reply, Mapping) else {"content": text(reply)}
    is_structured = schema_of(call) is not None
    data = data_of(known) if is_structured else None
    calls = [each for each in items(known.get("tool_calls")) if isinstance(each, Mapping)]
    content = text(known.get("content"))
    response = json_text(data, compact=True) if is_structured and data is not None else content
    ended_well = text(known.get("finish_reason")).strip().lower() not in _BAD_ENDS
    success = ended_well and bool(response.strip() or calls) and (not is_structured or data is not None)
    outputs: dict[str, Json] = {
        "response": response,
        "tool_calls": calls,
        "success": success,
        "data": data if isinstance(data, (dict, list)) else None,
        "meta": _meta(known, calls, is_structured),
    }
    also = {"raw": reply, "result": reply, **{key: known.get(key) for key in ("gen_time", "ttft_ms")}}
    return {**outputs, **{pin: also[pin] for pin in call.wanted if pin in also}}


def _meta(reply: Mapping[str, Json], calls: list[Json], is_structured: bool) -> dict[str, Json]:
    meta: dict[str, Json] = {
        "schema": _META,
        "version": 1,
        "output_mode": "structured" if is_structured else "unstructured",
        "tool_calls": len(calls),
    }
    for key in ("provider", "model", "finish_reason", "usage", "gen_time", "ttft_ms"):
        if reply.get(key) not in (None, "", {}):
            meta[key] = reply[key]
    about = reply.get("metadata")
    told = about if isinstance(about, Mapping) else {}
    if "cost" in told:
        meta["cost"] = told["cost"]
    trace_id = reply.get("trace_id") or told.get("trace_id")
    if trace_id:
        meta["trace"] = {"trace_id": trace_id}
    return meta


_ASKED = {
    "prompt": "Say hello",
    "system_prompt": "Be brief.",
    "tools": [],
    "params": {"temperature": 0.7},
    "provider": "lmstudio",
    "model": "qwen",
    "include_context": False,
}
_SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
_CHOSEN = {"provider": "lmstudio", "model": "qwen"}


@effect(
    "llm_call",
    family="ai",
    gives=True,
    label="LLM Call",
    sentence="Ask[ {model|name}] {prompt}[ with the tools {tools}][; instructions {system}]",
    inputs=(
        EXEC_IN,
        USE_CONTEXT,
        CONTEXT,
        MEMORY_PIN,
        PROVIDER,
        MODEL,
        SYSTEM,
        Pin("prompt", "string", description="What the model is asked.", widget="text"),
        TOOLS,
        IN_TOKENS,
        TEMPERATURE,
        SEED,
        THINKING,
        SCHEMA,
        OUT_TOKENS,
        *OLD_PINS,
    ),
    outputs=(
        EXEC_OUT,
        Pin("response", "string", description="What the model answered; with a schema, JSON text."),
        Pin("success", "boolean", description="Whether there is an answer that can be used."),
        Pin(
            "meta", "object", description="Model, tokens, time, cost where a price is known, why it stopped."
        ),
        Pin("tool_calls", "array", description="The tools it asks for; Tool Calls carries them out."),
        Pin("data", "object", description="With a schema: the answer as data."),
        *(Pin(pin, "object", hidden=True, on_demand=True) for pin in ("result", "raw")),
        *(Pin(pin, "number", hidden=True, on_demand=True) for pin in ("gen_time", "ttft_ms")),
    ),
    seldom=(
        *SELDOM,
        "meta",
        "tool_calls",
        "data",
    ),
    fields=(
        Field(
            f"{_CONFIG}.structured_output_fallback",
            "boolean",
            False,
            "Also accept plain text",
            "With a schema: when the model cannot be forced into the shape, ask it and read its text.",
        ),
    ),
    settle=_settle,
    main="response",
    check=_check,
    template={"pinDefaults": {"prompt": ""}},
    keywords=("ai", "gpt", "chat", "prompt", "model", "completion", "generate", "text", "ask"),
    examples=(
        Example(
            {"prompt": "Say hello", "system": "Be brief.", **_CHOSEN},
            {
                "effect": {"type": "llm_call", "payload": _ASKED},
                "settled": {
                    "response": "Hello!",
                    "tool_calls": [],
                    "success": True,
                    "data": None,
                    "meta": {
                        "schema": _META,
                        "version": 1,
                        "output_mode": "unstructured",
                        "tool_calls": 0,
                        "model": "qwen",
                        "usage": {"total_tokens": 9},
                    },
                },
            },
            reply={"content": "Hello!", "model": "qwen", "usage": {"total_tokens": 9}},
        ),
        Example(
            {"prompt": "Say hello", "system": "Be brief.", "resp_schema": _SCHEMA, **_CHOSEN},
            {
                "effect": {
                    "type": "llm_call",
                    "payload": {
                        **_ASKED,
                        "response_schema": _SCHEMA,
                        "response_schema_name": "LLM_StructuredOutput",
                    },
                },
                "settled": {
                    "response": '{"city":"Rome"}',
                    "tool_calls": [],
                    "success": True,
                    "data": {"city": "Rome"},
                    "meta": {"schema": _META, "version": 1, "output_mode": "structured", "tool_calls": 0},
                },
            },
            reply={"content": '{"city": "Rome"}'},
            note="With a schema the answer is data.",
        ),
        Example(
            {"prompt": "And then?", "use_context": True, "seed": "7", **_CHOSEN},
            {
                "effect": {
                    "type": "llm_call",
                    "payload": {
                        "tools": [],
                        "params": {"temperature": 0.7, "seed": 7},
                        "provider": "lmstudio",
                        "model": "qwen",
                        "include_context": True,
                        "messages": [
                            {"role": "user", "content": "Once upon a time"},
                            {"role": "user", "content": "And then?"},
                        ],
                    },
                }
            },
            vars={"context": {"messages": [{"role": "user", "content": "Once upon a time"}]}},
        ),
        Example({"prompt": "Say hello", "provider": "lmstudio"}, error="No model is configured"),
        Example(
            {"prompt": "A cup of tea", **_CHOSEN},
            data={"effectConfig": {"output": {"modality": "image"}}},
            error="'output' asks for image",
        ),
    ),
)
def llm_call(call: Call) -> Ask:
    """Ask a model and wait for its answer.

    It knows the prompt and, when you say so, the conversation of this run. It may ask for tools, but does
    not call them. What it answers is not added to the conversation: use Add Message for that.
    """
    return _next(call, {})
