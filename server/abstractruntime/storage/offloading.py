"""Large values out of the way: kept as artifacts, with `{"$artifact": id}` in their place.

`OffloadingLedgerStore` offloads leaves of every record's effect and result, and gives the values back
where a result is reused. `OffloadingRunStore` offloads a run when it is over: what lies in its private
variables, and its output. Live runs are stored as they are. An artifact that cannot be stored is an
error: nothing is written then.
"""

from __future__ import annotations

import builtins
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from ..core.errors import StoreDamaged
from ..core.jsonsafe import decode, encode
from ..core.models import RunState, RunStatus, StepRecord, WaitReason
from .artifact_contract import (
    BYTES,
    JSON,
    REF_KEY,
    TEXT,
    ArtifactStore,
    artifact_ref,
    compute_artifact_id,
    get_artifact_id,
    is_artifact_ref,
)
from .base import LedgerStore, Record, RunStore
from .codec import encode_record, encode_run, resealed, run_from_text
from .wrapping import LedgerWrapper

DEFAULT_MAX_INLINE_BYTES = 262_144
_SETTING = "ABSTRACTRUNTIME_MAX_INLINE_BYTES"
_OURS = "ledger_"  # begins the ids of what a ledger offloaded: only those come back as values
Allow = Callable[[str, Any], bool]
log = logging.getLogger(__name__)


def max_inline_bytes_setting() -> int:
    """Return the threshold in bytes that the environment sets, or the default."""
    try:
        return int(os.environ.get(_SETTING, ""))
    except ValueError:
        return DEFAULT_MAX_INLINE_BYTES


def offload_large_values(
    value: Any,
    *,
    artifact_store: ArtifactStore,
    run_id: str,
    max_inline_bytes: int,
    base_tags: Mapping[str, str] | None = None,
    root_path: str = "",
    allow_offload: Allow | None = None,
    allow_root_replace: bool = False,
) -> Any:
    """Return a value in which what is larger than the threshold was stored and replaced by refs.

    Text counts its UTF-8 bytes, a container its compact JSON once its parts are offloaded; bytes always
    go. Parts that do not change are shared with the given value. `allow_offload(path, value)` may
    forbid; one that raises forbids, too. The root is replaced only with `allow_root_replace`, unless
    it is bytes. A threshold of 0 or less turns all off. Raises ValueError for a value that contains
    itself, StoreError when an artifact cannot be stored.
    """
    if max_inline_bytes <= 0:
        return value
    job = _Job(artifact_store, run_id, max_inline_bytes, dict(base_tags or {}), allow_offload)
    return job.offloaded(value, root_path, allow_root_replace, ())


@dataclass
class _Job:
    """What stays the same while a value is walked."""

    store: ArtifactStore
    run_id: str
    limit: int
    tags: dict[str, str]
    allow: Allow | None = None
    prefix: str = ""

    def offloaded(self, value: Any, path: str, may_replace: bool, above: tuple[int, ...]) -> Any:
        """Return the value, or what stands for it."""
        if isinstance(value, (bytes, bytearray)):
            return self._kept(bytes(value), BYTES, "bytes", path) if self._allows(path, value) else value
        if isinstance(value, str):
            if len(value) * 4 <= self.limit:
                return value
            body = value.encode()
            large = may_replace and len(body) > self.limit
            return self._kept(body, TEXT, "text", path) if large and self._allows(path, value) else value
        if not isinstance(value, (dict, list)) or is_artifact_ref(value):
            return value
        if id(value) in above:
            raise ValueError(f"{path or 'The value'} contains itself; a stored value cannot.")
        made = self._inside(value, path, (*above, id(value)))
        if may_replace:
            body = encode(made, path or "value").encode()
            if len(body) > self.limit and self._allows(path, value):
                return self._kept(body, JSON, "json", path)
        return made

    def _inside(self, value: Any, path: str, above: tuple[int, ...]) -> Any:
        """Offload the parts of a container; return itself if none changed."""
        if isinstance(value, dict):
            parts = {
                key: self.offloaded(part, f"{path}.{key}" if path else str(key), True, above)
                for key, part in value.items()
            }
            return parts if any(parts[key] is not part for key, part in value.items()) else value
        items = [self.offloaded(part, f"{path}[{at}]", True, above) for at, part in enumerate(value)]
        return items if any(made is not part for made, part in zip(items, value, strict=True)) else value

    def _allows(self, path: str, value: Any) -> bool:
        if self.allow is None:
            return True
        try:
            return bool(self.allow(path, value))
        except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
            log.warning("%s of run %s stays inline: the filter raised %r.", path, self.run_id, error)
            return False

    def _kept(self, body: bytes, content_type: str, kind: str, path: str) -> dict[str, str]:
        made_id = self.prefix + compute_artifact_id(body, run_id=self.run_id) if self.prefix else None
        made = self.store.store(
            body,
            content_type=content_type,
            run_id=self.run_id,
            tags={"kind": kind, **self.tags, "path": path},
            artifact_id=made_id,
        )
        return artifact_ref(made.artifact_id)


