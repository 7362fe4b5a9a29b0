"""A backend is trusted after it has held against six attempts; without one, code nodes say why."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from abstractruntime.visualflow_compiler import sandbox_jail, sandbox_monty
from abstractruntime.visualflow_compiler.sandbox import CodeSandbox, SandboxRefusal, SandboxResult
from abstractruntime.visualflow_compiler.sandbox_jail import JailSandbox
from abstractruntime.visualflow_compiler.sandbox_monty import MontySandbox
from abstractruntime.visualflow_compiler.sandbox_selftest import failed_attempts
from abstractruntime.visualflow_compiler.sandbox_walls import Launcher, have_walls
from sandbox.conftest import NOW
from sandbox.test_sandbox_limits import workers


class InProcess:
    """What must never be trusted: `exec` in this process. Endless code is stopped by name only."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {}

    def run(self, source: str, function_name: str, argument: Any, **more: Any) -> SandboxResult:
        if "while True" in source:
            raise SandboxRefusal("stopped", code="code.limit.time")
        try:
            exec(source, self.names)
            return SandboxResult(self.names[function_name](argument), "", 0)
        except SandboxRefusal:
            raise
        except (ImportError, OSError, NameError, TypeError) as error:
            raise SandboxRefusal(str(error), code="code.failed") from error


class Endless(InProcess):
    """A backend that lets endless code end by itself and gives all memory."""

    def run(self, source: str, function_name: str, argument: Any, **more: Any) -> SandboxResult:
        if "while True" in source:
            return SandboxResult("done", "", 0)
        return super().run(source, function_name, argument, **more)


class Dead:
    """A backend that cannot compute."""

    def run(self, source: str, function_name: str, argument: Any, **more: Any) -> SandboxResult:
        raise SandboxRefusal("no", code="code.failed")


def test_the_compact_backend_holds() -> None:
    held = MontySandbox()
    try:
        held.start()
        assert failed_attempts(held.run) == []
    finally:
        held.close()


def status_of(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def test_the_workers_of_the_compact_backend_stand_behind_walls() -> None:
    if not have_walls():
        pytest.skip("this kernel has no walls for the workers")
    before = workers()
    held = MontySandbox()
    try:
        held.start()
        assert held.walled
        (worker,) = workers() - before
        status = status_of(worker)
        assert (status["Seccomp"], status["NoNewPrivs"]) == ("2", "1")
        assert os.readlink(f"/proc/{worker}/ns/net") != os.readlink("/proc/self/ns/net")
        assert Path(f"/proc/{worker}/environ").read_bytes() == b""
    finally:
        held.close()


@pytest.mark.parametrize("script", ["exit 1", "exec nowhere", "sleep 0"])
def test_workers_that_cannot_start_behind_walls_start_without(
    script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(Launcher):
        @staticmethod
        def script(command: str) -> str:
            return f"#!/bin/sh\n{script} 2>/dev/null\n"

    monkeypatch.setattr(sandbox_monty, "Launcher", Broken)
    held = MontySandbox()
    try:
        assert held.run("def f(d): return 1", "f", {}, now=NOW, seed="").value == 1
        assert not held.walled
    finally:
        held.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_code_in_the_process_is_found_out() -> None:
    assert failed_attempts(InProcess().run) == [
        "reading a file",
        "the network",
        "starting a process",
        "leaving state for the next call",
    ]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_missing_limits_are_found_out() -> None:
    failed = failed_attempts(Endless().run)
    assert "taking all memory" in failed
    assert "running for ever" in failed


def test_a_backend_that_cannot_compute_is_found_out() -> None:
    assert "ordinary code" in failed_attempts(Dead().run)


def test_a_failed_test_switches_the_backend_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox_monty, "failed_attempts", lambda run: ["the network"])
    held = CodeSandbox()
    for _ in range(2):
        with pytest.raises(SandboxRefusal, match="did not hold against the network") as caught:
            held.run("def f(d): return 1", "f", {}, now=NOW, seed="")
        assert caught.value.code == "code.unavailable"
    held.close()


def test_both_backends_are_tested_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    tested: list[str] = []

    def fails(name: str) -> Any:
        def failed(run: Any) -> list[str]:
            tested.append(name)
            return ["the network"]

        return failed

    monkeypatch.setattr(sandbox_monty, "failed_attempts", fails("compact"))
    monkeypatch.setattr(sandbox_jail, "failed_attempts", fails("full"))
    held = CodeSandbox(full=JailSandbox())
    try:
        assert held.failures == {}
        for _ in range(2):
            held.start()
        assert tested == (["compact", "full"] if have_walls() else ["compact"])
        assert list(held.failures) == ["compact", "full"]
    finally:
        held.close()


def test_a_sandbox_that_holds_has_no_failures() -> None:
    held = CodeSandbox(full=JailSandbox() if have_walls() else None)
    try:
        held.start()
        assert held.failures == {}
    finally:
        held.close()


def test_a_sandbox_that_was_closed_before_its_start_is_no_failure() -> None:
    held = CodeSandbox(full=JailSandbox())
    held.close()
    held.start()
    assert held.failures == {}


def test_without_the_client_the_refusal_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydantic_monty", None)
    held = CodeSandbox()
    with pytest.raises(SandboxRefusal, match="pip install pydantic-monty") as caught:
        held.run("def f(d): return 1", "f", {}, now=NOW, seed="")
    assert caught.value.code == "code.unavailable"
    held.close()


WITHOUT = """
import sys
sys.modules["pydantic_monty"] = None
import abstractruntime
from abstractruntime.nodes.catalog import catalog
from abstractruntime.visualflow_compiler.sandbox import shared_sandbox
shared_sandbox()
print(catalog().get("code").label)
"""


def test_the_kernel_and_the_nodes_load_without_the_client() -> None:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=env,
    )
    assert (done.stdout, done.stderr) == ("Python Code\n", "")
