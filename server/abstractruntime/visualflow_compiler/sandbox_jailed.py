"""The program inside the jail: a process that forks one locked-down child for each run.

It is started by `sandbox_jail` as a program of its own, never imported by the server, and uses the
standard library only. Before the first text arrives it gives away root, moves into namespaces of its
own, gives up all file rights (Landlock) and any way to gain rights. A child then limits its memory
and time and allows itself 30 system calls (seccomp) before it looks at the author's text: no file
can be opened, no socket made, no process started, no signal sent. Frames on stdin and stdout are a
length of four bytes and a body; the body of a reply begins with a letter that says what it is.
"""

from __future__ import annotations

import ctypes
import datetime
import gc
import importlib
import io
import json
import os
import platform
import random
import resource
import select
import signal
import string
import struct
import sys
import time
import traceback
import types
from typing import Any, BinaryIO, NoReturn

# What code may import: loaded now, because no file can be opened later.
MODULES = (
    "abc array base64 binascii bisect calendar cmath collections collections.abc colorsys contextlib copy csv "
    "dataclasses datetime decimal difflib enum fractions functools hashlib heapq hmac html html.parser io itertools "
    "json math numbers operator pprint random re statistics string struct textwrap time types typing unicodedata "
    "urllib.parse uuid zlib zoneinfo _strptime encodings.idna encodings.latin_1 encodings.ascii encodings.cp1252"
)
# What this program needs and code must not find.
HIDDEN = (
    "ctypes",
    "_ctypes",
    "select",
    "signal",
    "_signal",
    "resource",
    "platform",
    "traceback",
    "gc",
    "__main__",
)

# Library calls of Linux.
NO_NEW_PRIVS, SECCOMP, DUMPABLE, DEATH_SIGNAL = 38, 22, 4, 1
FILTER_MODE = 2
NAMESPACES = {"user": 1 << 28, "net": 1 << 30, "ipc": 1 << 27, "uts": 1 << 26, "pid": 1 << 29}
LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT, LANDLOCK_VERSION, LANDLOCK_PATH = 444, 445, 446, 1, 1
RUN_READ, RUN_READ_LIST = 0b0101, 0b1101
NOBODY = 65534
# Audit number of the machine; the system calls that computing and answering need:
# read write close fstat lseek mmap mprotect munmap brk rt_sigaction rt_sigprocmask rt_sigreturn mremap madvise
# getpid exit gettimeofday getuid getgid geteuid getegid sigaltstack gettid time futex clock_gettime clock_getres
# exit_group getrandom sched_yield restart_syscall (arm64 has no `time`); and those that another program shall not make:
# socket connect accept sendto bind listen fork vfork kill ptrace mount setns unshare init_module finit_module add_key
# keyctl open_by_handle_at process_vm_readv process_vm_writev perf_event_open bpf userfaultfd io_uring_setup.
CALLS = {
    "x86_64": (
        0xC000003E,
        "0 1 3 5 8 9 10 11 12 13 14 15 25 28 39 60 96 102 104 107 108 131 186 201 202 228 229 231 318 24 219",
        "41 42 43 44 49 50 57 58 62 101 165 308 272 175 313 248 250 304 310 311 298 321 323 425",
    ),
    "aarch64": (
        0xC00000B7,
        "63 64 57 80 62 222 226 215 214 134 135 139 216 233 172 93 169 174 176 175 177 132 178 98 113 114 94 278 124 128",
        "198 203 202 206 200 201 129 117 40 268 97 105 273 217 219 265 270 271 241 280 282 425",
    ),
}
LIBRARIES = (
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/etc/ld.so.cache",
    "/usr/share/zoneinfo",
)
ANSWER, FAILED, TIMEOUT, TOO_LONG, DIED = b"A", b"F", b"T", b"L", b"D"
PRINT_LIMIT, NO_FUNCTION = "PrintLimit", "no such function"
_LENGTH = struct.Struct("<I")
_FILE = "<code>"

libc = ctypes.CDLL(None, use_errno=True)


def read_frame(source: BinaryIO) -> bytes | None:
    """Return the next frame's body, None at the end."""
    head = source.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    return source.read(_LENGTH.unpack(head)[0])


