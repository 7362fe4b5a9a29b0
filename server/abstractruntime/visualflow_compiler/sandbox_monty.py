"""Compact Python: code nodes run by Monty, an interpreter that has no way out, in worker processes.

The client is imported when the first pool is built, so that the kernel works without it. A worker
serves one session at a time and forgets it afterwards; a dead worker is replaced. What the
interpreter reports is told to the author by `sandbox_refusals`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from . import sandbox_refusals as refusals
from .sandbox_backend import CodeCall, TestedBackend
from .sandbox_mend import Range, mend
from .sandbox_prelude import preludes
from .sandbox_selftest import failed_attempts
from .sandbox_walls import Launcher, have_walls
from .sandbox_words import DEFAULT_LIMITS, MOST_SECONDS, Json, Limits, SandboxRefusal

CLIENT = "pydantic_monty"
WORKERS = 2
SESSIONS_PER_WORKER = 500
HOST_CALLS = 50
CHECKOUT_SECONDS = 60.0
GRACE_SECONDS = 2.0
MOST_MENDS = 20
MENDS_KEPT = 256
_PARSE_MARK = "flow: only parsed"


@dataclass(frozen=True)
class _Session:
    """What one fresh session is given besides the text."""

    now: datetime
    seed: str
    limits: Limits


@dataclass(frozen=True)
class _Text:
    """An author's text on its way to the worker: after how many feeds, and how its lines count."""

    source: str
    feed: str
    first: int
    skip: int

    def line(self, number: int) -> int | None:
        """Return the author's line for a line of the feed, None when the author did not write it."""
        own = number - self.first - self.skip
        return own if own > 0 and number - self.first <= self.source.count("\n") + 1 else None

    def shown(self, number: int) -> str:
        """Return a line of the feed as the author wrote it."""
        lines = self.source.split("\n")
        index = number - self.first - 1
        return lines[index] if 0 <= index < len(lines) else ""


