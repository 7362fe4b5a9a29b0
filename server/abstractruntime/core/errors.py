"""Every error the kernel raises on purpose, in one tree.

    KernelError
      NotFound (KeyError)          RunNotFound  WorkflowNotFound  NodeNotFound  ArtifactNotFound
      Conflict (ValueError)        RunIsOver  RunIsPaused  NotWaiting  WaitKeyMismatch
                                   StaleRevision > LedgerMoved   LeaseLost
      InvalidFlow (ValueError)     .problems: code, node, pin, message
      NotDurable (TypeError)       .path of the value that is not JSON
      InvalidId (ValueError)
      EffectError                  EffectNotWired  EffectFailed
      StoreError                   StoreBusy  StoreFull  StoreTooNew  LedgerBroken
                                   StoreDamaged > CheckpointDamaged (ValueError)
      BundleError (ValueError)     BadManifest  UnsafePath

Each class carries a stable `code` for programs and inherits the builtin that callers of the
published API already catch (`KeyError`, `ValueError`, `TypeError`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

LONGEST_MESSAGE = 2_000
"""Characters of what a run, its records and a page say went wrong: a message that repeats a value may be endless."""


def in_short(message: str) -> str:
    """Return a message as it is, or its beginning and its end where it is longer than people read."""
    if len(message) <= LONGEST_MESSAGE:
        return message
    head, tail = LONGEST_MESSAGE * 3 // 4, LONGEST_MESSAGE // 5
    return f"{message[:head]} … ({len(message):,} characters) … {message[-tail:]}"


class KernelError(Exception):
    """Something the kernel refused or could not do."""

    code: ClassVar[str] = "kernel.error"
    retriable: ClassVar[bool] = False

    def __str__(self) -> str:
        # KeyError quotes its argument; people read our messages, so never do that.
        return str(self.args[0]) if self.args else (type(self).__doc__ or self.code)


class NotFound(KernelError, KeyError):
    """What was asked for does not exist."""

    code = "not_found"


class RunNotFound(NotFound):
    """No run has this id."""

    code = "run.not_found"


class WorkflowNotFound(NotFound):
    """No workflow is registered under this id."""

    code = "workflow.not_found"


class NodeNotFound(NotFound):
    """The workflow has no node with this id."""

    code = "node.not_found"


class ArtifactNotFound(NotFound):
    """No artifact has this id."""

    code = "artifact.not_found"


class Conflict(KernelError, ValueError):
    """The request does not fit the present state."""

    code = "conflict"


class RunIsOver(Conflict):
    """The run has ended; it takes no further steps."""

    code = "run.is_over"


class RunIsPaused(Conflict):
    """The run is paused; resume it first."""

    code = "run.is_paused"


class NotWaiting(Conflict):
    """Run is not waiting"""

    code = "run.not_waiting"


class WaitKeyMismatch(Conflict):
    """The answer names another wait than the one that is open."""

    code = "wait.key_mismatch"


class StaleRevision(Conflict):
    """Somebody else advanced the run first."""

    code = "run.stale_revision"
    retriable = True


class LedgerMoved(StaleRevision):
    """The run's ledger grew meanwhile; nothing was written."""


class LeaseLost(Conflict):
    """Another process now drives this run."""

    code = "run.lease_lost"
    retriable = True


class InvalidFlow(KernelError, ValueError):
    """The flow cannot be run; `problems` says why, place by place."""

    code = "flow.invalid"

    def __init__(self, message: str, problems: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class NotDurable(KernelError, TypeError):
    """A value cannot be stored as JSON; `path` says which one."""

    code = "value.not_durable"

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.path = path


class InvalidId(KernelError, ValueError):
    """An id is empty, or holds what the store cannot keep apart."""

    code = "id.invalid"


class EffectError(KernelError):
    """An effect could not be carried out."""

    code = "effect.error"


class EffectNotWired(EffectError):
    """No handler is registered for this effect."""

    code = "effect.not_wired"


class EffectFailed(EffectError):
    """The handler reported a failure."""

    code = "effect.failed"


class StoreError(KernelError):
    """The store could not do its work."""

    code = "store.error"


class StoreBusy(StoreError):
    """Another writer holds the store; try again."""

    code = "store.busy"
    retriable = True


class StoreFull(StoreError):
    """There is no room; nothing was written."""

    code = "store.full"


class StoreUnsynced(StoreError):
    """The disk did not take what was written; nothing more is written until the program is restarted."""

    code = "store.unsynced"


class StoreDamaged(StoreError):
    """Stored data cannot be read back."""

    code = "store.damaged"


class CheckpointDamaged(StoreDamaged, ValueError):
    """A stored state is cut off or is not that of a run."""


class StoreTooNew(StoreError):
    """The store was written by a newer version of this program."""

    code = "store.too_new"


class LedgerBroken(StoreError):
    """The ledger contradicts itself."""

    code = "ledger.broken"


class BundleError(KernelError, ValueError):
    """The bundle cannot be used."""

    code = "bundle.error"


class BadManifest(BundleError):
    """The bundle's manifest is missing or wrong."""

    code = "bundle.bad_manifest"


class UnsafePath(BundleError):
    """A path in the bundle leaves the bundle."""

    code = "bundle.unsafe_path"
