"""Where the length and the head of each run's chain are kept, apart from the records."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from pathlib import Path

from ..core.errors import StoreDamaged
from ..core.jsonsafe import decode
from .files import name_for, read_if_there, removed, write_whole


@dataclass(frozen=True)
class Anchor:
    """How many records a run's chain had and the hash of the last; `seal` is an HMAC, where there is a key."""

    length: int
    head: str
    seal: str | None = None


class Anchors(ABC):
    """Keeps anchors by run."""

    @abstractmethod
    def get(self, run_id: str) -> Anchor | None:
        """Return a run's anchor, None without one; raise StoreDamaged if it cannot be read."""

    @abstractmethod
    def put(self, run_id: str, anchor: Anchor) -> None:
        """Keep a run's anchor, in place of an earlier one."""

    @abstractmethod
    def drop(self, run_id: str) -> None:
        """Forget a run's anchor."""


class MemoryAnchors(Anchors):
    """Keeps anchors as long as the process lives."""

    def __init__(self) -> None:
        self._kept: dict[str, Anchor] = {}

    def get(self, run_id: str) -> Anchor | None:
        """Return a run's anchor, None without one."""
        return self._kept.get(run_id)

    def put(self, run_id: str, anchor: Anchor) -> None:
        """Keep a run's anchor."""
        self._kept[run_id] = anchor

    def drop(self, run_id: str) -> None:
        """Forget a run's anchor."""
        self._kept.pop(run_id, None)


class FileAnchors(Anchors):
    """Keeps anchors in a folder, a file each: `chain_<run_id>.json`."""

    def __init__(self, folder: Path, *, sync: bool) -> None:
        self._folder = folder
        self._sync = sync

    def get(self, run_id: str) -> Anchor | None:
        """Return a run's anchor, None without one; raise StoreDamaged if it cannot be read."""
        path = self._path(run_id)
        body = read_if_there(path)
        if body is None:
            return None
        try:
            return Anchor(**decode(body.decode()))
        except (ValueError, TypeError) as error:
            raise StoreDamaged(f"The anchor {path} cannot be read: {error}.") from error

    def put(self, run_id: str, anchor: Anchor) -> None:
        """Keep a run's anchor."""
        write_whole(self._path(run_id), json.dumps(asdict(anchor)).encode(), sync=self._sync)

    def drop(self, run_id: str) -> None:
        """Forget a run's anchor."""
        removed(self._path(run_id))

    def _path(self, run_id: str) -> Path:
        return self._folder / f"chain_{name_for(run_id, 'run')}.json"
