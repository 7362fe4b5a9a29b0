"""Two versions as text: every line of both is there to be read off, and what differs is marked."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as some

from flowstudio.library_text import write_document
from flowstudio.pages.text_difference import AROUND, text_difference
from web.conftest import Client
from web.documents import end, flow, node, start
from web.test_pages import see


def taxed(rate: float, **more: Any) -> dict[str, Any]:
    vat = node("vat", "multiply", label="Compute VAT", pinDefaults={"rate": rate})
    return flow("taxed", [start("net"), vat, end("vat")], [("start", "end"), ("start.net", "vat.a")], **more)


def test_a_changed_line_stands_twice_with_its_numbers_and_the_word_marked() -> None:
    found = text_difference(taxed(0.24, updated_at="a"), taxed(0.255, updated_at="b")).lines
    removed, added = (next(line for line in found if line.state == state) for state in ("removed", "added"))
    assert removed.before == added.after > 0
    assert (removed.after, added.before) == (0, 0)
    assert [each.text for each in removed.pieces if each.differs] == ["24"]
    assert [each.text for each in added.pieces if each.differs] == ["255"]
    states = [line.state for line in found]
    assert states == ["gap", *["same"] * AROUND, "removed", "added", *["same"] * AROUND, "gap"]


def test_the_same_text_has_no_line() -> None:
    assert text_difference(taxed(1), taxed(1)).lines == ()


@given(some.lists(some.sampled_from("abc"), max_size=30), some.lists(some.sampled_from("abc"), max_size=30))
def test_what_is_told_leads_from_one_text_to_the_other(one: list[str], other: list[str]) -> None:
    old, new = (flow("f", [], [], notes=each) for each in (one, other))
    lines = text_difference(old, new).lines
    told = {
        side: {line.before if side == "removed" else line.after: "".join(p.text for p in line.pieces) for line in lines if line.state in ("same", side)}
        for side in ("removed", "added")
    }  # fmt: skip
    gaps = [line for line in lines if line.state == "gap"]
    texts = [write_document(each).decode().splitlines() for each in (old, new)]
    for number, line in told["removed"].items():
        assert texts[0][number - 1] == line
    for number, line in told["added"].items():
        assert texts[1][number - 1] == line
    if one != other:
        hidden = sum(line.after - line.before + 1 for line in gaps)
        assert len(told["removed"]) + hidden == len(texts[0])
        assert len(told["added"]) + hidden == len(texts[1])


def test_a_large_flow_is_compared_soon() -> None:
    nodes = [node(f"n{at}", "multiply", pinDefaults={"rate": at}) for at in range(1_000)]
    other = [{**each, "position": {"x": at, "y": 5}} for at, each in enumerate(nodes)]
    begin = perf_counter()
    found = text_difference(flow("f", nodes, []), flow("f", other, []))
    assert found.lines
    assert found.is_cut
    assert perf_counter() - begin < 5


def test_the_page_shows_it_without_script(client: Client) -> None:
    client.save(taxed(0.24))
    assert client.post("/api/flows/taxed/versions", json={"name": "<b>One</b>"}).status_code == 201
    assert client.put("/api/flows/taxed", json=taxed(0.255), headers={"If-Match": "*"}).status_code == 200
    page = see(client, "/flows/taxed/diff/1..draft")
    assert "/flows/taxed/diff/1..draft?text=1" in page.values("href")
    text = see(client, "/flows/taxed/diff/1..draft?text=1")
    assert text.values("data-line").count("removed") == 1
    assert '<ins><span class="unseen">[added: </span>255<span class="unseen">]</span></ins>' in text.html
    assert not text.named("div", id="diff-canvas")
    assert client.put("/api/flows/taxed/published", json={"version": 1}).status_code == 200
    assert see(client, "/flows/taxed/publish?text=1").values("data-line").count("added") == 1
