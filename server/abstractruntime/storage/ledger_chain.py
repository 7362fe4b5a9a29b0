"""A chain of hashes over a run's ledger: who changes a record afterwards is found out.

Each record carries the hash of the one before it (`prev_hash`) and its own (`record_hash`), the
SHA-256 of its canonical JSON. So a change, a removal or a swap shows. That the end was cut off does
not show in the records: length and head are kept apart, as the run's anchor. Who can write the store
can write its anchor too; give `key` to seal anchors with an HMAC, or keep `anchor(run_id)` elsewhere.
"""

from __future__ import annotations

import builtins
import hashlib
import hmac
import json
import logging
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from ..core.errors import LedgerMoved, StoreError
from ..core.jsonsafe import decode, encode
from ..core.models import StepRecord
from .anchors import Anchor, Anchors, MemoryAnchors
from .base import LedgerStore, Record
from .codec import encode_record, resealed
from .wrapping import LinkingWrapper, layers

log = logging.getLogger(__name__)
PRUNED = "$pruned"  # in a stub: how many records it stands for
_TRIES = 100


def compute_record_hash(*, record: Mapping[str, Any], prev_hash: str | None) -> str:
    """Return the hash of a record (a plain object) that follows one with `prev_hash`."""
    content = {key: value for key, value in record.items() if key not in ("record_hash", "signature")}
    content["prev_hash"] = prev_hash
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def chain_head(records: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the hash of the last record, by which all before it are known; None for no records.

    Records of a ledger that is not chained are linked for it as they would be.
    """
    head: str | None = None
    for record in records:
        head = record.get("record_hash") or compute_record_hash(record=record, prev_hash=head)
    return head


def verify_ledger_chain(
    records: Sequence[Mapping[str, Any]], *, anchor: Anchor | None = None
) -> dict[str, Any]:
    """Check a run's records, and with an anchor also that none is missing at the end.

    Returns `{"ok", "count", "errors", "first_bad_index", "head_hash", "computed_head_hash"}`. Errors
    have an `index` (0 for the first record) and a `type`: `prev_hash_mismatch`,
    `record_hash_mismatch`, `missing_record_hash` (the check stops there), `truncated`, `head_mismatch`.
    A stub of pruned records counts for those it stands for: its hash is taken as it is.
    """
    errors: list[dict[str, Any]] = []
    before: str | None = None
    computed: str | None = None
    hashes: list[str] = []
    for index, record in enumerate(records):
        stored, said = record.get("record_hash"), record.get("prev_hash")
        if not stored:
            errors.append({"index": index, "type": "missing_record_hash"})
            break
        if said != before:
            told = {"expected_prev_hash": before, "actual_prev_hash": said}
            errors.append({"index": index, "type": "prev_hash_mismatch", **told})
        stands_for = _stands_for(record)
        if stands_for:
            computed = stored
        else:
            right = compute_record_hash(record=record, prev_hash=said)
            if right != stored:
                errors.append(
                    {"index": index, "type": "record_hash_mismatch", "stored": stored, "computed": right}
                )
            computed = compute_record_hash(record=record, prev_hash=computed)
        hashes += [""] * (stands_for - 1) + [stored]
        before = stored
    if anchor is not None and not any(error["type"] == "missing_record_hash" for error in errors):
        errors += _against(anchor, hashes)
    return {
        "ok": not errors,
        "count": len(records),
        "errors": errors,
        "first_bad_index": min((error["index"] for error in errors), default=None),
        "head_hash": records[-1].get("record_hash") if records else None,
        "computed_head_hash": computed,
    }


class HashChainedLedgerStore(LinkingWrapper):
    """Links the records of each run; over any ledger, also below or above other wrappers.

    Two writers do not break the chain: a record is stored only if it follows the one that it was
    linked to, else it is linked again. `anchors` says where lengths and heads are kept: by default
    beside the ledger, or in memory over a ledger that is not one of ours.
    """

    def __init__(
        self, inner: LedgerStore, *, anchors: Anchors | None = None, key: bytes | None = None
    ) -> None:
        super().__init__(inner)
        _, self._store = layers(self)
        kept = getattr(self._store, "anchors", None)
        self._anchors: Anchors = anchors or (kept() if kept is not None else MemoryAnchors())
        self._key = key
        self._heads: dict[str, tuple[int, str | None]] = {}
        self._lock = threading.RLock()

    def append_linked(self, record: StepRecord) -> StepRecord:
        """Link a record to the last one stored, store it at the bottom, and return it as stored."""
        run_id = record.run_id
        append_if = getattr(self._store, "append_if", None)
        for _ in range(_TRIES):
            with self._lock:
                [linked], follows = self.linked(run_id, [record])
                if append_if is None:
                    self._store.append(linked)
                elif not append_if(linked, follows):
                    self.moved(run_id)
                    continue
                self.settled(run_id, [linked])
            return linked
        raise LedgerMoved(f"The ledger of run '{run_id}' grew {_TRIES} times while one record was appended.")

    def linked(
        self, run_id: str, records: Sequence[StepRecord]
    ) -> tuple[builtins.list[StepRecord], int | None]:
        """Return records linked to the last one stored, and the seq that they follow."""
        with self._lock:
            if run_id not in self._heads:
                if len(self._heads) > 10_000:
                    self._heads.clear()
                self._heads[run_id] = self._stored_head(run_id)
            follows, before = self._heads[run_id]
        made: list[StepRecord] = []
        for record in records:
            content = decode(encode_record(record))
            content["prev_hash"] = before
            content["record_hash"] = before = compute_record_hash(record=content, prev_hash=before)
            made.append(resealed(record, content))
        return made, follows

    def moved(self, run_id: str) -> None:
        """Forget what was known of a run's last record: somebody else appended."""
        with self._lock:
            self._heads.pop(run_id, None)

    def settled(self, run_id: str, records: Sequence[StepRecord]) -> None:
        """Note that linked records were stored: head and length move on, the anchor with them."""
        if not records:
            return
        with self._lock:
            follows, _ = self._heads[run_id]
            head = str(records[-1].record_hash)
            self._heads[run_id] = (follows + len(records), head)
            try:
                self._anchors.put(run_id, self._sealed(run_id, follows + len(records), head))
            except StoreError as error:
                log.error("The chain of run %s grew, its anchor did not: %s", run_id, error)

    def anchor(self, run_id: str) -> Anchor | None:
        """Return a run's length and head as they were when its last record was stored, to keep elsewhere."""
        return self._anchors.get(run_id)

    def verify(self, run_id: str) -> dict[str, Any]:
        """Check the stored records of a run against each other and its anchor; see `verify_ledger_chain`."""
        anchor = self._anchors.get(run_id)
        report = verify_ledger_chain(self._store.list(run_id), anchor=anchor)
        if anchor is not None and self._key is not None:
            right = self._sealed(run_id, anchor.length, anchor.head)
            if not hmac.compare_digest(right.seal or "", anchor.seal or ""):
                report["errors"].append({"index": anchor.length - 1, "type": "anchor_forged"})
        elif anchor is None and report["count"]:
            report["errors"].append({"index": report["count"] - 1, "type": "anchor_missing"})
        report["ok"] = not report["errors"]
        report["first_bad_index"] = min((error["index"] for error in report["errors"]), default=None)
        return report

    def _stored_head(self, run_id: str) -> tuple[int, str | None]:
        count, after = getattr(self._store, "count", None), getattr(self._store, "list_after", None)
        if count is None or after is None:
            records = self._store.list(run_id)
            return len(records), records[-1].get("record_hash") if records else None
        length = int(count(run_id))
        last: list[Record] = after(run_id=run_id, after=length - 1, limit=1)[0] if length else []
        return length, last[0].get("record_hash") if last else None

    def _sealed(self, run_id: str, length: int, head: str) -> Anchor:
        if self._key is None:
            return Anchor(length, head)
        text = encode([run_id, length, head])
        return Anchor(length, head, hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest())


def _stands_for(record: Mapping[str, Any]) -> int:
    """Return how many records a stub stands for, 0 for a record."""
    count = record.get(PRUNED)
    return count if isinstance(count, int) and count > 0 else 0


def _against(anchor: Anchor, hashes: Sequence[str]) -> list[dict[str, Any]]:
    """Compare with the anchor; records after the anchored ones were stored when a crash came."""
    if len(hashes) < anchor.length:
        return [
            {
                "index": len(hashes),
                "type": "truncated",
                "expected_count": anchor.length,
                "actual_count": len(hashes),
            }
        ]
    if anchor.length and hashes[anchor.length - 1] != anchor.head:
        return [
            {
                "index": anchor.length - 1,
                "type": "head_mismatch",
                "expected_head": anchor.head,
                "actual_head": hashes[anchor.length - 1],
            }
        ]
    return []
