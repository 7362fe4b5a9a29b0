"""Leases in a folder of files: shared by all processes that have it open.

They lie in one small file, `leases.json`, that is read and written under the folder's lock. It is not
synced: a lease is about processes that live, and none survives a power cut.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from ..core.clock import parse_instant
from ..core.jsonsafe import decode
from .base import Asking, Journal, Lease, LeaseStore
from .files import read_if_there, write_whole
from .json_folder import JsonFolder
from .leases import HeldRow, ProcessLeases

log = logging.getLogger(__name__)
T = TypeVar("T")


class JsonLeases(LeaseStore):
    """Keeps leases in a folder of files."""

    def __init__(self, journal: Journal, folder: JsonFolder) -> None:
        self._journal = journal
        self._folder = folder
        self._path = folder.path / "leases.json"

    def take(self, asking: Asking) -> Lease | None:
        """Give the lease, or None while another owner has it."""
        return self._among_all(lambda leases: leases.take(asking))

    def is_held(self, lease: Lease) -> bool:
        """Say whether nobody has taken this lease over or ended it."""
        return self._among_all(lambda leases: leases.is_held(lease))

    def renew(self, leases: Sequence[Lease], until: datetime) -> list[Lease]:
        """Let leases hold until then, and return those that were lost."""
        return self._among_all(lambda held: held.renew(leases, until))

    def release(self, lease: Lease) -> None:
        """End a lease; one that somebody else has by now stays as it is."""
        self._among_all(lambda leases: leases.release(lease))

    def held_by_others(self, owner: str, now: datetime) -> dict[str, str]:
        """Return the owners of the RUNNING runs that others hold at that moment, by run."""
        return self._among_all(lambda leases: leases.held_by_others(owner, now))

    def _among_all(self, call: Callable[[ProcessLeases], T]) -> T:
        """Do something with the leases of all processes, and write them if that changed them."""
        with self._folder.held():
            body = read_if_there(self._path)
            table = self._table(body)
            done = call(ProcessLeases(self._journal, table, threading.RLock()))
            text = json.dumps({run_id: _plain(row) for run_id, row in table.items()}).encode()
            if text != body:
                write_whole(self._path, text, sync=False)
            return done

    def _table(self, body: bytes | None) -> dict[str, HeldRow]:
        if body is None:
            return {}
        try:
            return {
                run_id: HeldRow(**{**row, "until": parse_instant(row["until"])})
                for run_id, row in decode(body.decode()).items()
            }
        except (ValueError, TypeError, KeyError, AttributeError):
            log.warning("%s cannot be read; all leases count as ended.", self._path)
            return {}


def _plain(row: HeldRow) -> dict[str, object]:
    return {**vars(row), "until": row.until.isoformat()}
