"""Questions to people: in the inbox, on a page that works without script, and answered once."""

from __future__ import annotations

from typing import Any

from drive import end, flow, node, start
from web.conftest import Client
from web.documents import asking, asking_often, calling
from web.page import Page

AS_PERSON = {"Accept": "text/html"}
SHIP = "start -> ask, ask -> end, ask.response -> end.said"


def see(client: Client, path: str, status: int = 200) -> Page:
    answer = client.get(path, headers=AS_PERSON)
    assert answer.status_code == status, answer.text[:400]
    return Page(answer.text)


def fill(page: Page, **fields: str) -> dict[str, str]:
    """Fill in the form of a question as a browser without script does."""
    hidden = page.named("input", type="hidden")
    return {tag.attributes["name"]: tag.attributes["value"] for tag in hidden} | fields


def send(client: Client, page: Page, **fields: str) -> Any:
    """Send the form of a page to where it says."""
    form = page.named("form", method="post")[0]
    assert "enctype" not in form.attributes
    return client.post(form.attributes["action"], headers=AS_PERSON, data=fill(page, **fields))


def asked(client: Client, **more: Any) -> str:
    client.save(asking(**more))
    run_id = client.launch("asking")
    client.asked(run_id)
    return run_id


def test_the_inbox_says_what_the_api_says(client: Client) -> None:
    asked(client, prompt="Shall we?")
    client.save(calling("asking"))
    client.asked(client.launch("parent"))
    prompts = client.get("/api/prompts").json()["prompts"]
    page = see(client, "/inbox")
    assert len(prompts) == 2
    assert page.values("data-prompt-row") == [prompt["run_id"] for prompt in prompts]
    assert page.text.count("Shall we?") == 2
    assert "(2) Inbox" in page.text
    assert [tag.attributes["class"] for tag in page.named("span", class_="count")] == ["count"]


def test_a_choice_is_answered_by_pressing_its_button(client: Client) -> None:
    run_id = asked(client, choices=["Yes", "No"], takes_words=False)
    page = see(client, f"/inbox/{run_id}")
    buttons = [tag.attributes["value"] for tag in page.named("button", name="choice")]
    assert buttons == ["Yes", "No"]
    assert not page.named("textarea"), "only the choices are allowed"
    answer = send(client, page, choice="No")
    assert answer.status_code == 303
    assert client.until(run_id, "completed")["output"]["name"] == "No"
    receipt = see(client, answer.headers["location"])
    assert "Recorded" in receipt.text
    assert "No" in receipt.text


def test_questions_for_somebody_can_be_seen_alone(client: Client) -> None:
    for flow_id, whom in (("one", "finance"), ("two", "the lead & all"), ("three", "")):
        document = asking(flow_id, prompt=f"For {whom or 'anybody'}?")
        ask = next(node for node in document["nodes"] if node["id"] == "ask")
        ask["data"]["effectConfig"] = {"assignee": whom}
        client.save(document)
        client.asked(client.launch(flow_id))
    assert {prompt["assignee"] for prompt in client.get("/api/prompts").json()["prompts"]} == {
        "finance",
        "the lead & all",
        "",
    }
    assert len(see(client, "/inbox").values("data-prompt-row")) == 3
    for address in ("/inbox?for=the+lead+%26+all", "/inbox/list?for=the%20lead%20%26%20all"):
        page = see(client, address)
        assert len(page.values("data-prompt-row")) == 1
        assert "For the lead & all?" in page.text
    assert "Nothing waits for nobody" in see(client, "/inbox?for=nobody").text


def test_a_question_whose_deadline_has_passed_says_so_with_when(client: Client) -> None:
    document = asking(deadline=0.8)
    ask = next(node for node in document["nodes"] if node["id"] == "ask")
    ask["data"] |= {"onTimeout": "continue", "effectConfig": {"deadlineUnit": "seconds"}}
    client.save(document)
    run_id = client.launch("asking")
    prompt = client.asked(run_id)
    form = see(client, f"/inbox/{run_id}")
    assert client.until(run_id, "completed")["output"]["name"] == ""
    late = send(client, form, text="Ada")
    assert late.status_code == 409
    for page in (late.text, see(client, f"/inbox/{run_id}").text):
        assert "Timed out" in page
        assert "nobody had answered" in page.lower()
        assert "Already answered" not in page
    assert "Ada" in late.text, "what was typed is not lost"
    body = {"wait_key": prompt["wait_key"], "response": "Ada"}
    refused = client.post(f"/api/prompts/{run_id}", json=body)
    assert (refused.status_code, refused.json()["code"]) == (409, "prompt.timed_out")
    assert refused.json()["timed_out_at"]
    assert "Timed out: nobody answered in time" in see(client, f"/runs/{run_id}").text


def test_free_words_are_answered_with_their_line_breaks(client: Client) -> None:
    run_id = asked(client)
    answer = send(client, see(client, f"/inbox/{run_id}"), text="one\r\ntwo", send="1")
    assert answer.status_code == 303
    assert client.until(run_id, "completed")["output"]["name"] == "one\ntwo"


def test_an_answer_from_another_page_leads_back_there(client: Client) -> None:
    run_id = asked(client)
    page = see(client, f"/runs/{run_id}")
    answer = (
        send(client, page, text="Ada")
        if page.named("form")[0].attributes["action"].startswith("/inbox")
        else None
    )
    form = next(tag for tag in page.named("form") if tag.attributes["action"].startswith("/inbox/"))
    if answer is None:
        answer = client.post(form.attributes["action"], headers=AS_PERSON, data=fill(page, text="Ada"))
    assert answer.headers["location"] == f"/runs/{run_id}"


