"""Snapshots: named bookmarks of a run's state, to look at or to go back to.

A snapshot holds a copy of the state. Going back is the host's decision: `run_store.save(snapshot.to_run())`.
"""

from __future__ import annotations

import builtins
import json
import logging
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..core.clock import instant_micros, utc_now_iso
from ..core.errors import InvalidId, StoreDamaged
from ..core.ids import new_id
from ..core.jsonsafe import decode, encode, isolated
from ..core.models import RunState
from .codec import run_from_json, run_json
from .files import Sync, made_folder, name_for, read_if_there, removed, told, write_whole

log = logging.getLogger(__name__)


@dataclass
class Snapshot:
    """A bookmark of a run; `run_state` is the state as a plain object."""

    snapshot_id: str
    run_id: str
    step_id: str | None = None
    name: str = ""
    description: str | None = None
    tags: list[str] = field(default_factory=list)
    created_at: str = field(default_factory=utc_now_iso)
    updated_at: str = field(default_factory=utc_now_iso)
    run_state: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_run(
        cls,
        *,
        run: RunState,
        name: str,
        description: str | None = None,
        tags: Sequence[str] | None = None,
        step_id: str | None = None,
    ) -> Snapshot:
        """Bookmark a run as it is; raise NotDurable with the path of what is not JSON."""
        return cls(
            snapshot_id=new_id(),
            run_id=run.run_id,
            step_id=step_id,
            name=name,
            description=description,
            tags=[*(tags or ())],
            run_state=isolated(run_json(run), "run"),
        )

    def to_run(self) -> RunState:
        """Return the state as a run of its own, to be saved to a run store; ValueError if it is not one."""
        return run_from_json(isolated(self.run_state, "run_state"))

    def to_dict(self) -> dict[str, Any]:
        """Return the snapshot as a plain object, in the order of the fields; containers are shared."""
        return {name: getattr(self, name) for name in _FIELDS}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Snapshot:
        """Build a snapshot from a plain object; raise ValueError without its ids."""
        if not data.get("snapshot_id") or not data.get("run_id"):
            raise ValueError("A snapshot needs a snapshot_id and a run_id.")
        return cls(**{name: data[name] for name in _FIELDS if name in data})


_FIELDS = tuple(Snapshot.__dataclass_fields__)


class SnapshotStore(ABC):
    """Keeps snapshots. What is handed in or out is never shared with the caller."""

    @abstractmethod
    def save(self, snapshot: Snapshot) -> None:
        """Store a snapshot, whatever was there, and refresh its `updated_at`.

        Raises NotDurable with the place of what is not JSON, InvalidId without an id.
        """

    @abstractmethod
    def load(self, snapshot_id: str) -> Snapshot | None:
        """Return a snapshot, None for an unknown id; raise StoreDamaged if it cannot be read."""

    @abstractmethod
    def delete(self, snapshot_id: str) -> bool:
        """Remove a snapshot; say whether there was one."""

    @abstractmethod
    def list(
        self,
        *,
        run_id: str | None = None,
        tag: str | None = None,
        query: str | None = None,
        limit: int = 100,
    ) -> builtins.list[Snapshot]:
        """Return matching snapshots, newest `created_at` first.

        `tag` is one of its tags, `query` is in its name or description; both ignore case.
        """


class MadeSnapshotStore(SnapshotStore):
    """A store of ours: what matches is chosen in one way, whatever it keeps them in."""

    def list(
        self,
        *,
        run_id: str | None = None,
        tag: str | None = None,
        query: str | None = None,
        limit: int = 100,
    ) -> builtins.list[Snapshot]:
        """Return matching snapshots, newest first."""
        label, words = (tag or "").strip().lower(), (query or "").strip().lower()
        kept = [
            one
            for one in self._each(run_id)
            if (run_id is None or one.run_id == run_id)
            and (not label or label in [str(each).strip().lower() for each in one.tags])
            and (not words or words in one.name.lower() or words in (one.description or "").lower())
        ]
        kept.sort(key=created_micros, reverse=True)
        return kept[: max(limit, 0)]

    @abstractmethod
    def _each(self, run_id: str | None) -> Iterable[Snapshot]:
        """Return all snapshots that can be read; those of other runs may be left out."""


