"""What a refusal says: what happened, where, and what to do; in words for the author of the node.

The table of unsupported features and the modules that reach outside are data; the functions turn an
interpreter's error into a `SandboxRefusal`.
"""

from __future__ import annotations

import builtins
import re

from .sandbox_mend import instead_of_del
from .sandbox_words import Limits, SandboxRefusal

COMPACT = "This code cannot run in compact Python."
NEVER = "This code asked for something code nodes never get:"
NOTHING_RUN = "Nothing was run."

# (what the parser says it lacks, slug of the code, name in the sentence, what to write instead)
FEATURES = (
    (
        "'del' statement",
        "del",
        "the `del` statement",
        "Remove what it names in another way.",
    ),
    ("yield", "yield", "`yield`", "Collect the items in a list and return it."),
    ("class inheritance", "class", "a class that inherits", "Use a plain class, or functions and objects."),
    ("method decorators", "class", "a decorated method", "Write a plain method or a function."),
    ("Wildcard imports", "import", "`import *`", "Name what you import."),
)

# Modules that reach out of the sandbox: (what for, code, what to do).
FILE = ("opening a file", "file", "Use a Read File node and wire its output in.")
CHANGE = ("changing a file", "file", "Use a Write File node after this one and wire the text into it.")
NETWORK = ("the network", "network", "Fetch the data in a node of its own and wire its output in.")
PROCESS = ("another process", "process", "Do this in a tool that the server offers, and wire its result in.")
MACHINE = ("the server's environment", "environment", "Give the value to the flow as an input.")
OUTSIDE = {
    **dict.fromkeys(("shutil", "tempfile", "glob", "fileinput", "sqlite3", "zipfile", "tarfile"), FILE),
    **dict.fromkeys(
        (
            "socket",
            "ssl",
            "urllib",
            "http",
            "ftplib",
            "smtplib",
            "requests",
            "httpx",
            "aiohttp",
            "websockets",
        ),
        NETWORK,
    ),
    **dict.fromkeys(
        ("subprocess", "multiprocessing", "threading", "concurrent", "signal", "ctypes", "pty", "posix"),
        PROCESS,
    ),
    **dict.fromkeys(("builtins", "importlib", "inspect", "gc", "js"), MACHINE),
}
# Parts of those modules that reach nowhere: simply not there.
_HARMLESS = ("urllib.parse", "http.cookies")
_FILE_CALLS = re.compile(r"\b(open|read_text|write_text|read_bytes|write_bytes|listdir|unlink|mkdir)\s*\(")
_CHANGES = ("write_text", "write_bytes", "unlink", "mkdir")
_MACHINE_CALLS = re.compile(r"\bos\.(\w+)")


def at_line(line: int | None, text: str) -> str:
    """Say where: `Line 3, `the text`:` or nothing when the line is not known."""
    shown = text.strip()
    if line is None:
        return ""
    return f"Line {line}, `{shown[:120]}`:" if shown else f"Line {line}:"


def syntax_error(message: str, line: int | None, text: str) -> SandboxRefusal:
    """The text is not Python."""
    where = f"{at_line(line, text)} {message[:300]}.".strip().replace("..", ".")
    return SandboxRefusal(
        "Syntax error:", code="code.syntax", where=where, closing=NOTHING_RUN, line=line, why=message
    )


def unsupported(message: str, line: int | None, text: str, statement: str = "") -> SandboxRefusal:
    """The text is Python, but not of the compact kind; `statement` is the refused part, where it is known."""
    known = next((row[1:] for row in FEATURES if row[0] in message), None)
    bare = message.removeprefix("The monty syntax parser does not yet support ")
    slug, name, fix = known or (re.sub(r"[^a-z]+", "_", bare.lower())[:40].strip("_"), bare, "")
    if slug == "del":
        fix = instead_of_del(statement) or fix
    where = f"{at_line(line, text)} {name} is not supported there."
    return SandboxRefusal(
        COMPACT,
        code=f"code.unsupported.{slug}",
        where=where,
        fix=fix,
        closing=NOTHING_RUN,
        line=line,
        why=message,
    )


def missing_module(message: str, line: int | None, text: str, *, full: bool = False) -> SandboxRefusal:
    """An import names a module that code nodes do not have."""
    found = re.search(r"No module named '([^']+)'", message)
    module = found.group(1) if found else "?"
    outside = OUTSIDE.get(module.split(".")[0])
    if outside and not any(harmless in text for harmless in _HARMLESS):
        return outside_world(outside, f"`import {module}`", line, message)
    return SandboxRefusal(
        "This code cannot run in a code node." if full else COMPACT,
        code="code.unsupported.import",
        where=f"{at_line(line, text)} the module `{module}` does not exist there.",
        fix="Import only modules of the standard library that compute."
        if full
        else "Import only modules such as json, re, math, datetime, statistics, itertools and collections.",
        line=line,
        why=message,
    )


def missing_name(message: str, line: int | None, text: str) -> SandboxRefusal | None:
    """Return the refusal for a name that only full Python has, None when no Python has it."""
    found = re.search(r"name '(\w+)' is not defined", message)
    if message.startswith("ImportError: cannot import name"):
        slug, what = "import", message.removeprefix("ImportError: cannot import name ")
    elif message.startswith("NameError") and found and hasattr(builtins, found.group(1)):
        slug, what = "name", f"`{found.group(1)}`"
    else:
        return None
    where = f"{at_line(line, text)} {what} does not exist there."
    return SandboxRefusal(COMPACT, code=f"code.unsupported.{slug}", where=where, line=line, why=message)


