"""What is said where nobody carries out an effect: how a host gives a handler, and where FlowStudio's come from."""

from __future__ import annotations

from .models import EffectType

_NO_GRAPH = ". A knowledge graph needs AbstractMemory: pip install 'flowstudio[memory]'."
_FILES = (
    ". FlowStudio's comes from flowstudio.outside.workspace: WorkspaceFolder(root, artifacts).handlers()."
)
_HINTS = {
    EffectType.WEB_REQUEST: ". FlowStudio's is flowstudio.outside.web.WebRequest().",
    EffectType.NOTIFY: ". FlowStudio's is flowstudio.outside.outbox.Outbox(folder): a file for each notice.",
    EffectType.READ_PDF: _FILES,
    EffectType.WRITE_PDF: _FILES,
    EffectType.IMPORT_FILE: _FILES,
    EffectType.EXPORT_ARTIFACT: _FILES,
    EffectType.READ_ARTIFACT: _FILES,
    EffectType.LLM_CALL: ". No model is configured: FlowStudio takes one from its page Settings, under Models.",
    EffectType.MODEL_RESIDENCY: (
        ". No backend that loads models is configured: FlowStudio has none, its models are loaded by the servers "
        "that its page Settings, under Models, names; load the model there, and remove the node."
    ),
    EffectType.TOOL_CALLS: ". No tools are configured: FlowStudio takes them from its page Settings.",
    EffectType.MEMORY_KG_ASSERT: _NO_GRAPH,
    EffectType.MEMORY_KG_QUERY: _NO_GRAPH,
    EffectType.MEMORY_KG_RESOLVE: _NO_GRAPH,
}


def unwired(kind: EffectType) -> str:
    """Say that there is no handler for an effect, and what to do."""
    return (
        f"No effect handler registered for {kind.value}:"
        f" the host gives one to the Runtime (effect_handlers={{EffectType.{kind.name}: ...}})"
        f"{_HINTS.get(kind, '.')}"
    )
