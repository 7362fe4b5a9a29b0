"""AbstractCore in this process: its engines and its clients of other servers (contract/kernel.md 9.3.3)."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from threading import Lock, RLock
from typing import Any

from pydantic import RootModel

from .guard import abstractcore, quiet_logging
from .llm_errors import LLMCallFailed
from .llm_messages import chat_messages
from .llm_paid import note_attempt
from .llm_result import llm_result, summed_usage
from .llm_schema import model_of_either
from .llm_stream import CALLED_OFF, has_ended, joined_tool_calls, tell
from .llm_text_calls import parse_tool_calls_from_text
from .llm_tool_modes import NATIVE, PROMPTED, SCHEMA, described, forced_schema, in_words, mode_of, read_answer
from .tool_specs import BadToolSpec, openai_tools

_NOT_FOR_ENGINES = frozenset(
    {"base_url", "_provider", "_model", "stream", "streaming", "timeout_s", "tool_mode"}
)
_STALE_HEAD = "Recent tool activity"
_SERIAL_PROVIDERS = frozenset({"mlx"})
_serial_locks: dict[tuple[str, str], RLock] = {}
_serial_guard = Lock()
# The answers of an engine during one call, kept for what they cost: a structured answer comes without it.
_heard: ContextVar[list[Any] | None] = ContextVar("_heard", default=None)


class LocalAbstractCoreLLMClient:
    """One provider and model of AbstractCore; `llm_kwargs` go to its `create_llm`."""

    def __init__(self, *, provider: str, model: str, llm_kwargs: dict[str, Any] | None = None) -> None:
        self._provider = provider
        self._model = model
        known = {"enable_tracing": True, "max_traces": 50, **(llm_kwargs or {})}
        core = abstractcore(wanted_for=f"A model of the provider {provider!r}")
        with quiet_logging():
            self._llm = _overheard(core.create_llm(provider, model=model, **known))

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
        """Return a model's answer in the shape of `llm_result`; raises what AbstractCore raises."""
        params = dict(params or {})
        given: dict[str, Any] = {
            "prompt": prompt,
            "messages": _current(messages),
            "system_prompt": system_prompt,
            "tools": tools,
            "media": media,
        }
        options = {key: value for key, value in params.items() if key not in _NOT_FOR_ENGINES}
        if "max_tokens" in options:  # to AbstractCore that is the whole window; we mean the answer
            options.setdefault("max_output_tokens", options.pop("max_tokens"))
        mode, specs = _in_mode(given, options, params)
        given = {key: value for key, value in given.items() if key == "prompt" or value}
        is_streamed = (
            bool(params.get("stream") or params.get("streaming")) and "response_model" not in options
        )
        begun = time.monotonic()
        _heard.set([])
        with self._turn():
            answer = self._llm.generate(**given, stream=is_streamed, **options)
            if is_streamed:
                run_id = str((params.get("trace_metadata") or {}).get("run_id") or "")
                known = _joined(answer, run_id, begun)
            else:
                known = _known(answer)
        if specs:
            known = _of_mode(known, specs, mode)
        names = [_tool_name(each) for each in given.get("tools") or ()]
        if names and not known.get("tool_calls"):
            known["tool_calls"], known["content"] = parse_tool_calls_from_text(
                known.get("content"), allowed_tool_names=[name for name in names if name]
            )
        known.setdefault("gen_time", round((time.monotonic() - begun) * 1000, 1))
        ignored = ["base_url"] if params.get("base_url") else []
        if ignored:
            known["metadata"] = {**(known.get("metadata") or {}), "ignored_params": ignored}
        return llm_result(**{**known, "provider": self._provider, "model": known.get("model") or self._model})

    def get_model_capabilities(self) -> dict[str, Any]:
        """Return what is known of the model: `max_tokens` at least."""
        detection = abstractcore("architectures.detection", wanted_for="Model capabilities")
        found = dict(detection.get_model_capabilities(self._model) or {})
        if not isinstance(found.get("max_tokens"), int):
            found["max_tokens"] = int(getattr(self._llm, "max_tokens", None) or 16384)
        return found

    def _turn(self) -> AbstractContextManager[Any]:
        """Let one thread at a time ask an engine that cannot serve two."""
        if self._provider not in _SERIAL_PROVIDERS:
            return nullcontext()
        with _serial_guard:
            return _serial_locks.setdefault((self._provider, self._model), RLock())


