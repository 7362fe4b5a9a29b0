"""What may be imported from where, held against written lists, and what an import brings along."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import abstractruntime
from house import SERVER

# What the published root has: 79 names, and the four of bundles that only its documentation names.
PUBLISHED = """
Effect EffectType RunState RunStatus StepPlan WaitReason WaitState
WorkflowSpec Runtime
WorkflowRegistry Scheduler SchedulerStats ScheduledRuntime create_scheduled_runtime
QueryableRunStore InMemoryRunStore InMemoryLedgerStore JsonFileRunStore JsonlLedgerStore SqliteDatabase
SqliteRunStore SqliteLedgerStore
CommandRecord CommandAppendResult CommandStore CommandCursorStore InMemoryCommandStore JsonlCommandStore
InMemoryCommandCursorStore JsonFileCommandCursorStore SqliteCommandStore SqliteCommandCursorStore
HashChainedLedgerStore verify_ledger_chain ObservableLedgerStore ObservableLedgerStoreProtocol
OffloadingRunStore OffloadingLedgerStore offload_large_values
Snapshot SnapshotStore InMemorySnapshotStore JsonSnapshotStore
Artifact ArtifactMetadata ArtifactStore InMemoryArtifactStore FileArtifactStore artifact_ref
is_artifact_ref get_artifact_id resolve_artifact compute_artifact_id
ActorFingerprint
EffectPolicy DefaultEffectPolicy RetryPolicy NoRetryPolicy compute_idempotency_key
ActiveContextPolicy TimeRange
WORKFLOW_BUNDLE_FORMAT_VERSION_V1 WorkflowBundleError WorkflowBundleEntrypoint WorkflowBundleManifest
WorkflowBundle InstalledWorkflowBundle WorkflowBundleRegistry WorkflowBundleRegistryError WorkflowEntrypointRef
default_workflow_bundles_dir sanitize_bundle_id sanitize_bundle_version workflow_bundle_manifest_from_dict
workflow_bundle_manifest_to_dict open_workflow_bundle
RUN_HISTORY_BUNDLE_VERSION_V1 export_run_history_bundle persist_workflow_snapshot
pack_workflow_bundle unpack_workflow_bundle inspect_workflow_bundle PackedWorkflowBundle
"""
# Every name of the root that exists by now, grouped as its documentation does.
ROOT = {
    "words": "Effect EffectType RunState RunStatus StepPlan WaitReason WaitState",
    "runtime": "WorkflowSpec Runtime",
    "scheduler": "WorkflowRegistry Scheduler SchedulerStats ScheduledRuntime create_scheduled_runtime",
    "stores": "RunStore LedgerStore QueryableRunStore InMemoryRunStore InMemoryLedgerStore "
    "JsonFileRunStore JsonlLedgerStore SqliteDatabase SqliteRunStore SqliteLedgerStore open_stores",
    "decorators": "HashChainedLedgerStore verify_ledger_chain OffloadingRunStore OffloadingLedgerStore "
    "offload_large_values",
    "retention": "delete_run prune",
    "history": "RUN_HISTORY_BUNDLE_VERSION_V1 export_run_history_bundle import_run_history_bundle "
    "persist_workflow_snapshot",
    "commands": "CommandRecord CommandAppendResult CommandStore CommandCursorStore InMemoryCommandStore "
    "JsonlCommandStore InMemoryCommandCursorStore JsonFileCommandCursorStore SqliteCommandStore "
    "SqliteCommandCursorStore",
    "snapshots": "Snapshot SnapshotStore InMemorySnapshotStore JsonSnapshotStore",
    "artifacts": "Artifact ArtifactMetadata ArtifactStore InMemoryArtifactStore FileArtifactStore "
    "artifact_ref is_artifact_ref get_artifact_id resolve_artifact compute_artifact_id",
    "observers": "ObservableLedgerStore ObservableLedgerStoreProtocol",
    "policies": "EffectPolicy DefaultEffectPolicy RetryPolicy NoRetryPolicy compute_idempotency_key",
    "identity": "ActorFingerprint",
    "memory": "ActiveContextPolicy TimeRange",
    "bundles": "WORKFLOW_BUNDLE_FORMAT_VERSION_V1 WorkflowBundleError WorkflowBundleEntrypoint "
    "WorkflowBundleManifest WorkflowBundle InstalledWorkflowBundle WorkflowBundleRegistry "
    "WorkflowBundleRegistryError WorkflowEntrypointRef default_workflow_bundles_dir "
    "sanitize_bundle_id sanitize_bundle_version workflow_bundle_manifest_from_dict "
    "workflow_bundle_manifest_to_dict open_workflow_bundle pack_workflow_bundle "
    "unpack_workflow_bundle inspect_workflow_bundle PackedWorkflowBundle",
}
ELSEWHERE = {
    "abstractruntime.core.vars": "CONTEXT SCRATCHPAD RUNTIME TEMP LIMITS NODE_TRACES DEFAULT_MAX_TOKENS "
    "ensure_namespaces get_namespace get_context get_scratchpad get_runtime get_temp clear_temp get_limits "
    "ensure_limits get_node_traces get_node_trace parse_vars_path resolve_vars_path",
    "abstractruntime.storage": "RunStore LedgerStore QueryableRunStore InMemoryRunStore InMemoryLedgerStore "
    "JsonFileRunStore JsonlLedgerStore HashChainedLedgerStore verify_ledger_chain ObservableLedgerStore "
    "ObservableLedgerStoreProtocol OffloadingLedgerStore OffloadingRunStore offload_large_values Snapshot "
    "SnapshotStore InMemorySnapshotStore JsonSnapshotStore",
    "abstractruntime.storage.base": "RunStore LedgerStore QueryableRunStore QueryableRunIndexStore",
    "abstractruntime.storage.in_memory": "InMemoryRunStore InMemoryLedgerStore",
    "abstractruntime.storage.observable": "ObservableLedgerStore ObservableLedgerStoreProtocol",
    "abstractruntime.workflow_bundle.models": "WorkflowBundleManifest WorkflowBundleError",
    "abstractruntime.workflow_bundle.reader": "WorkflowBundle open_workflow_bundle",
    "abstractruntime.workflow_bundle.registry": "WorkflowBundleRegistry sanitize_bundle_id",
    "abstractruntime.visualflow_compiler": "compile_visualflow compile_visualflow_tree load_visualflow_json",
    "abstractruntime.visualflow_compiler.flow": "VisualFlow load_visualflow_json",
    "abstractruntime.visualflow_compiler.compiler": "compile_visualflow compile_visualflow_tree",
    "abstractruntime.visualflow_compiler.visual.models": "VisualFlow VisualNode VisualEdge load_visualflow_json",
    "abstractruntime.visualflow_compiler.visual.agent_ids": "visual_react_workflow_id",
    "abstractruntime.visualflow_compiler.visual.executor": "compile_visualflow compile_visualflow_tree "
    "load_visualflow_json",
    "abstractruntime.visualflow_compiler.visual.builtins": "get_builtin_handler",
    "abstractruntime.identity.fingerprint": "ActorFingerprint",
    "abstractruntime.rendering": "JsonStringifyMode stringify_json render_agent_trace_markdown",
    "abstractruntime.rendering.json_stringify": "JsonStringifyMode stringify_json",
    "abstractruntime.rendering.agent_trace_report": "render_agent_trace_markdown",
    "abstractruntime.evidence": "EvidenceRecorder DEFAULT_EVIDENCE_TOOL_NAMES",
    "abstractruntime.evidence.recorder": "EvidenceRecorder DEFAULT_EVIDENCE_TOOL_NAMES",
    "abstractruntime.memory": "ActiveContextPolicy TimeRange",
    "abstractruntime.memory.active_context": "ActiveContextPolicy TimeRange",
    "abstractruntime.memory.compaction": "CompactionSplit normalize_messages split_for_compaction "
    "span_metadata_from_messages",
    "abstractruntime.memory.recall_levels": "RecallLevel RecallPolicy parse_recall_level policy_for",
    "abstractruntime.memory.token_budget": "estimate_tokens estimate_message_tokens "
    "trim_messages_to_max_input_tokens",
    "abstractruntime.memory.kg_packets": "KG_MEMORY_PACKETS_VERSION packetize_assertions "
    "pack_active_memory_text estimate_tokens",
    "abstractruntime.memory.active_memory": "MEMACT_ACTIVE_MEMORY_VERSION MEMORY_BLUEPRINTS_MD "
    "DEFAULT_PERSONA_MD DEFAULT_LIMITS MEMACT_ENVELOPE_SCHEMA_V1 get_memact_memory ensure_memact_memory "
    "apply_memact_envelope render_memact_blocks render_memact_system_prompt",
    "abstractruntime.memory.memact_composer": "compose_memact_current_context_from_kg_result",
    "abstractruntime.core": "Effect EffectType LimitWarning LIMITS RunState RunStatus Runtime RuntimeConfig "
    "StepPlan WaitReason WaitState WorkflowSpec ensure_limits get_limits",
    "abstractruntime.core.models": "StepRecord StepStatus utc_now LimitWarning",
    "abstractruntime.core.spec": "WorkflowSpec RunContext NodeHandler",
    "abstractruntime.core.config": "RuntimeConfig DEFAULT_RECOMMENDED_MAX_INPUT_TOKENS",
    "abstractruntime.core.policy": "EffectPolicy DefaultEffectPolicy RetryPolicy NoRetryPolicy "
    "compute_idempotency_key",
    "abstractruntime.core.event_keys": "build_event_wait_key",
    "abstractruntime.core.runtime": "Runtime EffectOutcome EffectHandler DefaultRunContext utc_now_iso "
    "_ensure_tool_calls_have_runtime_ids",
    "abstractruntime.history_bundle": "RUN_HISTORY_BUNDLE_VERSION_V1 export_run_history_bundle "
    "persist_workflow_snapshot",
    "abstractruntime.storage.ledger_chain": "HashChainedLedgerStore verify_ledger_chain compute_record_hash",
    "abstractruntime.storage.offloading": "OffloadingRunStore OffloadingLedgerStore offload_large_values "
    "DEFAULT_MAX_INLINE_BYTES",
    "abstractruntime.storage.commands": "CommandRecord CommandAppendResult CommandStore CommandCursorStore "
    "InMemoryCommandStore JsonlCommandStore InMemoryCommandCursorStore JsonFileCommandCursorStore",
    "abstractruntime.storage.snapshots": "Snapshot SnapshotStore InMemorySnapshotStore JsonSnapshotStore",
    "abstractruntime.storage.sqlite": "SqliteDatabase SqliteRunStore SqliteLedgerStore SqliteCommandStore "
    "SqliteCommandCursorStore",
    "abstractruntime.storage.json_files": "JsonFileRunStore JsonlLedgerStore",
    "abstractruntime.storage.artifacts": "Artifact ArtifactMetadata ArtifactStore InMemoryArtifactStore "
    "FileArtifactStore artifact_ref is_artifact_ref get_artifact_id resolve_artifact compute_artifact_id "
    "compute_blob_id validate_artifact_id",
    "abstractruntime.scheduler": "WorkflowRegistry Scheduler SchedulerStats ScheduledRuntime "
    "create_scheduled_runtime",
    "abstractruntime.scheduler.registry": "WorkflowRegistry",
    "abstractruntime.scheduler.scheduler": "Scheduler SchedulerStats",
    "abstractruntime.scheduler.convenience": "ScheduledRuntime create_scheduled_runtime",
    "abstractruntime.workflow_bundle.packer": "pack_workflow_bundle PackedWorkflowBundle "
    "inspect_workflow_bundle unpack_workflow_bundle",
}


def test_the_door_holds_what_is_written_here() -> None:
    written = {name for names in ROOT.values() for name in names.split()}
    assert set(abstractruntime.__all__) == written
    assert written <= set(dir(abstractruntime))


def test_the_door_has_what_is_published() -> None:
    published = PUBLISHED.split()
    assert len(published) == len(set(published)) == 83
    assert set(published) <= set(abstractruntime.__all__)


@pytest.mark.parametrize("name", sorted(abstractruntime.__all__))
def test_every_name_of_the_door_is_there(name: str) -> None:
    assert getattr(abstractruntime, name) is not None


def test_the_door_has_nothing_else() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        abstractruntime.Nonsense  # noqa: B018 - the access is the test


@pytest.mark.parametrize(("module", "names"), ELSEWHERE.items())
def test_published_modules_have_their_names(module: str, names: str) -> None:
    found = import_module(module)
    assert [name for name in names.split() if not hasattr(found, name)] == []


def said_by_a_new_python(program: str) -> str:
    """Return what a Python prints that finds the kernel and, beside the standard library, nothing else."""
    return subprocess.run(
        [sys.executable, "-S", "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(SERVER)},
    ).stdout


def test_importing_the_kernel_takes_only_the_standard_library() -> None:
    program = (
        "import json, sys, importlib; before = set(sys.modules);"
        f" [importlib.import_module(name) for name in {sorted(ELSEWHERE)!r}];"
        " print(json.dumps(sorted({name.split('.')[0] for name in set(sys.modules) - before})))"
    )
    told = said_by_a_new_python(program)
    others = set(json.loads(told)) - set(sys.stdlib_module_names) - {"abstractruntime"}
    assert others == set()


def test_importing_the_door_brings_little_along() -> None:
    """Of the standard library what is needed, of the kernel what drives runs: no store, scheduler or compiler."""
    program = (
        "import json, sys; before = set(sys.modules); import abstractruntime;"
        " print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    told = said_by_a_new_python(program)
    brought = json.loads(told)
    slow = (
        "sqlite3",
        "uuid",
        "tempfile",
        "zipfile",
        "secrets",
        "asyncio",
        "subprocess",
        "importlib.resources",
    )
    parts = ("scheduler", "nodes", "visualflow_compiler", "workflow_bundle", "history_bundle", "integrations")
    assert [name for name in brought if name in slow] == []
    assert [name for name in brought for part in parts if name.startswith(f"abstractruntime.{part}")] == []
    assert len(brought) <= 130, "each module more is time that every program waits"


@pytest.mark.parametrize("package", ["abstractruntime", "abstractruntime.storage"])
def test_late_names_have_the_home_that_type_checkers_see(package: str) -> None:
    door = import_module(package)
    tree = ast.parse(Path(str(door.__file__)).read_text(encoding="utf-8"))
    seen = {
        ("." + str(line.module), name.name)
        for block in tree.body
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for line in block.body
        if isinstance(line, ast.ImportFrom)
        for name in line.names
    }
    late = {(home, name) for home, names in door._HOMES.items() for name in names.split()}
    at_once = {name.name for line in tree.body if isinstance(line, ast.ImportFrom) for name in line.names}
    assert late == seen
    assert {name for _, name in late} == set(door.__all__) - at_once


def test_an_agent_has_its_published_workflow_id() -> None:
    ids = import_module("abstractruntime.visualflow_compiler.visual.agent_ids")
    assert ids.visual_react_workflow_id(flow_id="f 1", node_id="n/2") == "visual_react_agent_f_1_n_2"


def test_a_value_node_is_found_as_a_plain_function() -> None:
    find = import_module("abstractruntime.visualflow_compiler.visual.builtins").get_builtin_handler
    assert find("add")({"a": 1, "b": 2}) == {"result": 3}
    assert find("get_element")({"array": [1, 2], "index": 7, "default": 0}) == {"result": 0, "found": False}
    assert find("concat")({"a": "x", "b": "y", "c": "z"}) == {"result": "x y z"}, "it may grow"
    assert [find(name) for name in ("llm_call", "on_flow_start", "nothing")] == [None] * 3


def test_the_parts_of_a_package_are_there_when_it_is() -> None:
    program = (
        "import abstractruntime as a; print(a.scheduler.Scheduler.__name__, a.storage.sqlite.SqliteDatabase.__name__,"
        " hasattr(a, 'no_such_part'), hasattr(a.storage, 'no_such_part'))"
    )
    told = said_by_a_new_python(program)
    assert told.split() == ["Scheduler", "SqliteDatabase", "False", "False"]
