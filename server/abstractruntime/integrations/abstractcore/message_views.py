"""What a model is shown of a conversation: files it has read already are not shown to it again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

_READ = re.compile(r"^\[read_file\]: File: (?P<path>.+?) \((?P<lines>\d+) lines\)", re.MULTILINE)
_OPENED = re.compile(
    r"^\[open_attachment\]: Attachment: (?P<handle>.+?) \(id=(?P<id>[^,]+), sha=(?P<sha>[^,]+), lines (?P<lines>\d+-\d+)\)",
    re.MULTILINE,
)


def dedup_messages_view(
    messages: Iterable[Mapping[str, Any]],
    *,
    session_attachments: Iterable[Mapping[str, Any]] | None = None,
) -> list[dict[str, Any]]:
    """Return the messages with repeated tool answers cut to a word; the first one stays whole.

    So does one that differs from the last one of its name: what was read has changed meanwhile, or changed back.
    """
    by_path = {str(each.get("handle")): each for each in session_attachments or ()}
    seen: dict[str, str] = {}
    shown = []
    for message in messages:
        made = dict(message)
        content = made.get("content")
        if made.get("role") == "tool" and isinstance(content, str):
            stub = _stub(content, by_path)
            if stub is not None and seen.get(stub) == content:
                made["content"] = stub
            elif stub is not None:
                seen[stub] = content
        shown.append(made)
    return shown


def _stub(content: str, by_path: Mapping[str, Mapping[str, Any]]) -> str | None:
    read = _READ.match(content)
    if read:
        path = read["path"]
        held = by_path.get(path)
        key = f"artifact_id='{held.get('artifact_id')}'" if held else f"handle='{path}'"
        return f"[read_file]: File: {path} (duplicate): shown above; open_attachment({key}) shows it again."
    opened = _OPENED.match(content)
    if opened:
        return (
            f"[open_attachment]: Attachment: {opened['handle']} (duplicate): lines {opened['lines']} are shown "
            f"above; open_attachment(artifact_id='{opened['id']}') shows it again."
        )
    return None
