"""What the integrations publish: import paths, names and signatures, held against a written list.

(source: contract/kernel.md 0.2 and 9, contract/integrations.md 3.9, 5 and 7)
"""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any

import pytest

CORE = "abstractruntime.integrations.abstractcore"
NAMES = {
    CORE: "AbstractCoreLLMClient LocalAbstractCoreLLMClient RemoteAbstractCoreLLMClient "
    "AbstractCoreEmbeddingsClient EmbeddingsResult RuntimeConfig ToolExecutor MappingToolExecutor "
    "AbstractCoreToolExecutor PassthroughToolExecutor build_effect_handlers create_local_runtime "
    "create_remote_runtime create_hybrid_runtime create_local_file_runtime create_remote_file_runtime "
    "attach_global_event_bus_bridge emit_step_record",
    f"{CORE}.factory": "create_local_runtime create_remote_runtime create_hybrid_runtime "
    "create_local_file_runtime create_remote_file_runtime MultiLocalAbstractCoreLLMClient "
    "AbstractCoreToolExecutor AbstractCoreChatSummarizer build_effect_handlers",
    f"{CORE}.effect_handlers": "build_effect_handlers make_llm_call_handler make_tool_calls_handler "
    "_pydantic_model_from_json_schema",
    f"{CORE}.llm_client": "AbstractCoreLLMClient LocalAbstractCoreLLMClient MultiLocalAbstractCoreLLMClient "
    "RemoteAbstractCoreLLMClient HttpResponse RequestSender _system_context_header _inject_turn_grounding "
    "_detect_country _detect_timezone_name _ZONEINFO_TAB_CANDIDATES locale _normalize_tool_calls "
    "_normalize_local_response _maybe_parse_tool_calls_from_text",
    f"{CORE}.tool_executor": "ToolExecutor MappingToolExecutor AbstractCoreToolExecutor "
    "PassthroughToolExecutor McpToolExecutor DelegatingMcpToolExecutor ToolApprovalPolicy ApprovalToolExecutor",
    f"{CORE}.workspace_scoped_tools": "WorkspaceScope WorkspaceScopedToolExecutor resolve_user_path "
    "rewrite_tool_arguments resolve_workspace_base_dir",
    f"{CORE}.session_attachments": "list_session_attachments render_session_attachments_system_message "
    "render_active_attachments_system_message dedup_messages_view execute_open_attachment",
    f"{CORE}.summarizer": "AbstractCoreChatSummarizer ChatSummarizer",
    f"{CORE}.observability": "attach_global_event_bus_bridge emit_step_record",
    f"{CORE}.embeddings_client": "AbstractCoreEmbeddingsClient EmbeddingsResult",
    f"{CORE}.default_tools": "get_default_toolsets get_default_tools list_default_tool_specs "
    "build_default_tool_map filter_tool_specs",
    f"{CORE}.constants": "DEFAULT_LLM_TIMEOUT_S DEFAULT_TOOL_TIMEOUT_S",
    f"{CORE}.logging": "get_logger",
    f"{CORE}.mcp_worker": "main",
    "abstractruntime.integrations.abstractmemory": "build_memory_kg_effect_handlers resolve_scope_owner_id",
    "abstractruntime.integrations.abstractmemory.effect_handlers": "build_memory_kg_effect_handlers "
    "resolve_scope_owner_id",
}
# A name that ends with = has a default; a * begins what is given by name only.
SIGNATURES = {
    f"{CORE}.factory.create_local_runtime": "* provider model llm_kwargs= run_store= ledger_store= "
    "tool_executor= tool_timeout_s= context= effect_policy= config= artifact_store= extra_effect_handlers=",
    f"{CORE}.factory.create_remote_runtime": "* server_base_url model headers= timeout_s= run_store= "
    "ledger_store= tool_executor= context= artifact_store= effect_policy= config= extra_effect_handlers=",
    f"{CORE}.factory.create_hybrid_runtime": "* server_base_url model headers= timeout_s= tool_timeout_s= "
    "run_store= ledger_store= context= artifact_store= tool_executor=",
    f"{CORE}.factory.create_local_file_runtime": "* base_dir provider model llm_kwargs= context= config= "
    "tool_timeout_s=",
    f"{CORE}.factory.create_remote_file_runtime": "* base_dir server_base_url model headers= timeout_s= "
    "context=",
    f"{CORE}.effect_handlers.build_effect_handlers": "* llm tools= artifact_store= run_store=",
    f"{CORE}.effect_handlers.make_llm_call_handler": "* llm artifact_store=",
    f"{CORE}.effect_handlers.make_tool_calls_handler": "* tools= artifact_store= run_store=",
    f"{CORE}.llm_client.LocalAbstractCoreLLMClient": "* provider model llm_kwargs=",
    f"{CORE}.llm_client.LocalAbstractCoreLLMClient.generate": "* prompt messages= system_prompt= tools= "
    "media= params=",
    f"{CORE}.llm_client.MultiLocalAbstractCoreLLMClient.get_provider_instance": "* provider model",
    f"{CORE}.llm_client.RemoteAbstractCoreLLMClient": "* server_base_url model timeout_s= headers= "
    "request_sender=",
    f"{CORE}.llm_client.RemoteAbstractCoreLLMClient.generate": "* prompt messages= system_prompt= tools= "
    "media= params=",
    f"{CORE}.llm_client._inject_turn_grounding": "* prompt messages",
    f"{CORE}.llm_client._maybe_parse_tool_calls_from_text": "* content allowed_tool_names= model_name= "
    "tool_handler=",
    f"{CORE}.effect_handlers._pydantic_model_from_json_schema": "schema * name",
    f"{CORE}.tool_executor.MappingToolExecutor": "tool_map * timeout_s=",
    f"{CORE}.tool_executor.MappingToolExecutor.from_tools": "tools * timeout_s=",
    f"{CORE}.tool_executor.AbstractCoreToolExecutor": "* timeout_s=",
    f"{CORE}.tool_executor.PassthroughToolExecutor": "* mode=",
    f"{CORE}.tool_executor.McpToolExecutor": "* server_id mcp_url timeout_s= mcp_client=",
    f"{CORE}.tool_executor.DelegatingMcpToolExecutor": "* server_id mcp_url transport= wait_key_factory=",
    f"{CORE}.tool_executor.ToolApprovalPolicy": "* auto_approve_tools= require_approval_tools=",
    f"{CORE}.tool_executor.ApprovalToolExecutor": "* delegate policy= wait_key_factory=",
    f"{CORE}.workspace_scoped_tools.WorkspaceScope": "root access_mode= ignored_paths= allowed_paths=",
    f"{CORE}.workspace_scoped_tools.WorkspaceScope.from_input_data": "data * key= base_dir=",
    f"{CORE}.workspace_scoped_tools.resolve_user_path": "* scope user_path",
    f"{CORE}.workspace_scoped_tools.rewrite_tool_arguments": "* tool_name args scope",
    f"{CORE}.workspace_scoped_tools.WorkspaceScopedToolExecutor": "* scope delegate",
    f"{CORE}.session_attachments.list_session_attachments": "* artifact_store session_id limit=",
    f"{CORE}.session_attachments.dedup_messages_view": "messages * session_attachments=",
    f"{CORE}.session_attachments.execute_open_attachment": "* artifact_store session_id artifact_id handle "
    "expected_sha256 start_line end_line max_chars",
    f"{CORE}.summarizer.AbstractCoreChatSummarizer": "llm * max_tokens= max_output_tokens=",
    f"{CORE}.summarizer.AbstractCoreChatSummarizer.summarize_chat_history": "messages * preserve_recent= "
    "focus= compression_mode=",
    f"{CORE}.observability.attach_global_event_bus_bridge": "* runtime run_id= source=",
    f"{CORE}.observability.emit_step_record": "record * source=",
    f"{CORE}.embeddings_client.AbstractCoreEmbeddingsClient": "* provider model manager_kwargs=",
    f"{CORE}.embeddings_client.AbstractCoreEmbeddingsClient.embed_texts": "texts",
    f"{CORE}.default_tools.filter_tool_specs": "names",
    "abstractruntime.integrations.abstractmemory.effect_handlers.build_memory_kg_effect_handlers": "* store "
    "run_store now_iso",
    "abstractruntime.integrations.abstractmemory.scopes.resolve_scope_owner_id": "run * scope run_store",
    "abstractruntime.core.runtime.Runtime.set_tool_executor_for_resume": "self executor",
}