def write_frame(target: BinaryIO, body: bytes) -> None:
    target.write(_LENGTH.pack(len(body)) + body)
    target.flush()


def lock_down() -> list[str]:
    """Give up what this process will never need; return the walls that stand."""
    walls = []
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    libc.prctl(DUMPABLE, 1, 0, 0, 0)
    walls += [f"namespace:{name}" for name, flag in NAMESPACES.items() if libc.unshare(flag) == 0]
    if "namespace:pid" in walls:
        _become_first_process()
    libc.prctl(DUMPABLE, 0, 0, 0, 0)
    if libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        walls.append("no_new_privs")
    if _give_up_files():
        walls.append("landlock")
    if platform.machine() in CALLS and os.path.exists("/proc/sys/kernel/seccomp"):
        walls.append("seccomp")
    return walls


def _become_first_process() -> None:
    """Go on as the first process of the new namespace; the one outside waits and dies with it."""
    inner = os.fork()
    if inner:
        os.close(0)
        os.close(1)
        _, status = os.waitpid(inner, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    libc.prctl(DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)


def _give_up_files(readable: tuple[str, ...] = ()) -> bool:
    """Deny every right on files, TCP ports and foreign sockets that this kernel's Landlock knows.

    What is `readable` may still be read and run.
    """
    version = libc.syscall(LANDLOCK_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(LANDLOCK_VERSION))
    if version < 1:
        return False
    rights = {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)
    fields = [(1 << rights) - 1, 3 if version >= 4 else 0, 3 if version >= 6 else 0]
    size = 8 if version < 4 else 16 if version < 6 else 24
    rules = struct.pack("QQQ", *fields)
    made = libc.syscall(LANDLOCK_CREATE, ctypes.c_char_p(rules), ctypes.c_size_t(size), ctypes.c_uint32(0))
    if made < 0:
        return False
    for path in readable:
        if os.path.exists(path):
            place = os.open(path, os.O_PATH)
            allowed = struct.pack("<Qi", RUN_READ_LIST if os.path.isdir(path) else RUN_READ, place)
            libc.syscall(LANDLOCK_ADD, made, LANDLOCK_PATH, ctypes.c_char_p(allowed), 0)
            os.close(place)
    held: bool = libc.syscall(LANDLOCK_RESTRICT, made, 0) == 0
    os.close(made)
    return held


def seccomp_program(calls: str, *, allowed: bool) -> tuple[bytes, Any]:
    """Return the filter that allows only these calls, or all but these; keep the second part alive."""
    audit = CALLS[platform.machine()][0]
    load, equal, at_least, give = 0x20, 0x15, 0x35, 0x06
    kill, refuse, allow = 0x80000000, 0x00050001, 0x7FFF0000
    steps = [(load, 0, 0, 4), (equal, 1, 0, audit), (give, 0, 0, kill), (load, 0, 0, 0)]
    steps += [(at_least, 0, 1, 0x40000000), (give, 0, 0, kill)]  # another way to number the same calls
    for number in sorted(map(int, calls.split())):
        steps += [(equal, 0, 1, number), (give, 0, 0, allow if allowed else refuse)]
    steps.append((give, 0, 0, refuse if allowed else allow))
    code = b"".join(struct.pack("HBBI", *step) for step in steps)
    held = ctypes.create_string_buffer(code, len(code))
    return struct.pack("HxxxxxxQ", len(steps), ctypes.addressof(held)), held


def become(command: list[str]) -> NoReturn:
    """Raise walls around this process and go on as another program (compact Python's worker).

    It keeps its pipes; it may read and run itself and the system's libraries, and use no network. The
    other program has limits of its own; these walls stand for the case that it has a fault.
    """
    libc.unshare(NAMESPACES["user"])
    libc.unshare(NAMESPACES["net"] | NAMESPACES["ipc"] | NAMESPACES["uts"])
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.dup2(os.open("/dev/null", os.O_RDWR), 2)
    libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0)
    _give_up_files((command[0], *LIBRARIES))
    if platform.machine() in CALLS:
        program, _kept = seccomp_program(CALLS[platform.machine()][2], allowed=False)
        libc.prctl(SECCOMP, FILTER_MODE, ctypes.c_char_p(program), 0, 0)
    os.execve(command[0], command, {})


