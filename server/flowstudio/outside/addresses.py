"""Which addresses a flow may reach.

A flow may come from anybody, and the server stands inside a network that trusts it. So a name is resolved
once, every address it has must be a public one, and the connection goes to an address that was checked:
a name that answers differently the second time gains nothing (security.md N1, T17). What lies
elsewhere is reached only where the server's settings say so, by exact host and port.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Address = IPv4Address | IPv6Address
Resolver = Callable[[str, int], list[str]]

_NAT64 = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))


class Blocked(Exception):
    """The address may not be reached from here; the message says why."""


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host, as the system resolves it; raise OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(address: Address) -> bool:
    """Say whether an address is a public one, also when it is wrapped into another."""
    inner = _inner(address)
    if inner is not None:
        return is_public(inner)
    if address.is_multicast or address.is_unspecified or address.is_loopback or address.is_link_local:
        return False
    if isinstance(address, IPv6Address) and address.is_site_local:
        return False
    return address.is_global and not address.is_reserved


def _inner(address: Address) -> Address | None:
    if not isinstance(address, IPv6Address):
        return None
    if any(address in network for network in _NAT64):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address.teredo is not None:
        return address.teredo[1]
    return address.ipv4_mapped or address.sixtofour


def checked(host: str, port: int, reachable: frozenset[str], resolver: Resolver = resolve) -> list[str]:
    """Return the addresses to connect to; raise Blocked, or OSError when the name is unknown.

    `reachable` holds `host:port` pairs that are allowed whatever their address.
    """
    found = resolver(host, port)
    if not found:
        raise OSError(f"{host} has no address")
    if f"{host.lower()}:{port}" in reachable:
        return found
    for each in found:
        address = ip_address(each.partition("%")[0])
        if not is_public(address):
            raise Blocked(
                f"blocked: address is not public ({host} is {address}). The server's setting "
                "FLOWSTUDIO_REACHABLE may allow it."
            )
    return found
