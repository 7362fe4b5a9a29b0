"""Tables as text: CSV in, CSV out, and a table that people read."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from typing import Any

from .define import Call, Example, NodeError, Pin, pure
from .values import described, fitting, items, number, text, truth

Json = Any

_SIGNS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}
_DELIMITERS = ("auto", *_SIGNS)
_WRITTEN = tuple(_SIGNS)
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?")
_DELIMITER_HELP = "What stands between two cells."


def _delimiter(value: Json, sample: str) -> str:
    word = text(value).strip().lower() or "auto"
    if word in _SIGNS:
        return _SIGNS[word]
    if word != "auto":
        raise NodeError(
            f"'delimiter' takes one of {', '.join(_DELIMITERS)}, but got {described(value)}.",
            code="table.delimiter",
            pin="delimiter",
        )
    first = re.sub(r'"[^"]*"', "", sample.split("\n", 1)[0])
    return max(_SIGNS.values(), key=first.count)


def _rows_of(content: str) -> Iterator[str]:
    """Yield the lines of a text, each with its end."""
    begin = 0
    while begin < len(content):
        end = content.find("\n", begin) + 1 or len(content)
        yield content[begin:end]
        begin = end


class _Written:
    """What a writer writes to: pieces of text and their length."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.length = 0

    def write(self, piece: str) -> int:
        """Take a piece."""
        self.pieces.append(piece)
        self.length += len(piece)
        return len(piece)