def outside_world(kind: tuple[str, str, str], what: str, line: int | None, message: str) -> SandboxRefusal:
    """The code reached for a file, the network, a process or the server."""
    name, slug, fix = kind
    place = f", line {line}" if line is not None else ""
    return SandboxRefusal(
        NEVER,
        code=f"code.capability.{slug}",
        where=f"{name} ({what}{place}).",
        fix=fix,
        line=line,
        why=message,
    )


def denied(message: str, line: int | None, text: str) -> SandboxRefusal | None:
    """Return the refusal for a call that the interpreter denied, None when it was the code's own error."""
    call = _FILE_CALLS.search(text)
    if call and message.startswith(("PermissionError", "FileNotFoundError", "RuntimeError", "OSError")):
        kind = CHANGE if call.group(1) in _CHANGES else FILE
        return outside_world(kind, f"`{call.group(1)}`", line, message)
    if "is not supported in this environment" in message:
        name = _MACHINE_CALLS.search(text)
        return outside_world(
            MACHINE, f"`os.{name.group(1)}`" if name else f"`{text.strip()[:60]}`", line, message
        )
    return None


def time_limit(limits: Limits) -> SandboxRefusal:
    """The code ran for too long."""
    return SandboxRefusal(
        f"This code was stopped after {limits.seconds:g} s.",
        code="code.limit.time",
        where="The node had not finished; its output was discarded and the step is marked failed.",
        fix="Raise the limit in the node's settings (at most 30 s) or make the loop end.",
    )


def memory_limit(limits: Limits, line: int | None = None, text: str = "") -> SandboxRefusal:
    """The code asked for too much memory."""
    where = f"{at_line(line, text)} no more was given." if line is not None else ""
    return SandboxRefusal(
        f"This code needed more than {limits.memory // (1024 * 1024)} MiB of memory.",
        code="code.limit.memory",
        where=where,
        fix="Work on smaller pieces, or keep less at once.",
        line=line,
    )


def depth_limit(limits: Limits, line: int | None, text: str) -> SandboxRefusal:
    """Functions called each other too deeply."""
    return SandboxRefusal(
        f"This code called functions inside functions more than {limits.depth} deep.",
        code="code.limit.depth",
        where=f"{at_line(line, text)} the last call." if line is not None else "",
        fix="Use a loop, or make the recursion end.",
        line=line,
    )


def print_limit(limits: Limits) -> SandboxRefusal:
    """The code printed too much."""
    return SandboxRefusal(
        f"This code printed more than {limits.printed // 1024} KiB.",
        code="code.limit.print",
        fix="Print less; return what the flow needs.",
    )


def sleep_limit(line: int | None) -> SandboxRefusal:
    """The code tried to wait."""
    return SandboxRefusal(
        "Code nodes cannot wait.",
        code="code.limit.sleep",
        where=f"`sleep`, line {line}." if line is not None else "",
        fix="Put a Delay node before this one.",
        line=line,
    )


def source_limit(limits: Limits) -> SandboxRefusal:
    """The text is too long."""
    return SandboxRefusal(
        f"This code is longer than {limits.source // 1024} Ki characters.",
        code="code.limit.source",
        fix="Give data to the node as an input instead of writing it into the code.",
    )


def no_function(name: str) -> SandboxRefusal:
    """The text does not define the function to call."""
    return SandboxRefusal(
        f"Function '{name}' not defined in code.",
        code="code.function.missing",
        fix=f"Write `def {name}(_input):`, or name another function in the node's settings.",
    )


def not_a_function(name: str, message: str) -> SandboxRefusal:
    """The name is there but cannot be called with one argument."""
    return SandboxRefusal(
        f"'{name}' is not a callable function of one argument.",
        code="code.function.call",
        where=f"{message}.",
        fix=f"Write `def {name}(_input):`.",
        why=message,
    )


def runtime_error(message: str, line: int | None, text: str) -> SandboxRefusal:
    """The code raised an exception."""
    place = f"line {line}, `{text.strip()[:120]}`" if line is not None else ""
    return SandboxRefusal(
        f"Runtime error: {message[:500]}",
        code="code.failed",
        where=f"({place})" if place else "",
        line=line,
        why=message,
    )


def bad_argument(message: str) -> SandboxRefusal:
    """The inputs cannot be handed to the code."""
    return SandboxRefusal(
        "The node's inputs cannot be handed to the code:",
        code="code.argument",
        where=f"{message[:300]}.",
        fix="Wire in text, numbers, lists and objects.",
        why=message,
    )


def crashed(message: str) -> SandboxRefusal:
    """The worker died, twice."""
    return SandboxRefusal(
        "The sandbox's worker process died while it ran this code.",
        code="code.crashed",
        fix="Its output was discarded. Run it again; if it dies again, simplify the code.",
        why=message,
    )


def busy(seconds: float) -> SandboxRefusal:
    """All workers are taken."""
    return SandboxRefusal(
        f"No sandbox worker became free within {seconds:g} s.",
        code="code.busy",
        fix="Run the flow again when fewer code nodes run at once.",
    )


def unavailable(headline: str, fix: str) -> SandboxRefusal:
    """Code cannot be run on this server."""
    return SandboxRefusal(headline, code="code.unavailable", fix=fix)


def closed() -> SandboxRefusal:
    """The sandbox has been closed."""
    return unavailable("The sandbox of code nodes is closed.", "Start the server again.")


def no_full_python(why: str) -> SandboxRefusal:
    """Full Python is not to be had on this server."""
    return SandboxRefusal(
        "This node asks for full Python, which this server does not offer:",
        code="code.full.unavailable",
        where=f"{why}.",
        fix="Switch the node to compact Python.",
    )