class InMemorySnapshotStore(MadeSnapshotStore):
    """Keeps snapshots as long as the process lives."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._lock = threading.Lock()

    def save(self, snapshot: Snapshot) -> None:
        """Store a snapshot, whatever was there."""
        text = encoded(snapshot)
        with self._lock:
            self._texts[snapshot.snapshot_id] = text

    def load(self, snapshot_id: str) -> Snapshot | None:
        """Return a snapshot, None for an unknown id."""
        with self._lock:
            text = self._texts.get(snapshot_id)
        return None if text is None else decoded(text, snapshot_id)

    def delete(self, snapshot_id: str) -> bool:
        """Remove a snapshot; say whether there was one."""
        with self._lock:
            return self._texts.pop(snapshot_id, None) is not None

    def _each(self, run_id: str | None) -> Iterable[Snapshot]:
        with self._lock:
            texts = [*self._texts.items()]
        return (decoded(text, snapshot_id) for snapshot_id, text in texts)


class JsonSnapshotStore(MadeSnapshotStore):
    """Keeps snapshots in a folder, a file each: `snapshot_<snapshot_id>.json`."""

    def __init__(self, base_dir: str | os.PathLike[str], *, sync: Sync | str = Sync.ALWAYS) -> None:
        self._folder = made_folder(base_dir)
        self._sync = Sync(sync) is not Sync.NEVER

    def save(self, snapshot: Snapshot) -> None:
        """Store a snapshot, whatever was there; whoever looks finds the old one or the new one."""
        path = self._path(snapshot.snapshot_id)
        body = json.dumps(decode(encoded(snapshot)), indent=2, ensure_ascii=False)
        write_whole(path, body.encode(), sync=self._sync)

    def load(self, snapshot_id: str) -> Snapshot | None:
        """Return a snapshot, None for an unknown id; raise StoreDamaged if it cannot be read."""
        path = self._path(snapshot_id)
        body = read_if_there(path)
        return None if body is None else decoded(body.decode(errors="replace"), str(path))

    def delete(self, snapshot_id: str) -> bool:
        """Remove a snapshot; say whether there was one."""
        return removed(self._path(snapshot_id))

    def _each(self, run_id: str | None) -> Iterable[Snapshot]:
        """Read them one by one; one that cannot be read is logged and left out."""
        with told(self._folder):
            paths = sorted(self._folder.glob("snapshot_*.json"))
        for path in paths:
            body = read_if_there(path)
            try:
                if body is not None:
                    yield decoded(body.decode(errors="replace"), str(path))
            except StoreDamaged as error:
                log.error("%s It is left out of a list.", error)

    def _path(self, snapshot_id: str) -> Path:
        return self._folder / f"snapshot_{name_for(snapshot_id, 'snapshot')}.json"


def encoded(snapshot: Snapshot) -> str:
    """Refresh `updated_at` and return the text to store; raise NotDurable, InvalidId."""
    if not snapshot.snapshot_id:
        raise InvalidId("A snapshot needs a snapshot_id to be saved.")
    snapshot.updated_at = utc_now_iso()
    return encode(snapshot.to_dict(), "snapshot")


def decoded(text: str, where: str) -> Snapshot:
    """Read a snapshot; raise StoreDamaged naming where it lies."""
    try:
        return Snapshot.from_dict(decode(text))
    except (ValueError, TypeError, AttributeError) as error:
        raise StoreDamaged(f"The snapshot {where} cannot be read: {error}.") from error


def created_micros(snapshot: Snapshot) -> int:
    """Return when a snapshot was made, in microseconds since 1970; 0 if that cannot be read."""
    try:
        return instant_micros(snapshot.created_at)
    except (ValueError, OverflowError):
        return 0
