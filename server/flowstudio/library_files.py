"""Writes the files of a library: one or several, all or none, through a power cut too.

Several files are staged beside their places first; then a plan that names them is written, and only
then they are moved. Who finds a plan finishes it: everything that it needs is on the disk.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from abstractruntime.core.errors import StoreDamaged

from .staging import stage, write_whole

PLAN = ".moving.json"  # {name of the file: name of what is staged for it}, both within the folder


def write_all(folder: Path, texts: Mapping[str, bytes]) -> None:
    """Replace files of a folder; raise OSError, and then all are as they were."""
    folder.mkdir(parents=True, exist_ok=True)
    finish(folder)
    staged: dict[str, Path] = {}
    try:
        for name, text in texts.items():
            staged[name] = _stage(folder, text)
        if len(staged) > 1:
            plan = {name: temporary.name for name, temporary in staged.items()}
            write_whole(folder / PLAN, json.dumps(plan).encode())
            sync_folder(folder)
        _move(folder, staged)
    finally:
        for temporary in staged.values():
            temporary.unlink(missing_ok=True)
    sync_folder(folder)


def finish(folder: Path) -> None:
    """Carry out the plan that a cut left behind, if there is one."""
    try:
        text = (folder / PLAN).read_bytes()
    except FileNotFoundError:
        return
    for name, temporary in _read_plan(folder, text).items():
        if (folder / temporary).exists():
            os.replace(folder / temporary, folder / name)
    sync_folder(folder)
    (folder / PLAN).unlink()


def _read_plan(folder: Path, text: bytes) -> dict[str, str]:
    """Return the plan; raise StoreDamaged for what we never write: a name that leads out of the folder."""
    try:
        plan = dict(json.loads(text))
        if all(os.path.basename(name) == name for pair in plan.items() for name in pair):
            return plan
    except (ValueError, TypeError):
        pass
    raise StoreDamaged(
        f"The file {folder / PLAN} is not a plan that FlowStudio wrote: look at it and remove it."
    )


def _move(folder: Path, staged: Mapping[str, Path]) -> None:
    """Move what is staged into place; when one move fails, the earlier ones are taken back."""
    before: dict[str, bytes | None] = {}
    try:
        for name, temporary in staged.items():
            target = folder / name
            before[name] = target.read_bytes() if target.exists() else None
            os.replace(temporary, target)
    except OSError:
        (folder / PLAN).unlink(missing_ok=True)
        for name, old in before.items():
            if old is None:
                (folder / name).unlink(missing_ok=True)
            elif not staged[name].exists():
                os.replace(_stage(folder, old), folder / name)
        raise
    if len(staged) > 1:
        sync_folder(folder)
        (folder / PLAN).unlink()


def _stage(folder: Path, text: bytes) -> Path:
    """Write a flow beside its place, readable like any file of a project."""
    staged = stage(folder, text)
    os.chmod(staged, 0o644)
    return staged


def sync_folder(folder: Path) -> None:
    """Make a rename durable where the system can; Windows cannot open folders."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
