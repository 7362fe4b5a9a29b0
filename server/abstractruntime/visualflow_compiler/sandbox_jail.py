"""Full Python: CPython in a process that the Linux kernel has locked up.

The author's choice where compact Python is too small. A worker (`sandbox_jailed`) forks a child for
each run; what holds the child is the kernel's: no new rights, no files (Landlock), no system calls
but those for computing (seccomp), namespaces of its own, limits of memory and time. Where a wall is
missing, or one of six attempts gets through, full Python is not offered.
"""

from __future__ import annotations

import json
import os
import queue
import select
import struct
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict
from typing import IO, Any

from . import sandbox_refusals as refusals
from .sandbox_answer import refuse_answer
from .sandbox_backend import CodeCall, TestedBackend
from .sandbox_prelude import PRELUDE
from .sandbox_selftest import failed_attempts
from .sandbox_walls import PROGRAM, have_walls
from .sandbox_words import Limits, SandboxRefusal

WORKERS = 2
START_SECONDS = 20.0
GRACE_SECONDS = 3.0
_LENGTH = struct.Struct("<I")
_NEEDED = ("no_new_privs", "seccomp")
_PARSED = "flow: only parsed"


class WorkerDied(Exception):
    """The worker ended, hung or answered nonsense."""


class Worker:
    """One locked-up process. Not for two threads at once."""

    def __init__(self) -> None:
        # -S, -s and -P keep foreign code out; the environment holds nothing but a fixed order of sets.
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-S", "-s", "-P", "-B", str(PROGRAM)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={"PYTHONHASHSEED": "0"},
                cwd=os.path.sep,
            )
        except OSError as error:
            raise WorkerDied(f"it does not start: {error}") from error
        self.walls: list[str] = []
        try:
            self.walls = json.loads(self._frame(START_SECONDS))["walls"]
        except (ValueError, KeyError, TypeError) as error:
            self.close()
            raise WorkerDied("it does not say which walls stand") from error
        except WorkerDied:
            self.close()
            raise

    def ask(self, request: dict[str, Any], seconds: float) -> bytes:
        """Return the reply's body; raise WorkerDied when there is none after `seconds`."""
        body = json.dumps(request).encode("ascii")
        try:
            pipe = self._pipe(self._process.stdin)
            pipe.write(_LENGTH.pack(len(body)) + body)
            pipe.flush()
        except OSError as error:
            raise WorkerDied(str(error)) from error
        return self._frame(seconds)

    def close(self) -> None:
        """End the process and wait for it."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdout, self._process.stdin):
            with suppress(OSError):  # the last request may not have been read
                self._pipe(pipe).close()

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        if pipe is None:
            raise WorkerDied("it has no pipe")
        return pipe

    def _frame(self, seconds: float) -> bytes:
        end = time.monotonic() + seconds
        size = _LENGTH.unpack(self._exactly(_LENGTH.size, end))[0]
        return self._exactly(size, end)

    def _exactly(self, size: int, end: float) -> bytes:
        held = bytearray()
        inlet = self._pipe(self._process.stdout).fileno()
        poll = select.poll()
        poll.register(inlet, select.POLLIN | select.POLLHUP)
        while len(held) < size:
            left = end - time.monotonic()
            if left <= 0 or not poll.poll(left * 1000):
                raise WorkerDied("no reply in time")
            part = os.read(inlet, min(65536, size - len(held)))
            if not part:
                raise WorkerDied("the process ended")
            held += part
        return bytes(held)


class JailSandbox(TestedBackend):
    """A pool of locked-up CPython processes. Safe to use from several threads; `close` ends them."""

    def __init__(self, *, workers: int = WORKERS) -> None:
        super().__init__()
        self._idle: queue.LifoQueue[Worker | None] = queue.LifoQueue()
        for _ in range(workers):
            self._idle.put(None)
        self._workers = workers

    @property
    def offered(self) -> bool:
        """Whether full Python may be proposed to an author: this machine could do it and has not failed to."""
        return have_walls() and self._failure is None

    def close(self) -> None:
        """End every worker. Runs after this are refused."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._end_workers()

    def parse(self, source: str, *, skip_lines: int = 0) -> SandboxRefusal | None:
        """Return the syntax error of `source`, without running any of it."""
        text = f"raise KeyError({_PARSED!r})\n{source}"
        now = "2000-01-01T00:00:00+00:00"
        try:
            self.run(text, "parse", None, now=now, seed="parse", skip_lines=skip_lines + 1)
        except SandboxRefusal as refusal:
            return None if _PARSED in refusal.why else refusal
        return None

    def _build(self) -> SandboxRefusal | None:
        lacking = self._lacking()
        if not lacking:
            return None
        self._end_workers()
        return refusals.no_full_python(lacking)

    def _end_workers(self) -> None:
        """Wait until all are idle and end them."""
        for worker in [self._idle.get() for _ in range(self._workers)]:
            if worker is not None:
                worker.close()
            self._idle.put(None)

    def _lacking(self) -> str:
        """Say why full Python cannot be offered here; empty when it can."""
        if not have_walls():
            return "it needs Linux on x86-64 or arm64"
        try:
            worker = Worker()
        except WorkerDied as error:
            return f"its worker does not start ({error})"
        self._idle.get()
        self._idle.put(worker)
        missing = [wall for wall in _NEEDED if wall not in worker.walls]
        if not {"landlock", "namespace:user"} & set(worker.walls):
            missing.append("landlock or namespaces")
        if missing:
            return f"this kernel does not offer {', '.join(missing)}"
        failed = failed_attempts(self._attempt)
        return f"its jail did not hold against {', '.join(failed)}" if failed else ""

    def _answer(self, call: CodeCall) -> tuple[Any, str]:
        request = {
            "source": call.source,
            "function": call.function_name,
            "argument": call.argument,
            "now": call.now,
            "seed": call.seed,
            "limits": asdict(call.limits),
            "prelude": PRELUDE,
        }
        reply = self._ask(request, call.limits)
        return _read_reply(reply, call.source, call.function_name, call.limits, call.skip_lines)

    def _ask(self, request: dict[str, Any], limits: Limits) -> bytes:
        """Ask an idle worker; one that dies is replaced and asked once more."""
        for last in (False, True):
            worker = self._idle.get()
            alive: Worker | None = None
            try:
                if self._closed:
                    raise refusals.closed()
                alive = worker or Worker()
                return alive.ask(request, limits.seconds + GRACE_SECONDS)
            except (TypeError, ValueError, RecursionError) as error:
                if isinstance(error, SandboxRefusal):
                    raise
                raise refusals.bad_argument(str(error)) from error
            except WorkerDied as error:
                if alive is not None:
                    alive.close()
                    alive = None
                if last:
                    raise refusals.crashed(str(error)) from error
            finally:
                self._idle.put(alive)
        raise refusals.crashed("")


