"""Connections to checked addresses only, each byte before a deadline.

httpx speaks HTTP; httpcore below it asks us for connections. A name is resolved and checked here and the
connection goes to that very address, while the name stays in the Host header and in the TLS handshake.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator
from time import monotonic

import httpcore
import httpx

from .addresses import Resolver, checked, resolve


class Deadline:
    """The moment until which everything must be done; seconds from now."""

    def __init__(self, seconds: float) -> None:
        self._until = monotonic() + seconds
        self.seconds = seconds

    def left(self, at_most: float | None = None) -> float:
        """Return the seconds left; raise `httpcore.ReadTimeout` when there are none."""
        left = self._until - monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout(f"it took more than {self.seconds:g} s")
        return left if at_most is None else min(left, at_most)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        inner = self._inner.start_tls(ssl_context, server_hostname, self._deadline.left(timeout))
        return _Stream(inner, self._deadline)

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)


class _Network(httpcore.NetworkBackend):
    def __init__(self, reachable: frozenset[str], resolver: Resolver, deadline: Deadline) -> None:
        self._inner = httpcore.SyncBackend()
        self._reachable = reachable
        self._resolver = resolver
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            addresses = checked(host, port, self._reachable, self._resolver)
        except OSError as error:
            raise httpcore.ConnectError(f"the name {host} is unknown ({error})") from None
        failed: Exception = httpcore.ConnectError(f"{host} cannot be reached")
        for address in addresses:
            try:
                stream = self._inner.connect_tcp(
                    address, port, self._deadline.left(timeout), None, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
            else:
                return _Stream(stream, self._deadline)
        raise failed

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(self._deadline.left(seconds))


class _Body(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        yield from self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


class PinnedTransport(httpx.BaseTransport):
    """An httpx transport for one request: no proxy, no reuse, checked addresses, one deadline."""

    def __init__(
        self, *, reachable: frozenset[str], deadline: Deadline, resolver: Resolver = resolve
    ) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_keepalive_connections=0,
            network_backend=_Network(reachable, resolver, deadline),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; httpcore's errors pass through."""
        response = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.read(),
                extensions=request.extensions,
            )
        )
        return httpx.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_Body(response),
            extensions=response.extensions,
        )

    def close(self) -> None:
        """Close what is open."""
        self._pool.close()
