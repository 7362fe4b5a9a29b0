"""One sandbox for the tests of this folder: its workers start once and end with the session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from abstractruntime.visualflow_compiler.sandbox import CodeSandbox, Limits, SandboxRefusal, SandboxResult

NOW = "2026-01-02T03:04:05+00:00"
Run = Callable[..., SandboxResult]


@pytest.fixture(scope="session")
def sandbox() -> Iterator[CodeSandbox]:
    held = CodeSandbox()
    yield held
    held.close()


@pytest.fixture
def run(sandbox: CodeSandbox) -> Run:
    """Run a text whose function is `transform`, with short limits."""

    def call(source: str, argument: Any = None, **more: Any) -> SandboxResult:
        given = {"now": NOW, "seed": "test", "limits": Limits(seconds=1), **more}
        name = given.pop("function_name", "transform")
        return sandbox.run(source, name, {} if argument is None else argument, **given)

    return call


@pytest.fixture
def refused(run: Run) -> Callable[..., SandboxRefusal]:
    """Run a text that must be refused and return the refusal."""

    def call(source: str, argument: Any = None, **more: Any) -> SandboxRefusal:
        with pytest.raises(SandboxRefusal) as caught:
            run(source, argument, **more)
        return caught.value

    return call
