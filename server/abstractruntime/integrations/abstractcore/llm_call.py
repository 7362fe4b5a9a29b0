"""The handler of LLM_CALL: put the request together, ask, ask again where that helps, tell what came.

(source: contract/kernel.md 9.4, contract/integrations.md 3)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from ...core.boundary import guarded
from ...core.effects import EffectOutcome
from ...core.models import Effect, RunState
from ...core.vars import get_namespace, get_runtime
from ...memory.token_budget import trim_messages_to_max_input_tokens
from ...storage.artifacts import ArtifactStore
from .attachment_calls import PENDING_MEDIA
from .constants import MAX_INLINE_ATTACHMENT_BYTES
from .llm_client import ground
from .llm_errors import LLMCallFailed
from .llm_media import Files, inlined, materialized, merged_media
from .llm_paid import Attempt, bill_of, note_attempt, paid_attempts, paying
from .llm_protocol import LLMClient
from .llm_result import finish_reason_of
from .llm_schema import DEFAULT_NAME, BadSchema, model_of, parse_leniently, read_schema
from .llm_stream import current_end, current_key, end_of
from .message_views import dedup_messages_view
from .prompt_cache import prompt_cache_key
from .session_attachments import (
    ACTIVE_HEAD,
    STORED_HEAD,
    list_session_attachments,
    render_active_attachments_system_message,
    render_session_attachments_system_message,
)
from .tool_results import json_safe

NEEDS_PROMPT = "llm_call requires payload.prompt or payload.messages"
_TRUNCATED = "length"
_DEFAULT_OUTPUT, _MOST_OUTPUT, _LEAST_CAP = 2048, 1_000_000, 256
_SCHEMA_WORDS = ("validation", "schema", "json")
Handler = Callable[..., EffectOutcome]


@dataclass
class Ask:
    """One call, as it is going to be made."""

    prompt: str
    messages: list[dict[str, Any]] | None
    system_prompt: str | None
    tools: list[Any] | None
    media: list[Any] | None
    params: dict[str, Any]
    said: str = ""
    is_structured: bool = False
    falls_back: bool = False
    attempts: list[dict[str, Any]] = field(default_factory=list)


def make_llm_call_handler(
    *,
    llm: LLMClient,
    artifact_store: ArtifactStore | None = None,
    run_store: Any = None,
    allow_media_paths: bool = True,
) -> Handler:
    """Return the handler of LLM_CALL over a client.

    With a run store, an answer that comes piece by piece is given up when its run has ended meanwhile.
    A server says no to `allow_media_paths`: what a flow names by its path may be any file of the machine.
    """

    def llm_call(
        run: RunState,
        effect: Effect,
        next_node: str | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> EffectOutcome:
        """Ask a model; the outcome's result is what `llm_result` describes."""
        token = current_key.set(idempotency_key)
        watch = current_end.set(end_of(run.run_id, run_store))
        with paying() as attempts:
            try:
                ask = _prepare(run, effect.payload, artifact_store)
                files = Files(artifact_store, allow_media_paths)
                result = _with_bill(_asked(llm, run, ask, effect.payload, files), attempts)
            except (LLMCallFailed, BadSchema) as error:
                facts = getattr(error, "facts", {"kind": "schema", "retryable": False})
                known = {**bill_of(attempts), "error": facts}
                return EffectOutcome.failed(str(error), retryable=facts["retryable"], known=known)
            finally:
                current_key.reset(token)
                current_end.reset(watch)
        # A model has seen it now; until then a further attempt needs it.
        if _space(run, "_runtime").get(PENDING_MEDIA):
            get_runtime(run.vars)[PENDING_MEDIA] = []
        if _wants_context(effect.payload):
            _remember(run, ask, result)
        return EffectOutcome.completed(result)

    return llm_call


# ---- the request ---------------------------------------------------------------------------------


def _only_text(payload: dict[str, Any]) -> None:
    """Refuse what these clients cannot make: pictures, films, sound, transcripts."""
    output = payload.get("output")
    task = output.get("task") if isinstance(output, dict) else None
    if task:
        text = (
            f"No model is configured for {task}: the models of this server answer with text alone (FlowStudio: those "
            "of its page Settings, under Models). The host wires a handler of llm_call that reads payload.output."
        )
        raise LLMCallFailed("config", text)


