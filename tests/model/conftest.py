"""A real model behind a real server. Where its weights cannot be had, the end of the report says so aloud.

With `FLOWSTUDIO_REQUIRE_MODEL` set that is a failure.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from model.weights import minilm, weights

SERVE = str(Path(__file__).with_name("serve.py"))
SERVE_EMBEDDINGS = str(Path(__file__).with_name("serve_embeddings.py"))


class ModelServer:
    """One server process."""

    def __init__(self, file: Path, program: str = SERVE) -> None:
        command = [sys.executable, program, str(file)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        if not self.url.startswith("http"):
            _, said = self.process.communicate(timeout=10)
            pytest.fail(f"the model server did not start: {said[-2000:]}")
        # What it says from now on is read, so that a full pipe never stops it.
        threading.Thread(target=self._drain, daemon=True).start()

    def _drain(self) -> None:
        with contextlib.suppress(ValueError):  # closed when the server is ended
            for _ in self.process.stderr or ():
                pass

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)
        assert self.process.stdout is not None
        self.process.stdout.close()
        if self.process.stderr is not None:
            self.process.stderr.close()


_missing: list[str] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for reason in _missing:
        terminalreporter.write_sep("!", "THE TESTS WITH A REAL MODEL DID NOT RUN", red=True, bold=True)
        terminalreporter.write_line(reason)


def had(fetch: Callable[[], Path]) -> Path:
    """Return weights, or skip aloud."""
    try:
        return fetch()
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", b"") or b""
        reason = f"no weights on this machine: {error} {said.decode(errors='replace')[-500:]}".strip()
        if os.environ.get("FLOWSTUDIO_REQUIRE_MODEL"):
            pytest.fail(reason)
        if reason not in _missing:
            _missing.append(reason)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def model_file() -> Path:
    return had(weights)


@pytest.fixture(scope="session")
def embedding_server() -> Iterator[ModelServer]:
    server = ModelServer(had(minilm), SERVE_EMBEDDINGS)
    yield server
    server.kill()


@pytest.fixture(scope="session")
def model_server(model_file: Path) -> Iterator[ModelServer]:
    server = ModelServer(model_file)
    yield server
    server.kill()