class MontySandbox(TestedBackend):
    """A pool of workers. Safe to use from several threads; `close` ends the workers."""

    def __init__(self, *, workers: int = WORKERS, checkout_seconds: float = CHECKOUT_SECONDS) -> None:
        super().__init__()
        self._workers = workers
        self._checkout_seconds = checkout_seconds
        self._monty: Any = None
        self._pools: dict[float, Any] = {}
        self._mended: dict[str, str] = {}
        self._launcher: Launcher | None = None

    @property
    def walled(self) -> bool:
        """Whether the workers stand behind the kernel's walls as well (known after the start)."""
        return self._launcher is not None

    def close(self) -> None:
        """End every worker. Runs after this are refused."""
        with self._lock:
            self._closed = True
            self._end_pools()

    def parse(self, source: str, *, skip_lines: int = 0) -> SandboxRefusal | None:
        """Return what the parser refuses in `source`, without running any of it."""
        self.start()
        session = _Session(datetime.fromisoformat("2000-01-01T00:00:00+00:00"), "parse", DEFAULT_LIMITS)
        text = source
        for _ in range(MOST_MENDS):
            given = _Text(source, f"raise KeyError({_PARSE_MARK!r})\n{text}", 1, skip_lines)
            try:
                self._feed(given, {}, session)
            except _Mended as other:
                text = "\n".join(other.feed.split("\n")[1:])
            except SandboxRefusal as refusal:
                return None if _PARSE_MARK in refusal.why else refusal
        return None

    def _build(self) -> SandboxRefusal | None:
        try:
            self._monty = importlib.import_module(CLIENT)
            self._raise_walls()
            failed = failed_attempts(self._attempt)
        except (ImportError, FileNotFoundError) as error:
            refusal = refusals.unavailable(
                f"Compact Python cannot run: the sandbox is not installed ({error}).",
                "Install it with `pip install pydantic-monty==1.4.0` and start the server again.",
            )
            refusal.__cause__ = error
            return refusal
        if not failed:
            return None
        self._end_pools()
        return refusals.unavailable(
            f"Compact Python is switched off: the sandbox did not hold against {', '.join(failed)}.",
            "Install the sandbox's tested version and start the server again.",
        )

    def _answer(self, call: CodeCall) -> tuple[Any, str]:
        source, limits = call.source, call.limits
        session = _Session(datetime.fromisoformat(call.now), call.seed, limits)
        text = self._mended.get(source, source)
        asked = f"__flow_answer({call.function_name}(__flow_input), {limits.answer}, {limits.answer_depth})"
        for _ in range(MOST_MENDS):
            given = _Text(source, f"{text}\n{asked}", 0, call.skip_lines)
            try:
                return self._feed(given, {"__flow_input": call.argument}, session, call.function_name)
            except _Mended as other:
                text = "\n".join(other.feed.split("\n")[:-1])
                self._keep(source, text)
        raise refusals.unsupported("so many statements of this kind", None, "")

    def _keep(self, source: str, text: str) -> None:
        if len(self._mended) >= MENDS_KEPT:
            self._mended.clear()
        self._mended[source] = text

    def _feed(
        self, text: _Text, inputs: Mapping[str, Json], session: _Session, function_name: str = ""
    ) -> tuple[Any, str]:
        """Run one text in a fresh session; a worker that dies for no reason of the code is replaced once."""
        monty = self._monty
        for last in (False, True):
            printed = monty.CollectString(max_bytes=session.limits.printed)
            texts = preludes(text.source)
            try:
                with self._checkout(session) as worker:
                    for prelude in texts:
                        worker.feed_run(prelude)
                    answer = worker.feed_run(text.feed, inputs=dict(inputs), print_callback=printed)
                return answer, printed.output
            except monty.MontyCrashedError as error:
                if error.timed_out:
                    raise refusals.time_limit(session.limits) from error
                if last:
                    raise refusals.crashed(str(error)) from error
            except monty.MontyError as error:
                found = _explain(error, monty, text, len(texts), session.limits, function_name)
                found.printed = printed.output
                raise found from error
            except (ValueError, TypeError) as error:
                raise refusals.bad_argument(str(error)) from error
            except TimeoutError as error:
                raise refusals.busy(self._checkout_seconds) from error
        raise refusals.crashed("")

    def _checkout(self, session: _Session) -> Any:
        limits = session.limits
        return self._pool(limits.seconds).checkout(
            limits={
                "max_feed_duration_secs": limits.seconds,
                "max_turn_duration_secs": limits.seconds,
                "max_memory": limits.memory,
                "max_recursion_depth": limits.depth,
                "max_suspensions": HOST_CALLS,
                "max_total_sleep_secs": 0.0,
            },
            assert_message_annotations=False,
            os_policy={
                "datetime": session.now,
                "timezone": "utc",
                "sleep": "system",
                "process_time": "zero",
                "random_start": {"seed": session.seed},
            },
        )

    def _pool(self, seconds: float) -> Any:
        """Return the pool for this time limit: the usual one, or the one for patient nodes."""
        longest = DEFAULT_LIMITS.seconds if seconds <= DEFAULT_LIMITS.seconds else MOST_SECONDS
        with self._lock:
            if self._closed:
                raise refusals.closed()
            pool = self._pools.get(longest)
            if pool is None:
                pool = self._pools[longest] = self._monty.Monty(
                    binary_path=self._launcher and self._launcher.path,
                    min_processes=1,
                    max_processes=self._workers,
                    checkout_timeout=self._checkout_seconds,
                    request_timeout=longest + GRACE_SECONDS,
                    max_checkouts_per_worker=SESSIONS_PER_WORKER,
                )
                pool.__enter__()
            return pool

    def _raise_walls(self) -> None:
        """Let the workers start behind walls, if one that does can compute."""
        if not have_walls():
            return
        binary = importlib.import_module(f"{CLIENT}._binary").find_monty_binary()
        try:
            self._launcher = Launcher(binary)
            with self._pool(DEFAULT_LIMITS.seconds).checkout() as worker:
                worker.feed_run("1")
        except (self._monty.MontyError, OSError, RuntimeError):
            self._end_pools()

    def _end_pools(self) -> None:
        for pool in self._pools.values():
            pool.__exit__(None, None, None)
        self._pools.clear()
        if self._launcher is not None:
            self._launcher.close()
            self._launcher = None


