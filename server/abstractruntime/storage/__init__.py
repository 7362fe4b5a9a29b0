"""Where runs and ledgers are kept."""

from typing import TYPE_CHECKING

from ..lazy import door

if TYPE_CHECKING:
    from .artifacts import (
        Artifact,
        ArtifactMetadata,
        ArtifactStore,
        FileArtifactStore,
        InMemoryArtifactStore,
        artifact_ref,
        compute_artifact_id,
        get_artifact_id,
        is_artifact_ref,
        resolve_artifact,
    )
    from .backends import open_stores
    from .base import (
        Capability,
        Checkpoint,
        Journal,
        LedgerStore,
        PlacedRecord,
        QueryableRunIndexStore,
        QueryableRunStore,
        RunStore,
        StepCommit,
        Stores,
    )
    from .commands import (
        CommandAppendResult,
        CommandCursorStore,
        CommandRecord,
        CommandStore,
        InMemoryCommandCursorStore,
        InMemoryCommandStore,
        JsonFileCommandCursorStore,
        JsonlCommandStore,
    )
    from .files import Sync
    from .in_memory import InMemoryLedgerStore, InMemoryRunStore
    from .journal import SequentialJournal, open_journal
    from .json_files import JsonFileRunStore, JsonlLedgerStore
    from .ledger_chain import HashChainedLedgerStore, verify_ledger_chain
    from .observable import ObservableLedgerStore, ObservableLedgerStoreProtocol
    from .offloading import OffloadingLedgerStore, OffloadingRunStore, offload_large_values
    from .retention import Removed, delete_run, prune
    from .snapshots import InMemorySnapshotStore, JsonSnapshotStore, Snapshot, SnapshotStore
    from .sqlite import (
        SqliteArtifactStore,
        SqliteCommandCursorStore,
        SqliteCommandStore,
        SqliteDatabase,
        SqliteJournal,
        SqliteLedgerStore,
        SqliteRunStore,
        SqliteSnapshotStore,
    )

__all__ = [
    "Artifact",
    "ArtifactMetadata",
    "ArtifactStore",
    "Capability",
    "Checkpoint",
    "CommandAppendResult",
    "CommandCursorStore",
    "CommandRecord",
    "CommandStore",
    "FileArtifactStore",
    "HashChainedLedgerStore",
    "InMemoryArtifactStore",
    "InMemoryCommandCursorStore",
    "InMemoryCommandStore",
    "InMemoryLedgerStore",
    "InMemoryRunStore",
    "InMemorySnapshotStore",
    "Journal",
    "JsonFileCommandCursorStore",
    "JsonFileRunStore",
    "JsonSnapshotStore",
    "JsonlCommandStore",
    "JsonlLedgerStore",
    "LedgerStore",
    "ObservableLedgerStore",
    "ObservableLedgerStoreProtocol",
    "OffloadingLedgerStore",
    "OffloadingRunStore",
    "PlacedRecord",
    "QueryableRunIndexStore",
    "QueryableRunStore",
    "Removed",
    "RunStore",
    "SequentialJournal",
    "Snapshot",
    "SnapshotStore",
    "SqliteArtifactStore",
    "SqliteCommandCursorStore",
    "SqliteCommandStore",
    "SqliteDatabase",
    "SqliteJournal",
    "SqliteLedgerStore",
    "SqliteRunStore",
    "SqliteSnapshotStore",
    "StepCommit",
    "Stores",
    "Sync",
    "artifact_ref",
    "compute_artifact_id",
    "delete_run",
    "get_artifact_id",
    "is_artifact_ref",
    "offload_large_values",
    "open_journal",
    "open_stores",
    "prune",
    "resolve_artifact",
    "verify_ledger_chain",
]

_HOMES = {
    ".artifacts": "Artifact ArtifactMetadata ArtifactStore FileArtifactStore InMemoryArtifactStore "
    "artifact_ref compute_artifact_id get_artifact_id is_artifact_ref resolve_artifact",
    ".backends": "open_stores",
    ".base": "Capability Checkpoint Journal LedgerStore PlacedRecord QueryableRunIndexStore "
    "QueryableRunStore RunStore StepCommit Stores",
    ".commands": "CommandAppendResult CommandCursorStore CommandRecord CommandStore "
    "InMemoryCommandCursorStore InMemoryCommandStore JsonFileCommandCursorStore "
    "JsonlCommandStore",
    ".files": "Sync",
    ".in_memory": "InMemoryLedgerStore InMemoryRunStore",
    ".journal": "SequentialJournal open_journal",
    ".json_files": "JsonFileRunStore JsonlLedgerStore",
    ".ledger_chain": "HashChainedLedgerStore verify_ledger_chain",
    ".observable": "ObservableLedgerStore ObservableLedgerStoreProtocol",
    ".offloading": "OffloadingLedgerStore OffloadingRunStore offload_large_values",
    ".retention": "Removed delete_run prune",
    ".snapshots": "InMemorySnapshotStore JsonSnapshotStore Snapshot SnapshotStore",
    ".sqlite": "SqliteArtifactStore SqliteCommandCursorStore SqliteCommandStore SqliteDatabase "
    "SqliteJournal SqliteLedgerStore SqliteRunStore SqliteSnapshotStore",
}
if not TYPE_CHECKING:
    __getattr__ = door(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
