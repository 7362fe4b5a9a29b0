"""How the values of a run are looked at in the data tab: as a table, by their parts, against the run before."""

from __future__ import annotations

from typing import Any

import pytest

from drive import flow, node
from flowstudio.pages.data_views import (
    MOST_CHANGES,
    MOST_PARTS,
    MOST_ROWS,
    changes_of,
    parts_of,
    table_of,
    words_of,
)
from web.conftest import Client
from web.page import Page


def test_a_list_of_objects_is_a_table_with_all_their_keys() -> None:
    table = table_of([{"name": "Ada", "age": 36}, {"age": 41, "tags": ["x"]}])
    assert table is not None
    assert table.columns == ["name", "age", "tags"]
    told = [[cell and cell.text for cell in row] for row in table.rows]
    assert told == [["Ada", "36", None], [None, "41", "list of 1"]]
    assert (table.more, table.others) == (0, 0)


@pytest.mark.parametrize("value", [[], [1, 2], [{"a": 1}, 2], {"a": [{}]}, "text", None, 3])
def test_anything_else_is_no_table(value: Any) -> None:
    assert table_of(value) is None


def test_a_table_says_what_it_leaves_out() -> None:
    wide = {f"k{number}": number for number in range(15)}
    table = table_of([wide] * (MOST_ROWS + 4) + ["… 20 more items"])
    assert table is not None
    assert (len(table.rows), table.more, table.others) == (MOST_ROWS, 4, 3)


def test_parts_have_the_path_that_an_expression_takes() -> None:
    value = {"lines": [{"price": 12.5}], 'a "b"': None, "…": "3 more keys"}
    parts = parts_of("order", value)
    told = [(each.depth, each.name, each.path, each.words.text) for each in parts]
    assert told == [
        (1, "lines", 'order["lines"]', "list of 1"),
        (2, "0", 'order["lines"][0]', "object of 1"),
        (3, "price", 'order["lines"][0]["price"]', "12.5"),
        (1, 'a "b"', 'order["a \\"b\\""]', "null"),
    ]
    for part in parts:
        eval(compile(part.path, "path", "eval"), {"order": value})  # every path leads somewhere
    assert len(parts_of("x", list(range(10_000)))) == MOST_PARTS


@pytest.mark.parametrize(
    ("value", "text", "kind"),
    [
        (None, "null", "null"),
        ("null", "“null”", "plain"),
        ("", "empty text", "empty"),
        ("empty text", "“empty text”", "plain"),
        (1, "1", "plain"),
        ("1", "“1”", "plain"),
        (True, "true", "plain"),
        ("true", "“true”", "plain"),
        ("list of 2", "“list of 2”", "plain"),
        ("Ada", "Ada", "plain"),
    ],
)
def test_null_empty_text_and_texts_that_read_like_them_are_told_apart(
    value: Any, text: str, kind: str
) -> None:
    assert (words_of(value).text, words_of(value).kind) == (text, kind)


def test_only_what_differs_is_told() -> None:
    before = {"a": 1, "b": {"c": [1, 2]}, "gone": 0, "same": "x"}
    now = {"a": True, "b": {"c": [1, 3, 4]}, "same": "x", "new": ""}
    told = {each.path: (each.before, each.now) for each in changes_of("v", before, now)}
    assert told == {
        'v["a"]': ("1", "true"),
        'v["b"]["c"][1]': ("2", "3"),
        'v["b"]["c"][2]': ("", "4"),
        'v["gone"]': ("0", ""),
        'v["new"]': ("", "empty text"),
    }
    assert changes_of("v", now, now) == []
    assert len(changes_of("v", list(range(50)), list(range(1, 51)))) == MOST_CHANGES


def tabled() -> dict[str, Any]:
    body = "return {'rows': [{'name': who, 'n': 1}, {'name': '<b>', 'n': 2}]}"
    nodes = {
        "start": node("on_flow_start", outs=["exec-out", "who|string"], pinDefaults={"who": "Ada"}),
        "work": node(
            "code",
            label="Work",
            ins=["exec-in", "who|string"],
            outs=["exec-out", "rows|array"],
            codeBody=body,
        ),
        "end": node("on_flow_end", ins=["exec-in"]),
    }
    return flow("tabled", nodes, "start -> work, work -> end, start.who -> work.who")


def test_the_data_tab_shows_table_paths_and_the_run_before(client: Client) -> None:
    document = tabled()
    client.save(document)
    work = next(each for each in document["nodes"] if each["id"] == "work")
    asked = {"flow_id": "tabled", "node": work, "wired": ["who"], "tab": "data"}
    client.until(client.launch("tabled"), "completed")
    page = Page(client.post("/editor/inspector", json=asked).text)
    assert 'rows[0]["name"]' in page.values("data-path-words")
    assert "Compared with" not in page.text
    assert "wire-from" in page.values("data-do")
    assert "<td>&lt;b&gt;</td>" in page.html, "values are text"
    client.until(client.launch("tabled", who="Bea"), "completed")
    page = Page(client.post("/editor/inspector", json=asked).text)
    words = " ".join(page.text.split())
    assert "Compared with the run of" in words
    assert 'rows[0]["name"] Ada Bea' in words
    assert "who Ada Bea" in words
