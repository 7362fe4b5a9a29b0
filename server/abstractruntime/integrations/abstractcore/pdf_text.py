"""The text of a PDF file, by AbstractCore's media stack where that is installed."""

from __future__ import annotations

import tempfile
from pathlib import Path

from .guard import NotInstalled, abstractcore, quiet_logging


def pdf_text(content: bytes) -> str:
    """Return the text of a PDF's pages; raise ValueError for one that cannot be read or holds no text."""
    try:
        stack = abstractcore("media.processors.pdf_processor", wanted_for="Reading PDF attachments")
    except NotInstalled as missing:
        raise ValueError(str(missing)) from None
    with quiet_logging(), tempfile.TemporaryDirectory(prefix="pdf-") as folder:
        file = Path(folder) / "attachment.pdf"
        file.write_bytes(content)
        told = stack.PDFProcessor(markdown_output=False, enable_events=False).process_file(file)
    if not told.success or told.media_content is None:
        raise ValueError(f"the PDF cannot be read: {str(told.error_message).replace(str(file), 'it')}")
    text = str(told.media_content.content)
    if not text.strip():
        raise ValueError("the pages of the PDF hold no text; they may be pictures")
    return text