class _Mended(SandboxRefusal):
    """Not a refusal in the end: the same text in other words is to be run."""

    def __init__(self, feed: str) -> None:
        super().__init__("", code="code.mended")
        self.feed = feed


def _explain(
    error: Any, monty: Any, text: _Text, feed: int, limits: Limits, function_name: str
) -> SandboxRefusal:
    """Turn the interpreter's error into a refusal in the author's words."""
    message = str(error)
    frame = _own_frame(error, feed)
    number = frame.line if frame is not None else 0
    if isinstance(error, monty.MontySyntaxError):
        number = min(number, text.source.rstrip().count("\n") + 1 + text.first)
        return refusals.syntax_error(error.display("msg"), text.line(number), text.shown(number))
    line, shown = text.line(number), text.shown(number)
    if frame is None:
        return _without_place(message, limits)
    if message.startswith(("NotImplementedError: The monty syntax parser", "NotImplementedError: Wildcard")):
        where = _range(frame)
        other = mend(text.feed, message, where)
        if other:
            return _Mended(other)
        return refusals.unsupported(message.split(": ", 1)[1], line, shown, where.of(text.feed))
    if message.startswith("ModuleNotFoundError"):
        other = mend(text.feed, message, _range(frame))
        return _Mended(other) if other else refusals.missing_module(message, line, shown)
    if message.startswith("AttributeError") and (other := mend(text.feed, message, _range(frame))):
        return _Mended(other)
    if message.startswith("MemoryError: ") and "limit" in message:
        return refusals.memory_limit(limits, line, shown)
    if message.startswith("RecursionError: maximum recursion depth exceeded"):
        return refusals.depth_limit(limits, line, shown)
    if message.startswith("TimeoutError: sleep limit"):
        return refusals.sleep_limit(line)
    if line is None and message == f"NameError: name '{function_name}' is not defined":
        return refusals.no_function(function_name)
    at_call = frame.function_name is None and message.startswith(f"TypeError: {function_name}() ")
    if at_call or (line is None and message.startswith("TypeError")):
        return refusals.not_a_function(function_name, message.split(": ", 1)[1])
    return (
        refusals.denied(message, line, shown)
        or refusals.missing_name(message, line, shown)
        or refusals.runtime_error(message, line, shown)
    )


def _without_place(message: str, limits: Limits) -> SandboxRefusal:
    """Explain an error that stopped the interpreter between two statements."""
    if message.startswith("TimeoutError"):
        return refusals.time_limit(limits)
    if message.startswith("MemoryError"):
        if message.endswith(f"> {limits.printed} bytes"):
            return refusals.print_limit(limits)
        return refusals.memory_limit(limits)
    if message.startswith(("UnicodeEncodeError: ", "ValueError: ")):
        return refusals.bad_argument(message.split(": ", 1)[1])
    if message.startswith("Cannot convert"):
        return refusals.bad_argument("they hold a value that is not JSON")
    return refusals.runtime_error(message, None, "")


def _own_frame(error: Any, feed: int) -> Any:
    """Return the innermost frame in the author's text, else the innermost of all, else None."""
    frames = error.traceback() if hasattr(error, "traceback") else []
    own = [frame for frame in frames if frame.filename == f"<python-input-{feed}>"]
    return own[-1] if own else frames[-1] if frames else None


def _range(frame: Any) -> Range:
    return Range(frame.line, frame.column, frame.end_line, frame.end_column)
