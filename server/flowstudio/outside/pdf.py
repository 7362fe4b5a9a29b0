"""PDF files: their text, and a text as one. By libraries: pypdf reads, reportlab writes."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator
from typing import Any

from pypdf import PdfReader
from pypdf.errors import PyPdfError
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle, PropertySet, getSampleStyleSheet
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Flowable, Paragraph, Preformatted, SimpleDocTemplate, Spacer, Table, TableStyle

from abstractruntime.storage.workspace import WorkspaceError

Json = Any

MOST_CHARS = 2_000_000
MOST_PAGES = 5_000
_FONTS = {"Vera": "Vera.ttf", "VeraBd": "VeraBd.ttf"}
_HEADING = re.compile(r"(#{1,4})\s+(.*)")
_ITEM = re.compile(r"\s*(?:[-*]|\d+[.)])\s+(.*)")
_BETWEEN = re.compile(r"(?<!\\)\|")  # cells; a bar with a back-slash before it is one of the text
_RULE = re.compile(r"\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*")
_NO_TEXT = "These pages hold no text; they may be pictures."
_WIDTH = A4[0] - 40 * mm
_MOST_COLUMNS = 12  # of a table on a page; a wider one is shown as its text


def read_pdf(body: bytes, *, first: int, last: int | None, most: int | None, name: str) -> dict[str, Json]:
    """Return `{"content", "pages", "processed_pages", "metadata", "warnings", "truncated"}`.

    Raises WorkspaceError for what is no PDF, is locked, or has no such pages.
    """
    try:
        reader = PdfReader(io.BytesIO(body))
        if reader.is_encrypted and not reader.decrypt(""):
            raise WorkspaceError(f"'{name}' is locked with a password.")
        pages = len(reader.pages)
        about = {key.lstrip("/").lower(): str(value) for key, value in (reader.metadata or {}).items()}
    except (PyPdfError, ValueError, KeyError, TypeError, RecursionError) as error:
        if isinstance(error, WorkspaceError):
            raise
        raise WorkspaceError(f"'{name}' cannot be read as a PDF: {error}") from None
    if first > pages:
        raise WorkspaceError(f"'{name}' has {pages} pages; there is no page {first}.")
    end = min(pages, last or pages, first - 1 + MOST_PAGES)
    limit = min(most or MOST_CHARS, MOST_CHARS)
    parts: list[str] = []
    warnings: list[str] = []
    length, done = 0, 0
    for number in range(first, end + 1):
        try:
            said = reader.pages[number - 1].extract_text()
        except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            warnings.append(f"Page {number} could not be read: {error}")
            said = ""
        done += 1
        parts.append(said)
        length += len(said) + 2
        if length > limit:
            break
    content = "\n\n".join(parts)
    is_cut = len(content) > limit or done < end - first + 1
    if not content.strip():
        warnings.append(_NO_TEXT)
    return {
        "content": content[:limit],
        "pages": pages,
        "processed_pages": done,
        "metadata": about,
        "warnings": warnings,
        "truncated": is_cut,
    }


def pdf_text(body: bytes) -> str:
    """Return the text of all pages; raise WorkspaceError for what cannot be read or holds no text."""
    content = str(read_pdf(body, first=1, last=None, most=None, name="The attachment")["content"])
    if not content.strip():
        raise WorkspaceError(_NO_TEXT)
    return content


def pdf_of(text: str, *, title: str) -> bytes:
    """Return a text as a PDF: headings, lists, tables, code and paragraphs as Markdown marks them.

    The same text gives the same bytes. Raises WorkspaceError for signs that the font does not have.
    """
    fonts = {name: TTFont(name, file) for name, file in _FONTS.items()}
    for font in fonts.values():
        pdfmetrics.registerFont(font)
    known = fonts["Vera"].face.charToGlyph
    strange = sorted({sign for sign in f"{text}{title}" if ord(sign) not in known and not sign.isspace()})
    if strange:
        shown = " ".join(strange[:10])
        raise WorkspaceError(f"The font of PDF files has no sign for: {shown}")
    out = io.BytesIO()
    sheet = SimpleDocTemplate(
        out,
        pagesize=A4,
        title=title or "Document",
        author="",
        invariant=1,
        leftMargin=20 * mm,
        rightMargin=20 * mm,
        topMargin=20 * mm,
        bottomMargin=20 * mm,
    )
    story = list(_blocks(text, title))
    sheet.build(story or [Spacer(1, 1)])
    return out.getvalue()


def _blocks(text: str, title: str) -> Iterator[Flowable]:
    styles = getSampleStyleSheet()
    for style in styles.byName.values():
        style.fontName = "VeraBd" if style.name.startswith(("Heading", "Title")) else "Vera"
    if title:
        yield Paragraph(html.escape(title), styles["Title"])
    lines = text.expandtabs(4).split("\n")
    paragraph: list[str] = []
    rows: list[str] = []
    code: list[str] | None = None

    def flushed() -> Iterator[Flowable]:
        if paragraph:
            yield Paragraph(html.escape(" ".join(paragraph)), styles["BodyText"])
            paragraph.clear()
        if rows:
            yield _table(rows, styles["BodyText"])
            rows.clear()

    for line in [*lines, ""]:
        if code is not None:
            if line.strip().startswith("```"):
                yield Preformatted("\n".join(code), styles["Code"], maxLineLength=90)
                code = None
            else:
                code.append(line)
            continue
        heading, item = _HEADING.match(line), _ITEM.match(line)
        if line.strip().startswith("```"):
            yield from flushed()
            code = []
        elif heading:
            yield from flushed()
            yield Paragraph(html.escape(heading.group(2)), styles[f"Heading{len(heading.group(1))}"])
        elif item:
            yield from flushed()
            yield Paragraph(html.escape(item.group(1)), styles["BodyText"], bulletText="-")
        elif line.lstrip().startswith("|"):
            if paragraph:
                yield from flushed()
            rows.append(line)
        elif line.strip():
            if rows:
                yield from flushed()
            paragraph.append(line.strip())
        else:
            yield from flushed()
    if code:
        yield Preformatted("\n".join(code), styles["Code"], maxLineLength=90)


def _table(lines: list[str], style: PropertySet) -> Flowable:
    """Return a table of lines between bars; the line above a rule is its head, repeated on each page."""
    small = ParagraphStyle("cell", style, fontSize=8, leading=10, spaceBefore=0, spaceAfter=0)
    bold = ParagraphStyle("head", small, fontName="VeraBd")
    head = int(len(lines) > 1 and len(lines[0]) < 500 and bool(_RULE.fullmatch(lines[1])))
    rows = [_cells(line) for line in lines if not _RULE.fullmatch(line)] or [[""]]
    width = max(map(len, rows))
    if width > _MOST_COLUMNS:
        return Preformatted("\n".join(lines), getSampleStyleSheet()["Code"], maxLineLength=90)
    told = [
        [Paragraph(html.escape(cell), bold if place < head else small) for cell in (*row, *[""] * width)][
            :width
        ]
        for place, row in enumerate(rows)
    ]
    lengths = [max(len(row[place]) if place < len(row) else 0 for row in rows) for place in range(width)]
    shares = [min(max(length, 6), 40) + 3 for length in lengths]  # a short word is not broken, a long text is
    return Table(
        told,
        colWidths=[_WIDTH * each / sum(shares) for each in shares],
        repeatRows=head,
        splitInRow=1,  # one cell may be longer than a page
        spaceBefore=6,
        spaceAfter=6,
        style=TableStyle(
            [("VALIGN", (0, 0), (-1, -1), "TOP"), ("LINEBELOW", (0, 0), (-1, -1), 0.4, colors.lightgrey)]
        ),
    )


def _cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return [re.sub(r"\\(.)", r"\1", cell.strip()) for cell in _BETWEEN.split(inner)]
