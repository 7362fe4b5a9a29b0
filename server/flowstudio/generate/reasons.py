"""What each code of a problem means and what to do, from the tables of `docs/problems.md`, for the editor."""

from __future__ import annotations

import json
import re

_ROW = re.compile(r"^\| `([a-z_]+(?:\.[a-z_]+)+)`[ *]*\| (.+?) \| (.+?) \|", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


def reasons_of(page: str) -> str:
    """Return the text of `problem_reasons.json`: by code what it means and what to do, as plain text."""
    found = {code: {"means": _plain(means), "do": _plain(do)} for code, means, do in _ROW.findall(page)}
    return json.dumps(found, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _plain(text: str) -> str:
    """Take the marks of Markdown away."""
    plain = _LINK.sub(r"\1", text.replace("\\|", "|"))
    return re.sub(r"[`*]", "", plain).strip()
