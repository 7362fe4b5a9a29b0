"""Which model answers: the provider that a call names, or the first one."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from abstractruntime.integrations.abstractcore.llm_errors import LLMCallFailed
from abstractruntime.integrations.abstractcore.llm_paid import paid_attempts
from abstractruntime.integrations.abstractcore.llm_protocol import LLMClient
from abstractruntime.integrations.abstractcore.llm_remote import RemoteAbstractCoreLLMClient

from .keys import KeyStore
from .providers import OPENAI, RECORDED, SCRIPTED, Provider, ProviderNotFound, Providers
from .recordings import RecordedModel, RecordingModel
from .scripted import MODEL, Rule, ScriptedModel
from .words import LiveWords

NO_MODEL = (
    "no model is configured: add a provider under Settings, Models (/settings/models), or choose the "
    "scripted model there to try the flow without one"
)
NO_EMBEDDINGS = "no model for embeddings is configured: name one for a provider under Settings, Models"
_LIST_SECONDS = 30.0
Listed = tuple[float, tuple[str, ...], str]


class Models:
    """The models of one installation, as a client that routes. Safe to call from several threads."""

    def __init__(
        self, providers: Providers, keys: KeyStore, recordings: Path, script: Sequence[Rule] = ()
    ) -> None:
        self.providers = providers
        self._script = script
        self._keys = keys
        self._recordings = recordings
        self.words = LiveWords()
        self._lock = Lock()
        self._clients: dict[str, tuple[Provider, str, LLMClient]] = {}
        self._listed: dict[str, Listed] = {}

    def generate(self, *, params: dict[str, Any] | None = None, **asked: Any) -> dict[str, Any]:
        """Return a model's answer, with what it cost; raise LLMCallFailed with what to do."""
        params = dict(params or {})
        provider = self.choose(str(params.pop("_provider", "") or ""))
        model = str(params.get("_model") or self.default_model(provider))
        if not model:
            raise LLMCallFailed(
                "config",
                f"No model is named: choose one in the node, or one for {provider.name!r} under Settings, Models",
            )
        params["_model"] = model
        if provider.kind != RECORDED and not provider.whole and params.get("response_model") is None:
            params.setdefault("stream", True)  # seen as it comes, and ended with its run
        run_id = str((params.get("trace_metadata") or {}).get("run_id") or "")
        with self.words.of_call(run_id), _priced(provider):
            answer = self._client(provider).generate(params=params, **asked)
        answer["provider"] = provider.name
        cost = cost_of(provider, answer.get("usage"))
        if cost is not None:
            answer["metadata"] = {**(answer.get("metadata") or {}), "cost": cost}
        return answer

    def embedding_model(self) -> str:
        """Return the model that embeds texts, of the first provider that has one; empty when none has."""
        provider = self._embedding()
        return provider.embedding_model if provider is not None else ""

    def embed_texts(self, texts: list[str]) -> list[list[float]]:
        """Return a vector for each text; raise LLMCallFailed with what to do."""
        provider = self._embedding()
        if provider is None:
            raise LLMCallFailed("config", NO_EMBEDDINGS)
        client = self._remote(provider, self.key_of(provider))
        return client.embed(texts, model=provider.embedding_model)

    def _embedding(self) -> Provider | None:
        return next(
            (each for each in self.providers.all() if each.kind == OPENAI and each.embedding_model), None
        )

    def default_model(self, provider: Provider) -> str:
        """Return the model of a provider for who names none; empty when there is none."""
        return provider.model or (MODEL if provider.kind == SCRIPTED else "")

    def own_model(self, named: str) -> str:
        """Return the model of a node that names this provider (or none) and no model; empty when it has none."""
        try:
            return self.default_model(self.choose(named))
        except LLMCallFailed:
            return ""

    def choose(self, named: str) -> Provider:
        """Return the provider that is named, or the first; raise LLMCallFailed."""
        if named:
            try:
                return self.providers.get(named)
            except ProviderNotFound as error:
                hint = "add it under Settings, Models (/settings/models), or change the node"
                raise LLMCallFailed("config", f"{error} To use it, {hint}.") from None
        known = self.providers.all()
        if not known:
            raise LLMCallFailed("config", NO_MODEL)
        return known[0]

    def listed(self, provider: Provider) -> tuple[tuple[str, ...], str]:
        """Return the models that a provider offers, and why they cannot be listed; asked now and then."""
        if provider.kind != OPENAI:
            return ((provider.model or MODEL,), "")
        held = self._listed.get(provider.name)
        if held is not None and time.monotonic() - held[0] < _LIST_SECONDS:
            return held[1], held[2]
        try:
            client = self._remote(provider, self.key_of(provider))
            found, reason = tuple(client.models()), ""
        except LLMCallFailed as error:
            found, reason = (provider.model,) if provider.model else (), str(error)
        self._listed[provider.name] = (time.monotonic(), found, reason)
        return found, reason

    def known(self, name: str) -> tuple[str, ...]:
        """Return the models of a provider as they were last listed; asks nobody."""
        provider = self.providers.get(name)
        held = self._listed.get(provider.name)
        if held is not None and held[1]:
            return held[1]
        return (provider.model,) if provider.model else ((MODEL,) if provider.kind == SCRIPTED else ())

    def forget(self, name: str) -> None:
        """Ask a provider afresh from now on: its settings have changed."""
        with self._lock:
            self._clients.pop(name, None)
        self._listed.pop(name, None)

    def key_of(self, provider: Provider) -> str:
        """Return a provider's key; raise LLMCallFailed naming the variable that is missing."""
        if provider.key_variable:
            found = os.environ.get(provider.key_variable, "")
            if not found:
                raise LLMCallFailed(
                    "config",
                    f"The environment variable {provider.key_variable} is not set: it holds the key of {provider.name!r}",
                )
            return found
        return self._keys.get(f"provider:{provider.name}") or ""

    def _client(self, provider: Provider) -> LLMClient:
        key = self.key_of(provider) if provider.kind == OPENAI else ""
        with self._lock:
            held = self._clients.get(provider.name)
            if held is not None and held[:2] == (provider, key):
                return held[2]
            made = self._made(provider, key)
            self._clients[provider.name] = (provider, key, made)
            return made

    def _made(self, provider: Provider, key: str) -> LLMClient:
        if provider.kind == SCRIPTED:
            return ScriptedModel(self._script)
        if provider.kind == RECORDED:
            return RecordedModel(self._recordings)
        client = self._remote(provider, key)
        return RecordingModel(client, self._recordings) if provider.records else client

    def _remote(self, provider: Provider, key: str) -> RemoteAbstractCoreLLMClient:
        return RemoteAbstractCoreLLMClient(
            server_base_url=provider.base_url,
            model=provider.model,
            timeout_s=provider.timeout_s,
            headers={"Authorization": f"Bearer {key}"} if key else {},
            tool_mode=provider.tool_mode,
        )


@contextmanager
def _priced(provider: Provider) -> Iterator[None]:
    """Have each attempt inside say what it cost, also when the call fails."""
    before = len(paid_attempts())
    try:
        yield
    finally:
        for each in paid_attempts()[before:]:
            cost = cost_of(provider, each["usage"])
            if cost is not None:
                each["cost"] = cost


def cost_of(provider: Provider, usage: Any) -> float | None:
    """Return what a call cost by the provider's prices, or None where nothing is reckoned."""
    if not isinstance(usage, dict) or not (provider.price_in or provider.price_out):
        return None
    took, gave = usage.get("input_tokens") or 0, usage.get("output_tokens") or 0
    return round((took * provider.price_in + gave * provider.price_out) / 1_000_000, 6)
