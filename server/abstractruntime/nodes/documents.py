"""PDF files of the workspace."""

from __future__ import annotations

from typing import Any

from ..core.models import Effect, EffectType
from .define import EXEC_IN, EXEC_OUT, Call, Example, NodeError, Pin, effect
from .files import PATH_HELP, check_path, path_at, told
from .recall import positive
from .values import fitting, json_text, text, whole

Json = Any

_PDF = "application/pdf"
_READ = {
    "content": "Hello",
    "pages": 3,
    "processed_pages": 1,
    "metadata": {"title": "Greeting"},
    "warnings": [],
    "truncated": False,
    "file_path": "a.pdf",
    "content_type": _PDF,
}


@effect(
    "read_pdf",
    family="files",
    gives=True,
    label="Read PDF",
    sentence="Read {file_path|name}",
    inputs=(
        EXEC_IN,
        Pin("file_path", "workspace_file", description=PATH_HELP),
        Pin("page_start", "number", description="The first page to read, from 1; unset: the first."),
        Pin("page_end", "number", description="The last page to read; unset: the last."),
        Pin("max_chars", "number", description="How many characters at most."),
    ),
    outputs=(
        EXEC_OUT,
        Pin("content", "string", description="The text of the pages."),
        Pin("pages", "number", description="How many pages the file has."),
        Pin("processed_pages", "number", description="How many were read."),
        Pin("metadata", "object", description="Title, author and what else the file says of itself."),
        Pin("warnings", "array", description="What could not be read."),
        Pin("truncated", "boolean", description="Whether text was left out."),
        Pin("file_path", "workspace_file", description="Its path in the workspace."),
        Pin("content_type", "string", description="Its kind."),
    ),
    seldom=(
        "page_start",
        "page_end",
        "max_chars",
        "processed_pages",
        "metadata",
        "warnings",
        "truncated",
        "content_type",
    ),
    settle=told,
    carries="own",
    main="content",
    check=check_path,
    keywords=("extract", "text", "document", "pages", "invoice"),
    examples=(
        Example(
            {"file_path": "a.pdf", "page_start": 1, "page_end": "1"},
            {
                "effect": {
                    "type": "read_pdf",
                    "payload": {"file_path": "a.pdf", "page_start": 1, "page_end": 1},
                },
                "settled": _READ,
            },
            reply=_READ,
        ),
        Example(
            {"file_path": "bill.pdf", "max_chars": 2000},
            {"effect": {"type": "read_pdf", "payload": {"file_path": "bill.pdf", "max_chars": 2000}}},
            note="All pages, up to so many characters.",
        ),
        Example(
            {"file_path": "a.pdf", "page_start": 4, "page_end": 2},
            error="'page_end' (2) comes before 'page_start' (4)",
        ),
        Example({"file_path": "a.pdf", "page_start": "two"}, error="'page_start' needs a number"),
        Example({}, error="read_pdf requires a non-empty 'file_path' input."),
    ),
)
def read_pdf(call: Call) -> Effect:
    """Read the text of a PDF file. Pictures of text, as from a scanner, have none."""
    payload: dict[str, Json] = {"file_path": path_at(call, "file_path", "read_pdf")}
    for pin in ("page_start", "page_end", "max_chars"):
        given = call.get(pin)
        if given not in (None, "") and (value := positive(whole(given, pin))) is not None:
            payload[pin] = value
    first, last = payload.get("page_start", 1), payload.get("page_end")
    if last is not None and last < first:
        message = f"'page_end' ({last}) comes before 'page_start' ({first})."
        raise NodeError(message, code="pdf.pages", pin="page_end")
    return Effect(EffectType.READ_PDF, payload)


_WROTE = {"bytes": 1200, "file_path": "a.pdf", "sha256": "ab", "content_type": _PDF}


@effect(
    "write_pdf",
    family="files",
    label="Write PDF",
    sentence="Write {content} to {file_path|name}",
    inputs=(
        EXEC_IN,
        Pin("file_path", "workspace_file", description=PATH_HELP),
        Pin(
            "content",
            "any",
            description="What to write: text or Markdown; data is shown as JSON.",
            widget="text",
        ),
        Pin("title", "string", description="The title of the document."),
    ),
    outputs=(
        EXEC_OUT,
        Pin("bytes", "number", description="How long the file is."),
        Pin("file_path", "workspace_file", description="Its path in the workspace."),
        Pin("sha256", "string", description="Its fingerprint."),
        Pin("content_type", "string", description="Its kind."),
    ),
    seldom=("bytes", "sha256", "content_type"),
    settle=told,
    carries="own",
    main="file_path",
    check=check_path,
    keywords=("report", "print", "document", "export", "markdown"),
    examples=(
        Example(
            {"file_path": "a.pdf", "content": "# Hello", "title": "Greeting"},
            {
                "effect": {
                    "type": "write_pdf",
                    "payload": {"file_path": "a.pdf", "content": "# Hello", "title": "Greeting"},
                },
                "settled": _WROTE,
            },
            reply=_WROTE,
        ),
        Example(
            {"file_path": "a.pdf", "content": {"tea": 3}},
            {
                "effect": {
                    "type": "write_pdf",
                    "payload": {"file_path": "a.pdf", "content": '{\n  "tea": 3\n}'},
                }
            },
        ),
        Example({"content": "x"}, error="write_pdf requires a non-empty 'file_path' input."),
    ),
)
def write_pdf(call: Call) -> Effect:
    """Write a text as a PDF file: headings, lists, tables and paragraphs as in Markdown."""
    content = call.get("content")
    body = json_text(content, indent=2) if isinstance(content, (dict, list)) else text(content)
    fitting(len(body), "content")
    payload = {"file_path": path_at(call, "file_path", "write_pdf"), "content": body}
    if title := text(call.get("title")).strip():
        payload["title"] = title
    return Effect(EffectType.WRITE_PDF, payload)