def limit(used: int, memory: int, seconds: float) -> None:
    """Limit memory (in bytes above what is used), computing time, files and processes of the child."""
    limits = {
        resource.RLIMIT_AS: used + memory,
        resource.RLIMIT_CPU: int(seconds) + 1,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NPROC: 0,
    }
    for what, most in limits.items():
        resource.setrlimit(what, (most, most))


class Printed(io.TextIOBase):
    """What the code prints, up to a limit."""

    def __init__(self, most: int) -> None:
        self.parts: list[str] = []
        self.left = most

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.left -= len(text.encode("utf-8", "replace"))
        if self.left < 0:
            raise MemoryError(PRINT_LIMIT)
        self.parts.append(text)
        return len(text)

    @property
    def text(self) -> str:
        return "".join(self.parts).encode("utf-8", "replace").decode()


class Outcome:
    """Runs the author's text in a `with` statement: whatever it raises is the outcome, not an error."""

    def __init__(self, printed: Printed) -> None:
        self.printed = printed
        self.answer: Any = None
        self.failure: dict[str, Any] | None = None

    def __enter__(self) -> Outcome:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> bool:
        if error is not None:
            frames = [frame for frame in traceback.extract_tb(trace) if frame.filename == _FILE]
            line = error.lineno if isinstance(error, SyntaxError) else frames[-1].lineno if frames else None
            text = error.msg if isinstance(error, SyntaxError) else _text_of(error)
            name = "SyntaxError" if isinstance(error, SyntaxError) else type(error).__name__
            self.failure = {"kind": str(name)[:100], "text": text, "line": line}
        return True

    def tell(self, target: int) -> None:
        """Write the outcome to where the process outside waits."""
        if self.printed.left < 0:
            self.failure = {"kind": PRINT_LIMIT, "text": "", "line": None}
        answer = self.answer
        if not isinstance(answer, (str, list)) or self.failure is not None:
            answer = None
        body = {"printed": self.printed.text, "answer": answer, "failure": self.failure}
        kind = ANSWER if self.failure is None else FAILED
        view = memoryview(kind + json.dumps(body).encode("ascii"))
        while view:
            view = view[os.write(target, view) :]


def _text_of(error: BaseException) -> str:
    """Return an exception's text; its own `__str__` is the author's and may fail."""
    if isinstance(error, KeyError) and len(error.args) == 1:
        return str(error.args[0])[:500] if isinstance(error.args[0], (str, int)) else "a key"
    parts = [part for part in error.args if isinstance(part, (str, int, float))]
    return ", ".join(str(part) for part in parts)[:500]


