"""Writes files whole or not at all: beside their place first, on the disk, then into it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def stage(folder: Path, body: bytes) -> Path:
    """Write `body` into a new file of `folder` that only its owner can read, down to the disk."""
    handle, name = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)


def write_whole(path: Path, body: bytes) -> None:
    """Replace a file, readable by its owner only; whoever looks finds the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = stage(path.parent, body)
    try:
        os.replace(staged, path)
    except OSError:
        staged.unlink(missing_ok=True)
        raise
