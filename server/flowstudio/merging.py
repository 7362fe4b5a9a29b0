"""`flowstudio merge`: merges two versions of a flow's file as the editor does, for git and for people.

Git calls it as a merge driver with files of its own; the result takes the place of the first of the two sides, whole or
not at all. What both changed otherwise is told by its place, and stays as it is on our side: the file can be opened and run,
and git is told that somebody has to look.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Literal

from .library_merge import Clash, merge
from .library_text import read_json, write_document

Json = Any
Side = Literal["ours", "theirs"]
CONFLICTS, NOT_MERGED = 1, 2
_LONGEST = 60


def merge_files(base: Path, ours: Path, theirs: Path, *, name: str = "", take: Side | None = None) -> int:
    """Merge `theirs` into the file `ours`, both made from `base` (which may be empty); return 0, 1 or 2.

    1: places are left that both changed, each told in a line; `take` decides them all instead. 2: nothing was merged, for
    a file is no flow. `name` is what the file is called in these lines.
    """
    called = name or str(ours)
    documents: list[dict[str, Json]] = []
    for file, what in ((base, "what both began with"), (ours, "our side"), (theirs, "their side")):
        try:
            documents.append(_read(file, may_be_empty=file is base))
        except (OSError, ValueError) as error:
            print(f"flowstudio: {called}: {what} cannot be read as a flow: {error}", file=sys.stderr)
            return NOT_MERGED
    merged = merge(documents[0], documents[1], documents[2])
    if take is not None and merged.clashes:
        side = "mine" if take == "ours" else "theirs"
        merged = merge(documents[0], documents[1], documents[2], {each.id: side for each in merged.clashes})
    _replace(ours, write_document(merged.document))
    for clash in merged.clashes:
        print(f"{called}: {_told(clash)}", file=sys.stderr)
    return CONFLICTS if merged.clashes else 0


def _read(file: Path, *, may_be_empty: bool) -> dict[str, Json]:
    raw = file.read_bytes()
    if may_be_empty and not raw.strip():
        return {}  # both have added the file
    document = read_json(raw)
    if not isinstance(document, dict) or not isinstance(document.get("nodes"), list):
        raise ValueError("it is no flow document: `nodes` is no list")
    return document


def _replace(file: Path, text: bytes) -> None:
    """Write a file so that it is the old one or the new one, whatever happens."""
    staged = file.with_name(f"{file.name}.merging")
    try:
        staged.write_bytes(text)
        os.replace(staged, file)
    finally:
        staged.unlink(missing_ok=True)


def _told(clash: Clash) -> str:
    """Say in a line what both changed; our side stands."""
    where = f"{clash.title} ({clash.node})" if clash.node else clash.title
    sides = (_side(clash.mine, has=clash.has_mine), _side(clash.theirs, has=clash.has_theirs))
    what = f", {clash.field}" if clash.field else ""
    return f"{where}{what}: {sides[0]} here, {sides[1]} there; ours stands"


def _side(value: Json, *, has: bool) -> str:
    if not has:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
