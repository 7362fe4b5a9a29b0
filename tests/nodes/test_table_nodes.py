"""Tables lose nothing on the way to text and back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from abstractruntime.nodes.define import NodeError
from nodes.calls import run

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
CELL = st.text(st.sampled_from(list("ab,;|\t\"' \n=é\u2028\\0")), max_size=6)
NAME = CELL.map(str.strip).filter(bool)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[dict[str, str]]]:
    columns = draw(st.lists(NAME, min_size=1, max_size=4, unique=True))
    rows = draw(st.lists(st.fixed_dictionaries(dict.fromkeys(columns, CELL)), max_size=5))
    return columns, [row for row in rows if any(cell.strip() for cell in row.values())]


@PATIENT
@given(tables(), st.sampled_from(["comma", "semicolon", "tab", "bar"]))
def test_a_table_comes_back_as_it_was_written(
    table: tuple[list[str], list[dict[str, str]]], sign: str
) -> None:
    columns, rows = table
    written = run("write_table", {"rows": rows, "columns": columns, "delimiter": sign})
    read = run("parse_table", {"text": written["text"], "delimiter": sign})
    assert read["rows"] == rows
    assert read["columns"] == columns


@PATIENT
@given(st.text(max_size=200))
def test_any_text_is_a_table_or_an_error_that_names_the_line(content: str) -> None:
    try:
        read = run("parse_table", {"text": content, "numbers": True})
    except NodeError as problem:
        read = {"rows": [], "columns": [], "said": str(problem)}
    assert all(list(row) == read["columns"] for row in read["rows"])
    assert "cannot be read at line" in read.get("said", "cannot be read at line")


def test_a_spreadsheet_on_windows_is_read_too() -> None:
    read = run("parse_table", {"text": "\ufeffname;age\r\nAda;36\r\n"})
    assert read["rows"] == [{"name": "Ada", "age": "36"}]


@pytest.mark.parametrize("cell", ["007", "1e5", "+4", "1.", "--1", "1,5", "99999999999999999999", "-", "inf"])
def test_a_cell_that_would_change_when_read_as_a_number_stays_text(cell: str) -> None:
    read = run("parse_table", {"text": f"value\n{cell}", "numbers": True, "delimiter": "tab"})
    assert read["rows"] == [{"value": cell}]


def test_mixed_rows_are_written_under_all_their_columns() -> None:
    rows: list[Any] = [{"a": 1}, {"b": None}, ["x"], 5]
    assert run("write_table", {"rows": rows})["text"] == "a,b,column_1\n1,,\n,,\nx,,\n5,,\n"


def test_signs_of_markdown_in_cells_stay_cells() -> None:
    shown = run("table_of_results", {"rows": [{"a": "x|y\nz", "b": "\\|"}]})["text"]
    assert shown.splitlines()[-1] == "| x\\|y z | \\\\\\| |"