def _lines(content: str, delimiter: str) -> list[list[str]]:
    reader = csv.reader(_rows_of(content), delimiter=delimiter, strict=True)
    try:
        return [cells for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise NodeError(
            f"The table cannot be read at line {reader.line_num}: {error}.",
            code="table.unreadable",
            pin="text",
        ) from None


def _names(heads: Iterable[str], width: int) -> list[str]:
    """Return a name of its own for every column: blank ones are numbered, doubled ones get a number."""
    names: list[str] = []
    given = [head.strip() for head in heads]
    for place in range(max(width, len(given))):
        name = base = (given[place] if place < len(given) else "") or f"column_{place + 1}"
        count = 1
        while name in names:
            count += 1
            name = f"{base}_{count}"
        names.append(name)
    return names


def _cell(cell: str, numbers: bool) -> Json:
    return number(cell) if numbers and _NUMBER.fullmatch(cell) else cell


@pure(
    "parse_table",
    family="lists",
    label="Parse Table",
    sentence="Table in {text}",
    inputs=(
        Pin("text", "string", "", "The table as text, as a spreadsheet exports it (CSV)."),
        Pin("header", "boolean", True, "Whether the first line names the columns."),
        Pin("delimiter", "string", "auto", _DELIMITER_HELP, choices=_DELIMITERS),
        Pin("numbers", "boolean", False, "Whether cells such as 12 or -3.5 become numbers; 007 stays text."),
    ),
    outputs=(
        Pin("rows", "array", description="One object per row, by column; without header one list per row."),
        Pin("columns", "array", description="The names of the columns, in order."),
        Pin("count", "number", description="How many rows there are."),
    ),
    keywords=("csv", "spreadsheet", "excel", "rows", "columns", "import", "read"),
    examples=(
        Example(
            {"text": 'name;town\nAda;"Paris; France"\n\nBob;Oslo\n'},
            {
                "rows": [{"name": "Ada", "town": "Paris; France"}, {"name": "Bob", "town": "Oslo"}],
                "columns": ["name", "town"],
                "count": 2,
            },
            note="Blank lines do not count, and quoted cells may hold the sign between cells.",
        ),
        Example(
            {"text": "id,amount,amount\n007,12.50\n8,3,4,5", "numbers": True},
            {
                "rows": [
                    {"id": "007", "amount": 12.5, "amount_2": "", "column_4": ""},
                    {"id": 8, "amount": 3, "amount_2": 4, "column_4": 5},
                ],
                "columns": ["id", "amount", "amount_2", "column_4"],
                "count": 2,
            },
            note="Nothing is lost: doubled and missing names are completed, short rows are filled with nothing.",
        ),
        Example(
            {"text": "1|2\n3|4", "header": False},
            {"rows": [["1", "2"], ["3", "4"]], "columns": ["column_1", "column_2"], "count": 2},
        ),
        Example({"text": ""}, {"rows": [], "columns": [], "count": 0}),
        Example({"text": 'a,b\n1,"never closed'}, error="cannot be read at line 2"),
    ),
)
def parse_table(call: Call) -> dict[str, Json]:
    """Turn the text of a table (CSV) into rows.

    The sign between the cells is found in the first line unless you choose it. Every row has every
    column.
    """
    content = text(call.get("text")).removeprefix("\ufeff")
    lines = _lines(content, _delimiter(call.get("delimiter"), content))
    has_header = truth(call.get("header", True), "header")
    numbers = truth(call.get("numbers", False), "numbers")
    width = max((len(cells) for cells in lines), default=0)
    names = _names(lines[0] if has_header and lines else (), width)
    body = [
        [_cell(cell, numbers) for cell in (*cells, *[""] * (width - len(cells)))]
        for cells in (lines[1:] if has_header else lines)
    ]
    rows: list[Json] = [dict(zip(names, cells, strict=True)) for cells in body] if has_header else list(body)
    return {"rows": rows, "columns": names, "count": len(rows)}


def _columns(given: Json, rows: list[Json]) -> list[str]:
    """Return the columns asked for, else those of all rows in the order in which they appear."""
    chosen = [text(each) for each in items(given)]
    if chosen:
        return chosen
    found: dict[str, None] = {}
    for row in rows:
        if isinstance(row, dict):
            found.update(dict.fromkeys(row))
        else:
            found.update(dict.fromkeys(f"column_{place + 1}" for place in range(len(items(row)))))
    return list(found)


def _cells(row: Json, columns: list[str]) -> list[str]:
    if isinstance(row, dict):
        return [text(row.get(name)) for name in columns]
    cells = [text(each) for each in items(row)]
    return (cells + [""] * len(columns))[: max(len(columns), len(cells))]


_ROWS = Pin("rows", "array", None, "The rows: objects by column, or lists of cells.")
_COLUMNS = Pin("columns", "array", None, "Which columns, in which order; empty: all.", widget="lines")


@pure(
    "write_table",
    family="lists",
    label="Write Table",
    sentence="{rows} as a table in text",
    inputs=(
        _ROWS,
        _COLUMNS,
        Pin("header", "boolean", True, "Whether the first line names the columns."),
        Pin("delimiter", "string", "comma", _DELIMITER_HELP, choices=_WRITTEN),
    ),
    outputs=(
        Pin("text", "string", description="The table as text (CSV), ready for a file."),
        Pin("count", "number", description="How many rows it has."),
    ),
    keywords=("csv", "spreadsheet", "excel", "export", "rows", "save"),
    examples=(
        Example(
            {"rows": [{"name": "Ada", "town": "Paris, France"}, {"name": "Bob", "age": 7}]},
            {"text": 'name,town,age\nAda,"Paris, France",\nBob,,7\n', "count": 2},
        ),
        Example(
            {"rows": [{"a": 1, "b": [2, 3]}], "columns": ["b", "a"], "delimiter": "semicolon"},
            {"text": "b;a\n[2, 3];1\n", "count": 1},
            note="A list or an object in a cell is written as JSON.",
        ),
        Example({"rows": [["x", "y"]], "header": False}, {"text": "x,y\n", "count": 1}),
        Example({"rows": [{"a": 1}], "delimiter": "colon"}, error="takes one of"),
    ),
)
def write_table(call: Call) -> dict[str, Json]:
    """Turn rows into the text of a table (CSV).

    Write it into a file with Write File. Cells are quoted where they must be.
    """
    rows = items(call.get("rows"))
    columns = _columns(call.get("columns"), rows)
    sign = text(call.get("delimiter")).strip().lower()
    if sign not in _SIGNS:
        raise NodeError(
            f"'delimiter' takes one of {', '.join(_WRITTEN)}, but got {described(sign)}.",
            code="table.delimiter",
            pin="delimiter",
        )
    target = _Written()
    writer = csv.writer(target, delimiter=_SIGNS[sign], lineterminator="\n")
    if columns and truth(call.get("header", True), "header"):
        writer.writerow(columns)
    for row in rows:
        writer.writerow(_cells(row, columns))
        fitting(target.length, "rows")
    return {"text": "".join(target.pieces), "count": len(rows)}


def _shown(cell: str) -> str:
    return cell.replace("\\", "\\\\").replace("|", "\\|").replace("\r", "").replace("\n", " ").strip()


@pure(
    "table_of_results",
    family="lists",
    label="Table of Results",
    sentence="Table of {rows}[ with the columns {columns}]",
    inputs=(_ROWS, _COLUMNS, Pin("title", "string", "", "A heading above the table.")),
    outputs=(Pin("text", "string", description="The table in Markdown, for a message, a report or a file."),),
    keywords=("markdown", "report", "summary", "show", "rows"),
    examples=(
        Example(
            {"rows": [{"open": 2, "name": "A|B"}], "columns": ["name", "open"], "title": "Matched"},
            {"text": "### Matched\n\n| name | open |\n| --- | --- |\n| A\\|B | 2 |\n"},
        ),
        Example({"rows": []}, {"text": "(no rows)\n"}),
    ),
)
def table_of_results(call: Call) -> dict[str, Json]:
    """Show rows as a table that people can read."""
    rows = items(call.get("rows"))
    columns = _columns(call.get("columns"), rows)
    title = _shown(text(call.get("title")))
    lines = [f"### {title}", ""] if title else []
    if not columns:
        return {"text": "\n".join([*lines, "(no rows)", ""])}
    lines += [_line(columns), _line(["---"] * len(columns))]
    lines += [_line(_cells(row, columns)) for row in rows]
    fitting(sum(map(len, lines)), "rows")
    return {"text": "\n".join([*lines, ""])}


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(map(_shown, cells))} |"
