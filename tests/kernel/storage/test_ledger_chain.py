"""The hash chain: what it finds out, in any order of wrapping, with several writers."""

from __future__ import annotations

import subprocess
import sys
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from abstractruntime.core.models import StepRecord, StepStatus
from abstractruntime.storage import open_stores
from abstractruntime.storage.anchors import Anchor
from abstractruntime.storage.artifacts import ArtifactStore, InMemoryArtifactStore
from abstractruntime.storage.base import LedgerStore, Stores
from abstractruntime.storage.in_memory import InMemoryLedgerStore
from abstractruntime.storage.journal import open_journal
from abstractruntime.storage.ledger_chain import (
    HashChainedLedgerStore,
    compute_record_hash,
    verify_ledger_chain,
)
from abstractruntime.storage.observable import ObservableLedgerStore
from abstractruntime.storage.offloading import OffloadingLedgerStore
from abstractruntime.testing.journals import Driver
from abstractruntime.testing.stores import a_record, a_run

GOLDEN = "52ba89ed1d3c0524f15a851ee89b4ce3400aaf26d05eab67bba15993bb0c510a"
AFTER = "419e886a52cf90a0be4051eca87b2823d4ab2388d72905bcb13c4958002eae7b"


def golden_record() -> StepRecord:
    return StepRecord(
        run_id="r",
        step_id="s",
        node_id="n",
        status=StepStatus.COMPLETED,
        result={"a": 1},
        started_at="T0",
        ended_at="T1",
    )


def chained(count: int = 5) -> tuple[HashChainedLedgerStore, list[dict[str, Any]]]:
    store = HashChainedLedgerStore(InMemoryLedgerStore())
    for number in range(count):
        store.append(a_record(a_run("r"), number))
    return store, store.list("r")


def kinds(report: dict[str, Any]) -> set[str]:
    return {error["type"] for error in report["errors"]}


def test_hashes_are_the_published_ones() -> None:
    record = golden_record()
    HashChainedLedgerStore(InMemoryLedgerStore()).append(record)
    assert (record.prev_hash, record.record_hash) == (None, GOLDEN)
    content = {name: getattr(record, name) for name in StepRecord.__dataclass_fields__}
    assert compute_record_hash(record={**content, "status": "completed"}, prev_hash=None) == GOLDEN
    assert compute_record_hash(record={**content, "status": "completed"}, prev_hash=GOLDEN) == AFTER


def test_a_whole_chain_verifies() -> None:
    store, records = chained()
    report = verify_ledger_chain(records)
    assert report == {
        "ok": True,
        "count": 5,
        "errors": [],
        "first_bad_index": None,
        "head_hash": records[-1]["record_hash"],
        "computed_head_hash": records[-1]["record_hash"],
    }
    assert store.verify("r")["ok"]
    assert verify_ledger_chain([]) == {
        "ok": True,
        "count": 0,
        "errors": [],
        "first_bad_index": None,
        "head_hash": None,
        "computed_head_hash": None,
    }


def test_each_change_of_each_record_is_found_at_its_place() -> None:
    _, records = chained()
    anchor = Anchor(5, records[-1]["record_hash"])
    for index in range(5):
        for name in StepRecord.__dataclass_fields__:
            if name == "signature":
                continue
            changed = [dict(record) for record in records]
            changed[index][name] = "other"
            report = verify_ledger_chain(changed, anchor=anchor)
            assert not report["ok"], (index, name)
            assert report["first_bad_index"] == index
            assert report["computed_head_hash"] != records[-1]["record_hash"] or name in (
                "prev_hash",
                "record_hash",
            )


def test_each_removal_swap_and_cut_is_found() -> None:
    store, records = chained()
    anchor = store.anchor("r")
    assert anchor == Anchor(5, records[-1]["record_hash"])
    for index in range(4):
        swapped = [*records[:index], records[index + 1], records[index], *records[index + 2 :]]
        assert verify_ledger_chain(swapped)["first_bad_index"] == index
        assert not verify_ledger_chain([*records[:index], *records[index + 1 :]], anchor=anchor)["ok"]
    for length in range(5):
        report = verify_ledger_chain(records[:length], anchor=anchor)
        assert kinds(report) == {"truncated"}
        assert report["errors"][0] | {"index": 0} == {
            "index": 0,
            "type": "truncated",
            "expected_count": 5,
            "actual_count": length,
        }
    assert verify_ledger_chain([*records, records[0]], anchor=anchor)["first_bad_index"] == 5


def test_a_record_without_a_hash_ends_the_check() -> None:
    _, records = chained(3)
    records[0]["record_hash"] = None
    report = verify_ledger_chain(records)
    assert report["errors"] == [{"index": 0, "type": "missing_record_hash"}]
    assert report["first_bad_index"] == 0


