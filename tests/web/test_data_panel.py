"""The data tab: settings used, attempts, visits one by one, views of a value, what it is compared with."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from drive import end, flow, node, start
from flowstudio.pages.data_shapes import lines_of, shape_of
from flowstudio.pages.data_values import WINDOW
from flowstudio.pages.data_views import date_in, lines_between
from flowstudio.pages.html import cover_rule, covers
from web.conftest import Client
from web.moody import MoodyModel
from web.page import Page
from web.test_bad_models import provide

LONG = 600_000


def spelling(flow_id: str = "spelling", words: str = "one") -> dict[str, Any]:
    """A loop of two turns around a step that gives a list of objects, and a text of several lines."""
    body = (
        "rows = [{'n': 1, 'when': '2026-05-14'}, {'n': 2.5, 'tags': ['a', word]}]\n"
        f"return {{'rows': rows, 'text': 'first\\n' + word + '\\nlast', 'long': 'x' * {LONG}, 'when': '2026-05-14T09:30:00Z'}}"
    )
    nodes = {
        "start": node("on_flow_start", outs=["exec-out", "word|string"], pinDefaults={"word": "Ada"}),
        "for": node("for", pins={"start": 0, "end": 2, "step": 1}),
        "work": node(
            "code",
            label="Work",
            ins=["exec-in", "word|string", "kind|string"],
            outs=["exec-out", "rows|array", "text|string", "when|string", "long|string"],
            codeBody=body,
            pinDefaults={"kind": words},
        ),
        "end": node("on_flow_end", ins=["exec-in"]),
    }
    return flow(flow_id, nodes, "start -> for, for:loop -> work, for:done -> end, start.word -> work.word")


def look(client: Client, document: dict[str, Any], node_id: str, **more: Any) -> Page:
    given = next(each for each in document["nodes"] if each["id"] == node_id)
    asked = {"flow_id": document["id"], "node": given, "wired": ["word"], "tab": "data", **more}
    answer = client.post("/editor/inspector", json=asked)
    assert answer.status_code == 200, answer.text
    return Page(answer.text)


@pytest.fixture
def moody(client: Client) -> Iterator[MoodyModel]:
    made = MoodyModel()
    provide(client, made.url)
    yield made
    made.close()


def test_settings_are_those_of_the_run_and_say_what_is_otherwise_today(client: Client) -> None:
    document = spelling()
    client.save(document)
    client.until(client.launch("spelling"), "completed")
    page = look(client, document, "work")
    came_in, rest = page.text.split("Settings used")
    made, gave = rest.split("Came out")
    assert "kind constant one" in made
    assert "return {'rows'" in made
    assert "kind" not in came_in.partition("Came in")[2], "a constant did not come, it was set"
    assert "word text Ada" in came_in
    assert "rows list of 2" in gave
    assert "Today" not in page.text
    changed = spelling(words="two")
    assert "kind constant one Today: two" in look(client, changed, "work").text
    work = next(each for each in changed["nodes"] if each["id"] == "work")
    del work["data"]["pinDefaults"]
    assert "kind constant one Today: no longer set" in look(client, changed, "work").text


def test_each_attempt_has_a_tab_and_says_what_came_of_it(client: Client, moody: MoodyModel) -> None:
    asks = node("llm_call", pins={"prompt": "Count"}, policy={"retries": 3, "pause": 0.2})
    document = flow("asks", {"start": start(), "one": asks, "end": end()}, "start -> one, one -> end")
    client.save(document)
    moody.mood = "busy"
    run_id = client.launch("asks")
    client.wait(lambda: len(moody.asked), lambda count: count >= 1)
    moody.mood = "good"
    client.until(run_id, "completed", seconds=30)
    page = look(client, document, "one")
    numbers = page.values("data-attempt")
    assert numbers[:2] == ["1", "2"]
    assert "Differs from the attempt before" in page.text
    assert "You said Count." in page.text.partition("Came out")[2]
    early = look(client, document, "one", attempt=1)
    told = early.text.partition("Came of attempt 1")[2]
    assert "error text" in told
    assert "You said Count." not in told
    assert "attempts policy 4, the first pause 0.2 s" in early.text


def test_visits_stand_one_by_one_in_a_strip(client: Client) -> None:
    document = spelling()
    client.save(document)
    client.until(client.launch("spelling"), "completed")
    page = look(client, document, "work")
    ticks = [tag for tag in page.named("button", role="tab") if "data-visit" in tag.attributes]
    assert [tag.attributes["aria-selected"] for tag in ticks] == ["false", "true"]
    assert [tag.attributes["tabindex"] for tag in ticks] == ["-1", "0"]
    assert ticks[0].attributes["aria-label"] == "Visit 1, Done"


@pytest.mark.parametrize(
    ("view", "words"),
    [
        ("table", "missing"),
        ("tree", 'rows[1]["tags"][0]'),
        ("raw", '[{"n": 1, "when": "2026-05-14"}, {"n": 2.5, "tags": ["a", "Ada"]}]'),
        ("schema", "rows list of objects n number when ? date tags ? list of text"),
    ],
)
def test_a_value_is_looked_at_in_one_of_its_views(client: Client, view: str, words: str) -> None:
    document = spelling()
    client.save(document)
    client.until(client.launch("spelling"), "completed")
    page = look(client, document, "work", views={"out rows": view})
    assert words in page.text or words in page.values("data-path-words")
    assert f'<option value="{view}" selected>' in page.html
    kept = look(client, document, "work", views={"out rows": "no such view"})
    assert '<option value="table" selected>' in kept.html


def test_a_value_is_compared_with_a_visit_a_run_and_a_version(client: Client) -> None:
    document = spelling()
    client.save(document)
    first = client.launch("spelling", word="Bea")
    client.until(first, "completed")
    changed = spelling(words="two")
    revision = client.get("/api/flows/spelling").headers["ETag"]
    put = client.put("/api/flows/spelling", json=changed, headers={"If-Match": revision})
    assert put.status_code == 200, put.text
    client.until(client.launch("spelling"), "completed")
    run = look(client, changed, "work", views={"out text": "difference"})
    assert "Compared with the run of" in run.text
    assert "- Bea + Ada" in run.text
    visit = look(client, changed, "work", against="visit")
    assert "Differs from" not in visit.text
    assert 'value="visit" selected' in visit.html
    chosen = look(client, changed, "work", against=first, visit=1)
    assert "Differs from the run of" in chosen.text
    version = next(each for each in run.values("value") if each.startswith("version:"))
    assert "Differs from version 1" in look(client, changed, "work", against=version).text
    nothing = look(client, changed, "work", against="none")
    assert "Differs from" not in nothing.text
    beside = client.get(
        "/editor/compare",
        params={"flow": "spelling", "run": first, "node": "work", "pin": "text", "other": version},
    )
    assert "No difference" in beside.text or "Bea" in beside.text


def test_the_tab_stays_small_whatever_a_value_holds(client: Client) -> None:
    document = spelling()
    client.save(document)
    run_id = client.launch("spelling")
    client.until(run_id, "completed")
    page = look(client, document, "work", views={"out long": "raw"})
    assert len(page.html) < 64_000, "hundreds of thousands of characters are not on the page"
    part = Page(client.get("/editor/value", params={"run": run_id, "node": "work", "pin": "long"}).text)
    assert len(part.html) < WINDOW + 2_000
    assert f"{LONG - WINDOW:,} characters are left" in part.text


def test_a_large_input_is_read_on_while_its_source_has_given_nothing_else(client: Client) -> None:
    document = spelling()
    reads = node(
        "code",
        label="Reads",
        ins=["exec-in", "long|string"],
        outs=["exec-out"],
        codeBody="return {'n': len(long)}",
    )
    document["nodes"].append({**document["nodes"][0], "id": "reads", **reads})
    document["edges"] += [
        {
            "id": "x1",
            "source": "work",
            "sourceHandle": "exec-out",
            "target": "reads",
            "targetHandle": "exec-in",
        },
        {"id": "x2", "source": "work", "sourceHandle": "long", "target": "reads", "targetHandle": "long"},
    ]
    client.save(document)
    run_id = client.launch("spelling")
    client.until(run_id, "completed")
    asked = {"run": run_id, "node": "reads", "pin": "long", "side": "in"}
    assert (
        f"{LONG - WINDOW:,} characters are left" in Page(client.get("/editor/value", params=asked).text).text
    )
    page = look(client, document, "reads")
    buttons = [tag.attributes for tag in page.named("button") if tag.attributes.get("data-do") == "whole"]
    assert [(each["data-side"], each["data-pin"]) for each in buttons] == [("in", "long")]
    early = look(client, document, "reads", visit=1)
    assert "Show it whole" not in early.text, "of an earlier visit the run holds no more than the ledger"
    gone = client.get("/editor/value", params={**asked, "pin": "other"})
    assert "no longer holds" in gone.text


def test_the_shape_of_a_value_is_what_all_its_items_fit() -> None:
    value = [{"id": 1, "who": None}, {"id": 2.5, "who": "Ada"}, {"id": 3, "who": {"name": "Bea"}, "x": []}]
    shape, is_cut = shape_of(value)
    assert not is_cut
    items = shape["items"]
    assert items["required"] == ["id", "who"]
    assert items["properties"]["id"] == {"type": "number"}
    told = [(line.depth, line.name, line.words, line.is_always) for line in lines_of("v", shape)]
    assert told == [
        (1, "v", "list of objects", True),
        (2, "id", "number", True),
        (2, "who", "object or null or text", True),
        (3, "name", "text", True),
        (2, "x", "empty list", False),
    ]
    assert shape_of(list(range(5_000)))[1], "only the beginning of a long list is looked at"
    assert json.loads(json.dumps(shape)) == shape


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("2026-05-14", "date"),
        ("2026-05-14T09:30:00Z", "date-time"),
        ("2026-05-14 09:30", "date-time"),
        ("2026-13-14", ""),
        ("2026-05-14 or later", ""),
        ("20260514", ""),
    ],
)
def test_a_text_is_a_date_only_when_it_is_one(text: str, form: str) -> None:
    assert date_in(text) == form


def test_the_lines_of_a_text_that_differ_stand_with_their_neighbours() -> None:
    assert lines_between("a\nb\nc", "a\nx\nc") == [("…", ""), (" ", "a"), ("-", "b"), ("+", "x"), (" ", "c")]
    assert lines_between("same", "same") == []


def test_what_was_covered_is_hatched_with_its_rule(client: Client) -> None:
    assert covers("key [secret] and [redacted: card numbers].")[1::2] == [
        "[secret]",
        "[redacted: card numbers]",
    ]
    assert cover_rule("[redacted: card numbers]") == "card numbers"
    document = flow(
        "covered",
        {
            "start": node(
                "on_flow_start", outs=["exec-out", "said|string"], pinDefaults={"said": "key [secret] <b>"}
            ),
            "work": node(
                "code", ins=["exec-in", "said|string"], outs=["exec-out"], codeBody="return {'back': said}"
            ),
            "end": node("on_flow_end", ins=["exec-in"]),
        },
        "start -> work, work -> end, start.said -> work.said",
    )
    client.save(document)
    run_id = client.launch("covered")
    client.until(run_id, "completed")
    whole = Page(client.get(f"/runs/{run_id}?steps=all").text)
    assert len(whole.named("mark", class_="covered")) >= 2, "the run's own page hatches it too"
    page = look(client, document, "work")
    marks = page.named("mark", class_="covered")
    assert len(marks) == 2
    assert marks[0].attributes["title"] == "Covered before it was kept: a secret of the server"
    assert "&lt;b&gt;" in page.html


@pytest.mark.parametrize(
    ("content_type", "element"),
    [
        ("image/png", "img"),
        ("audio/mpeg", "audio"),
        ("application/pdf", ""),
        ("image/svg+xml", ""),
        ("text/html", ""),
    ],
)
def test_a_file_is_shown_only_where_no_browser_would_run_it(
    client: Client, content_type: str, element: str
) -> None:
    held = {"$artifact": "a1", "run_id": "r1", "content_type": content_type}
    body = f"return {{'file': {json.dumps(held)}}}"
    nodes = {
        "start": node("on_flow_start", outs=["exec-out"]),
        "work": node("code", ins=["exec-in"], outs=["exec-out", "file|artifact"], codeBody=body),
        "end": node("on_flow_end", ins=["exec-in"]),
    }
    document = flow("filed", nodes, "start -> work, work -> end")
    client.save(document)
    client.until(client.launch("filed"), "completed")
    page = look(client, document, "work")
    shown = [tag.name for tag in page.tags if tag.name in ("img", "audio", "object", "embed", "iframe")]
    assert shown == ([element] if element else [])
    address = "/api/runs/r1/artifacts/a1/content"
    assert (address in page.values("src")) is bool(element)
    is_link = content_type not in ("image/svg+xml", "text/html")
    assert (address in page.values("href")) is is_link


def rows(count: int = 450) -> dict[str, Any]:
    """A loop over so many rows, of which every hundredth fails and the loop goes on."""
    nodes = {
        "start": start(),
        "for": node("for", pins={"start": 0, "end": count, "step": 1}),
        "work": node(
            "code",
            label="Check the row",
            ins=["exec-in", "n|number"],
            outs=["exec-out", "twice|number"],
            codeBody="if n % 100 == 50:\n    raise ValueError('not right')\nreturn {'twice': n * 2}",
            onError="continue",
        ),
        "end": end(),
    }
    return flow("rows", nodes, "start -> for, for:loop -> work, for.i -> work.n, for:done -> end")


def test_the_visits_of_a_long_loop_are_paged_and_lead_from_one_that_failed_to_the_next(
    client: Client,
) -> None:
    document = rows()
    client.save(document)
    run = client.launch("rows")
    client.until(run, "completed", seconds=60)

    def seen(visit: int) -> Page:
        return look(client, document, "work", background=run, visit=visit, wired=["n"])

    page = seen(0)
    assert "450 of 450" in page.text
    assert "446 done · 4 failed, went on · shown here: 401 to 450" in page.text
    assert ways(page) == {"before": 449, "earlier": 400, "failed-before": 351}
    page = seen(51)
    assert "Failed, went on" in page.text
    assert "shown here: 1 to 200" in page.text
    assert ways(page) == {"before": 50, "after": 52, "later": 201, "failed-after": 151}
    assert 'aria-label="Visit 51, Failed, went on"' in page.html
    assert page.html.count('class="visit-tick"') == 200
    assert ways(seen(201)) == {
        "before": 200,
        "after": 202,
        "earlier": 200,
        "later": 401,
        "failed-before": 151,
        "failed-after": 251,
    }


def ways(page: Page) -> dict[str, int]:
    """The ways from a visit to others: by what they are called, the number of the visit that they lead to."""
    found = re.findall(r'data-do="visit" data-side="([\w-]+)" data-visit="(\d+)"', page.html)
    return {side: int(number) for side, number in found if number != "0"}


def test_a_large_setting_shows_its_beginning(client: Client) -> None:
    nodes = {
        "start": start(),
        "tell": node("notify", pins={"to": "boss", "message": "m" * 100_000}),
        "end": end(),
    }
    document = flow("large", nodes, "start -> tell, tell -> end")
    client.save(document)
    run = client.launch("large")
    client.until(run, "completed")
    page = look(client, document, "tell", background=run, wired=[])
    assert "The first 20,000 of 100,000 characters. All of what is set today stands in Set-up." in page.text
    assert "100,052 characters in all" in page.text, "what it asked is cut too"
    assert "m" * 20_001 not in page.html.split("Asked of the world")[0]
