"""What all tests share: where the outside test data lies."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test has one name in every process, or several workers cannot share the tests."""
    odd = [item.nodeid for item in items if ADDRESS.search(item.nodeid)]
    if odd:
        raise pytest.UsageError(f"names with an address in memory; give them ids: {odd[:3]}")


class NetworkIsOff(OSError):
    """A test has asked for a machine that is not this one."""


_asked_for: list[str] = []  # since the last test ended
_may_ask: list[bool] = [False]


def _is_here(address: Any) -> bool:
    """Say whether an address is on this machine; whatever is no name and number of a port is."""
    if not isinstance(address, tuple):
        return True
    host = str(address[0])
    try:
        found = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host in ("", "localhost")
    found = getattr(found, "ipv4_mapped", None) or found
    return found.is_loopback or found.is_unspecified


def _watched(connect: Any) -> Any:
    def guard(self: socket.socket, address: Any) -> Any:
        if not _may_ask[0] and not _is_here(address):
            _asked_for.append(str(address))
            raise NetworkIsOff(f"tests run with the network off, and this one asks for {address}")
        return connect(self, address)

    return guard


def pytest_configure() -> None:
    """From here on this process reaches itself and its machine only; other processes are their own."""
    for name in ("connect", "connect_ex"):
        setattr(socket.socket, name, _watched(getattr(socket.socket, name)))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test with a real model may fetch it, and so may its fixtures."""
    _may_ask[0] = item.get_closest_marker("model") is not None


@pytest.fixture(autouse=True)
def network_off() -> Iterator[None]:
    """Fail a test that asked for another machine, also where the code swallowed the refusal."""
    yield
    asked, _asked_for[:] = [*_asked_for], []
    assert not asked, f"this test asked for {asked}: mark it `model`, or give it a server on this machine"


def shared_folder() -> Path:
    """Return the folder of contracts and corpora that lies beside the checkout."""
    return Path(os.environ.get("FLOWSTUDIO_SHARED", ROOT.parent / "shared"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The shared folder; a test that needs it is skipped, aloud, where it is absent."""
    folder = shared_folder()
    if not folder.is_dir():
        pytest.skip(f"no shared test data at {folder}: set FLOWSTUDIO_SHARED")
    return folder