class MultiLocalAbstractCoreLLMClient:
    """Clients of several providers and models; a call says which by `params._provider` and `_model`."""

    def __init__(self, *, provider: str, model: str, llm_kwargs: dict[str, Any] | None = None) -> None:
        self._default = (provider, model)
        self._llm_kwargs = dict(llm_kwargs or {})
        self._clients: dict[tuple[str, str], LocalAbstractCoreLLMClient] = {}
        self._lock = Lock()
        self._llm = self._client(provider, model)._llm

    def generate(self, *, params: dict[str, Any] | None = None, **asked: Any) -> dict[str, Any]:
        """Return the answer of the client that the call names, else of the first one."""
        named = params or {}
        provider = str(named.get("_provider") or self._default[0])
        model = str(named.get("_model") or self._default[1])
        return self._client(provider, model).generate(params=params, **asked)

    def get_provider_instance(self, *, provider: str, model: str) -> Any:
        """Return AbstractCore's own object for a provider and a model."""
        return self._client(provider, model)._llm

    def list_loaded_clients(self) -> list[tuple[str, str]]:
        """Return the pairs of provider and model that have been asked for."""
        with self._lock:
            return sorted(self._clients)

    def get_model_capabilities(self) -> dict[str, Any]:
        """Return what is known of the first model."""
        return self._client(*self._default).get_model_capabilities()

    def _client(self, provider: str, model: str) -> LocalAbstractCoreLLMClient:
        with self._lock:
            client = self._clients.get((provider, model))
            if client is None:
                client = LocalAbstractCoreLLMClient(
                    provider=provider, model=model, llm_kwargs=dict(self._llm_kwargs)
                )
                self._clients[provider, model] = client
            return client


def _in_mode(
    given: dict[str, Any], options: dict[str, Any], params: dict[str, Any]
) -> tuple[str, list[dict[str, Any]]]:
    """Have tools called as `params.tool_mode` says; return the mode, and the tools that are told in words.

    By itself, and asked for `native`, AbstractCore chooses a way by the model's name. Raises LLMCallFailed.
    """
    mode = mode_of(params)
    if mode == NATIVE:
        return mode, []
    try:
        specs = openai_tools(given["tools"])
    except BadToolSpec as bad:
        raise LLMCallFailed("bad_request", str(bad)) from None
    given["tools"] = None
    if given["messages"]:
        whole = chat_messages(prompt="", messages=given["messages"], system_prompt=None)
        given["messages"] = in_words(whole, mode)
    if specs:
        given["system_prompt"] = "\n\n".join(filter(None, (given["system_prompt"], described(specs, mode))))
    if specs and mode == SCHEMA and "response_model" not in options:
        options["response_model"] = model_of_either(forced_schema(specs), name="ToolCall")
        return mode, specs
    return mode, specs if mode == PROMPTED else []


def _of_mode(known: dict[str, Any], specs: list[dict[str, Any]], mode: str) -> dict[str, Any]:
    calls, content = read_answer(known.get("content"), known.get("tool_calls"), specs, mode)
    return {**known, "tool_calls": calls, "content": content, "data": None}


