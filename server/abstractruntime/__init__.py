"""A durable kernel for workflows: every step is one transaction, any run survives a restart.

This is the door: the public names, grouped, and nothing else. Importing it takes only the standard
library. What describes and drives runs is there at once; stores, scheduler, history, memory and bundles
are imported when they are first asked for, so that a program waits for what it uses.
"""

from typing import TYPE_CHECKING

# Words of a run, and what drives it.
from .core.models import Effect, EffectType, RunState, RunStatus, StepPlan, WaitReason, WaitState

# What is tried again, and what counts as the same request.
from .core.policy import (
    DefaultEffectPolicy,
    EffectPolicy,
    NoRetryPolicy,
    RetryPolicy,
    compute_idempotency_key,
)
from .core.runtime import Runtime
from .core.spec import WorkflowSpec

# Who acts.
from .identity import ActorFingerprint
from .lazy import door

if TYPE_CHECKING:
    # What happened, to take away.
    from .history_bundle import (
        RUN_HISTORY_BUNDLE_VERSION_V1,
        export_run_history_bundle,
        import_run_history_bundle,
        persist_workflow_snapshot,
    )

    # Memory, and bundles: flows to take away.
    from .memory.active_context import ActiveContextPolicy, TimeRange

    # Waking runs.
    from .scheduler import (
        ScheduledRuntime,
        Scheduler,
        SchedulerStats,
        WorkflowRegistry,
        create_scheduled_runtime,
    )

    # Stores.
    from .storage import (
        Artifact,
        ArtifactMetadata,
        ArtifactStore,
        CommandAppendResult,
        CommandCursorStore,
        CommandRecord,
        CommandStore,
        FileArtifactStore,
        HashChainedLedgerStore,
        InMemoryArtifactStore,
        InMemoryCommandCursorStore,
        InMemoryCommandStore,
        InMemoryLedgerStore,
        InMemoryRunStore,
        InMemorySnapshotStore,
        JsonFileCommandCursorStore,
        JsonFileRunStore,
        JsonlCommandStore,
        JsonlLedgerStore,
        JsonSnapshotStore,
        LedgerStore,
        ObservableLedgerStore,
        ObservableLedgerStoreProtocol,
        OffloadingLedgerStore,
        OffloadingRunStore,
        QueryableRunStore,
        RunStore,
        Snapshot,
        SnapshotStore,
        SqliteCommandCursorStore,
        SqliteCommandStore,
        SqliteDatabase,
        SqliteLedgerStore,
        SqliteRunStore,
        artifact_ref,
        compute_artifact_id,
        delete_run,
        get_artifact_id,
        is_artifact_ref,
        offload_large_values,
        open_stores,
        prune,
        resolve_artifact,
        verify_ledger_chain,
    )
    from .workflow_bundle import (
        WORKFLOW_BUNDLE_FORMAT_VERSION_V1,
        InstalledWorkflowBundle,
        PackedWorkflowBundle,
        WorkflowBundle,
        WorkflowBundleEntrypoint,
        WorkflowBundleError,
        WorkflowBundleManifest,
        WorkflowBundleRegistry,
        WorkflowBundleRegistryError,
        WorkflowEntrypointRef,
        default_workflow_bundles_dir,
        inspect_workflow_bundle,
        open_workflow_bundle,
        pack_workflow_bundle,
        sanitize_bundle_id,
        sanitize_bundle_version,
        unpack_workflow_bundle,
        workflow_bundle_manifest_from_dict,
        workflow_bundle_manifest_to_dict,
    )

