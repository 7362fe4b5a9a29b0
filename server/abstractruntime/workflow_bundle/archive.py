"""A zip file that nobody vouches for, read with care.

The directory is judged before any member is inflated: one plain archive without anything before or
behind it, few enough members, honest sizes, safe names, each once, plain files only. A member is
inflated into memory under its promised size. Every fault is a WorkflowBundleError.
"""

from __future__ import annotations

import os
import stat
import struct
import unicodedata
import zipfile
import zlib
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

from .models import UnsafeBundlePath, WorkflowBundleError, safe_path

MAX_FILE = 64 * 1024 * 1024
MAX_MEMBERS = 2000
MAX_MEMBER = 32 * 1024 * 1024
MAX_TOTAL = 128 * 1024 * 1024
# A megabyte of one letter is a fair flow; only large members must not be blown up this much.
MAX_RATIO, RATIO_FROM = 200, 8 * 1024 * 1024

_END = struct.Struct("<4s4H2LH")
_END_MARK = b"PK\x05\x06"
_FAULTS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    struct.error,
    UnicodeDecodeError,
    ValueError,
)


class Archive:
    """A bundle's zip file, opened once and judged: `members` by name. Use it in a `with` statement."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        with ExitStack() as opened:
            file = opened.enter_context(path.open("rb"))
            _judge_end(file, path.name)
            self._zip = opened.enter_context(_opened(file, path.name))
            self.members = _judged(self._zip.infolist())
            self._opened = opened.pop_all()  # judged: now it stays open

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def read(self, name: str) -> bytes:
        """Return a member's content; raise FileNotFoundError when it is not there."""
        info = self.members.get(name)
        if info is None:
            raise FileNotFoundError(f"The bundle {self.name} has no file {name!r}.")
        try:
            with self._zip.open(info) as member:
                content = member.read(info.file_size + 1)
        except _FAULTS as error:
            raise WorkflowBundleError(
                f"The file {name!r} of the bundle cannot be read: {type(error).__name__}: {error}"
            ) from error
        if len(content) != info.file_size:
            raise WorkflowBundleError(f"The file {name!r} of the bundle is not as long as it says.")
        return content


def _opened(file: BinaryIO, name: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except _FAULTS as error:
        raise WorkflowBundleError(f"{name} is not a readable zip file: {error}") from error


def _judged(infos: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    members: dict[str, zipfile.ZipInfo] = {}
    seen: dict[str, bool] = {}
    total = 0
    for info in infos:
        is_folder = info.filename.endswith("/")
        name = _judge_name(info, seen, is_folder)
        _judge_kind(info, is_folder)
        _judge_size(info)
        total += info.file_size
        if total > MAX_TOTAL:
            raise WorkflowBundleError(f"The bundle unpacks to more than {MAX_TOTAL >> 20} MiB.")
        if not is_folder:
            members[name] = info
    _judge_tree(members, seen)
    _judge_overlap(infos)
    return members


def _judge_end(file: BinaryIO, name: str) -> None:
    """Refuse what is not one zip archive from the first byte to the last."""
    size = file.seek(0, os.SEEK_END)
    if size > MAX_FILE:
        raise WorkflowBundleError(f"{name} is larger than {MAX_FILE >> 20} MiB.")
    file.seek(max(0, size - _END.size))
    tail = file.read(_END.size)
    if len(tail) < _END.size or tail[:4] != _END_MARK:
        raise WorkflowBundleError(f"{name} is not a zip file, or something was added behind it.")
    _, disk, first_disk, here, count, length, start, comment = _END.unpack(tail)
    if disk or first_disk or here != count or comment or start + length + _END.size != size:
        raise WorkflowBundleError(f"{name} is not one plain zip archive.")
    if not 0 < count <= MAX_MEMBERS:
        raise WorkflowBundleError(f"{name} holds {count} files; a bundle holds 1 to {MAX_MEMBERS}.")
    if length > MAX_MEMBERS * 512:
        raise WorkflowBundleError(f"The directory of {name} is too large.")


def _judge_name(info: zipfile.ZipInfo, seen: dict[str, bool], is_folder: bool) -> str:
    raw = info.orig_filename
    if "\x00" in raw or raw != info.filename:
        raise UnsafeBundlePath(f"The bundle has a file with an unsafe name: {raw[:80]!r}.")
    name = safe_path(raw.rstrip("/") if is_folder else raw, "The file name")
    if unicodedata.normalize("NFC", name) != name:
        raise UnsafeBundlePath(f"The file name {name[:80]!r} is not in one common Unicode form.")
    twin = name.casefold()
    if twin in seen:
        raise WorkflowBundleError(f"The bundle has the file {name!r} twice (or twice but for case).")
    seen[twin] = is_folder
    return name


def _judge_kind(info: zipfile.ZipInfo, is_folder: bool) -> None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFDIR if is_folder else stat.S_IFREG):
        raise UnsafeBundlePath(f"{info.filename!r} in the bundle is a link or a device, not a plain file.")
    if info.flag_bits & 0x1:
        raise WorkflowBundleError(f"The file {info.filename!r} of the bundle is encrypted.")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise WorkflowBundleError(
            f"The file {info.filename!r} of the bundle is compressed in an unknown way."
        )


def _judge_size(info: zipfile.ZipInfo) -> None:
    name, size = info.filename, info.file_size
    if size > MAX_MEMBER:
        raise WorkflowBundleError(f"The file {name!r} of the bundle is larger than {MAX_MEMBER >> 20} MiB.")
    if size > RATIO_FROM and size > MAX_RATIO * max(1, info.compress_size):
        raise WorkflowBundleError(f"The file {name!r} of the bundle is compressed too much to be honest.")
    if info.filename.endswith("/") and size:
        raise WorkflowBundleError(f"The folder {name!r} of the bundle has content.")


def _judge_tree(members: dict[str, zipfile.ZipInfo], seen: dict[str, bool]) -> None:
    """Refuse a file that is also the folder of another."""
    for name in members:
        parts = name.casefold().split("/")
        for depth in range(1, len(parts)):
            if seen.get("/".join(parts[:depth])) is False:
                raise WorkflowBundleError(f"{name!r} lies in something that is a file in the same bundle.")


def _judge_overlap(infos: list[zipfile.ZipInfo]) -> None:
    spans = sorted((info.header_offset, info.header_offset + 30 + info.compress_size) for info in infos)
    for (_, end), (start, _) in pairwise(spans):
        if start < end:
            raise WorkflowBundleError("Files of the bundle overlap.")
