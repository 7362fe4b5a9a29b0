"""The same story over a host's own stores, which share no transaction: cut between any two writes.

A ledger may then tell a step twice and the count of listeners may be lost with the record of the event;
but the story has the same end, and nothing in the outside world is done that would not have been done.
"""

from __future__ import annotations

from typing import Any

import pytest

from abstractruntime.storage import Stores, open_journal, open_stores

from ..kernel.conftest import HostLedger, HostRuns
from .test_power_cut import Cutter
from .world import Ending, PowerCut, World, ending, live

TURNS = 2


def host_stores(runs: HostRuns, ledger: HostLedger) -> Stores:
    return Stores(runs, ledger, open_journal(runs, ledger))


def essence(end: Ending) -> dict[str, Any]:
    """Return what must not differ: all outputs, without how many listeners an event was seen to reach."""
    outputs = dict(end.outputs)
    root = dict(outputs["root"])
    root["subs"] = [sub for sub, _ in root["subs"]]
    return {**outputs, "root": root}


def cut_at(number: int | None, runs: HostRuns, ledger: HostLedger, patch: pytest.MonkeyPatch) -> Cutter:
    """Count the writes of both stores, and lose the power at one."""
    cutter, save, append = Cutter(number), runs.save, ledger.append
    patch.setattr(runs, "save", lambda run: cutter.around(lambda: save(run)))
    patch.setattr(ledger, "append", lambda record: cutter.around(lambda: append(record)))
    return cutter


def test_a_cut_between_any_two_writes_of_host_stores(monkeypatch: pytest.MonkeyPatch) -> None:
    calm, peace = World(), open_stores("memory:")
    live(peace, calm, TURNS)
    undisturbed = ending(peace, calm)
    number, is_cut = 0, True
    while is_cut:
        number += 1
        runs, ledger, world = HostRuns(), HostLedger(), World()
        with monkeypatch.context() as patch:
            cut_at(number, runs, ledger, patch)
            try:
                live(host_stores(runs, ledger), world, TURNS)
                is_cut = False
            except PowerCut:
                is_cut = True
        live(host_stores(runs, ledger), world, TURNS)
        got = ending(host_stores(runs, ledger), world)
        assert essence(got) == essence(undisturbed), number
        assert got.acts == undisturbed.acts
        assert len(world.acts) - len(set(world.acts)) <= 1
    assert number > 100
