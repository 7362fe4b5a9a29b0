"""What is written in flows is found, and lists without a row offer what one would want there."""

from __future__ import annotations

from web.conftest import Client
from web.documents import asking, flow, hello, node, start
from web.test_pages import post, see


def written() -> dict[str, object]:
    """A flow whose name says nothing of what stands in it."""
    code = node("sum", "code", label="Add up", codeBody="return {'total': qty * PRICE_LIST['zinc']}")
    note = {"n1": {"x": 0, "y": 0, "w": 100, "h": 80, "text": "Ask **Berta** about the discount"}}
    say = node(
        "say", "answer_user", label="Tell", pinDefaults={"message": "Rabatt 17.5"}, canvas={"notes": note}
    )
    return flow("offers", [start(), code, say], [("start", "sum"), ("sum", "say")])


def test_a_flow_is_found_by_what_stands_in_it(client: Client) -> None:
    client.save(written())
    client.save(hello())
    for words, title, at in (
        ("price_list ZINC", "Add up", "sum"),
        ("berta discount", "Tell", "say"),
        ("17.5", "Tell", "say"),
        ("offers zinc", "Add up", "sum"),
    ):
        page = see(client, f"/flows?q={words.replace(' ', '+')}")
        assert f"/flows/offers?at={at}" in page.values("href"), words
        assert f"in {title} : " in page.text, words
        assert "/flows/hello" not in page.values("href"), words


def test_words_that_stand_nowhere_together_are_not_found(client: Client) -> None:
    client.save(written())
    page = see(client, "/flows?q=zinc+berta")
    assert "/flows/offers" not in " ".join(page.values("href"))
    assert "Neither a name nor what is written in a flow" in page.text
    assert "/flows" in page.values("href")


def test_what_is_written_anew_is_found_and_the_old_is_not(client: Client) -> None:
    document = written()
    client.save(document)
    assert "offers?at=sum" in " ".join(see(client, "/flows?q=zinc").values("href"))
    nodes = document["nodes"]
    assert isinstance(nodes, list)
    nodes[1]["data"]["codeBody"] = "return {'total': 1} # lead"
    revision = client.get("/api/flows/offers").headers["ETag"]
    client.put("/api/flows/offers", json=document, headers={"If-Match": revision}).raise_for_status()
    assert "offers" not in " ".join(see(client, "/flows?q=zinc").values("href"))
    assert "offers?at=sum" in " ".join(see(client, "/flows?q=lead").values("href"))


def test_an_empty_inbox_shows_what_was_answered(client: Client) -> None:
    client.save(asking())
    first, other = client.launch("asking"), client.launch("asking")
    assert "Answered by you" not in see(client, "/inbox").text
    for run, words in ((first, "blue, as ever"), (other, "green")):
        prompt = client.asked(run)
        post(client, f"/inbox/{run}", wait_key=prompt["wait_key"], text=words)
        client.until(run, "completed")
    page = see(client, "/inbox")
    assert "Nothing waits for you" in page.text
    assert page.text.index("green") < page.text.index("blue, as ever")
    assert f"/inbox/{first}" in page.values("href")


def test_a_list_without_runs_offers_the_flow_that_was_saved_last(client: Client) -> None:
    assert "/gallery" in see(client, "/runs").values("href")
    client.save(asking())
    client.save(hello())
    page = see(client, "/runs")
    assert "/flows/hello/run" in page.values("href")
    assert "/flows/hello/run" not in see(client, "/runs?status=failed").values("href")