__all__ = [
    "RUN_HISTORY_BUNDLE_VERSION_V1",
    "WORKFLOW_BUNDLE_FORMAT_VERSION_V1",
    "ActiveContextPolicy",
    "ActorFingerprint",
    "Artifact",
    "ArtifactMetadata",
    "ArtifactStore",
    "CommandAppendResult",
    "CommandCursorStore",
    "CommandRecord",
    "CommandStore",
    "DefaultEffectPolicy",
    "Effect",
    "EffectPolicy",
    "EffectType",
    "FileArtifactStore",
    "HashChainedLedgerStore",
    "InMemoryArtifactStore",
    "InMemoryCommandCursorStore",
    "InMemoryCommandStore",
    "InMemoryLedgerStore",
    "InMemoryRunStore",
    "InMemorySnapshotStore",
    "InstalledWorkflowBundle",
    "JsonFileCommandCursorStore",
    "JsonFileRunStore",
    "JsonSnapshotStore",
    "JsonlCommandStore",
    "JsonlLedgerStore",
    "LedgerStore",
    "NoRetryPolicy",
    "ObservableLedgerStore",
    "ObservableLedgerStoreProtocol",
    "OffloadingLedgerStore",
    "OffloadingRunStore",
    "PackedWorkflowBundle",
    "QueryableRunStore",
    "RetryPolicy",
    "RunState",
    "RunStatus",
    "RunStore",
    "Runtime",
    "ScheduledRuntime",
    "Scheduler",
    "SchedulerStats",
    "Snapshot",
    "SnapshotStore",
    "SqliteCommandCursorStore",
    "SqliteCommandStore",
    "SqliteDatabase",
    "SqliteLedgerStore",
    "SqliteRunStore",
    "StepPlan",
    "TimeRange",
    "WaitReason",
    "WaitState",
    "WorkflowBundle",
    "WorkflowBundleEntrypoint",
    "WorkflowBundleError",
    "WorkflowBundleManifest",
    "WorkflowBundleRegistry",
    "WorkflowBundleRegistryError",
    "WorkflowEntrypointRef",
    "WorkflowRegistry",
    "WorkflowSpec",
    "artifact_ref",
    "compute_artifact_id",
    "compute_idempotency_key",
    "create_scheduled_runtime",
    "default_workflow_bundles_dir",
    "delete_run",
    "export_run_history_bundle",
    "get_artifact_id",
    "import_run_history_bundle",
    "inspect_workflow_bundle",
    "is_artifact_ref",
    "offload_large_values",
    "open_stores",
    "open_workflow_bundle",
    "pack_workflow_bundle",
    "persist_workflow_snapshot",
    "prune",
    "resolve_artifact",
    "sanitize_bundle_id",
    "sanitize_bundle_version",
    "unpack_workflow_bundle",
    "verify_ledger_chain",
    "workflow_bundle_manifest_from_dict",
    "workflow_bundle_manifest_to_dict",
]

_HOMES = {
    ".history_bundle": "RUN_HISTORY_BUNDLE_VERSION_V1 export_run_history_bundle import_run_history_bundle "
    "persist_workflow_snapshot",
    ".scheduler": "ScheduledRuntime Scheduler SchedulerStats WorkflowRegistry create_scheduled_runtime",
    ".storage": "Artifact ArtifactMetadata ArtifactStore CommandAppendResult CommandCursorStore "
    "CommandRecord CommandStore FileArtifactStore HashChainedLedgerStore "
    "InMemoryArtifactStore InMemoryCommandCursorStore InMemoryCommandStore "
    "InMemoryLedgerStore InMemoryRunStore InMemorySnapshotStore "
    "JsonFileCommandCursorStore JsonFileRunStore JsonlCommandStore JsonlLedgerStore "
    "JsonSnapshotStore LedgerStore ObservableLedgerStore ObservableLedgerStoreProtocol "
    "OffloadingLedgerStore OffloadingRunStore QueryableRunStore RunStore Snapshot "
    "SnapshotStore SqliteCommandCursorStore SqliteCommandStore SqliteDatabase "
    "SqliteLedgerStore SqliteRunStore artifact_ref compute_artifact_id delete_run "
    "get_artifact_id is_artifact_ref offload_large_values open_stores prune "
    "resolve_artifact verify_ledger_chain",
    ".memory.active_context": "ActiveContextPolicy TimeRange",
    ".workflow_bundle": "WORKFLOW_BUNDLE_FORMAT_VERSION_V1 InstalledWorkflowBundle PackedWorkflowBundle "
    "WorkflowBundle WorkflowBundleEntrypoint WorkflowBundleError WorkflowBundleManifest "
    "WorkflowBundleRegistry WorkflowBundleRegistryError WorkflowEntrypointRef "
    "default_workflow_bundles_dir inspect_workflow_bundle open_workflow_bundle "
    "pack_workflow_bundle sanitize_bundle_id sanitize_bundle_version "
    "unpack_workflow_bundle workflow_bundle_manifest_from_dict "
    "workflow_bundle_manifest_to_dict",
}
if not TYPE_CHECKING:
    __getattr__ = door(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
