"""Values in the ledgers of runs: which step of which run was given, gave or asked something.

Ledgers have no index of values. The newest runs are read first, a bounded number of records at a time, and the
answer says where to go on. What is found is what the records keep: pictures of large values, and nothing that was covered.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from abstractruntime.storage.base import PlacedRecord

from .runner_origins import is_only_begin
from .runner_views import RunReader, visible

Json = Any
MOST_RUNS = 1_000
MOST_RECORDS = 10_000  # read for one answer; a run that was begun is read to its end, or to as many
MOST_HITS = 50
MOST_OF_RUN = 5
AROUND = 40  # characters before the words in an excerpt
_PAGE = 1_000


@dataclass(frozen=True)
class Wanted:
    """What is looked for: a text that holds all `words` (in lower case), or with `exact` this very `value`."""

    words: tuple[str, ...] = ()
    value: Json = None
    is_exact: bool = False

    def fits(self, value: Json) -> bool:
        """Say whether a text, number, true, false or null is what is wanted."""
        if self.is_exact:
            return type(value) is type(self.value) and bool(value == self.value)
        text = (value if isinstance(value, str) else json.dumps(value)).lower()
        return all(word in text for word in self.words)


@dataclass(frozen=True)
class Hit:
    """A place in a run: the record, the part that the value has in its step, its path there, and the text around it."""

    run_id: str
    node_id: str
    position: int
    part: str
    path: str
    excerpt: str


@dataclass(frozen=True)
class RunHits:
    """The first places found in one run; `run` is its line in a list."""

    run: Mapping[str, Json]
    hits: tuple[Hit, ...]


@dataclass(frozen=True)
class Answer:
    """What was found, in how many runs it was looked for, and the run after which to go on; none when all were read."""

    found: list[RunHits]
    looked_at: int
    next: str | None


def wanted(text: str, is_exact: bool) -> Wanted:
    """Read what a person looks for; an exact value is JSON, or else the text itself."""
    if not is_exact:
        return Wanted(tuple(text.lower().split()))
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    return Wanted(value=text if isinstance(value, dict | list) else value, is_exact=True)


def search(reader: RunReader, what: Wanted, flow_id: str | None = None, after: str = "") -> Answer:
    """Look for a value in the runs that people started, the newest first, after this one."""
    if not what.is_exact and not what.words:
        return Answer([], 0, None)
    rows = reader.rows(flow_id=flow_id, limit=MOST_RUNS)
    begin = next((place + 1 for place, row in enumerate(rows) if row["run_id"] == after), 0)
    found: list[RunHits] = []
    read = count = 0
    for place, row in enumerate(rows[begin:], begin):
        if read >= MOST_RECORDS or count >= MOST_HITS:
            return Answer(found, place - begin, rows[place - 1]["run_id"])
        hits: list[Hit] = []
        for placed in _records(reader, row["run_id"]):
            read += 1
            hits += _in_record(placed, what)
            if len(hits) >= MOST_OF_RUN:
                break
        if hits:
            found.append(RunHits(row, tuple(hits[:MOST_OF_RUN])))
            count += len(hits)
    return Answer(found, len(rows) - begin, None)


def _records(reader: RunReader, run_id: str) -> Iterator[PlacedRecord]:
    after = told = 0
    while told < MOST_RECORDS:
        page = reader.records(run_id, after, _PAGE)
        yield from page
        if len(page) < _PAGE:
            return
        after, told = page[-1].position, told + len(page)


def _in_record(placed: PlacedRecord, what: Wanted) -> Iterator[Hit]:
    """Yield the places of a record at which the value stands, one for each of its parts."""
    record = placed.record
    if is_only_begin(record) or str(record.get("idempotency_key") or "").startswith("system:"):
        return
    node_id = visible(str(record.get("node_id") or ""))
    for part, value in _parts(record):
        for path, leaf in leaves(value):
            if what.fits(leaf):
                yield Hit(placed.run_id, node_id, placed.position, part, path, _around(leaf, what))
                break


def _parts(record: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    """Yield what a record tells of a step, by the word for it."""
    told, effect = record.get("result"), record.get("effect")
    result = told if isinstance(told, Mapping) else {}
    seen = result.get("visit")
    visit = seen if isinstance(seen, Mapping) else {}
    yield from (("read", visit.get("values")), ("computed", visit.get("computed")))
    yield from (("gave", visit.get("outputs")), ("printed", visit.get("printed")))
    if isinstance(effect, Mapping):
        if record.get("status") in ("started", "waiting"):
            yield "asked", effect.get("payload")
        elif effect.get("type") == "resume":
            yield "was answered", (effect.get("payload") or {}).get("payload")
        else:
            yield "was answered", {key: each for key, each in result.items() if key not in ("visit", "wait")}
    elif record.get("error"):
        yield "failed", record["error"]


def leaves(value: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    """Yield every text, number, true, false and null of a value, with its path."""
    stack = [(path, value)]
    while stack:
        here, each = stack.pop()
        if isinstance(each, Mapping):
            inner = [(f"{here}.{key}" if here else str(key), part) for key, part in each.items()]
            stack += inner[::-1]
        elif isinstance(each, list):
            stack += [(f"{here}[{place}]", part) for place, part in enumerate(each)][::-1]
        elif each is not None or here:
            yield here, each


def _around(leaf: Json, what: Wanted) -> str:
    """Return one line of a value with what is wanted near its beginning."""
    text = leaf if isinstance(leaf, str) else json.dumps(leaf)
    at = text.lower().find(what.words[0]) if what.words else 0
    first = max(0, at - AROUND)
    return ("…" if first else "") + " ".join(text[first : at + 4 * AROUND].split())
