"""Every enrolled backend, and every wrapper over one, keeps the promises of stores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import permutations
from pathlib import Path

import pytest

from abstractruntime.storage.artifacts import ArtifactStore, InMemoryArtifactStore
from abstractruntime.storage.backends import BACKENDS, open_stores
from abstractruntime.storage.base import (
    Capability,
    LedgerStore,
    QueryableRunIndexStore,
    QueryableRunStore,
    Stores,
)
from abstractruntime.storage.journal import SequentialJournal, open_journal
from abstractruntime.storage.ledger_chain import HashChainedLedgerStore
from abstractruntime.storage.observable import ObservableLedgerStore
from abstractruntime.storage.offloading import OffloadingLedgerStore, OffloadingRunStore
from abstractruntime.storage.wrapped_journal import WrappedJournal
from abstractruntime.storage.wrapping import layers
from abstractruntime.testing.journals import HistorySuite, JournalSuite, LastingSuite
from abstractruntime.testing.leases import LeaseSuite
from abstractruntime.testing.stores import LedgerSuite, Place, QuerySuite, RunStoreSuite

URLS = {
    "json": "json://{folder}/stores?sync=never",
    "memory": "memory:",
    "sqlite": "sqlite://{folder}/stores.db",
}
LASTING = {"json", "sqlite"}
NAMES_FILES = {"json"}
LAYERS: dict[str, Callable[[LedgerStore, ArtifactStore], LedgerStore]] = {
    "observed": lambda ledger, _: _deaf(ObservableLedgerStore(ledger)),
    "chained": lambda ledger, _: HashChainedLedgerStore(ledger),
    "offloaded": lambda ledger, kept: OffloadingLedgerStore(
        ledger, artifact_store=kept, max_inline_bytes=500
    ),
}
ORDERS = [*LAYERS, *("+".join(order) for order in permutations(LAYERS))]
WRAPPED = [*ORDERS[:5], ORDERS[-1], "sequential", "sequential+" + "+".join(LAYERS)]


def _deaf(ledger: ObservableLedgerStore) -> ObservableLedgerStore:
    ledger.subscribe(lambda record: record.clear())
    return ledger


def opener(name: str, folder: Path) -> Callable[[], Stores]:
    """Return what opens the stores of a backend, or of a wrapper over the one in memory."""

    def plain() -> Stores:
        return open_stores(URLS.get(name, "memory:").format(folder=folder))

    def wrapped() -> Stores:
        inner = plain()
        ledger, kept = inner.ledger, InMemoryArtifactStore()
        for layer in reversed(name.split("+")):
            ledger = LAYERS[layer](ledger, kept) if layer in LAYERS else ledger
        if not name.startswith("sequential"):
            runs = OffloadingRunStore(inner.runs, artifact_store=kept, max_inline_bytes=0)
            return Stores(runs, ledger, open_journal(runs, ledger), inner.capabilities)
        bottom = SequentialJournal(inner.runs, inner.ledger)
        wrappers, _ = layers(ledger)
        return Stores(inner.runs, ledger, WrappedJournal(bottom, [], wrappers) if wrappers else bottom)

    return wrapped if name in WRAPPED else plain


def place_for(names: list[str]) -> Callable[..., Iterator[Place]]:
    """Make the fixture of a class: one place per backend."""

    @pytest.fixture(name="place", params=names)
    def place(self: object, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
        made = Place(opener(request.param, tmp_path), takes_paths=request.param not in NAMES_FILES)
        yield made
        made.close()

    return place


class TestRunStores(RunStoreSuite):
    place = place_for([*BACKENDS])


class TestQueries(QuerySuite):
    place = place_for([*BACKENDS])


class TestLedgers(LedgerSuite):
    place = place_for([*BACKENDS, *ORDERS])


class TestJournals(JournalSuite):
    place = place_for([*BACKENDS, *WRAPPED])


class TestHistory(HistorySuite):
    place = place_for([*BACKENDS, *ORDERS[:4]])


class TestLeases(LeaseSuite):
    place = place_for([*BACKENDS, *WRAPPED])


class TestLastingStores(LastingSuite):
    place = place_for(sorted(LASTING))


@pytest.mark.parametrize("name", [*BACKENDS])
def test_a_backend_declares_what_it_can(name: str, tmp_path: Path) -> None:
    stores = opener(name, tmp_path)()
    can = stores.capabilities
    assert (Capability.QUERY in can) == isinstance(stores.runs, QueryableRunStore)
    assert (Capability.INDEX in can) == isinstance(stores.runs, QueryableRunIndexStore)
    joint = stores.runs.journal_with(stores.ledger)
    assert (Capability.JOURNAL in can) == (joint is not None)
    assert isinstance(stores.journal, type(joint))
    assert (Capability.LEASE in can) == (stores.journal.leases is not None)
    stores.close()
    stores.close()


@pytest.mark.parametrize("url", ["", "nothing", "postgres:x", "sqlite:", "sqlite://host/x", "SQLITE:x"])
def test_a_url_that_names_no_store_is_refused_with_what_would(url: str) -> None:
    with pytest.raises(ValueError, match=r"sqlite:"):
        open_stores(url)
