"""What both backends do alike: start once, be tested before they are trusted, check what they are asked.

`sandbox_monty` and `sandbox_jail` add how a call gets its answer.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

from . import sandbox_refusals as refusals
from .sandbox_answer import read_answer
from .sandbox_words import DEFAULT_LIMITS, Json, Limits, SandboxRefusal, SandboxResult


@dataclass(frozen=True)
class CodeCall:
    """One call of a function in an author's text (see `Sandbox.run`)."""

    source: str
    function_name: str
    argument: Json
    now: str = field(kw_only=True)
    seed: str = field(kw_only=True)
    limits: Limits = field(default=DEFAULT_LIMITS, kw_only=True)
    skip_lines: int = field(default=0, kw_only=True)


class TestedBackend(ABC):
    """A backend that nobody's code reaches before it has passed its test. Safe for several threads."""

    __test__ = False  # a name that pytest would take for its own

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._failure: SandboxRefusal | None = None
        self._tested = False
        self._closed = False

    @property
    def failure(self) -> SandboxRefusal | None:
        """Why the test switched this backend off; None while it is untested and when it holds."""
        return self._failure

    def start(self) -> None:
        """Build the workers and test them; raise SandboxRefusal when they cannot be trusted."""
        with self._lock:
            if self._closed:
                raise refusals.closed()
            if self._failure is not None:
                raise self._failure
            if self._tested:
                return
            self._failure = self._build()
            if self._failure is not None:
                raise self._failure
            self._tested = True

    def run(
        self,
        source: str,
        function_name: str,
        argument: Json,
        *,
        now: str,
        seed: str,
        limits: Limits = DEFAULT_LIMITS,
        skip_lines: int = 0,
    ) -> SandboxResult:
        """Call `function_name` of `source` with `argument`; raise SandboxRefusal when it cannot end."""
        self.start()
        return self._attempt(
            source, function_name, argument, now=now, seed=seed, limits=limits, skip_lines=skip_lines
        )

    @abstractmethod
    def _build(self) -> SandboxRefusal | None:
        """Build the workers and test them by `_attempt`; return why they cannot be trusted, None if they can."""

    @abstractmethod
    def _answer(self, call: CodeCall) -> tuple[Any, str]:
        """Return the text of the answer and what was printed; raise SandboxRefusal."""

    def _attempt(self, source: str, function_name: str, argument: Json, **how: Any) -> SandboxResult:
        """Run code whether or not the backend is trusted yet."""
        call = CodeCall(source, function_name, argument, **how)
        if len(source) > call.limits.source:
            raise refusals.source_limit(call.limits)
        if not function_name.isidentifier():
            raise refusals.no_function(function_name)
        began = time.monotonic()
        answer, printed = self._answer(call)
        value = read_answer(answer, call.limits)
        return SandboxResult(value, printed, round((time.monotonic() - began) * 1000))
