"""Reads a file to its last byte: into archives, databases and compressed values, as far as they go."""

from __future__ import annotations

import base64
import gzip
import io
import sqlite3
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

_SQLITE = b"SQLite format 3\0"
_ZIP = b"PK\x03\x04"
_GZIP = b"\x1f\x8b"
_ZLIB = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")


def every(place: str, raw: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield bytes, and all that is packed in them, with the place of each."""
    yield place, raw
    if raw.startswith(_ZIP):
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            for name in archive.namelist():
                yield from every(f"{place}!{name}", archive.read(name))
    elif raw.startswith(_GZIP):
        yield from every(f"{place}!gzip", gzip.decompress(raw))
    elif raw.startswith(_ZLIB):
        try:
            yield from every(f"{place}!zlib", zlib.decompress(raw))
        except zlib.error:
            return  # two bytes that only look like it


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield every file of a folder, and every value of every row of its databases."""
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            raw = file.read_bytes()
            yield from every(str(file), raw)
            if raw.startswith(_SQLITE):
                yield from _rows(file)


def _rows(file: Path) -> Iterator[tuple[str, bytes]]:
    with closing(sqlite3.connect(file)) as db:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        for name in names:
            for row in db.execute(f'SELECT * FROM "{name}"'):
                for value in row:
                    raw = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
                    yield from every(f"{file}!{name}", raw)


def spellings(secret: str) -> tuple[bytes, ...]:
    """Return a secret as itself, in hexadecimal digits, and as base64 at each of the three offsets."""
    raw = secret.encode()
    coded = []
    for offset in range(3):
        whole = base64.b64encode(b"\0" * offset + raw)
        coded.append(whole[(0, 2, 3)[offset] : len(whole) - 4])
    return (raw, raw.hex().encode(), *coded)
