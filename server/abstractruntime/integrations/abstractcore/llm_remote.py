"""A model behind HTTP: AbstractCore's own server, or any other that speaks OpenAI's chat protocol.

It serves LM Studio, Ollama, llama.cpp, vLLM, OpenRouter, OpenAI and others alike, and is what the product
uses unless told otherwise. (source: contract/kernel.md 9.3.4, contract/integrations.md D4, 3)
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pydantic import BaseModel, ValidationError

from ..hiding import HidingStream, hidden, secrets_of_headers
from .constants import DEFAULT_LLM_TIMEOUT_S
from .llm_errors import LLMCallFailed, hiding
from .llm_http_sender import HttpResponse, HttpxSender, RequestSender, events
from .llm_messages import chat_messages, with_images
from .llm_paid import note_attempt
from .llm_result import llm_result, reasoning_of, summed_usage, usage_of
from .llm_schema import parse_leniently, schema_of, validated, wrong
from .llm_stream import CALLED_OFF, current_key, has_ended, joined_tool_calls, tell
from .llm_tool_modes import NATIVE, SCHEMA, described, forced_schema, in_words, mode_of, read_answer
from .tool_specs import BadToolSpec, openai_tools

SCHEMA_TRIES = 3
_PROBE_S = 3.0
_ABSTRACTCORE_ONLY = ("timeout_s", "base_url")
# What `params.thinking` is called where it is OpenAI's `reasoning_effort`; auto is not sent.
_EFFORTS = {"": "auto", "off": "none", "no": "none", "false": "none"} | dict.fromkeys(
    ("on", "yes", "true"), "medium"
)
_TRACE_HEADERS = {
    "actor_id": "X-AbstractCore-Actor-Id",
    "session_id": "X-AbstractCore-Session-Id",
    "run_id": "X-AbstractCore-Run-Id",
    "parent_run_id": "X-AbstractCore-Parent-Run-Id",
}
_TRACE_ID_HEADERS = ("x-abstractcore-trace-id", "x-trace-id")


class RemoteAbstractCoreLLMClient:
    """Asks a model server at `server_base_url` (with or without `/v1`); `timeout_s` seconds a call.

    `headers` go with every request; they hold the key, if the server wants one, and appear in no result.
    `tool_mode` (native, schema or prompted) is for calls that say nothing else: see `llm_tool_modes`.
    """

    def __init__(
        self,
        *,
        server_base_url: str,
        model: str,
        timeout_s: float | None = None,
        headers: Mapping[str, str] | None = None,
        request_sender: RequestSender | None = None,
        tool_mode: str = NATIVE,
    ) -> None:
        self._base = server_base_url.strip().rstrip("/").removesuffix("/v1")
        self._model = model
        self._timeout_s = DEFAULT_LLM_TIMEOUT_S if timeout_s is None else float(timeout_s)
        self._tool_mode = tool_mode
        self._headers = dict(headers or {})
        self._secrets = secrets_of_headers(self._headers)
        self._sender: RequestSender = request_sender or HttpxSender(self._base)
        self._is_abstractcore: bool | None = True if request_sender is not None else None

    @property
    def url(self) -> str:
        """Where calls are posted."""
        return f"{self._base}/v1/chat/completions"

    def close(self) -> None:
        """Close the connections; the next call would fail. A sender that was given is its giver's."""
        if isinstance(self._sender, HttpxSender):
            self._sender.close()

    def models(self) -> list[str]:
        """Return the names of the models that the server offers; raise LLMCallFailed."""
        if not isinstance(self._sender, HttpxSender):
            raise LLMCallFailed("config", "This client's sender cannot list models")
        with hiding(self._secrets):
            found = self._sender.get(f"{self._base}/v1/models", headers=self._headers, timeout=_PROBE_S)
        rows = found.get("data")
        names = (
            [str(each.get("id")) for each in rows if isinstance(each, dict)] if isinstance(rows, list) else []
        )
        return sorted(name for name in names if name != "None")

    def embed(self, texts: Iterable[str], *, model: str = "") -> list[list[float]]:
        """Return a vector for each text, from the server's `/v1/embeddings`; raise LLMCallFailed."""
        asked, url = [*texts], f"{self._base}/v1/embeddings"
        if not asked:
            return []
        with hiding(self._secrets):
            answer = _unpacked(
                self._sender.post(
                    url,
                    headers=self._headers,
                    json={"model": model or self._model, "input": asked},
                    timeout=self._timeout({}),
                )
            )
            told = answer.body.get("data")
            rows: list[Any] = told if isinstance(told, list) else []
            found = [each.get("embedding") for each in rows if isinstance(each, dict)]
            if len(found) != len(asked) or not all(isinstance(each, list) and each for each in found):
                raise LLMCallFailed(
                    "server", f"{url} gave no vector for each text: has it a model for embeddings?"
                )
        return [[float(number) for number in each or ()] for each in found]

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
        """Return a model's answer in the shape of `llm_result`; raise LLMCallFailed.

        Neither holds the key, even where the server repeats it.
        """
        params = dict(params or {})
        try:
            specs = openai_tools(tools)
        except BadToolSpec as bad:
            raise LLMCallFailed("bad_request", str(bad)) from None
        mode = mode_of(params, self._tool_mode)
        if specs and mode != NATIVE:
            system_prompt = "\n\n".join(filter(None, (system_prompt, described(specs, mode))))
        sent = chat_messages(prompt=prompt, messages=messages, system_prompt=system_prompt)
        if mode != NATIVE:
            sent = in_words(sent, mode)
        body = self._body(with_images(sent, media or ()), specs, mode, params)
        wanted = params.get("response_model")
        with hiding(self._secrets):
            if isinstance(wanted, type) and issubclass(wanted, BaseModel):
                answer = self._structured(body, params, wanted)
            else:
                answer = self._once(body, params, specs, mode)
        covered: dict[str, Any] = hidden(answer, self._secrets)
        return covered

    def _body(
        self, messages: list[dict[str, Any]], specs: list[dict[str, Any]], mode: str, params: dict[str, Any]
    ) -> dict[str, Any]:
        provider, model = params.get("_provider"), params.get("_model") or self._model
        if provider and self.is_abstractcore and "/" not in str(model):
            model = f"{provider}/{model}"
        body: dict[str, Any] = {"model": model, "messages": messages, "stream": False}
        if self._timeout(params) is not None:
            body["timeout_s"] = self._timeout(params)
        for key in ("base_url", "prompt_cache_key", "stop", "top_p", "tool_choice", "response_format"):
            if params.get(key) is not None:
                body[key] = params[key]
        for key in ("temperature", "frequency_penalty", "presence_penalty"):
            if params.get(key) is not None:
                body[key] = float(params[key])
        limit = params.get("max_tokens") or params.get("max_output_tokens")
        if limit is not None:
            body["max_tokens"] = int(limit)
        if params.get("seed") is not None and int(params["seed"]) >= 0:
            body["seed"] = int(params["seed"])
        body |= self._thinking(params)
        if specs and mode == NATIVE:
            body["tools"] = specs
        elif specs and mode == SCHEMA:
            body["response_format"] = _response_format("tool_call", forced_schema(specs))
        return body if self.is_abstractcore else _without(body, _ABSTRACTCORE_ONLY)

    def _thinking(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return how much the model is to think, as this server reads it."""
        given = params.get("thinking")
        said = "" if given is None else str(given).strip().lower()
        effort = _EFFORTS.get(said, said)
        if effort == "auto":
            return {}
        return {"thinking": given} if self.is_abstractcore else {"reasoning_effort": effort}

    @property
    def is_abstractcore(self) -> bool:
        """Whether the server says that it is AbstractCore's; asked once, when it first matters."""
        if self._is_abstractcore is None:
            assert isinstance(self._sender, HttpxSender)
            try:
                told = self._sender.get(f"{self._base}/health", headers=self._headers, timeout=_PROBE_S)
            except LLMCallFailed as error:
                if error.kind in ("connection", "timeout"):
                    return False  # the call itself will say so
                told = {}
            features = told.get("features")
            self._is_abstractcore = isinstance(features, list) and "abstractcore-integration" in features
        return self._is_abstractcore

    def _timeout(self, params: Mapping[str, Any]) -> float | None:
        given = params.get("timeout_s")
        seconds = self._timeout_s if given is None else float(given)
        return seconds if seconds > 0 else None

    def _structured(
        self, body: dict[str, Any], params: dict[str, Any], model: type[BaseModel]
    ) -> dict[str, Any]:
        """Return an answer whose `data` fits the model; say what is wrong and ask again when it does not."""
        body = {**body, "response_format": _response_format(model.__name__, schema_of(model))}
        used: list[Any] = []
        for turn in range(SCHEMA_TRIES):
            result = self._once(body, params, [], NATIVE)
            used.append(result["usage"])
            if result["finish_reason"] == "length":
                return {**result, "usage": summed_usage(used)}
            try:
                result["data"] = validated(model, parse_leniently(str(result["content"] or "")))
            except ValidationError as error:
                reason = wrong(error)
            except ValueError as error:
                reason = str(error)
            else:
                metadata = {**result["metadata"], **({"schema_attempts": turn + 1} if turn else {})}
                return {**result, "usage": summed_usage(used), "metadata": metadata}
            told = f"That answer does not fit the schema: {reason}. Answer again, with JSON that fits."
            more = [{"role": "assistant", "content": result["content"]}, {"role": "user", "content": told}]
            body = {**body, "messages": [*body["messages"], *more]}
        raise LLMCallFailed(
            "schema", f"The model's answer did not fit the schema in {SCHEMA_TRIES} tries: {reason}"
        )

    def _once(
        self, body: dict[str, Any], params: dict[str, Any], specs: list[dict[str, Any]], mode: str
    ) -> dict[str, Any]:
        headers = {**self._headers, **_trace(params)}
        begun = time.monotonic()
        if (params.get("stream") or params.get("streaming")) and isinstance(self._sender, HttpxSender):
            known = {"ttft_ms": None, "finish_reason": None, "usage": None, "model": None}
            with _noting(known):
                told = self._streamed(self._sender, body, headers, params, begun, known)
        else:
            answer = _unpacked(
                self._sender.post(self.url, headers=headers, json=body, timeout=self._timeout(params))
            )
            with _noting(answer.body):
                known, told = _read(answer.body), answer.headers
        known["tool_calls"], known["content"] = read_answer(
            known["content"], known["tool_calls"], specs, mode
        )
        lower = {key.lower(): value for key, value in told.items()}
        result = llm_result(
            **known,
            provider=str(params.get("_provider") or "openai-compatible"),
            gen_time=round((time.monotonic() - begun) * 1000, 1),
            trace_id=next((lower[key] for key in _TRACE_ID_HEADERS if key in lower), None),
        )
        result["model"] = result["model"] or body["model"]
        note_attempt(usage=result["usage"], model=result["model"], finish_reason=result["finish_reason"])
        return result

    def _streamed(
        self,
        sender: HttpxSender,
        body: dict[str, Any],
        headers: dict[str, str],
        params: Mapping[str, Any],
        begun: float,
        known: dict[str, Any],
    ) -> Mapping[str, str]:
        """Put into `known` what comes, as it comes; return the answer's headers."""
        run_id = str((params.get("trace_metadata") or {}).get("run_id") or "")
        body = {**body, "stream": True, "stream_options": {"include_usage": True}}
        texts: list[str] = []
        thoughts: list[str] = []
        calls: list[Any] = []
        shown = {key: HidingStream(self._secrets) for key in ("content", "reasoning")}
        with sender.stream(self.url, headers=headers, body=body, timeout=self._timeout(params)) as answer:
            for event in events(answer):
                if has_ended():
                    raise LLMCallFailed("cancelled", CALLED_OFF)
                known["usage"] = usage_of(event.get("usage")) or known["usage"]
                known["model"] = event.get("model") or known["model"]
                choice = (event.get("choices") or [{}])[0]
                known["finish_reason"] = choice.get("finish_reason") or known["finish_reason"]
                delta = choice.get("delta") or {}
                calls += delta.get("tool_calls") or []
                piece = {"content": delta.get("content"), "reasoning": reasoning_of(delta)}
                piece = {key: value for key, value in piece.items() if value}
                if (piece or calls) and known["ttft_ms"] is None:
                    known["ttft_ms"] = round((time.monotonic() - begun) * 1000, 1)
                if piece:
                    texts.append(piece.get("content") or "")
                    thoughts.append(piece.get("reasoning") or "")
                    _tell(run_id, {key: shown[key].feed(str(text)) for key, text in piece.items()})
            _tell(run_id, {key: stream.rest() for key, stream in shown.items()})
            told = dict(answer.headers)
        if known["finish_reason"] is None:
            raise LLMCallFailed("connection", f"{self.url} stopped in the middle of its answer")
        known |= {
            "content": "".join(texts),
            "reasoning": "".join(thoughts) or None,
            "tool_calls": joined_tool_calls(calls),
        }
        return told


@contextmanager
def _noting(known: Mapping[str, Any]) -> Iterator[None]:
    """Note an answer that breaks off or cannot be read, if anything of it came: it is paid for all the same."""
    try:
        yield
    except LLMCallFailed:
        if known.get("usage") or known.get("ttft_ms") is not None:
            note_attempt(usage=known.get("usage"), model=known.get("model"))
        raise


def _tell(run_id: str, piece: dict[str, str]) -> None:
    said = {key: text for key, text in piece.items() if text}
    if said:
        tell(run_id, said)


def _response_format(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": name, "strict": True, "schema": dict(schema)}}


def _without(body: dict[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    left_out = set(keys)
    return {key: value for key, value in body.items() if key not in left_out}


def _trace(params: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers that say for whom a call is made, and its key."""
    told = params.get("trace_metadata")
    made: dict[str, str] = {}
    if isinstance(told, Mapping) and told:
        made["X-AbstractCore-Trace-Metadata"] = json.dumps(dict(told), separators=(",", ":"), default=str)
        made |= {header: str(told[key]) for key, header in _TRACE_HEADERS.items() if told.get(key)}
    key = current_key.get()
    if key:
        made["Idempotency-Key"] = key
    return made


def _unpacked(answer: Any) -> HttpResponse:
    if isinstance(answer, Mapping):
        return HttpResponse(dict(answer))
    headers = getattr(answer, "headers", None)
    body = getattr(answer, "body", None)
    if body is None:
        body = answer.json()
    return HttpResponse(dict(body), dict(headers) if isinstance(headers, Mapping) else {})


def _read(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a chat completion says; raise LLMCallFailed when it says nothing."""
    choices = body.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, Mapping) else None
    if not isinstance(choice, Mapping) or not isinstance(message, Mapping):
        raise LLMCallFailed("server", f"The model server's answer has no message: {str(dict(body))[:200]}")
    return {
        "content": message.get("content"),
        "reasoning": reasoning_of(message),
        "tool_calls": message.get("tool_calls"),
        "usage": body.get("usage"),
        "model": body.get("model"),
        "finish_reason": choice.get("finish_reason"),
    }