def test_no_answer_leads_to_another_server(client: Client) -> None:
    for elsewhere in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"):
        client.studio.library.delete("asking") if client.get("/api/flows/asking").status_code == 200 else None
        run_id = asked(client)
        answer = client.post(f"/inbox/{run_id}", headers=AS_PERSON, data={"text": "x", "back": elsewhere})
        assert answer.headers["location"] == f"/inbox/{run_id}?recorded=true", elsewhere


def test_the_second_answer_is_told_who_was_first_and_keeps_its_words(client: Client) -> None:
    run_id = asked(client)
    page = see(client, f"/inbox/{run_id}")
    first = send(client, page, text="Ada")
    second = send(client, page, text="Grace")
    assert (first.status_code, second.status_code) == (303, 409)
    told = Page(second.text)
    assert "Already answered" in told.text
    assert "Your answer was not recorded" in told.text
    assert "Grace" in told.text
    assert "Ada" in told.text
    assert client.until(run_id, "completed")["output"]["name"] == "Ada"
    assert "Already answered" in see(client, f"/inbox/{run_id}").text


def test_an_old_form_does_not_answer_the_next_question(client: Client) -> None:
    client.save(asking_often(2))
    run_id = client.launch("often")
    first = client.asked(run_id)
    page = see(client, f"/inbox/{run_id}")
    assert send(client, page, text="one").status_code == 303
    client.wait(
        lambda: client.run(run_id)["prompts"],
        lambda found: bool(found) and found[0]["asked_at"] != first["asked_at"],
    )
    assert send(client, page, text="one again").status_code == 409
    assert client.run(run_id)["status"] == "waiting"


def test_a_question_of_a_run_that_ended_is_gone(client: Client) -> None:
    run_id = asked(client)
    page = see(client, f"/inbox/{run_id}")
    client.post(f"/api/runs/{run_id}/cancel")
    late = send(client, page, text="hello?")
    assert late.status_code == 404
    assert "This question is gone" in Page(late.text).text
    assert "hello?" in Page(late.text).text
    assert "This question is gone" in see(client, f"/inbox/{run_id}").text
    assert client.get("/inbox/none", headers=AS_PERSON).status_code == 404


def test_an_empty_or_unknown_answer_is_asked_again(client: Client) -> None:
    run_id = asked(client, choices=["Yes", "No"], takes_words=False)
    page = see(client, f"/inbox/{run_id}")
    for fields in ({"choice": ""}, {"choice": "Perhaps"}):
        answer = send(client, page, **fields)
        assert answer.status_code == 422
        assert Page(answer.text).named("button", name="choice")
    assert client.run(run_id)["status"] == "waiting"


def test_a_page_learns_that_its_question_was_answered(client: Client) -> None:
    run_id = asked(client)
    look = {"params": {"asked_at": client.run(run_id)["prompts"][0]["asked_at"]}}
    assert client.get(f"/inbox/{run_id}/open", **look).status_code == 204
    send(client, see(client, f"/inbox/{run_id}"), text="Ada")
    assert client.get(f"/inbox/{run_id}/open", **look).status_code == 205


def test_the_page_of_a_question_is_small_and_needs_no_script(client: Client) -> None:
    run_id = asked(client, prompt="word " * 200, choices=[f"Choice {number}" for number in range(9)])
    answer = client.get(f"/inbox/{run_id}", headers=AS_PERSON)
    page = Page(answer.text)
    links = {*page.values("src"), *(tag.attributes["href"] for tag in page.named("link"))}
    icons = {link.partition("#")[0] for tag in page.named("use") for link in [tag.attributes["href"]]}
    parts = {link: client.get(link) for link in links | icons}
    assert all(part.status_code == 200 for part in parts.values()), "build the island first (poe build)"
    weight = len(answer.content) + sum(len(part.content) for part in parts.values())
    assert weight <= 60 * 1024, {link: len(part.content) for link, part in parts.items()}
    assert not page.values("hx-post") + page.values("hx-get")
    assert page.named("form", method="post")


def test_a_question_is_reminded_and_passed_on_and_the_inbox_says_so(client: Client) -> None:
    config = {"assignee": "Ana", "deadlineUnit": "seconds", "remindEvery": 0.4, "passOnAfter": 1}
    asks = node(
        "ask_user",
        pins={"prompt": "Ship it?", "deadline": 90},
        onTimeout="branch",
        effectConfig={**config, "passOnTo": "Ben"},
    )
    client.save(flow("ship", {"start": start(), "ask": asks, "end": end("said")}, SHIP))
    run_id = client.launch("ship")
    first = client.asked(run_id)
    form = see(client, f"/inbox/{run_id}")
    client.wait(lambda: client.asked(run_id), lambda prompt: prompt["passed_from"] == "Ana", 20)
    prompt = client.asked(run_id)
    assert (prompt["assignee"], prompt["asked_at"], prompt["due"]) == ("Ben", first["asked_at"], first["due"])
    assert prompt["reminded"] >= 1
    row = see(client, "/inbox?for=Ben")
    assert row.values("data-prompt-row") == [run_id]
    assert "passed on from Ana" in row.text
    assert "reminded" in row.text
    assert see(client, "/inbox?for=Ana").values("data-prompt-row") == []
    told = {(notice["to"], notice["subject"]) for notice in client.studio.outbox.notices()}
    assert {("Ana", "Reminder: Ship it?"), ("Ben", "For you now: Ship it?")} <= told
    assert send(client, form, text="yes").status_code == 303, "the page that Ana had open still counts"
    assert client.until(run_id, "completed")["output"]["said"] == "yes"
