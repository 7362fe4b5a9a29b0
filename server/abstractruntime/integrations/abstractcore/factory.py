"""Runtimes with a model and tools, put together (source: contract/kernel.md 9.2, contract/integrations.md 3.9).

The classes used here are looked up in this module when a runtime is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...core.boundary import guarded
from ...core.config import RuntimeConfig
from ...core.effects import EffectHandler
from ...core.models import EffectType
from ...core.policy import EffectPolicy
from ...core.runtime import Runtime
from ...core.spec import RunContext
from ...scheduler.registry import WorkflowRegistry
from ...storage.artifacts import ArtifactStore, FileArtifactStore, InMemoryArtifactStore
from ...storage.base import LedgerStore, RunStore
from ...storage.in_memory import InMemoryLedgerStore, InMemoryRunStore
from ...storage.json_files import JsonFileRunStore, JsonlLedgerStore
from ...storage.observable import ObservableLedgerStore
from .constants import DEFAULT_LLM_TIMEOUT_S, DEFAULT_TOOL_TIMEOUT_S
from .effect_handlers import build_effect_handlers
from .guard import NotInstalled, abstractcore
from .llm_local import MultiLocalAbstractCoreLLMClient
from .llm_remote import RemoteAbstractCoreLLMClient
from .summarizer import AbstractCoreChatSummarizer
from .tool_executors import AbstractCoreToolExecutor, PassthroughToolExecutor, ToolExecutor

Handlers = Mapping[EffectType, EffectHandler]


def create_local_runtime(
    *,
    provider: str,
    model: str,
    llm_kwargs: dict[str, Any] | None = None,
    run_store: RunStore | None = None,
    ledger_store: LedgerStore | None = None,
    tool_executor: ToolExecutor | None = None,
    tool_timeout_s: float | None = None,
    context: RunContext | None = None,
    effect_policy: EffectPolicy | None = None,
    config: RuntimeConfig | None = None,
    artifact_store: ArtifactStore | None = None,
    extra_effect_handlers: Handlers | None = None,
) -> Runtime:
    """Return a runtime whose models run in this process, by AbstractCore.

    Tools run in this process too. Stores that are not given are in memory. Raises NotInstalled
    without AbstractCore.
    """
    options = dict(llm_kwargs or {})
    if "timeout" not in options:
        options["timeout"] = _timeout("get_default_timeout", DEFAULT_LLM_TIMEOUT_S)
    llm = MultiLocalAbstractCoreLLMClient(provider=provider, model=model, llm_kwargs=options)
    capable = llm.get_model_capabilities()
    if config is None:
        config = RuntimeConfig(provider=provider, model=model, model_capabilities=capable)
    else:
        config = config.with_capabilities(capable)
    summarizer = AbstractCoreChatSummarizer(
        llm=llm._llm,
        max_tokens=config.max_tokens or -1,
        max_output_tokens=config.max_output_tokens or -1,
    )
    return _runtime(
        llm=llm,
        tools=_local_tools(tool_executor, tool_timeout_s),
        run_store=run_store,
        ledger_store=ledger_store,
        artifact_store=artifact_store,
        extra=extra_effect_handlers,
        context=context,
        effect_policy=effect_policy,
        config=config,
        chat_summarizer=summarizer,
    )


def create_remote_runtime(
    *,
    server_base_url: str,
    model: str,
    headers: Mapping[str, str] | None = None,
    timeout_s: float | None = None,
    run_store: RunStore | None = None,
    ledger_store: LedgerStore | None = None,
    tool_executor: ToolExecutor | None = None,
    context: RunContext | None = None,
    artifact_store: ArtifactStore | None = None,
    effect_policy: EffectPolicy | None = None,
    config: RuntimeConfig | None = None,
    extra_effect_handlers: Handlers | None = None,
) -> Runtime:
    """Return a runtime whose model is behind HTTP; the run waits for whoever carries out its tools.

    Any server that speaks OpenAI's chat protocol will do. AbstractCore need not be installed.
    """
    return _runtime(
        llm=_remote_client(server_base_url, model, headers, timeout_s),
        tools=tool_executor or PassthroughToolExecutor(),
        run_store=run_store,
        ledger_store=ledger_store,
        artifact_store=artifact_store,
        extra=extra_effect_handlers,
        context=context,
        effect_policy=effect_policy,
        config=config,
    )


def create_hybrid_runtime(
    *,
    server_base_url: str,
    model: str,
    headers: Mapping[str, str] | None = None,
    timeout_s: float | None = None,
    tool_timeout_s: float | None = None,
    run_store: RunStore | None = None,
    ledger_store: LedgerStore | None = None,
    context: RunContext | None = None,
    artifact_store: ArtifactStore | None = None,
    tool_executor: ToolExecutor | None = None,
    effect_policy: EffectPolicy | None = None,
    config: RuntimeConfig | None = None,
    extra_effect_handlers: Handlers | None = None,
) -> Runtime:
    """Return a runtime whose model is behind HTTP and whose tools run in this process."""
    return _runtime(
        llm=_remote_client(server_base_url, model, headers, timeout_s),
        tools=_local_tools(tool_executor, tool_timeout_s),
        run_store=run_store,
        ledger_store=ledger_store,
        artifact_store=artifact_store,
        extra=extra_effect_handlers,
        context=context,
        effect_policy=effect_policy,
        config=config,
    )


def create_local_file_runtime(
    *,
    base_dir: str | Path,
    provider: str,
    model: str,
    llm_kwargs: dict[str, Any] | None = None,
    context: RunContext | None = None,
    config: RuntimeConfig | None = None,
    tool_timeout_s: float | None = None,
) -> Runtime:
    """Return `create_local_runtime` over files of one folder."""
    return create_local_runtime(
        provider=provider,
        model=model,
        llm_kwargs=llm_kwargs,
        context=context,
        config=config,
        tool_timeout_s=tool_timeout_s,
        **_files(base_dir),
    )


def create_remote_file_runtime(
    *,
    base_dir: str | Path,
    server_base_url: str,
    model: str,
    headers: Mapping[str, str] | None = None,
    timeout_s: float | None = None,
    context: RunContext | None = None,
) -> Runtime:
    """Return `create_remote_runtime` over files of one folder."""
    return create_remote_runtime(
        server_base_url=server_base_url,
        model=model,
        headers=headers,
        timeout_s=timeout_s,
        context=context,
        **_files(base_dir),
    )


def _files(base_dir: str | Path) -> dict[str, Any]:
    folder = Path(base_dir)
    return {
        "run_store": JsonFileRunStore(folder),
        "ledger_store": JsonlLedgerStore(folder),
        "artifact_store": FileArtifactStore(folder),
    }


def _runtime(
    *,
    llm: Any,
    tools: ToolExecutor,
    run_store: RunStore | None,
    ledger_store: LedgerStore | None,
    artifact_store: ArtifactStore | None,
    extra: Handlers | None,
    **options: Any,
) -> Runtime:
    runs = run_store if run_store is not None else InMemoryRunStore()
    ledger = ledger_store if ledger_store is not None else InMemoryLedgerStore()
    if not hasattr(ledger, "subscribe"):
        ledger = ObservableLedgerStore(ledger)
    artifacts = artifact_store if artifact_store is not None else InMemoryArtifactStore()
    handlers = build_effect_handlers(llm=llm, tools=tools, artifact_store=artifacts, run_store=runs)
    take_ledger = getattr(handlers.get(EffectType.TOOL_CALLS), "take_ledger", None)
    if callable(take_ledger):  # each call of a batch has records of its own
        take_ledger(ledger)
    return Runtime(
        run_store=runs,
        ledger_store=ledger,
        effect_handlers={**handlers, **(extra or {})},
        artifact_store=artifacts,
        workflow_registry=WorkflowRegistry(),
        **options,
    )


def _remote_client(
    url: str, model: str, headers: Mapping[str, str] | None, timeout_s: float | None
) -> RemoteAbstractCoreLLMClient:
    seconds = _timeout("get_default_timeout", DEFAULT_LLM_TIMEOUT_S) if timeout_s is None else timeout_s
    return RemoteAbstractCoreLLMClient(server_base_url=url, model=model, headers=headers, timeout_s=seconds)


def _local_tools(given: ToolExecutor | None, timeout_s: float | None) -> ToolExecutor:
    seconds = _timeout("get_tool_timeout", DEFAULT_TOOL_TIMEOUT_S) if timeout_s is None else timeout_s
    executor: ToolExecutor = given or AbstractCoreToolExecutor(timeout_s=seconds)
    setter = getattr(executor, "set_timeout_s", None)
    if callable(setter):
        setter(seconds)
    return executor


def _timeout(name: str, default: float) -> float:
    """Return a limit of AbstractCore's own configuration, in seconds, where that is installed and read."""
    try:
        manager = abstractcore("config.manager", wanted_for="Its configuration").get_config_manager()
    except NotInstalled:
        return default
    found, error = guarded(lambda: float(getattr(manager, name)()))
    return default if error is not None or found is None else found
