"""Deprecations of installed bundles: which versions and flows nobody should start any more, and why.

A bundle's file never changes, so this stands beside the files, in one file that is replaced whole. A mark is
of all versions of a bundle or of one, and of all their flows (`*`) or of one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock

from abstractruntime.core.clock import utc_now_iso
from abstractruntime.core.errors import StoreDamaged

from .staging import write_whole

FORMAT = 1
ALL = "*"


@dataclass(frozen=True)
class Mark:
    """One deprecation. `bundle_version` is empty for all versions, `flow_id` is `*` for all flows."""

    bundle_id: str
    bundle_version: str
    flow_id: str
    at: str
    by: str
    reason: str

    def covers(self, bundle_id: str, version: str, flow_id: str = ALL) -> bool:
        """Say whether it is of this flow of this version."""
        return (
            self.bundle_id == bundle_id
            and self.bundle_version in ("", version)
            and self.flow_id in (ALL, flow_id)
        )

    def stands_at(self, bundle_id: str, version: str, flow_id: str) -> bool:
        """Say whether it was made for exactly this."""
        return (self.bundle_id, self.bundle_version, self.flow_id) == (bundle_id, version, flow_id)


class Marks:
    """The deprecations of one folder. Safe to use from several threads."""

    def __init__(self, file: Path, now: Callable[[], str] = utc_now_iso) -> None:
        self._file = file
        self._now = now
        self._lock = Lock()

    def of(self, bundle_id: str, version: str, flow_id: str = ALL) -> Mark | None:
        """Return why a version, or a flow of it, should not be started; the one for it alone before that for all."""
        return nearest(self.all(), bundle_id, version, flow_id)

    def set(self, bundle_id: str, version: str, flow_id: str, *, by: str, reason: str) -> Mark:
        """Make a mark; one that stands there is replaced."""
        with self._lock:
            made = Mark(bundle_id, version, flow_id, self._now(), by, reason)
            self._write([*self._others(bundle_id, version, flow_id), made])
            return made

    def clear(self, bundle_id: str, version: str, flow_id: str) -> bool:
        """Take a mark away; say whether there was one."""
        with self._lock:
            others = [*self._others(bundle_id, version, flow_id)]
            was_there = len(others) < len(self.all())
            if was_there:
                self._write(others)
            return was_there

    def forget(self, bundle_id: str, version: str) -> None:
        """Take away all that is said of a version that was removed, or of all versions when it is empty."""
        with self._lock:
            kept = [
                mark
                for mark in self.all()
                if mark.bundle_id != bundle_id or version not in ("", mark.bundle_version)
            ]
            if len(kept) < len(self.all()):
                self._write(kept)

    def all(self) -> list[Mark]:
        """Return every mark; raise StoreDamaged when their file cannot be read."""
        try:
            body = json.loads(self._file.read_bytes())
            if body["format"] != FORMAT:
                raise ValueError(f"its format is {body['format']!r}")
            return [Mark(**each) for each in body["deprecated"]]
        except FileNotFoundError:
            return []
        except (ValueError, KeyError, TypeError) as error:
            raise StoreDamaged(
                f"{self._file.name} of the installed bundles cannot be read: {error}. "
                "Mend it, or remove it: then no bundle is deprecated."
            ) from None

    def _others(self, bundle_id: str, version: str, flow_id: str) -> Iterator[Mark]:
        return (mark for mark in self.all() if not mark.stands_at(bundle_id, version, flow_id))

    def _write(self, marks: list[Mark]) -> None:
        body = {"format": FORMAT, "deprecated": [asdict(mark) for mark in marks]}
        write_whole(self._file, json.dumps(body, ensure_ascii=False, indent=2).encode())


def nearest(marks: Iterable[Mark], bundle_id: str, version: str, flow_id: str = ALL) -> Mark | None:
    """Return the mark for a version or a flow of it; the one for it alone before that for all."""
    found = [mark for mark in marks if mark.covers(bundle_id, version, flow_id)]
    return max(found, key=lambda mark: (mark.flow_id != ALL, mark.bundle_version != ""), default=None)
