"""Bring a database up to this program's layout, step by step, and refuse one that is newer.

Migrations are files `NNNN_name.sql`, applied in order, each in the transaction that also writes the
new version. Queries are named in `queries.sql`.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from ..core.errors import StoreTooNew

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def folder(backend: str) -> Path:
    """Return where a backend's SQL lies: beside this file, as `importlib.resources` takes as long as all else here."""
    return Path(__file__).parent / "sql" / backend


def named_queries(backend: str) -> dict[str, str]:
    """Read a backend's queries by name, comments left out."""
    parts = _NAME.split((folder(backend) / "queries.sql").read_text(encoding="utf-8"))
    return {name: _bare(text) for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def migrations(backend: str) -> dict[int, str]:
    """Read a backend's migrations by number."""
    found = {
        int(file.name[:4]): file.read_text(encoding="utf-8")
        for file in folder(backend).iterdir()
        if re.fullmatch(r"\d{4}_\w+\.sql", file.name)
    }
    return dict(sorted(found.items()))


def statements(script: str) -> Iterator[str]:
    """Split a script into statements."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending.strip()
            pending = ""


def migrate(
    connection: sqlite3.Connection,
    scripts: dict[int, str],
    before: Callable[[], None],
    after: Callable[[], None],
    where: str,
) -> None:
    """Apply what is missing; `before` and `after` frame the first migration of a file of our own.

    All in one transaction, so that a crash leaves the file as it was and two processes that open it
    at once do it once. Raises StoreTooNew for a file of a newer program.
    """
    newest = max(scripts)
    if _version(connection, newest, where) == newest:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = _version(connection, newest, where)
        for number, script in scripts.items():
            if number <= version:
                continue
            if number == 1:
                before()
            for statement in statements(script):
                connection.execute(statement)
            if number == 1:
                after()
        connection.execute(f"PRAGMA user_version = {newest}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _version(connection: sqlite3.Connection, newest: int, where: str) -> int:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > newest:
        raise StoreTooNew(
            f"{where} has layout {version}, this program knows layouts up to {newest}. "
            "Open it with the newer version that wrote it."
        )
    return version


def _bare(text: str) -> str:
    lines = (line.split("--")[0].strip() for line in text.splitlines())
    return " ".join(line for line in lines if line).rstrip("; ")
