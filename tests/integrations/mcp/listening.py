"""The tests' MCP server over HTTP, in a process of its own that can die and be started again."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

SERVER = Path(__file__).parent / "tools_server.py"


class Listening:
    """Listens on one port of loopback while it runs."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}/mcp"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Listening:
        """Start it, and wait until it listens."""
        self.stop()
        command = [sys.executable, str(SERVER), "http", str(self._port)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._port), 0.2).close()
            except OSError:
                assert time.monotonic() < deadline, "the server did not start"
                assert self._process.poll() is None
                time.sleep(0.05)
            else:
                return self

    def stop(self) -> None:
        """End it, if it still runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(5)
            self._process = None
