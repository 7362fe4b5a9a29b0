"""MCP servers over HTTP, each in a process of its own that can die and be started again: ours, and a published one."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from island_build import island_build

SERVER = Path(__file__).parent / "tools_server.py"
PACKAGE = Path(__file__).parent / "everything"


class Listening:
    """Our own server; listens on one port of loopback while it runs."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}/mcp"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Listening:
        """Start it, and wait until it listens."""
        self.stop()
        self._process = subprocess.Popen(
            self._command(),
            env={**os.environ, "PORT": str(self._port)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
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

    def _command(self) -> list[str]:
        return [sys.executable, str(SERVER), "http", str(self._port)]

    def stop(self) -> None:
        """End it, if it still runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(5)
            self._process = None


class Everything(Listening):
    """The protocol's reference server, a package of npm, installed into `folder` as its lock file says."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        build = island_build()
        self._node = build.node_command(build.node_home())[0]
        self._script = (
            folder / "node_modules" / "@modelcontextprotocol" / "server-everything" / "dist" / "index.js"
        )
        for name in ("package.json", "package-lock.json"):
            shutil.copy(PACKAGE / name, folder / name)
        try:
            build.run(folder, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
        except RuntimeError as error:
            if not any(
                word in str(error) for word in ("ENOTFOUND", "ECONNREFUSED", "ETIMEDOUT", "EAI_AGAIN")
            ):
                raise
            pytest.skip("the published server cannot be had: no registry of npm packages is reached")

    def _command(self) -> list[str]:
        return [self._node, str(self._script), "streamableHttp"]
