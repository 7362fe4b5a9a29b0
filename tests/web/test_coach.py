"""The coach marks: who gets them, what is remembered, and what a changed flow makes of them."""

from __future__ import annotations

from typing import Any

import pytest

from flowstudio.pages.coach import marks_in
from web.conftest import Client
from web.documents import flow, hello, node, start
from web.page import Page

DEMO = "/gallery/hello-durable-world/run"


def cookie_of(answer: Any) -> str:
    """The value of the cookie `coach` that an answer sets, or nothing."""
    found: str = answer.headers.get("set-cookie", "")
    return found.split(";")[0].removeprefix("coach=") if found.startswith("coach=") else ""


def strip(client: Client, place: str = "", flow_id: str = "hello") -> list[str]:
    """The acts that lead on from the marks which the editor's page has for a reader at this place."""
    headers = {"Accept": "text/html"} | ({"Cookie": f"coach={place}"} if place else {})
    answer = client.get(f"/flows/{flow_id}", headers=headers)
    assert answer.status_code == 200, answer.text
    return Page(answer.text).values("data-until")


def test_the_demo_of_the_first_visit_begins_with_the_marks_and_a_plain_run_does_not(client: Client) -> None:
    asked = client.post(DEMO, data={"coach": "on"}, follow_redirects=False)
    assert cookie_of(asked) == "1"
    assert "HttpOnly" in asked.headers["set-cookie"]
    assert cookie_of(client.post(DEMO, follow_redirects=False)) == ""
    again = client.post(DEMO, data={"coach": "on"}, headers={"Cookie": "coach=over"}, follow_redirects=False)
    assert cookie_of(again) == "", "who has hidden them is not asked again"


def test_the_place_is_remembered_and_the_last_one_ends_them(client: Client) -> None:
    for at, kept in (
        ("2", "2"),
        ("8", "8"),
        ("9", "over"),
        ("0", "over"),
        ("-1", "over"),
        ("²", "over"),
        ("", "over"),
    ):
        answer = client.post("/first-steps/marks", data={"at": at})
        assert (answer.status_code, cookie_of(answer)) == (204, kept), at


@pytest.mark.parametrize("place", ["", "over", "0", "9", "9" * 5000, "1.0", "1 2"])
def test_there_is_no_strip_for_who_has_no_mark_before_them(client: Client, place: str) -> None:
    client.save(hello())
    assert strip(client, place) == []


def test_the_strip_has_the_marks_of_the_app_until_the_library_has_its_own(client: Client) -> None:
    client.save(hello())
    shipped = [
        "run ended",
        "entry shown",
        "test asked",
        "run forked",
        "step opened",
        "node added",
        "run began",
        "published",
    ]
    assert strip(client, "3") == shipped
    answer = client.post("/first-steps/flow", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/flows/first-steps")
    assert strip(client, "3", "first-steps") == shipped
    own = flow("first-steps", [start(), mark("one", "run ended")], [("start", "one")])
    kept = client.put("/api/flows/first-steps", json=own, headers={"If-Match": "*"})
    assert kept.status_code == 200, kept.text
    assert strip(client, "1") == ["run ended"]
    assert strip(client, "3") == [], "a place beyond the last mark"
    client.post("/first-steps/flow")
    assert strip(client, "1") == ["run ended"], "what was changed is not written over"


def mark(node_id: str, act: Any, **more: Any) -> dict[str, Any]:
    return node(node_id, "wait_event", pinDefaults={"prompt": f"Do {node_id}", "event_key": act} | more)


def test_a_changed_flow_is_read_as_far_as_it_tells_marks() -> None:
    say = node("say", "answer_user", pinDefaults={"message": "no mark"})
    steps = [start(), mark("a", "run ended"), say, mark("b", 7), mark("c", "x", prompt=" "), mark("d", "y")]
    ways = [("start", "a"), ("a", "say"), ("say", "b"), ("b", "c"), ("c", "d"), ("d", "a")]
    found = marks_in(flow("first-steps", steps, ways))
    assert [(each.words, each.until) for each in found] == [
        ("Do a", "run ended"),
        ("Do d", "y"),
    ]
    assert marks_in({"id": "first-steps", "nodes": [{"id": "a"}], "edges": [{}], "entryNode": "a"}) == ()
