"""The pages: each renders, escapes, links to what is there, and says what its JSON twin says."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest

from web.conftest import Client
from web.documents import asking, asking_often, calling, counting, end, flow, hello, node, sleeping, start
from web.page import Page

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\" ' {{7919*7907}} {% raw %}"
PAGES = ("/", "/flows", "/runs", "/inbox", "/nodes", "/login")
AS_PERSON = {"Accept": "text/html"}


def see(client: Client, path: str, status: int = 200, **options: Any) -> Page:
    """Open a page as a browser does and read it strictly."""
    answer = client.get(path, headers=AS_PERSON, **options)
    assert answer.status_code == status, f"{path}: {answer.status_code} {answer.text[:400]}"
    assert answer.headers["content-type"].startswith("text/html")
    return Page(answer.text)


def post(client: Client, path: str, **fields: str) -> Any:
    """Send a form."""
    return client.post(path, headers=AS_PERSON, data=fields)


@pytest.fixture
def busy(client: Client) -> Client:
    """An app with flows and with runs in every state."""
    broken = flow(
        "broken",
        [
            start(),
            node("set", "set_var", pinDefaults={"name": "x"}),
            node("div", "divide", pinDefaults={"a": 1, "b": 0}),
            end(),
        ],
        [("start", "set"), ("div.result", "set.value"), ("set", "end")],
    )
    for document in (hello(), asking(), calling("asking"), sleeping(3600), broken):
        client.save(document)
    client.until(client.launch("hello", who="Ada"), "completed")
    client.until(client.launch("broken"), "failed")
    client.until(client.launch("sleeping"), "waiting")
    client.asked(client.launch("parent"))
    client.post(f"/api/runs/{client.launch('sleeping')}/cancel")
    return client


def every_page(client: Client) -> Iterator[str]:
    yield from PAGES
    yield from (f"/runs/{row['run_id']}" for row in client.get("/api/runs").json()["runs"])
    yield from (f"/inbox/{row['run_id']}" for row in client.get("/api/prompts").json()["prompts"])
    yield from (f"/flows/{row['id']}/run" for row in client.get("/api/flows").json()["flows"])
    yield from (
        "/nodes/ask_user",
        "/nodes/switch",
        "/runs?status=failed",
        "/runs?status=open&flow=hello",
    )


@pytest.mark.parametrize("path", PAGES)
def test_a_page_renders_with_nothing_to_show(client: Client, path: str) -> None:
    page = see(client, path)
    assert len(page.named("h1")) == 1
    assert len(page.named("main")) == 1


def test_empty_pages_say_what_to_do(client: Client) -> None:
    assert "No flow yet" in see(client, "/flows").text
    assert "No run yet" in see(client, "/runs").text
    assert "Nothing waits for you" in see(client, "/inbox").text
    assert "Runs here survive restarts" in see(client, "/").text


def test_every_page_renders_and_all_its_links_lead_somewhere(busy: Client) -> None:
    links: set[str] = set()
    for path in every_page(busy):
        page = see(busy, path)
        assert len(page.named("h1")) == 1, path
        ids = page.values("id")
        assert len(set(ids)) == len(ids), f"{path} has an id twice"
        assert set(page.values("for")) <= set(ids), f"{path} labels nothing"
        links |= {value for name in ("href", "src", "hx-get") for value in page.values(name)}
    for link in sorted(links):
        parts = urlsplit(link)
        assert not parts.netloc, f"{link} leads outside"
        if parts.path and not parts.path.startswith(("/static/dist/", "/static/css/")):
            answer = busy.get(link, headers=AS_PERSON)
            is_editor = parts.path.startswith("/flows/") and parts.path.count("/") == 2
            assert is_editor or answer.status_code in (200, 204), f"{link}: {answer.status_code}"


@pytest.mark.parametrize("sign", ["css/icons.svg", "css/mark.svg"])
def test_pages_name_only_icons_that_are_drawn(busy: Client, sign: str) -> None:
    drawn = set(Page(busy.get(f"/static/{sign}").text).values("id"))
    used = {
        link.partition("#")[2]
        for path in every_page(busy)
        for link in see(busy, path).values("href")
        if urlsplit(link).path == f"/static/{sign}" and "#" in link
    }
    assert used <= drawn


def test_text_of_people_and_flows_is_never_html(client: Client) -> None:
    document = asking(prompt=HOSTILE, choices=[HOSTILE, "no"])
    client.save({**document, "name": HOSTILE, "description": HOSTILE})
    document["nodes"][1]["data"]["label"] = HOSTILE
    client.save({**document, "id": "twin", "name": HOSTILE})
    for flow_id in ("asking", "twin"):
        client.asked(client.launch(flow_id))
    answered = client.launch("asking")
    prompt = client.asked(answered)
    client.post(f"/api/prompts/{answered}", json={"wait_key": prompt["wait_key"], "response": HOSTILE})
    client.until(answered, "completed")
    shown = 0
    for path in (*every_page(client), f"/inbox/{answered}", f"/runs/{answered}/live?after=0"):
        page = see(client, path)
        scripts = [
            tag for tag in page.named("script") if not tag.attributes.get("src", "").startswith("/static/")
        ]
        assert not scripts, path
        assert not [tag for tag in page.named("img") if tag.attributes["src"] == "x"], path
        assert not [name for tag in page.tags for name in tag.attributes if name.startswith("on")], path
        shown += "<script>alert(1)</script>" in page.text
        assert str(7919 * 7907) not in page.text, path
    assert shown > 8


def test_the_flow_list_says_what_the_api_says(busy: Client) -> None:
    page = see(busy, "/flows")
    rows = busy.get("/api/flows").json()["flows"]
    assert [tag.attributes["data-flow"] for tag in page.named("li") if "data-flow" in tag.attributes] == [
        row["id"] for row in rows
    ]
    for row in rows:
        assert row["name"] in page.text
        assert row["updated_at"] in page.values("datetime")


def test_the_flow_list_can_be_searched(busy: Client) -> None:
    assert see(busy, "/flows?q=HEL").values("data-flow") == ["hello"]
    assert "No flow matches" in see(busy, "/flows?q=nothing").text


def test_a_file_that_is_no_flow_is_named(client: Client) -> None:
    client.studio.library.folder.mkdir(parents=True, exist_ok=True)
    (client.studio.library.folder / "bad.json").write_text('{"id":', "utf-8")
    assert "bad.json is not shown: The text is not JSON" in see(client, "/flows").text


def test_the_run_list_says_what_the_api_says(busy: Client) -> None:
    for query in ("", "?status=failed", "?status=completed"):
        runs = busy.get(f"/api/runs{query}").json()["runs"]
        page = see(busy, f"/runs{query}")
        shown = [tag.attributes["data-run"] for tag in page.named("li") if "data-run" in tag.attributes]
        assert shown == [run["run_id"] for run in runs]
    under_way = see(busy, "/runs?status=open").values("data-run")
    assert {busy.run(run_id)["status"] for run_id in under_way} == {"waiting"}


def test_an_unchanged_part_is_not_sent_again(busy: Client) -> None:
    for part in ("/home", "/inbox/list", "/runs/list"):
        first = busy.get(part, headers=AS_PERSON)
        again = next(value for value in Page(first.text).values("hx-get") if value.startswith(part))
        assert busy.get(again).status_code == 204, part
    busy.launch("hello")
    busy.wait(lambda: busy.get(again).status_code, lambda status: status == 200)


def test_a_run_page_says_what_the_api_says(busy: Client) -> None:
    for row in busy.get("/api/runs").json()["runs"]:
        run = busy.run(row["run_id"])
        page = see(busy, f"/runs/{run['run_id']}")
        words = {"completed": "Done", "failed": "Failed", "cancelled": "Cancelled", "waiting": "wait"}
        assert words[run["status"]].lower() in page.text.lower() or run["prompts"]
        if run["error"]:
            assert run["error"] in page.text
        for value in (run["output"] or {}).values():
            assert str(value) in page.text or not isinstance(value, str)
        for prompt in run["prompts"]:
            assert prompt["prompt"] in page.text


def test_a_run_page_tells_one_row_per_visit(client: Client) -> None:
    client.save(counting(3))
    run_id = client.launch("counting")
    client.until(run_id, "completed")
    visits = [
        record["node_id"] for record in client.records(run_id) if "visit" in (record.get("result") or {})
    ]
    page = see(client, f"/runs/{run_id}")
    rows = [tag for tag in page.named("li") if tag.attributes.get("class") == "step"]
    assert len(rows) == len(visits)
    assert {row.attributes["data-state"] for row in rows} == {"completed"}


def test_a_run_page_goes_on_from_its_cursor(client: Client) -> None:
    client.save(asking_often(2))
    run_id = client.launch("often")
    first = client.asked(run_id)
    page = see(client, f"/runs/{run_id}")
    cursor = page.values("data-cursor")[0]
    waiting = [tag.attributes["id"] for tag in page.named("li", data_state="waiting")]
    assert len(waiting) == 1
    client.post(f"/api/prompts/{run_id}", json={"wait_key": first["wait_key"], "response": "one"})
    client.wait(
        lambda: client.run(run_id)["prompts"],
        lambda found: bool(found) and found[0]["asked_at"] != first["asked_at"],
    )
    news = see(client, f"/runs/{run_id}/live?after={cursor}")
    rows = {
        tag.attributes["id"]: tag.attributes["data-state"]
        for tag in news.named("li")
        if "id" in tag.attributes
    }
    assert rows[waiting[0]] == "completed", "the row that waited is told again, whole"
    assert list(rows.values())[-1] == "waiting"
    whole = see(client, f"/runs/{run_id}")
    shown = [tag.attributes["id"] for tag in whole.named("li") if tag.attributes.get("class") == "step"]
    old = [tag.attributes["id"] for tag in page.named("li") if tag.attributes.get("class") == "step"]
    assert shown == [*old, *(row for row in rows if row not in old)], "nothing missed, nothing doubled"


def test_a_run_of_a_deleted_flow_can_still_be_read(busy: Client) -> None:
    run_id = busy.get("/api/runs?flow_id=hello").json()["runs"][0]["run_id"]
    busy.delete("/api/flows/hello")
    page = see(busy, f"/runs/{run_id}")
    assert "(deleted)" in page.text
    assert "Hello" in page.text
    assert "Run again" not in page.text


def test_a_run_is_held_back_let_go_cancelled_and_repeated_by_forms(client: Client) -> None:
    client.save(sleeping(3600))
    run_id = client.launch("sleeping")
    client.until(run_id, "waiting")
    for act, paused, status in (
        ("pause", True, "waiting"),
        ("resume", False, "waiting"),
        ("cancel", False, "cancelled"),
    ):
        answer = post(client, f"/runs/{run_id}/{act}")
        assert (answer.status_code, answer.headers["location"]) == (303, f"/runs/{run_id}")
        run = client.until(run_id, status)
        assert run["paused"] is paused
        assert ("Paused" in see(client, f"/runs/{run_id}").text) is paused
    again = post(client, f"/runs/{run_id}/again")
    assert again.status_code == 303
    assert client.run(again.headers["location"].removeprefix("/runs/"))["flow_id"] == "sleeping"


def test_a_run_repeated_gets_the_same_input(client: Client) -> None:
    client.save(hello())
    first = client.launch("hello", who="Ada")
    client.until(first, "completed")
    second = post(client, f"/runs/{first}/again").headers["location"].removeprefix("/runs/")
    assert client.until(second, "completed")["output"] == client.run(first)["output"]


def test_a_flow_is_run_from_its_form(client: Client) -> None:
    client.save(hello())
    form = see(client, "/flows/hello/run")
    assert "in:who" in form.values("name")
    assert "world" in form.text
    answer = post(client, "/flows/hello/run", **{"in:who": "Ada"})
    run_id = answer.headers["location"].removeprefix("/runs/")
    assert "Ada" in client.until(run_id, "completed")["output"]["text"]


def test_a_bare_button_runs_a_flow_with_its_defaults(client: Client) -> None:
    client.save(hello())
    run_id = post(client, "/flows/hello/run").headers["location"].removeprefix("/runs/")
    assert "world" in client.until(run_id, "completed")["output"]["text"]


def test_the_first_visit_offers_the_demo(client: Client) -> None:
    page = see(client, "/")
    assert "Run the 20-second demo" in page.text
    assert "/gallery/hello-durable-world/run" in page.values("action")
    post(client, "/gallery/hello-durable-world/run")
    assert "Run the 20-second demo" not in see(client, "/").text


def test_a_form_with_a_wrong_value_says_which_and_keeps_the_rest(client: Client) -> None:
    outputs = [{"id": name, "label": name, "type": kind} for name, kind in (("n", "number"), ("o", "object"))]
    begin = node("start", "on_flow_start", outputs=[{"id": "exec-out", "type": "execution"}, *outputs])
    client.save(flow("typed", [begin, end()], [("start", "end")]))
    answer = post(client, "/flows/typed/run", **{"in:n": "many", "in:o": "{"})
    page = Page(answer.text)
    assert answer.status_code == 422
    assert "This is not a number." in page.text
    assert "This is not JSON" in page.text
    assert "many" in page.values("value")
    for number, thing in (("NaN", "NaN x"), ("1e999", "[" * 100_000), ("9" * 5000, "9" * 5000)):
        page = Page(post(client, "/flows/typed/run", **{"in:n": number, "in:o": thing}).text)
        assert "This is not a number." in page.text, number
        assert "This is not JSON" in page.text, thing[:9]
    assert client.get("/api/runs").json()["runs"] == []
    assert post(client, "/flows/typed/run", **{"in:n": "1,5", "in:o": '{"a": 1}'}).status_code == 303


def test_a_flow_with_errors_does_not_start_and_says_why(client: Client) -> None:
    client.save(flow("odd", [start(), node("x", "ask_usr")], [("start", "x")]))
    assert "ask_usr" in see(client, "/flows/odd/run").text
    answer = post(client, "/flows/odd/run")
    assert answer.status_code == 422
    assert "ask_usr" in Page(answer.text).text


def test_a_new_flow_opens_with_a_start_and_a_name_of_its_own(client: Client) -> None:
    places = [post(client, "/flows").headers["location"] for _ in range(3)]
    names = [row["name"] for row in client.get("/api/flows").json()["flows"]]
    assert names == ["Untitled flow", "Untitled flow 2", "Untitled flow 3"]
    document = client.get("/api" + places[0]).json()
    assert [each["type"] for each in document["nodes"]] == ["on_flow_start"]
    assert client.post(f"/api{places[0]}/validate").json()["problems"] == [] or document["nodes"]


def test_the_node_reference_says_what_the_catalog_says(client: Client) -> None:
    cards = client.get("/api/catalog").json()
    listed = see(client, "/nodes")
    shown = {link.removeprefix("/nodes/") for link in listed.values("href") if link.startswith("/nodes/")}
    assert shown == {card["type"] for card in cards["types"] if card["palette"]}
    for card in cards["types"]:
        page = see(client, f"/nodes/{card['type']}")
        assert card["label"] in page.text
        assert all(pin["id"] in page.text for pin in (*card["inputs"], *card["outputs"])), card["type"]
        assert all(each["path"] in page.text for each in card["fields"]), card["type"]


def test_an_unknown_node_is_answered_with_the_nearest(client: Client) -> None:
    assert "Did you mean 'ask_user'" in see(client, "/nodes/ask_usr", 404).text


@pytest.mark.parametrize(
    ("path", "words"),
    [("/flows/none/run", "no such flow"), ("/runs/none", "no such run"), ("/nope", "nothing here")],
)
def test_a_missing_thing_is_a_page_with_a_way_on(client: Client, path: str, words: str) -> None:
    page = see(client, path, 404)
    assert words in page.text
    assert page.named("a", class_="button primary")


def test_a_refused_part_answers_in_one_sentence(client: Client) -> None:
    answer = client.get("/runs/none/live", headers={"HX-Request": "true", **AS_PERSON})
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/plain")
    assert "'none'" in answer.text


def test_the_chosen_theme_is_drawn_by_the_server(client: Client) -> None:
    for theme, drawn in (("dark", ["dark"]), ("light", ["light"]), ("'><b>", [])):
        page = Page(client.get("/flows", headers={"Cookie": f"theme={theme}"}).text)
        assert page.values("data-theme") == drawn


def scripts_of(client: Client, page: Page) -> list[str]:
    """Return the addresses of all scripts that a page loads when it is opened, also those that scripts import."""
    found = [tag.attributes["src"] for tag in page.named("script")]
    found += page.values("data-script")
    for address in found:  # grows while we read
        text = client.get(address).text
        found += [
            urljoin(address, name)
            for name in re.findall(r"""(?:\bfrom|^import|;import)\s*["'](\.[^"']+)["']""", text)
            if urljoin(address, name) not in found
        ]
    return found


def test_a_choice_without_runs_is_said_in_words_with_the_nearest_there_is(busy: Client) -> None:
    page = see(busy, "/runs?status=failed&flow=hello")
    assert "No run of “hello” has failed." in page.text
    assert {"/runs?flow=hello", "/runs?status=failed", "/runs"} <= set(page.values("href"))
    assert "No run of “hello” was cancelled." in see(busy, "/runs?status=cancelled&flow=hello").text
    assert "No run of “zebra” is here yet." in see(busy, "/runs?flow=zebra").text


def test_a_page_stays_small(busy: Client) -> None:
    """Script of every page: 60 KB at most, as sent, with all that it imports; the page itself stays light too."""
    for path in every_page(busy):
        page = see(busy, path)
        scripts = [busy.get(address).content for address in scripts_of(busy, page)]
        assert all(scripts), f"{path}: build the island first (poe build)"
        assert sum(len(gzip.compress(script)) for script in scripts) <= 60_000, path
        assert len(page.html) <= 120_000, path


@pytest.mark.parametrize("name", ["run", "diff", "compare"])
def test_what_the_script_of_a_canvas_imports_is_counted(busy: Client, name: str) -> None:
    assert busy.post("/api/flows/hello/versions", json={"name": "One"}).status_code == 201
    run = next(path for path in every_page(busy) if path.startswith("/runs/"))
    scripts = scripts_of(
        busy,
        see(
            busy,
            {
                "run": run,
                "diff": "/flows/hello/diff/1..draft",
                "compare": f"{run}/compare?to={run.rsplit('/', 1)[1]}",
            }[name],
        ),
    )
    names = " ".join(scripts)
    assert f"dist/{name}.js" in names
    assert ("dist/runcanvas.js" in names) is (name == "run")
    assert "htmx" not in names, "the page has no use for it but the number of questions"
    assert sum(len(gzip.compress(busy.get(each).content)) for each in scripts) <= 60_000