def _read_reply(reply: bytes, source: str, function_name: str, limits: Limits, skip: int) -> tuple[Any, str]:
    """Return the answer's text and what was printed. The reply may have been written by the code itself."""
    kind, body = reply[:1], reply[1:]
    if kind == b"T":
        raise refusals.time_limit(limits)
    if kind == b"L":
        refuse_answer("size", what="too long", limit="1 MiB")
    if kind == b"D":
        raise _died(body, limits)
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict) or not isinstance(told.get("printed"), str):
        raise refusals.crashed("the worker answered nonsense")
    printed = told["printed"][: limits.printed]
    failure = told.get("failure")
    if kind == b"A" and failure is None:
        return told.get("answer"), printed
    if not isinstance(failure, dict):
        raise refusals.crashed("the worker answered nonsense")
    refusal = _explain(failure, source, function_name, limits, skip)
    refusal.printed = printed
    raise refusal


def _died(body: bytes, limits: Limits) -> SandboxRefusal:
    """Explain a child that ended without an answer: killed by the kernel, or out of memory."""
    if body in (b"-9", b"-11", b"-6", b"1"):
        return refusals.memory_limit(limits)
    return refusals.crashed(f"the child ended with {body[:20].decode('ascii', 'replace')}")


def _explain(
    failure: dict[str, Any], source: str, function_name: str, limits: Limits, skip: int
) -> SandboxRefusal:
    """Turn the child's exception into a refusal in the author's words."""
    kind, text = str(failure.get("kind"))[:100], str(failure.get("text"))[:500]
    number = failure.get("line")
    lines = source.split("\n")
    at = number if isinstance(number, int) and 0 < number <= len(lines) else 0
    line = at - skip if at > skip else None
    shown = lines[at - 1] if at else ""
    message = f"{kind}: {text}" if text else kind
    if kind == "PrintLimit":
        return refusals.print_limit(limits)
    if kind in ("SyntaxError", "IndentationError", "TabError"):
        return refusals.syntax_error(text, line, shown)
    if kind == "MemoryError":
        return refusals.memory_limit(limits, line, shown)
    if kind == "RecursionError":
        return refusals.depth_limit(limits, line, shown)
    if kind == "TimeoutError" and text == "sleep limit":
        return refusals.sleep_limit(line)
    if kind == "LookupError" and text == "no such function":
        return refusals.no_function(function_name)
    if kind == "TypeError" and at == 0:
        return refusals.not_a_function(function_name, text)
    if kind == "ModuleNotFoundError":
        return refusals.missing_module(message, line, shown, full=True)
    return refusals.denied(message, line, shown) or refusals.runtime_error(message, line, shown)
