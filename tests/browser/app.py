"""Starts the real app in a process of its own and the real Chromium beside it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from playwright.sync_api import Browser, StorageState

ROOT = Path(__file__).resolve().parents[2]
# The headless shell first: the others start a second renderer with every page, for a window nobody sees,
# which is four fifths of the CPU time of a journey.
BROWSERS = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
BROWSER_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LINK = re.compile(r"https?://\S+/login#token=\S+")


def chromium_path() -> str | None:
    """Return the system's Chromium, or None."""
    named = os.environ.get("FLOWSTUDIO_CHROMIUM")
    return named or next((path for name in BROWSERS if (path := shutil.which(name))), None)


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class App:
    """One installation of FlowStudio: its folders, its port, and the process while it runs."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None
    link: str = ""
    origin: str = ""  # the https address under which a proxy makes it known
    log: IO[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def flows(self) -> Path:
        return self.folder / "flows"

    def start(self) -> App:
        """Start the server and wait until it answers; keep the login link it printed."""
        self.flows.mkdir(parents=True, exist_ok=True)
        out = self.folder / "server.log"
        self.log = out.open("a", encoding="utf-8")
        before = out.stat().st_size
        command = [
            sys.executable,
            "-u",
            "-m",
            "flowstudio",
            "serve",
            "--no-browser",
            "--port",
            str(self.port),
        ]
        command += ["--data", str(self.folder / "data"), "--flows", str(self.flows)]
        own = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        env = {
            **os.environ,
            "PATH": own,
            "PYTHONPATH": str(ROOT / "server"),
            "FLOWSTUDIO_TOKEN": "test-token-" + "x" * 32,
            **({"FLOWSTUDIO_ORIGIN": self.origin} if self.origin else {}),
        }
        self.process = subprocess.Popen(
            command, cwd=self.folder, env=env, stdout=self.log, stderr=subprocess.STDOUT, text=True
        )
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            text = out.read_text(encoding="utf-8")[before:]
            found = LINK.search(text)
            if found and self.answers():
                self.link = self.url + "/login" + found.group(0).partition("/login")[2]
                return self
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with {self.process.returncode}:\n{text}")
            time.sleep(0.05)
        raise RuntimeError(f"the server did not answer in 30 s:\n{out.read_text(encoding='utf-8')}")

    def answers(self) -> bool:
        """Say whether the health route answers."""
        try:
            return httpx.get(self.url + "/healthz", timeout=1).status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """Take the server away as a power cut would: no farewell."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)
        self.close_log()

    def stop(self) -> None:
        """Ask the server to end and wait for it."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
                raise
        self.close_log()

    def close_log(self) -> None:
        if self.log is not None:
            self.log.close()
            self.log = None

    def client(self) -> httpx.Client:
        """Return an API client with the token."""
        headers = {"Authorization": "Bearer test-token-" + "x" * 32}
        return httpx.Client(base_url=self.url, headers=headers, timeout=20)


def sign_in(browser: Browser, app: App) -> StorageState:
    """What a browser keeps after it has followed the link that the server prints (good once)."""
    profile = browser.new_context()
    door = profile.new_page()
    door.goto(app.link)
    door.wait_for_url(lambda url: "/login" not in url)
    state = profile.storage_state()
    profile.close()
    return state
