"""Six attempts to get out of a backend, made before it is trusted with anybody's code.

A file, the network, a process, memory, time, and state left for the next call. Each attempt aims at
something made for it: a secret file, a listener on loopback, a file that must not appear.
"""

from __future__ import annotations

import secrets
import socket
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from .sandbox_words import DEFAULT_LIMITS, Limits, SandboxRefusal, SandboxResult

Run = Callable[..., SandboxResult]

_QUICK = replace(DEFAULT_LIMITS, seconds=0.5)
_SMALL = replace(DEFAULT_LIMITS, memory=24 * 1024 * 1024)
_SHORT = replace(DEFAULT_LIMITS, seconds=0.2)

_FILE = """
def attempt(place):
    with open(place["secret"]) as file:
        return file.read()
"""
_NETWORK = """
import socket
def attempt(place):
    socket.create_connection(("127.0.0.1", place["port"]), 1).sendall(b"hello")
    return "reached"
"""
_PROCESS = """
import os, subprocess
def attempt(place):
    try:
        subprocess.run(["touch", place["drop"]])
    except BaseException:
        os.system("touch " + place["drop"])
    return "done"
"""
_MEMORY = """
def attempt(place):
    held = ["x" * 1000]
    while True:
        held = held + held
"""
_TIME = """
def attempt(place):
    while True:
        try:
            while True:
                pass
        except BaseException:
            continue
"""
_LEAVE = """
import json
LEFT = "left behind"
def attempt(place):
    global LEFT
    LEFT = place["mark"]
    json.LEFT = place["mark"]
    return "set"
"""
_FIND = """
import json
def attempt(place):
    try:
        return LEFT
    except NameError:
        return getattr(json, "LEFT", "nothing")
"""


def failed_attempts(run: Run) -> list[str]:
    """Return the names of the attempts that `run` did not hold against, and `ordinary code` if it cannot compute."""
    mark = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="sandbox-test-") as folder, _listener() as listener:
        secret, drop = Path(folder, "secret"), Path(folder, "drop")
        secret.write_text(mark, encoding="utf-8")
        port = listener.getsockname()[1]
        place = {"secret": str(secret), "drop": str(drop), "port": port, "mark": mark}

        def tried(source: str, limits: Limits = _QUICK) -> tuple[Any, str]:
            return _try(run, source, place, limits)

        failed = []
        if _try(run, "def attempt(place):\n    return place['port'] + 1", place, _QUICK)[0] != port + 1:
            failed.append("ordinary code")
        if mark in str(tried(_FILE)):
            failed.append("reading a file")
        tried(_NETWORK)
        if _was_reached(listener):
            failed.append("the network")
        tried(_PROCESS)
        if drop.exists():
            failed.append("starting a process")
        if tried(_MEMORY, _SMALL)[1] not in ("code.limit.memory", "code.limit.time"):
            failed.append("taking all memory")
        if tried(_TIME, _SHORT)[1] != "code.limit.time":
            failed.append("running for ever")
        tried(_LEAVE)
        if mark in str(tried(_FIND)):
            failed.append("leaving state for the next call")
        return failed


def _try(run: Run, source: str, place: dict[str, Any], limits: Limits) -> tuple[Any, str]:
    """Return the answer and the refusal's code, whichever there is."""
    try:
        result = run(source, "attempt", place, now="2000-01-01T00:00:00+00:00", seed="test", limits=limits)
    except SandboxRefusal as refusal:
        return str(refusal), refusal.code
    return result.value, ""


def _listener() -> socket.socket:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    listener.setblocking(False)
    return listener


def _was_reached(listener: socket.socket) -> bool:
    try:
        connection, _ = listener.accept()
    except BlockingIOError:
        return False
    connection.close()
    return True