def _known(answer: Any) -> dict[str, Any]:
    """Return the facts of an answer of AbstractCore, whichever of its shapes it has."""
    if hasattr(answer, "content") and hasattr(answer, "finish_reason"):
        metadata = dict(getattr(answer, "metadata", None) or {})
        return {
            "content": answer.content,
            "reasoning": metadata.get("reasoning") or getattr(answer, "reasoning", None),
            "tool_calls": answer.tool_calls,
            "usage": answer.usage,
            "model": answer.model,
            "finish_reason": answer.finish_reason,
            "trace_id": metadata.get("trace_id"),
            "gen_time": getattr(answer, "gen_time", None),
            "metadata": {key: value for key, value in metadata.items() if not key.startswith("_")},
        }
    dump = getattr(answer, "model_dump_json", None)
    if callable(dump):  # structured output: the answer itself; what it cost was heard on the way
        heard = _heard.get() or []
        return {
            "content": dump(by_alias=True, exclude_unset=isinstance(answer, RootModel)),
            "data": answer.model_dump(mode="json", by_alias=True),
            "usage": summed_usage([getattr(each, "usage", None) for each in heard]),
            "model": getattr(heard[-1], "model", None) if heard else None,
            "finish_reason": (getattr(heard[-1], "finish_reason", None) if heard else None) or "stop",
        }
    return {"content": str(answer), "finish_reason": "stop"}


def normalize_local_response(answer: Any) -> dict[str, Any]:
    """Return an answer of AbstractCore (an object, a pydantic model, a dict or a text) as `llm_result` has it."""
    if isinstance(answer, dict):
        return llm_result(**{key: value for key, value in answer.items() if isinstance(key, str)})
    return llm_result(**_known(answer))


def _overheard(llm: Any) -> Any:
    """Return AbstractCore's object, each of whose own answers is noted for the call that it is part of."""
    inner = getattr(llm, "_generate_internal", None)
    if not callable(inner):
        return llm

    def generate(*args: Any, **options: Any) -> Any:
        answer, kept = inner(*args, **options), _heard.get()
        if kept is not None and hasattr(answer, "usage"):
            kept.append(answer)
            note_attempt(
                usage=answer.usage,
                model=getattr(answer, "model", None),
                finish_reason=getattr(answer, "finish_reason", None),
            )
        return answer

    llm._generate_internal = generate
    return llm


def _current(messages: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
    """Return the messages without the notes that agents leave for themselves."""
    if messages is None:
        return None
    return [
        each
        for each in messages
        if each.get("role") != "system" or not str(each.get("content") or "").startswith(_STALE_HEAD)
    ]


def _tool_name(tool: Any) -> str | None:
    if isinstance(tool, dict):
        inner = tool.get("function")
        found = (inner if isinstance(inner, dict) else tool).get("name")
    else:
        found = getattr(tool, "name", None) or getattr(tool, "__name__", None)
    return found if isinstance(found, str) else None


def _joined(chunks: Iterable[Any], run_id: str, begun: float) -> dict[str, Any]:
    """Return a streamed answer as a whole, told piece by piece to whoever listens."""
    texts: list[str] = []
    calls: list[Any] = []
    known: dict[str, Any] = {"usage": None, "finish_reason": None, "model": None, "ttft_ms": None}
    for chunk in chunks:
        if has_ended():
            raise LLMCallFailed("cancelled", CALLED_OFF)
        for key in ("usage", "finish_reason", "model"):
            known[key] = getattr(chunk, key, None) or known[key]
        calls += getattr(chunk, "tool_calls", None) or []
        text = getattr(chunk, "content", None)
        if (text or calls) and known["ttft_ms"] is None:
            known["ttft_ms"] = round((time.monotonic() - begun) * 1000, 1)
        if text:
            texts.append(text)
            tell(run_id, {"content": text})
    whole = [each for each in calls if isinstance(each, dict) and "index" not in each]
    pieces = [each for each in calls if isinstance(each, dict) and "index" in each]
    known["tool_calls"] = [*whole, *joined_tool_calls(pieces)] or None
    known["content"] = "".join(texts)
    known["finish_reason"] = known["finish_reason"] or "stop"
    return known