def _prepare(run: RunState, payload: dict[str, Any], store: ArtifactStore | None) -> Ask:
    _only_text(payload)
    asked = payload.get("prompt")
    prompt = asked if isinstance(asked, str) and asked.strip() else ""
    given = payload.get("messages")
    messages = [dict(each) for each in given if isinstance(each, dict)] if isinstance(given, list) else []
    if not prompt and not messages:
        raise LLMCallFailed("bad_request", NEEDS_PROMPT)
    space, limits = _space(run, "_runtime"), _space(run, "_limits")
    params = dict(payload["params"]) if isinstance(payload.get("params"), dict) else {}
    for key in ("provider", "model"):
        if isinstance(payload.get(key), str) and payload[key].strip():
            params[f"_{key}"] = payload[key].strip()
    params["trace_metadata"] = _trace(run, params.get("trace_metadata"))
    media = merged_media(payload.get("media"), space.get(PENDING_MEDIA))
    ask = Ask(
        prompt=prompt,
        messages=messages or None,
        system_prompt=payload.get("system_prompt") or None,
        tools=payload["tools"] if isinstance(payload.get("tools"), list) and payload["tools"] else None,
        media=media or None,
        params=params,
        said=prompt or _last_user(messages),
    )
    ask.prompt, ask.messages, ask.system_prompt = ground(
        space.get("grounding"), prompt=ask.prompt, messages=ask.messages, system_prompt=ask.system_prompt
    )
    _fit_input(ask, payload, limits, space)
    _fit_output(ask, payload, limits)
    _add_attachments(run, ask, payload, space, store)
    _take_defaults(ask, space)
    cached_under = prompt_cache_key(run, params)
    if cached_under is not None:
        params["prompt_cache_key"] = cached_under
    _take_schema(ask, payload)
    return ask


def _space(run: RunState, name: str) -> dict[str, Any]:
    found = run.vars.get(name)
    return found if isinstance(found, dict) else {}


def _trace(run: RunState, given: Any) -> dict[str, Any]:
    made = dict(given) if isinstance(given, dict) else {}
    made |= {"run_id": run.run_id, "workflow_id": run.workflow_id, "node_id": run.current_node}
    for key in ("actor_id", "session_id", "parent_run_id"):
        if getattr(run, key):
            made[key] = getattr(run, key)
    return made


def _last_user(messages: list[dict[str, Any]]) -> str:
    found = next((each for each in reversed(messages) if each.get("role") == "user"), None)
    content = found.get("content") if found else ""
    return content if isinstance(content, str) else ""


def _fit_input(ask: Ask, payload: dict[str, Any], limits: dict[str, Any], space: dict[str, Any]) -> None:
    most = _whole(payload.get("max_input_tokens"))
    most = _whole(limits.get("max_input_tokens")) if most is None else most
    if ask.messages and most and most > 0 and not space.get("disable_input_trimming"):
        model = ask.params.get("_model")
        ask.messages = trim_messages_to_max_input_tokens(ask.messages, max_input_tokens=most, model=model)


def _fit_output(ask: Ask, payload: dict[str, Any], limits: dict[str, Any]) -> None:
    params = ask.params
    if params.get("max_tokens") is not None:
        return
    for given in (
        params.get("max_output_tokens"),
        payload.get("max_output_tokens"),
        payload.get("max_out_tokens"),
        limits.get("max_output_tokens"),
    ):
        most = _whole(given)
        if most is not None:
            params.pop("max_output_tokens", None)
            if most > 0:
                params["max_output_tokens"] = most
            return


def _take_defaults(ask: Ask, space: dict[str, Any]) -> None:
    for key in ("audio_policy", "stt_language"):
        if isinstance(space.get(key), str) and space[key].strip():
            ask.params.setdefault(key, space[key].strip())
    if ask.media:
        ask.params.setdefault("glyph_compression", "never")


def _add_attachments(
    run: RunState,
    ask: Ask,
    payload: dict[str, Any],
    space: dict[str, Any],
    store: ArtifactStore | None,
) -> None:
    """Tell the model which files there are; what it has read already is not read to it again."""
    kept = [
        each
        for each in ask.messages or []
        if each.get("role") != "system"
        or not str(each.get("content") or "").startswith((ACTIVE_HEAD, STORED_HEAD))
    ]
    heads = []
    if ask.media:
        heads.append(render_active_attachments_system_message(ask.media))
    entries: list[dict[str, Any]] = []
    wants_index = ask.params.pop("include_session_attachments_index", None)
    if store is not None and run.session_id and _wants_index(wants_index, ask, payload, space):
        entries = list_session_attachments(artifact_store=store, session_id=run.session_id)
        heads.append(render_session_attachments_system_message(entries))
    made = [{"role": "system", "content": text} for text in heads if text]
    if not made and ask.messages is None:
        return
    if ask.messages is None:
        kept, ask.prompt = [{"role": "user", "content": ask.prompt}], ""
    ask.messages = [*made, *dedup_messages_view(kept, session_attachments=entries)]


