"""Other sides of a web request: a real server on this machine that behaves as it is told."""

from __future__ import annotations

import gzip
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class FarSide(BaseHTTPRequestHandler):
    """Answers by the path; the server remembers every request."""

    protocol_version = "HTTP/1.1"
    server: Any

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        self.server.seen.append((self.command, self.path, dict(self.headers), body))
        name = self.path.split("?")[0].strip("/").split("/")[0] or "plain"
        getattr(self, f"say_{name}", self.say_missing)()

    do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_GET

    def give(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def say_plain(self) -> None:
        self.give(200, "grüße".encode(), Content_Type="text/plain; charset=utf-8")

    def say_json(self) -> None:
        self.give(200, b'{"id": 7}', Content_Type="application/json")

    def say_broken(self) -> None:
        self.give(200, b'{"id": 7', Content_Type="application/json")

    def say_missing(self) -> None:
        self.give(404, b"not here")

    def say_echo(self) -> None:
        self.give(200, str(dict(self.headers)).encode())

    def say_flaky(self) -> None:
        tries = [seen for seen in self.server.seen if seen[1] == self.path]
        self.give(*((503, b"busy") if len(tries) < 3 else (200, b"at last")))

    def say_packed(self) -> None:
        self.give(200, gzip.compress(b"hello"), Content_Encoding="gzip")

    def say_bomb(self) -> None:
        self.give(200, gzip.compress(b"\0" * 200_000_000), Content_Encoding="gzip")

    def say_flood(self) -> None:
        self.send_response(200)
        self.end_headers()
        self._pour(b"x" * 65536, pause=0)

    def say_drip(self) -> None:
        self.send_response(200)
        self.end_headers()
        self._pour(b"x", pause=0.05)

    def say_header(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        self._pour(b"x", pause=0.05)

    def _pour(self, piece: bytes, *, pause: float) -> None:
        self.close_connection = True
        try:
            for _ in range(2_000):
                self.wfile.write(piece)
                time.sleep(pause)
        except OSError:
            return  # the other side has hung up, as it should

    def say_to(self) -> None:
        status, target = self.path.split("/", 3)[2:]
        self.give(int(status), b"", Location=target)

    def say_loop(self) -> None:
        self.give(302, b"", Location="/loop")

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up: the tests ask what the client said."""


class Listening:
    """The far side while it listens; `seen` holds (method, path, headers, body)."""

    def __init__(self) -> None:
        self._server = _Server(("127.0.0.1", 0), FarSide)
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self._server.seen = self.seen  # type: ignore[attr-defined]
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def here(self) -> str:
        """The `host:port` to allow."""
        return f"127.0.0.1:{self.port}"

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
