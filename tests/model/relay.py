"""Stands between a client and a real model server, and damages the answers on their way."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx


class Relay:
    """Passes requests on. `breaks`: "cut" sends half of the answer as if it were whole, "hung up" only half."""

    def __init__(self, url: str) -> None:
        self.breaks = ""
        relay = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = httpx.post(f"{url}{self.path}", content=body, timeout=120, trust_env=False).content
                half = answer[: len(answer) // 2]
                sent = half if relay.breaks else answer
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer if relay.breaks == "hung up" else sent)))
                self.end_headers()
                self.wfile.write(sent)

            def do_GET(self) -> None:
                self.send_error(404)

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