def _wants_index(explicit: Any, ask: Ask, payload: dict[str, Any], space: dict[str, Any]) -> bool:
    if isinstance(explicit, bool):
        return explicit
    control = space.get("control")
    named = control.get("include_session_attachments_index") if isinstance(control, dict) else None
    if isinstance(named, bool):
        return named
    return False if ask.media else bool(ask.tools) or _wants_context(payload)


def _take_schema(ask: Ask, payload: dict[str, Any]) -> None:
    if payload.get("response_schema") in (None, "", {}):
        return
    schema = read_schema(payload["response_schema"])
    name = str(payload.get("response_schema_name") or DEFAULT_NAME)
    ask.params["response_model"] = model_of(schema, name=name)
    ask.is_structured = True
    ask.falls_back = payload.get("structured_output_fallback") is True


# ---- asking --------------------------------------------------------------------------------------


def _asked(llm: LLMClient, run: RunState, ask: Ask, payload: dict[str, Any], files: Files) -> dict[str, Any]:
    refs = ask.media
    most = _whole(ask.params.pop("max_inline_attachment_bytes", None))
    most = _whole(ask.params.pop("max_inline_text_attachment_bytes", None)) if most is None else most
    messages, media = inlined(
        ask.messages,
        ask.media or [],
        files.store,
        most_bytes=MAX_INLINE_ATTACHMENT_BYTES if most is None else most,
    )
    with materialized(media or (), files) as paths:
        call = Ask(ask.prompt, messages, ask.system_prompt, ask.tools, paths or None, ask.params)
        call.is_structured, call.falls_back = ask.is_structured, ask.falls_back
        result = _until_whole(llm, run, call, payload)
    if ask.is_structured and result.get("data") is None and isinstance(result.get("content"), str):
        metadata = result["metadata"]
        try:
            result["data"] = parse_leniently(result["content"])
        except ValueError as error:
            metadata["_structured_output_parse_error"] = str(error)
    for number, each in enumerate(result.get("tool_calls") or [], start=1):
        if isinstance(each, dict) and not each.get("call_id"):
            each["call_id"] = f"call_{(current_key.get() or run.run_id)[:16]}_{number}"
    _observe(result, ask, refs, call)
    safe: dict[str, Any] = json_safe(result)
    return safe


def _until_whole(llm: LLMClient, run: RunState, call: Ask, payload: dict[str, Any]) -> dict[str, Any]:
    """Ask with more room for as long as the answer is cut off and that is not wanted."""
    retries = payload.get("retry_on_truncation", payload.get("no_truncation"))
    may_be_cut = bool(payload.get("allow_truncation", payload.get("allow_truncated")))
    tries = _whole(payload.get("max_truncation_attempts"))
    tries = _whole(payload.get("truncation_max_attempts")) if tries is None else tries
    tries = 1 if may_be_cut or retries is False else max(1, 3 if tries is None else tries)
    budget, cap = _room(run, call, payload)
    while True:
        result = _with_fallback(llm, call)
        is_cut = finish_reason_of(result.get("finish_reason")) == _TRUNCATED
        call.attempts.append(
            {
                "attempt": len(call.attempts) + 1,
                "finish_reason": result.get("finish_reason"),
                "max_output_tokens": call.params.get("max_output_tokens"),
                "structured_fallback": "_structured_output_fallback" in result["metadata"],
            }
        )
        if not is_cut or may_be_cut:
            break
        more = min(max(2 * budget, budget + 500), cap)
        if len(call.attempts) >= tries or more <= budget:
            budgets = ", ".join(str(each["max_output_tokens"] or "none") for each in call.attempts)
            raise LLMCallFailed(
                "bad_request",
                f"The model's answer was truncated, with room for {budgets} tokens: raise max_output_tokens, "
                "or set allow_truncation to take what came",
            )
        budget = more
        call.params = {**_without(call.params, "max_tokens"), "max_output_tokens": budget}
    if len(call.attempts) > 1 or is_cut:
        result["metadata"]["_truncation"] = {"attempts": call.attempts, "resolved": not is_cut}
    return result


def _room(run: RunState, call: Ask, payload: dict[str, Any]) -> tuple[int, int]:
    """Return how many tokens an answer may have now, and at most."""
    limits = _space(run, "_limits")
    limit = _whole(limits.get("max_output_tokens")) or None
    now = _whole(call.params.get("max_output_tokens")) or _whole(call.params.get("max_tokens"))
    given = _whole(payload.get("max_output_tokens_cap"))
    given = _whole(payload.get("max_truncation_max_output_tokens")) if given is None else given
    cap = max(given, _LEAST_CAP) if given is not None else limit or _MOST_OUTPUT
    return now or limit or _DEFAULT_OUTPUT, cap


