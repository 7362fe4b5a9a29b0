"""What only the stores in memory promise: they forget what nobody can ask for."""

from __future__ import annotations

from abstractruntime.storage.in_memory import InMemoryLedgerStore, InMemoryRunStore, MemoryJournal
from abstractruntime.testing.journals import Driver
from abstractruntime.testing.stores import a_run, waiting_run


def test_plain_saves_do_not_pile_up() -> None:
    runs = InMemoryRunStore()
    driver = Driver(MemoryJournal(runs, InMemoryLedgerStore()))
    driver.live(5)
    steps = len(runs._kept["r"].history)
    for number in range(50):
        runs.save(a_run("r", vars={"n": number}))
    assert len(runs._kept["r"].history) == steps + 1
    assert runs.load("r") == a_run("r", vars={"n": 49})
    for seq, state in enumerate(driver.states, 1):
        assert driver.journal.state_at("r", seq) == state


def test_timers_that_were_replaced_are_dropped_when_their_time_comes() -> None:
    runs = InMemoryRunStore()
    for second in range(30):
        runs.save(waiting_run("r", until=f"2026-01-01T00:00:{second:02}Z"))
    assert [run.run_id for run in runs.list_due_wait_until(now_iso="2026-01-01T00:00:59Z")] == ["r"]
    assert len(runs._index._due) == 1
