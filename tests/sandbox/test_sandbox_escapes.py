"""Forty attempts to get out of the sandbox or to wear it down, each against things made for it.

The attempts are read from the shared folder. What they reach for is a secret file, a secret in the
environment, one in this process's memory, a listener on loopback and a file that must not appear.
An attempt is contained when nothing of that was reached, the answer came in time, and the next call
is healthy and finds nothing left behind.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from abstractruntime.visualflow_compiler.sandbox import CodeSandbox, Limits, SandboxRefusal, SandboxResult
from sandbox.conftest import NOW
from sandbox.test_sandbox_corpus import module

COUNT = 40
LIMITS = Limits(seconds=1)
# This one signals every process that it can see: it is made only where a signal was seen to reach none.
KILLER = 27
# Signal 0 hurts nobody: the kernel only says whether a real one would arrive.
HARMLESS = """
import os
def transform(data):
    reached = []
    for pid in (data["pid"], os.getppid()):
        try:
            os.kill(pid, 0)
            reached.append(pid)
        except BaseException:
            pass
    return {"reached": reached}
"""


class Place:
    """The things to reach for."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        token = secrets.token_hex(8)
        self.secrets = [f"CANARY-{name}-{token}" for name in ("FILE", "ENV", "MEMORY")]
        self.file, self.drop = folder / "secret.txt", folder / "drop"
        self.file.write_text(self.secrets[0], encoding="utf-8")
        self.file.chmod(0o600)
        monkeypatch.setenv("HARNESS_ENV_SECRET", self.secrets[1])
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen()
        self.listener.setblocking(False)

    @property
    def given(self) -> dict[str, Any]:
        port = self.listener.getsockname()[1]
        return {"file": str(self.file), "drop": str(self.drop), "port": port, "env": "HARNESS_ENV_SECRET"}

    def reached(self, answer: str) -> list[str]:
        """Return what an attempt got hold of."""
        found = [secret for secret in self.secrets if secret in answer]
        if self.drop.exists():
            found.append("a file was written")
        try:
            self.listener.accept()[0].close()
            found.append("the network was reached")
        except BlockingIOError:
            pass
        return found


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    made = Place(tmp_path, monkeypatch)
    yield made
    made.listener.close()


@pytest.fixture(scope="module")
def attempts(shared: Path) -> Any:
    loaded = module(shared / "bench" / "sandbox", "escapes")
    assert len(loaded.A) == COUNT
    return loaded


def told(sandbox: CodeSandbox, source: str, given: Any, python: Any) -> tuple[str, str]:
    """Return the answer or the refusal as text, and the refusal's code."""
    try:
        result = sandbox.run(source, "transform", given, now=NOW, seed="", limits=LIMITS, python=python)
    except SandboxRefusal as refusal:
        return f"{refusal} {refusal.printed} {refusal.why}", refusal.code
    return json.dumps(result.value, allow_nan=False) + result.printed, ""


def contained(sandbox: CodeSandbox, attempts: Any, number: int, place: Place, python: str) -> None:
    """Make one attempt and check everything around it."""
    if number == KILLER:
        held, code = told(sandbox, HARMLESS, {"pid": os.getpid()}, python)
        assert code or json.loads(held) == {"reached": []}, "a real signal would arrive: attempt not made"
    attempt = attempts.A[number - 1]
    source = attempt["code"].replace("@DROP@", str(place.drop))
    began = time.monotonic()
    answer, code = told(sandbox, source, place.given, python)
    assert time.monotonic() - began < LIMITS.seconds + 2.5
    assert place.reached(answer) == [], attempt["title"]
    assert not code or code.startswith("code.")
    assert told(sandbox, attempts.BENIGN, {"k": 3}, python) == (
        json.dumps({str(i): i * 3 for i in range(10)}),
        "",
    )
    assert told(sandbox, attempts.STATE_PROBE, {}, python)[0] in ('"clean"', "clean")
    assert place.reached("") == []


@pytest.mark.parametrize("number", range(1, COUNT + 1))
def test_an_attempt_is_contained(number: int, sandbox: CodeSandbox, attempts: Any, place: Place) -> None:
    contained(sandbox, attempts, number, place, "compact")


class Bare:
    """A sandbox that is none, and keeps what it was asked to run."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def run(self, source: str, function_name: str, argument: Any, **more: Any) -> SandboxResult:
        self.asked.append(source)
        if source != HARMLESS:
            raise SandboxRefusal("not run in a test", code="code.test")
        names: dict[str, Any] = {}
        exec(source, names)
        return SandboxResult(names[function_name](argument), "", 0)


def test_the_attempt_on_every_process_is_not_made_where_signals_arrive(attempts: Any, place: Place) -> None:
    assert "os.kill(p, 9)" in attempts.A[KILLER - 1]["code"]
    bare: Any = Bare()
    with pytest.raises(AssertionError, match="attempt not made"):
        contained(bare, attempts, KILLER, place, "compact")
    assert bare.asked == [HARMLESS]


def test_the_attempts_would_succeed_without_a_sandbox(attempts: Any, place: Place) -> None:
    """The things to reach for are real: plain Python reaches the file and writes the other one."""
    names: dict[str, Any] = {}
    exec(attempts.A[16 - 1]["code"], names)
    assert place.reached(str(names["transform"](place.given))) == place.secrets[:2]
    writing = next(each for each in attempts.A if each["title"] == "write a file")
    exec(writing["code"], names)
    names["transform"](place.given)
    assert place.reached("") == ["a file was written"]
