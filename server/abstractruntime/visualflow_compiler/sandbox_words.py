"""What the code node's sandbox is, in words: its limits, its result, its refusal, its interface.

Both backends (compact Python in `sandbox_monty`, full Python in `sandbox_jail`) and the door
(`sandbox`) speak these words, and so does whoever writes a third one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

from ..nodes.define import NodeError

Json = Any
Python = Literal["compact", "full"]


@dataclass(frozen=True)
class Limits:
    """What one run of a code node may use at most.

    `seconds` of computing, `memory` in bytes, `depth` of calls, `printed` and `answer` in bytes of
    UTF-8, `answer_depth` in levels of lists and objects, `source` in characters.
    """

    seconds: float = 2.0
    memory: int = 128 * 1024 * 1024
    depth: int = 200
    printed: int = 64 * 1024
    answer: int = 1024 * 1024
    answer_depth: int = 64
    source: int = 256 * 1024


MOST_SECONDS = 30.0
DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class SandboxResult:
    """What the code returned (JSON), what it printed, and how long it took."""

    value: Json
    printed: str
    duration_ms: int


class SandboxRefusal(NodeError):
    """The code could not be run to its end.

    The message is `headline`, `where`, `fix` and `closing`, in this order, each a sentence or two or
    nothing; `closing` says what was done to the run. `code` is stable (`code.limit.time`, `code.unsupported.del`...); `line` counts from 1 in the author's text;
    `printed` is what the code had printed by then; `why` is the interpreter's own message.
    """

    def __init__(
        self,
        headline: str,
        *,
        code: str,
        where: str = "",
        fix: str = "",
        closing: str = "",
        line: int | None = None,
        printed: str = "",
        why: str = "",
    ) -> None:
        super().__init__(" ".join(part for part in (headline, where, fix, closing) if part), code=code)
        self.headline = headline
        self.where = where
        self.fix = fix
        self.closing = closing
        self.line = line
        self.printed = printed
        self.why = why

    def offering(self, more: str) -> SandboxRefusal:
        """Return the same refusal with one more thing to do, such as `switch this node to Full Python`."""
        other = f"{self.fix.removesuffix('.')}, or {more}." if self.fix else f"{more[:1].upper()}{more[1:]}."
        return SandboxRefusal(
            self.headline,
            code=self.code,
            where=self.where,
            fix=other,
            closing=self.closing,
            line=self.line,
            printed=self.printed,
            why=self.why,
        )


class Backend(Protocol):
    """One way to run untrusted code. Safe to call from several threads."""

    @property
    def failure(self) -> SandboxRefusal | None:
        """Why its test switched it off; None while it is untested and when it holds."""
        ...

    def run(
        self,
        source: str,
        function_name: str,
        argument: Json,
        *,
        now: str,
        seed: str,
        limits: Limits,
        skip_lines: int,
    ) -> SandboxResult:
        """Call `function_name` of `source` with `argument`; raise SandboxRefusal when it cannot end."""
        ...

    def parse(self, source: str, *, skip_lines: int) -> SandboxRefusal | None:
        """Return what the parser refuses in `source`, without running any of it."""
        ...

    def start(self) -> None:
        """Build the workers and test them; raise SandboxRefusal when they cannot be trusted."""
        ...

    def close(self) -> None:
        """End every worker."""
        ...


class Sandbox(Protocol):
    """Runs the text of code nodes. `Call.sandbox` is one of these."""

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
        """Call `function_name` of `source` with `argument` in another process.

        `now` is the instant the code sees, as ISO text; `seed` fixes its random numbers: the same
        call gives the same result. `seconds` is the author's time limit. `skip_lines` is how many first lines the author did not write;
        refusals count lines without them. Raises SandboxRefusal.
        """
        ...