def still(now: str, seed: str) -> None:
    """Make the clock stand and chance repeatable."""
    moment = datetime.datetime.fromisoformat(now).astimezone(datetime.UTC)
    plain = moment.replace(tzinfo=None)

    class Datetime(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return moment.astimezone(tz) if tz else plain

        @classmethod
        def utcnow(cls) -> Any:
            return plain

        @classmethod
        def today(cls) -> Any:
            return plain

    class Date(datetime.date):
        @classmethod
        def today(cls) -> Any:
            return plain.date()

    def sleep(seconds: Any) -> None:
        raise TimeoutError("sleep limit")

    chance = random.Random(seed)
    Datetime.__name__, Date.__name__ = "datetime", "date"
    datetime.datetime, datetime.date = Datetime, Date  # type: ignore[misc]
    stamp = moment.timestamp()
    time.time = time.monotonic = time.perf_counter = time.process_time = lambda: stamp
    time.time_ns = lambda: int(stamp * 1_000_000_000)
    time.sleep = sleep
    os.urandom = chance.randbytes
    random.seed(seed)


class Jail:
    """The locked-down process: its filter, its wastebasket, and how much memory it uses itself."""

    def __init__(self) -> None:
        self.nothing = os.open("/dev/null", os.O_RDWR)
        with open("/proc/self/statm", encoding="ascii") as statistics:
            pages = int(statistics.read().split()[0])
        self.used = pages * resource.getpagesize() + 16 * 1024 * 1024
        self.walls = lock_down()
        self.prelude: tuple[str, types.CodeType] | None = None
        self.kept: Any
        calls = CALLS[platform.machine()][1] if "seccomp" in self.walls else ""
        self.filter, self.kept = (
            seccomp_program(calls, allowed=True) if "seccomp" in self.walls else (b"", b"")
        )
        gc.freeze()

    def serve_one(self, request: dict[str, Any]) -> bytes:
        """Fork a child for one run and wait for its outcome, but no longer than it may take."""
        limits = request["limits"]
        if self.prelude is None or self.prelude[0] != request["prelude"]:
            self.prelude = (request["prelude"], compile(request["prelude"], "<prelude>", "exec"))
        inlet, outlet = os.pipe()
        child = os.fork()
        if child == 0:
            self.run(request, self.prelude[1], self._alone_with(outlet))
        os.close(outlet)
        most = 2 * limits["answer"] + 6 * limits["printed"] + 65536
        body, state = collect(inlet, time.monotonic() + limits["seconds"] + 0.1, most)
        os.close(inlet)
        if state:
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        if state or code == -signal.SIGXCPU:
            return state or TIMEOUT
        return bytes(body) if code == 0 and body else DIED + str(code).encode()

    def _alone_with(self, outlet: int) -> int:
        """In the child: keep one open file, the way back, and return it."""
        for standard in (0, 1, 2):
            os.dup2(self.nothing, standard)
        target = os.dup2(outlet, 60)
        os.closerange(3, 60)
        os.closerange(61, 256)
        return target

    def run(self, request: dict[str, Any], prelude: types.CodeType, target: int) -> NoReturn:
        """In the child: run the text under all limits and write the outcome."""
        limits = request["limits"]
        names: dict[str, Any] = {"__name__": "node"}
        exec(prelude, names)
        names.update(string=string, statistics=sys.modules["statistics"])
        outcome = Outcome(Printed(limits["printed"]))
        still(request["now"], request["seed"])
        limit(self.used, limits["memory"], limits["seconds"])
        sys.stdout = sys.stderr = outcome.printed
        if libc.prctl(SECCOMP, FILTER_MODE, ctypes.c_char_p(self.filter), 0, 0) != 0:
            os._exit(97)
        for name in HIDDEN:
            sys.modules.pop(name, None)
        sys.meta_path.clear()
        sys.path.clear()
        sys.modules["node"] = types.ModuleType("node")
        sys.setrecursionlimit(limits["depth"] + 20)
        with outcome:
            exec(compile(request["source"], _FILE, "exec", dont_inherit=True), names)
            if request["function"] not in names:
                raise LookupError(NO_FUNCTION)
            value = names[request["function"]](request["argument"])
            outcome.answer = names["__flow_answer"](value, limits["answer"], limits["answer_depth"])
        sys.setrecursionlimit(1000)
        outcome.tell(target)
        os._exit(0)


def collect(inlet: int, end: float, most: int) -> tuple[bytearray, bytes]:
    """Return what comes until the other end closes, and why it was not waited for, if so."""
    body = bytearray()
    while True:
        left = end - time.monotonic()
        if left <= 0:
            return body, TIMEOUT
        if select.select([inlet], [], [], left)[0]:
            part = os.read(inlet, 65536)
            if not part:
                return body, b""
            body += part
            if len(body) > most:
                return body, TOO_LONG


def main() -> None:
    """Lock down, say which walls stand, and serve until stdin ends; or become another program behind walls."""
    if sys.argv[1:]:
        become(sys.argv[1:])
    for name in MODULES.split():
        importlib.import_module(name)
    source, target = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    jail = Jail()
    write_frame(target, json.dumps({"walls": jail.walls, "python": platform.python_version()}).encode())
    while (frame := read_frame(source)) is not None:
        write_frame(target, jail.serve_one(json.loads(frame)))


if __name__ == "__main__":
    main()