@pytest.mark.parametrize(("module", "names"), NAMES.items())
def test_published_modules_have_their_names(module: str, names: str) -> None:
    found = import_module(module)
    assert [name for name in names.split() if not hasattr(found, name)] == []


@pytest.mark.parametrize(("path", "written"), SIGNATURES.items())
def test_published_signatures_are_kept(path: str, written: str) -> None:
    """What is published may be given as published; we may take more, by name and with a default."""
    function = _at(path)
    theirs = _parameters(function)
    by_name = False
    for word in written.split():
        if word == "*":
            by_name = True
            continue
        name, has_default = word.removesuffix("="), word.endswith("=")
        if name == "self":
            continue
        assert name in theirs, f"{path} takes no {name}"
        parameter = theirs.pop(name)
        assert parameter.default is not parameter.empty or not has_default, f"{path}: {name}"
        if not by_name:
            assert parameter.kind is parameter.POSITIONAL_OR_KEYWORD, f"{path}: {name}"
    more = [
        name
        for name, parameter in theirs.items()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
    ]
    assert more == [], f"{path} demands more than is published"


def test_the_limits_are_as_published() -> None:
    constants = import_module(f"{CORE}.constants")
    assert constants.DEFAULT_LLM_TIMEOUT_S == constants.DEFAULT_TOOL_TIMEOUT_S == 7200.0


def _at(path: str) -> Any:
    parts = path.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            found: Any = import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for name in parts[cut:]:
            found = getattr(found, name)
        return found
    raise AssertionError(path)


def _parameters(function: Any) -> dict[str, inspect.Parameter]:
    found = dict(inspect.signature(function).parameters)
    found.pop("self", None)
    return found