class OffloadingLedgerStore(LedgerWrapper):
    """Stores large leaves of effects and results as artifacts; `list` returns refs, reuse returns values."""

    def __init__(
        self, inner: LedgerStore, *, artifact_store: ArtifactStore, max_inline_bytes: int | None = None
    ) -> None:
        super().__init__(inner)
        self._artifacts = artifact_store
        self._limit = max_inline_bytes_setting() if max_inline_bytes is None else max_inline_bytes

    def stored_form(self, record: StepRecord) -> StepRecord:
        """Return the record with refs for what is large; itself if nothing is."""
        text = encode_record(record)
        if self._limit <= 0 or len(text) * 4 <= self._limit:
            return record
        content = decode(text)
        changed = False
        for name in ("effect", "result"):
            job = _Job(
                self._artifacts,
                record.run_id,
                self._limit,
                {"source": f"ledger_{name}_offload"},
                prefix=_OURS,
            )
            made = job.offloaded(content[name], f"ledger.{name}", False, ())
            changed = changed or made is not content[name]
            content[name] = made
        return resealed(record, content) if changed else record

    def whole(self, record: Record) -> Record:
        """Return a stored record with its values; raise StoreDamaged when an artifact is gone."""
        return {
            **record,
            "effect": self._given_back(record["effect"]),
            "result": self._given_back(record["result"]),
        }

    def _given_back(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._given_back(part) for part in value]
        if not isinstance(value, dict):
            return value
        if not is_artifact_ref(value) or not str(value[REF_KEY]).startswith(_OURS):
            return {key: self._given_back(part) for key, part in value.items()}
        found = self._artifacts.load(get_artifact_id(value))
        if found is None:
            raise StoreDamaged(f"The artifact '{value[REF_KEY]}', which holds a value of a ledger, is gone.")
        return found.as_text() if found.content_type == TEXT else self._given_back(found.as_json())


class OffloadingRunStore(RunStore):
    """Stores large values of runs that are over as artifacts; `load` returns refs."""

    def __init__(
        self, inner: RunStore, *, artifact_store: ArtifactStore, max_inline_bytes: int | None = None
    ) -> None:
        self._inner = inner
        self._artifacts = artifact_store
        self._limit = max_inline_bytes_setting() if max_inline_bytes is None else max_inline_bytes

    @property
    def inner(self) -> RunStore:
        """The store below."""
        return self._inner

    def stored_form(self, run: RunState) -> RunState:
        """Return a run as it is to be stored: a copy with refs if it is over, else itself."""
        if not RunStatus(run.status).is_over or self._limit <= 0:
            return run
        made = run_from_text(encode_run(run))
        tags = {"source": "run_store_offload"}
        job = _Job(self._artifacts, run.run_id, self._limit, tags)
        made.vars = {
            key: job._inside(space, f"vars.{key}", ()) if _is_private(key, space) else space
            for key, space in made.vars.items()
        }
        job.tags = {"source": "run_output_offload"}
        made.output = job.offloaded(made.output, "output", True, ())
        return made

    def save(self, run: RunState) -> None:
        """Store the checkpoint, of a run that is over with refs for what is large."""
        self._inner.save(self.stored_form(run))

    def load(self, run_id: str) -> RunState | None:
        """Return the newest state, refs as they are."""
        return self._inner.load(run_id)

    def list_runs(
        self,
        *,
        status: RunStatus | None = None,
        wait_reason: WaitReason | None = None,
        workflow_id: str | None = None,
        limit: int = 100,
    ) -> list[RunState]:
        """Return matching runs, newest first; NotImplementedError where the store below cannot."""
        ask = self._method("list_runs")
        found = ask(status=status, wait_reason=wait_reason, workflow_id=workflow_id, limit=limit)
        return cast("builtins.list[RunState]", found)

    def list_due_wait_until(self, *, now_iso: str, limit: int = 100) -> list[RunState]:
        """Return runs whose moment has come; NotImplementedError where the store below cannot."""
        return cast("list[RunState]", self._method("list_due_wait_until")(now_iso=now_iso, limit=limit))

    def list_children(self, *, parent_run_id: str, status: RunStatus | None = None) -> list[RunState]:
        """Return the direct children of a run; NotImplementedError where the store below cannot."""
        ask = self._method("list_children")
        return cast("list[RunState]", ask(parent_run_id=parent_run_id, status=status))

    def list_run_index(self, **wanted: Any) -> list[dict[str, Any]]:
        """Return identifying columns of runs; NotImplementedError where the store below cannot."""
        return cast("list[dict[str, Any]]", self._method("list_run_index")(**wanted))

    def _method(self, name: str) -> Callable[..., Any]:
        found = getattr(self._inner, name, None)
        if found is None:
            raise NotImplementedError(f"{type(self._inner).__name__} has no {name}.")
        return cast("Callable[..., Any]", found)


def _is_private(key: str, space: Any) -> bool:
    return key.startswith("_") and isinstance(space, dict)