def _with_fallback(llm: LLMClient, call: Ask) -> dict[str, Any]:
    result, error = guarded(_generate, llm, call)
    if error is None:
        return _whole_result(result)
    if not (call.is_structured and call.falls_back and _is_about_schema(error)):
        raise error if isinstance(error, LLMCallFailed) else LLMCallFailed("server", _words(error)) from error
    plain = Ask(**{**vars(call), "params": _without(call.params, "response_model")})
    result, second = guarded(_generate, llm, plain)
    if second is not None:
        raise LLMCallFailed("server", _words(second)) from second
    made = _whole_result(result)
    made["metadata"]["_structured_output_fallback"] = {"used": True, "error": _words(error)}
    return made


def _generate(llm: LLMClient, call: Ask) -> Any:
    before = len(paid_attempts())
    result = llm.generate(
        prompt=call.prompt,
        messages=call.messages,
        system_prompt=call.system_prompt,
        tools=call.tools,
        media=call.media,
        params=dict(call.params),
    )
    if len(paid_attempts()) == before and isinstance(result, dict):  # a client that notes nothing by itself
        metadata = result.get("metadata")
        cost = metadata.get("cost") if isinstance(metadata, dict) else None
        note_attempt(
            usage=result.get("usage"),
            model=result.get("model"),
            finish_reason=result.get("finish_reason"),
            cost=cost,
        )
    return result


def _with_bill(result: dict[str, Any], attempts: list[Attempt]) -> dict[str, Any]:
    """Return a result whose usage and cost are those of all attempts; what a single one says is as it came."""
    if len(attempts) < 2:
        return result
    bill = bill_of(attempts)
    return {**result, **bill, "metadata": {**result["metadata"], **bill["metadata"]}}


def _whole_result(result: Any) -> dict[str, Any]:
    if not isinstance(result, dict):
        raise LLMCallFailed("server", f"The model client returned {type(result).__name__}, not an answer")
    metadata = result.get("metadata")
    return {**result, "metadata": dict(metadata) if isinstance(metadata, dict) else {}}


def _is_about_schema(error: Exception) -> bool:
    if isinstance(error, LLMCallFailed):
        return error.kind == "schema"
    words = f"{type(error).__name__} {error}".lower()
    return isinstance(error, ValidationError) or any(each in words for each in _SCHEMA_WORDS)


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__


def _observe(result: dict[str, Any], ask: Ask, refs: list[Any] | None, call: Ask) -> None:
    """Note what was asked, with files by reference: the temporary paths say nothing afterwards."""
    asked: dict[str, Any] = {
        "prompt": ask.prompt,
        "messages": call.messages,
        "system_prompt": ask.system_prompt,
        "media": refs,
        "tools": ask.tools,
        "params": _without(call.params, "response_model"),
        "structured_output_fallback": ask.falls_back,
    }
    if ask.is_structured:
        asked["params"]["response_model"] = getattr(ask.params.get("response_model"), "__name__", None)
    if len(call.attempts) > 1:
        asked["truncation_attempts"] = call.attempts
    seen = get_namespace(result["metadata"], "_runtime_observability")
    seen["llm_generate_kwargs"] = asked


# ---- the conversation ----------------------------------------------------------------------------


def _wants_context(payload: dict[str, Any]) -> bool:
    return bool(payload.get("include_context", payload.get("use_context")))


def _remember(run: RunState, ask: Ask, result: dict[str, Any]) -> None:
    """Add this turn to the run's conversation; what was said, without the files."""
    context = get_namespace(run.vars, "context")
    if not isinstance(context.get("messages"), list):
        context["messages"] = []
    kind = {"kind": "llm_turn", "node_id": run.current_node}
    last = context["messages"][-1] if context["messages"] else None
    has_turn = isinstance(last, dict) and last.get("role") == "user" and last.get("content") == ask.said
    turn = [
        {"role": "user", "content": "" if has_turn else ask.said, "metadata": kind},
        {"role": "assistant", "content": str(result.get("content") or ""), "metadata": kind},
    ]
    for message in turn:
        if message["content"]:
            context["messages"].append(message)
    if isinstance(run.output, dict):
        run.output["messages"] = [*context["messages"]]


def _without(params: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in params.items() if key not in keys}


def _whole(value: Any) -> int | None:
    if value is None or isinstance(value, bool):
        return None
    try:
        return int(value)
    except (TypeError, ValueError):
        return None