def test_a_sealed_anchor_cannot_be_made_without_the_key() -> None:
    inner = InMemoryLedgerStore()
    store = HashChainedLedgerStore(inner, key=b"secret")
    for number in range(3):
        store.append(a_record(a_run("r"), number))
    assert store.verify("r")["ok"]
    inner._pages["r"].texts.pop()
    assert kinds(store.verify("r")) == {"truncated"}
    inner.anchors().put("r", Anchor(2, inner.list("r")[-1]["record_hash"], "0" * 64))
    assert kinds(store.verify("r")) == {"anchor_forged"}
    inner.anchors().drop("r")
    assert kinds(store.verify("r")) == {"anchor_missing"}


def wrapped(order: tuple[str, ...], inner: LedgerStore, kept: ArtifactStore) -> LedgerStore:
    for name in reversed(order):
        if name == "chain":
            inner = HashChainedLedgerStore(inner)
        elif name == "offload":
            inner = OffloadingLedgerStore(inner, artifact_store=kept, max_inline_bytes=60)
        else:
            inner = ObservableLedgerStore(inner)
    return inner


@pytest.mark.parametrize("order", [*permutations(("chain", "offload", "observe"))], ids="+".join)
@pytest.mark.parametrize("backend", ["json", "memory", "sqlite"])
def test_any_order_of_wrapping_verifies_tells_and_gives_values_back(
    backend: str, order: tuple[str, ...], tmp_path: Path
) -> None:
    urls = {
        "json": f"json://{tmp_path}/x?sync=never",
        "memory": "memory:",
        "sqlite": f"sqlite://{tmp_path}/x.db",
    }
    stores = open_stores(urls[backend])
    ledger: Any = wrapped(order, stores.ledger, InMemoryArtifactStore())
    told: list[dict[str, Any]] = []
    ledger.subscribe(told.append)
    driver = Driver(open_journal(stores.runs, ledger))
    large = {"number": 7, "text": "x" * 500}
    ledger.append(a_record(driver.run, 7, key="k", result=large))
    driver.live(12)
    records = stores.ledger.list("r")
    assert verify_ledger_chain(records)["ok"]
    assert len(told) == len(records)  # all but the one of the first commit, which came with the run
    assert [one["record_hash"] for one in told] == [one["record_hash"] for one in records]
    assert told[1]["result"] == large
    assert records[1]["result"]["text"].keys() == {"$artifact"}
    for find in (ledger.find_completed, driver.journal.find_completed):
        found = find("r", "k")
        assert found is not None
        assert found["result"] == large
    assert ledger.count("r") == len(records)
    assert ledger.list_after(run_id="r", after=1)[0] == records[1:]
    chain = HashChainedLedgerStore(stores.ledger)
    assert chain.verify("r")["ok"]
    chain.append(a_record(driver.run, 8))  # another process goes on
    ledger.append(a_record(driver.run, 9))
    driver.change()
    driver.step()
    assert chain.verify("r")["ok"]
    stores.close()


WRITER = """
import sys
from abstractruntime.storage import open_stores
from abstractruntime.storage.ledger_chain import HashChainedLedgerStore
from abstractruntime.testing.stores import a_record, a_run
ledger = HashChainedLedgerStore(open_stores(sys.argv[1]).ledger)
for number in range(60):
    ledger.append(a_record(a_run("r"), number))
"""


@pytest.mark.parametrize("url", ["sqlite://{}/x.db", "json://{}/x?sync=never"])
def test_two_processes_do_not_break_the_chain(url: str, tmp_path: Path) -> None:
    where = url.format(tmp_path)
    stores: Stores = open_stores(where)
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, where]) for _ in range(2)]
    assert [writer.wait(120) for writer in writers] == [0, 0]
    report = HashChainedLedgerStore(stores.ledger).verify("r")
    assert report["count"] == 120
    assert report["ok"], report["errors"]
    stores.close()


@pytest.mark.parametrize("url", ["memory:", "sqlite://{}/x.db", "json://{}/x?sync=never"])
def test_a_new_process_links_to_the_last_record_without_reading_the_others(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores: Stores = open_stores(url.format(tmp_path))
    first = HashChainedLedgerStore(stores.ledger)
    for number in range(50):
        first.append(a_record(a_run("r"), number))
    asked: list[int] = []
    after = stores.ledger.list_after  # type: ignore[attr-defined]  # all of ours have it

    def list_after(*, run_id: str, after_seq: int, limit: int) -> Any:
        asked.append(limit)
        return after(run_id=run_id, after=after_seq, limit=limit)

    def whole(run_id: str) -> Any:
        raise AssertionError("the whole ledger was read")

    with monkeypatch.context() as patched:
        patched.setattr(
            stores.ledger,
            "list_after",
            lambda *, run_id, after, limit: list_after(run_id=run_id, after_seq=after, limit=limit),
        )
        patched.setattr(stores.ledger, "list", whole)
        HashChainedLedgerStore(stores.ledger).append(a_record(a_run("r"), 50))
    assert asked == [1]
    assert HashChainedLedgerStore(stores.ledger).verify("r")["ok"]
    stores.close()
