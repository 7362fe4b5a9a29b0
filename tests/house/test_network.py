"""Tests run with the network off: the guard of tests/conftest.py holds."""

from __future__ import annotations

import socket
from typing import Any

import pytest

FAR = ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1", "example.invalid"]


@pytest.fixture
def forgiven(network_off: None, request: pytest.FixtureRequest) -> Any:
    """What was asked for, taken back before the guard looks."""
    guard = next(p for p in request.config.pluginmanager.get_plugins() if hasattr(p, "_asked_for"))
    yield guard._asked_for
    guard._asked_for.clear()


@pytest.mark.parametrize("host", FAR)
@pytest.mark.parametrize("way", ["connect", "connect_ex"])
def test_another_machine_is_refused_and_noted(host: str, way: str, forgiven: list[str]) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as one, pytest.raises(OSError, match="network off"):
        getattr(one, way)((host, 80))
    assert len(forgiven) == 1
    assert host in forgiven[0]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_is_reached(host: str, forgiven: list[str]) -> None:
    with socket.socket() as server, socket.socket() as one:
        server.bind(("127.0.0.1", 0))
        server.listen()
        one.connect((host, server.getsockname()[1]))
        assert one.getpeername() == server.getsockname()
    assert forgiven == []
