"""Presence: when this server was away, so that a run can say what it outlived.

A mark in the data folder is touched every other second while the server is up; the next start finds how long it
lay still, whether the server was stopped or killed. Ledgers say nothing of this: a run that only waits does
not notice that nobody was there.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from time import time
from typing import Any

from abstractruntime.storage.base import PlacedRecord

from .staging import write_whole

log = logging.getLogger("flowstudio.presence")

TOUCH_SECONDS = 2.0
SHORTEST_SECONDS = 0.5  # below that nobody was away
MOST = 500  # absences that are kept
MARK, LIST = "presence", "absences.json"
Json = Any


@dataclass(frozen=True)
class Absence:
    """A span in which no server was up; both ends as ISO 8601 in UTC, as ledgers write them."""

    begin: str
    end: str

    @property
    def seconds(self) -> float:
        """Return how long it was."""
        return (datetime.fromisoformat(self.end) - datetime.fromisoformat(self.begin)).total_seconds()


class Presence:
    """The absences of the server of one data folder."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time) -> None:
        self._mark, self._list, self._clock = folder / MARK, folder / LIST, clock
        self._absences = self._read()

    def begin(self) -> None:
        """Note since when nobody was here, and that somebody is now."""
        now = self._clock()
        if self._mark.exists() and now - (left := self._mark.stat().st_mtime) >= SHORTEST_SECONDS:
            self._absences = [*self._absences, Absence(_moment(left), _moment(now))][-MOST:]
            told = [[each.begin, each.end] for each in self._absences]
            write_whole(self._list, json.dumps(told).encode())
        self.touch()

    def touch(self) -> None:
        """Note that the server is here."""
        now = self._clock()
        try:
            self._mark.touch(mode=0o600)
            os.utime(self._mark, (now, now))
        except OSError as error:  # a full disk must not stop the server for this
            log.warning("The mark of presence cannot be written: %s", error)

    async def keep(self) -> None:
        """Touch the mark until cancelled."""
        while True:
            await asyncio.sleep(TOUCH_SECONDS)
            self.touch()

    def between(self, begin: str, end: str | None) -> list[Absence]:
        """Return the absences that began and ended in a span of time; without an end, all since its beginning."""
        first, last = datetime.fromisoformat(begin), datetime.fromisoformat(end) if end else None
        return [each for each in self._absences if _is_within(each, first, last)]

    def _read(self) -> list[Absence]:
        try:
            return [Absence(str(begin), str(end)) for begin, end in json.loads(self._list.read_bytes())]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError) as error:
            log.warning("%s cannot be read, so earlier absences are not shown: %s", self._list, error)
            return []


def repeated(records: Iterable[PlacedRecord], absences: Iterable[Absence]) -> int:
    """Return how many effects were begun before an absence, had no end, and were begun again after it."""
    ended: set[str] = set()
    begun: dict[str, list[tuple[str, str]]] = {}  # key -> (step id, moment) of each beginning
    for placed in records:
        record = placed.record
        step, key = str(record.get("step_id")), str(record.get("idempotency_key") or "")
        if record.get("status") != "started":
            ended.add(step)
        elif isinstance(record.get("effect"), Mapping) and key:
            begun.setdefault(f"{placed.run_id} {key}", []).append((step, str(record.get("started_at"))))
    spans = list(absences)
    count = 0
    for starts in begun.values():
        for (step, before), (_, after) in pairwise(starts):
            count += step not in ended and any(before <= each.begin and after >= each.end for each in spans)
    return count


def _is_within(absence: Absence, first: datetime, last: datetime | None) -> bool:
    ended = datetime.fromisoformat(absence.end)
    return ended > first and (last is None or datetime.fromisoformat(absence.begin) < last)


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
