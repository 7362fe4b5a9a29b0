"""Every backend's artifacts, snapshots, commands and cursors keep the promises of theirs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from abstractruntime.storage.artifacts import ArtifactStore
from abstractruntime.storage.backends import BACKENDS, open_stores
from abstractruntime.storage.base import Stores
from abstractruntime.storage.commands import CommandCursorStore, CommandStore
from abstractruntime.storage.snapshots import SnapshotStore
from abstractruntime.testing.artifacts import ArtifactSuite
from abstractruntime.testing.keepsakes import CommandSuite, CursorSuite, SnapshotSuite, a_command

URLS = {
    "json": "json://{folder}/stores?sync=never",
    "memory": "memory:",
    "sqlite": "sqlite://{folder}/stores.db",
}


@pytest.fixture(params=[*BACKENDS])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stores]:
    opened = open_stores(URLS[request.param].format(folder=tmp_path))
    yield opened
    opened.close()


class TestArtifacts(ArtifactSuite):
    @pytest.fixture
    def artifacts(self, stores: Stores) -> ArtifactStore:
        assert stores.artifacts is not None
        return stores.artifacts


class TestSnapshots(SnapshotSuite):
    @pytest.fixture
    def snapshots(self, stores: Stores) -> SnapshotStore:
        assert stores.snapshots is not None
        return stores.snapshots


class TestCommands(CommandSuite):
    @pytest.fixture
    def commands(self, stores: Stores) -> CommandStore:
        assert stores.commands is not None
        return stores.commands


class TestCursors(CursorSuite):
    @pytest.fixture
    def cursors(self, stores: Stores) -> CommandCursorStore:
        assert stores.cursors is not None
        return stores.cursors


@pytest.mark.parametrize("name", ["json", "sqlite"])
def test_what_was_kept_is_there_when_opened_again(name: str, tmp_path: Path) -> None:
    url = URLS[name].format(folder=tmp_path)
    first = open_stores(url)
    assert first.commands is not None
    assert first.cursors is not None
    first.commands.append(a_command("a"))
    first.cursors.save(1)
    first.close()
    again = open_stores(url)
    assert again.commands is not None
    assert again.cursors is not None
    assert again.commands.append(a_command("a")).duplicate
    assert again.commands.append(a_command("b")).seq == 2
    assert again.cursors.load() == 1
    again.close()
