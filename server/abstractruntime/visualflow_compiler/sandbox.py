"""Where code nodes are run: never in this process.

`CodeSandbox` has two backends. *Compact* Python (`sandbox_monty`) is the default: quick, limited,
the same on every machine. *Full* Python (`sandbox_jail`) is CPython behind the kernel's own walls,
where there are such; an author chooses it per node. Neither reaches a file, the network or another
process, and each proves so at its start, or is switched off.
"""

from __future__ import annotations

import atexit
import os
import threading
from contextlib import suppress
from dataclasses import replace

from .sandbox_jail import JailSandbox
from .sandbox_monty import MontySandbox
from .sandbox_refusals import no_full_python
from .sandbox_words import (
    DEFAULT_LIMITS,
    MOST_SECONDS,
    Backend,
    Json,
    Limits,
    Python,
    Sandbox,
    SandboxRefusal,
    SandboxResult,
)

FULL_HINT = "switch this node to Full Python (about 2 ms slower per run)"


class CodeSandbox:
    """Runs code nodes, each in the Python that its author chose. Safe to use from several threads."""

    def __init__(self, *, compact: Backend | None = None, full: JailSandbox | None = None) -> None:
        self._compact: Backend = compact or MontySandbox()
        self._full = full

    def start(self) -> None:
        """Build and test both backends now instead of at the first run; `failures` says which do not hold."""
        for backend in self._backends().values():
            with suppress(SandboxRefusal):  # the backend keeps why
                backend.start()

    @property
    def failures(self) -> dict[Python, SandboxRefusal]:
        """The backends that their test has switched off, and why. Asking starts nothing."""
        found = {python: backend.failure for python, backend in self._backends().items()}
        return {python: refusal for python, refusal in found.items() if refusal is not None}

    def close(self) -> None:
        """End every worker. Runs after this are refused."""
        for backend in self._backends().values():
            backend.close()

    def run(
        self,
        source: str,
        function_name: str,
        argument: Json,
        *,
        now: str,
        seed: str,
        limits: Limits = DEFAULT_LIMITS,
        seconds: float | None = None,
        python: Python = "compact",
        skip_lines: int = 0,
    ) -> SandboxResult:
        """Call `function_name` of `source` with `argument` in another process (see `Sandbox.run`)."""
        backend = self._backend(python)
        if seconds is not None:
            limits = replace(limits, seconds=min(seconds, MOST_SECONDS))
        try:
            return backend.run(
                source, function_name, argument, now=now, seed=seed, limits=limits, skip_lines=skip_lines
            )
        except SandboxRefusal as refusal:
            raise self._with_hint(refusal, python) from refusal.__cause__

    def parse(self, source: str, *, python: Python = "compact", skip_lines: int = 0) -> SandboxRefusal | None:
        """Return what the chosen Python refuses in `source` before it runs, None when nothing."""
        refusal = self._backend(python).parse(source, skip_lines=skip_lines)
        return self._with_hint(refusal, python) if refusal else None

    def _backends(self) -> dict[Python, Backend]:
        both: dict[Python, Backend | None] = {"compact": self._compact, "full": self._full}
        return {python: backend for python, backend in both.items() if backend is not None}

    def _backend(self, python: Python) -> Backend:
        if python == "compact":
            return self._compact
        if self._full is None:
            raise no_full_python("it is switched off here")
        return self._full

    def _with_hint(self, refusal: SandboxRefusal, python: Python) -> SandboxRefusal:
        """Name the other Python where it would help and is there."""
        offered = self._full is not None and self._full.offered
        if python == "full" or not offered or not refusal.code.startswith("code.unsupported."):
            return refusal
        return refusal.offering(FULL_HINT)


_shared: dict[int, CodeSandbox] = {}
_shared_lock = threading.Lock()


def shared_sandbox() -> CodeSandbox:
    """Return this process's sandbox; its workers start with `start` or the first code node and end with it."""
    with _shared_lock:
        sandbox = _shared.get(os.getpid())
        if sandbox is None:
            sandbox = _shared[os.getpid()] = CodeSandbox(full=JailSandbox())
            atexit.register(sandbox.close)
        return sandbox


__all__ = [
    "DEFAULT_LIMITS",
    "MOST_SECONDS",
    "CodeSandbox",
    "Limits",
    "Python",
    "Sandbox",
    "SandboxRefusal",
    "SandboxResult",
    "shared_sandbox",
]
