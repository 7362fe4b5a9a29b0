"""Forks over HTTP: what may be changed at an instant, what the fork shows of its parent, and its page."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from flowstudio.flow_tests.suite import NoTest
from flowstudio.pages.marked import Piece
from flowstudio.pages.side_by_side import compared
from flowstudio.settings import Settings
from web.conftest import Client, open_client
from web.documents import asking, asking_at_once, calling, end, flow, hello, listening, node, start
from web.test_pages import HOSTILE, post, see


def dividing() -> dict[str, Any]:
    """Divide by what is given, and fail where that is nothing."""
    return flow(
        "dividing",
        [
            start("rate", rate=0),
            node("set", "set_var", pinDefaults={"name": "total", "value": 90}),
            node("read", "get_var", pinDefaults={"name": "total"}),
            node("div", "divide"),
            node("say", "answer_user"),
            end(),
        ],
        [
            ("start", "set"),
            ("set", "say"),
            ("read.value", "div.a"),
            ("start.rate", "div.b"),
            ("div.result", "say.message"),
            ("say", "end"),
        ],
    )


def forked(client: Client, run_id: str, **wish: Any) -> str:
    answer = client.post(f"/api/runs/{run_id}/fork", json=wish)
    assert answer.status_code == 201, answer.text
    new: str = answer.json()["run_id"]
    assert answer.headers["location"] == f"/api/runs/{new}"
    return new


def events(client: Client, run_id: str) -> list[dict[str, Any]]:
    text = client.get(f"/api/runs/{run_id}/events").text
    return [json.loads(data) for data in re.findall(r"event: step\ndata: (.*)", text)]


def test_a_failed_run_goes_on_as_a_fork_with_another_input(client: Client) -> None:
    client.save(dividing())
    parent = client.launch("dividing", rate=0)
    assert client.until(parent, "failed")["failed_node"] == "say"
    fork = forked(client, parent, inputs={"rate": 3})
    client.until(fork, "completed")
    assert client.until(parent, "failed")["error"]
    steps = events(client, fork)
    assert [(step["node_id"], step["reused"]) for step in steps if step["kind"] == "visit"] == [
        ("start", True),
        ("set", True),
        ("say", False),
        ("end", False),
    ]
    [begin] = [step for step in steps if step["kind"] == "fork"]
    assert begin["run_id"] == fork
    own = client.get(f"/api/runs/{fork}/ledger").json()["records"]
    told = own[0]["effect"]["payload"]
    assert (told["run_id"], told["effects"]) == (parent, "live")
    assert {each["path"] for each in told["changes"]} == {"/rate", "/_temp/node_outputs/start/rate"}


def test_variables_and_outputs_of_earlier_steps_may_be_changed(client: Client) -> None:
    client.save(dividing())
    parent = client.launch("dividing", rate=9)
    client.until(parent, "completed")
    seq = client.get(f"/api/runs/{parent}/ledger").json()["records"][1]["seq"]
    fork = forked(client, parent, seq=seq, variables={"total": 18}, reason="a smaller one")
    client.until(fork, "completed")
    shown = [step["outputs"] for step in events(client, fork) if step["node_id"] == "say" and step["outputs"]]
    assert shown[-1]["message"] == "2"


def test_what_is_not_there_is_named_with_what_is(client: Client) -> None:
    client.save(asking())
    parent = client.launch("asking")
    client.asked(parent)
    for wish, told in (
        ({"inputs": {"x": 1}}, "There is no input 'x' at entry"),
        ({"variables": {"x": 1}}, "There is no variable 'x'"),
        ({"outputs": {"ask": {"response": 1}}}, "There is no output 'response' of step 'ask'"),
    ):
        answer = client.post(f"/api/runs/{parent}/fork", json=wish)
        assert (answer.status_code, answer.json()["code"]) == (422, "run.bad_input")
        assert told in answer.json()["detail"]
    late = client.post(f"/api/runs/{parent}/fork", json={"seq": 99})
    assert (late.status_code, late.json()["code"]) == (409, "conflict")
    assert client.post("/api/runs/nobody/fork", json={}).status_code == 404


def test_a_question_is_asked_anew_and_may_be_answered_otherwise(client: Client) -> None:
    client.save(asking())
    parent = client.launch("asking")
    question = client.asked(parent)
    client.post(f"/api/prompts/{parent}", json={"wait_key": question["wait_key"], "response": "Ada"})
    client.until(parent, "completed")
    other = forked(client, parent, outputs={"ask": {"response": "Bob"}})
    assert client.until(other, "completed")["output"]["name"] == "Bob"
    asked = [step["seq"] for step in events(client, parent) if step["waits"] == "user"]
    again = forked(client, parent, seq=asked[0])
    question = client.asked(again)
    client.post(f"/api/prompts/{again}", json={"wait_key": question["wait_key"], "response": "Eve"})
    assert client.until(again, "completed")["output"]["name"] == "Eve"
    assert client.until(parent, "completed")["output"]["name"] == "Ada"


def test_a_subflow_that_asks_comes_along(client: Client) -> None:
    client.save(asking())
    client.save(calling("asking"))
    parent = client.launch("parent")
    first = client.asked(parent)
    fork = forked(client, parent)
    second = client.asked(fork)
    assert first["run_id"] != second["run_id"]
    for run_id, question, name in ((fork, second, "Bob"), (parent, first, "Ada")):
        said = {"wait_key": question["wait_key"], "response": name}
        assert client.post(f"/api/prompts/{question['run_id']}", json=said).status_code == 200
        assert name in str(client.until(run_id, "completed")["output"])


def test_branches_that_wait_at_once_come_along(client: Client) -> None:
    client.save(asking_at_once("One?", "Two?", "Three?"))
    parent = client.launch("at-once")
    first = _asked(client, parent, 3)[0]
    client.post(f"/api/prompts/{first['run_id']}", json={"wait_key": first["wait_key"], "response": "1"})
    _asked(client, parent, 2)
    fork = forked(client, parent)
    for run_id in (fork, parent):
        for question in _asked(client, run_id, 2):
            said = {"wait_key": question["wait_key"], "response": question["prompt"]}
            assert client.post(f"/api/prompts/{question['run_id']}", json=said).status_code == 200
        assert client.until(run_id, "completed")


def _asked(client: Client, run_id: str, count: int) -> list[dict[str, Any]]:
    """Return the open questions of a run and what it started, when there are so many."""
    page = client.wait(lambda: client.run(run_id), lambda page: len(page["prompts"]) == count)
    return list(page["prompts"])


def test_a_listener_begins_anew(client: Client) -> None:
    client.save(listening())
    parent = client.launch("listening")
    client.asked(parent)
    fork = forked(client, parent, effects="live")
    for run_id in (fork, parent):
        question = client.asked(run_id)
        client.post(f"/api/prompts/{run_id}", json={"wait_key": question["wait_key"], "response": "yes"})
    assert client.until(fork, "completed")["output"] == client.until(parent, "completed")["output"]
    asking_fork = forked(client, parent, seq=0, effects="ask")
    client.asked(asking_fork)
    [listener] = client.studio.reader.children(asking_fork)
    assert listener.vars["_runtime"]["effects"] == "ask"


def test_ask_me_waits_in_the_inbox_for_a_yes(client: Client) -> None:
    document = flow(
        "writing",
        [
            start("words", words="one"),
            node("write", "write_file", pinDefaults={"file_path": "note.txt"}),
            end(),
        ],
        [("start", "write"), ("start.words", "write.content"), ("write", "end")],
    )
    client.save(document)
    parent = client.launch("writing", words="one")
    client.until(parent, "completed")
    fork = forked(client, parent, seq=1, inputs={"words": "two"})
    question = client.asked(fork)
    assert "write_file at write" in question["prompt"]
    assert question["choices"] == ["Do it", "Do not"]
    see(client, "/inbox")
    said = {"wait_key": question["wait_key"], "response": "Do it"}
    assert client.post(f"/api/prompts/{fork}", json=said).status_code == 200
    client.until(fork, "completed")
    refused = forked(client, parent, seq=1)
    question = client.asked(refused)
    client.post(f"/api/prompts/{refused}", json={"wait_key": question["wait_key"], "response": "Do not"})
    assert "A person did not allow it" in client.until(refused, "failed")["error"]


def test_the_page_of_a_fork_shows_where_it_comes_from(client: Client) -> None:
    client.save(dividing())
    parent = client.launch("dividing", rate=0)
    client.until(parent, "failed")
    fork = forked(client, parent, inputs={"rate": 5})
    client.until(fork, "completed")
    page = see(client, f"/runs/{fork}").html
    assert f"run {parent[:13]}" in page
    assert page.count("Reused from") == 2
    assert 'data-state="reused"' in page
    assert "Changed: rate." in page
    assert f'href="/runs/{fork}"' in see(client, f"/runs/{parent}").html
    child = forked(client, fork)
    client.until(child, "completed")
    assert see(client, f"/runs/{child}").html.count("Reused from") == 3
    assert f'href="/runs/{fork}"' in see(client, f"/runs/{child}").html
    again = client.post(f"/runs/{fork}/again", headers={"Accept": "text/html"})
    assert again.status_code == 303


def test_a_fork_is_started_from_its_form(client: Client) -> None:
    client.save(dividing())
    parent = client.launch("dividing", rate=0)
    client.until(parent, "failed")
    assert f"/runs/{parent}/fork" in see(client, f"/runs/{parent}").html
    page = see(client, f"/runs/{parent}/fork")
    assert "What <strong>say</strong> reads" in page.html
    assert 'name="v:/rate"' in page.html
    bad = post(client, f"/runs/{parent}/fork", **{"v:/rate": "{\n  oh", "seq": "", "effects": "live"})
    assert bad.status_code == 422
    assert "This is not JSON" in bad.text
    assert "line 2, column 3" in bad.text
    assert "oh</textarea>" in bad.text
    began = post(client, f"/runs/{parent}/fork", **{"v:/rate": "4", "seq": "", "effects": "live"})
    assert began.status_code == 303
    new = began.headers["location"].removeprefix("/runs/")
    client.until(new, "completed")
    part = client.get(f"/runs/{parent}/fork", headers={"HX-Request": "true"})
    assert part.text.lstrip().startswith("<form")
    begun = client.post(
        f"/runs/{parent}/fork", data={"v:/rate": "4", "effects": "live"}, headers={"HX-Request": "true"}
    )
    assert (begun.status_code, bool(begun.headers["x-run"])) == (204, True)


def test_values_of_others_are_text_on_the_page(client: Client) -> None:
    client.save(hello())
    parent = client.launch("hello", who=HOSTILE)
    client.until(parent, "completed")
    page = see(client, f"/runs/{parent}/fork")
    assert "<script>alert(1)" not in page.html
    assert HOSTILE in page.text
    late = client.get(f"/runs/{parent}/fork?seq=77", headers={"Accept": "text/html"})
    assert late.status_code == 409
    assert "so there is no entry 77" in late.text


def test_a_fork_outlives_a_restart(settings: Settings) -> None:
    with open_client(settings) as client:
        client.save(asking())
        parent = client.launch("asking")
        client.asked(parent)
        fork = forked(client, parent)
        client.asked(fork)
    with open_client(settings) as client:
        question = client.asked(fork)
        said = {"wait_key": question["wait_key"], "response": "Ada"}
        assert client.post(f"/api/prompts/{fork}", json=said).status_code == 200
        assert client.until(fork, "completed")["output"]["name"] == "Ada"


@pytest.mark.parametrize("seq", [None, 0])
def test_looking_executes_nothing(client: Client, seq: int | None) -> None:
    client.save(asking())
    parent = client.launch("asking")
    client.asked(parent)
    see(client, f"/runs/{parent}/fork" + ("" if seq is None else f"?seq={seq}"))
    assert len(client.get("/api/runs").json()["runs"]) == 1


def test_a_fork_becomes_no_test(client: Client) -> None:
    client.save(hello())
    parent = client.launch("hello", who="Ada")
    client.until(parent, "completed")
    fork = forked(client, parent)
    client.until(fork, "completed")
    with pytest.raises(NoTest, match="This run is a fork"):
        client.studio.tests.save(fork)


def test_a_fork_is_compared_with_its_parent(client: Client) -> None:
    client.save(dividing())
    parent = client.launch("dividing", rate=0)
    client.until(parent, "failed")
    fork = forked(client, parent, inputs={"rate": 5})
    client.until(fork, "completed")
    page = see(client, f"/runs/{fork}/compare")
    assert page.values("data-compare").count("same") == 3  # two steps, and their number above
    assert page.html.count('id="first-difference"') == 1
    found = compared(client.studio, parent, fork)
    rows = found.rows
    assert [(row.words.label, row.state) for row in rows] == [
        ("start", "same"),
        ("set", "same"),
        ("say", "different"),
        ("end", "right"),
    ]
    message, *_, error = rows[2].differences
    assert (error.pin, bool(error.left), error.right) == ("error", True, None)
    assert (message.pin, message.left, message.right) == ("message", None, (Piece("18"),))
    assert (rows[2].is_first, found.is_cut) == (True, False)
    same = compared(client.studio, parent, parent).rows
    assert {row.state for row in same} == {"same"}
    assert "Nothing differs" in see(client, f"/runs/{fork}/compare?to={fork}").text
    assert f'data-left="{fork}"' in see(client, f"/runs/{parent}/compare").html, "the only other run"
    assert client.get(f"/runs/{fork}/compare?to=nobody", headers={"Accept": "text/html"}).status_code == 404


def telling() -> dict[str, Any]:
    """Tell the boss a sum, and say it."""
    return flow(
        "telling",
        [
            start("sum", "mood", sum=5, mood="good"),
            node("tell", "notify", label="Tell", pinDefaults={"to": "boss"}),
            node("say", "answer_user"),
            end(),
        ],
        [
            ("start", "tell"),
            ("start.sum", "tell.message"),
            ("tell", "say"),
            ("start.mood", "say.message"),
            ("say", "end"),
        ],
    )


def test_a_fork_takes_the_replies_that_its_parent_got(client: Client) -> None:
    client.save(telling())
    parent = client.launch("telling")
    client.until(parent, "completed")
    fork = forked(client, parent, seq=1, inputs={"mood": "great"}, effects="recorded")
    client.until(fork, "completed")
    assert len(client.studio.outbox.notices()) == 1, "nothing is sent again"
    steps = events(client, fork)
    assert {step["node_id"] for step in steps if step["recorded"]} == {"tell"}
    text = " ".join(see(client, f"/runs/{fork}").text.split())
    assert "great" in text
    assert f"Nothing was sent: it took the reply in run {parent[:13]}" in text
    other = forked(client, parent, seq=1, inputs={"sum": 6}, effects="recorded")
    asked = client.wait(lambda: client.run(other)["prompts"], bool)[0]["prompt"]
    assert asked.startswith(
        "The other run has no reply to this. Shall this fork really do it? notify at tell"
    )
    assert 'value="recorded"' in see(client, f"/runs/{parent}/fork?seq=1").html
    began = post(client, f"/runs/{parent}/fork", **{"v:/mood": "fine", "seq": "1", "effects": "recorded"})
    new = began.headers["location"].rpartition("/")[2]
    client.until(new, "completed")
    assert len(client.studio.outbox.notices()) == 1
    hearsay = post(client, f"/runs/{parent}/fork", seq="1", effects="whatever")
    assert client.wait(lambda: client.run(hearsay.headers["location"].rpartition("/")[2])["prompts"], bool)


def mended(fixed: str = "rate") -> dict[str, Any]:
    """The same flow, mended: the divisor is no longer nothing."""
    document = dividing()
    by_id = {each["id"]: each for each in document["nodes"]}
    document["edges"] = [
        each for each in document["edges"] if each["source"] != "start" or each["target"] != "div"
    ]
    by_id["div"]["data"]["pinDefaults"] = {"b": 9}
    return document


def resave(client: Client, document: dict[str, Any]) -> None:
    revision = client.get(f"/api/flows/{document['id']}").headers["etag"]
    answer = client.put(f"/api/flows/{document['id']}", json=document, headers={"If-Match": revision})
    assert answer.status_code == 200, answer.text


def test_a_failed_run_goes_on_with_the_mended_flow_and_does_nothing_again(client: Client) -> None:
    client.save(dividing())
    parent = client.launch("dividing", rate=0)
    client.until(parent, "failed")
    resave(client, mended())
    fork = forked(client, parent, version="draft")
    client.until(fork, "completed")
    told = events(client, fork)
    assert {step["node_id"] for step in told if step["reused"]} >= {"start", "set"}
    assert not [step for step in told if step["node_id"] in ("start", "set") and not step["reused"]]
    assert [step["outputs"]["message"] for step in told if step["node_id"] == "say" and step["outputs"]][
        -1
    ] == "10"
    first = client.get(f"/api/runs/{fork}/ledger").json()["records"][0]["effect"]["payload"]
    assert first["workflow"]["from"] != first["workflow"]["to"]
    assert client.until(parent, "failed")
    again = forked(client, parent)
    assert client.until(again, "failed"), "as it began unless something else is said"


def test_a_version_that_does_not_fit_is_refused_with_the_steps_named(client: Client) -> None:
    client.save(dividing())
    parent = client.launch("dividing", rate=0)
    client.until(parent, "failed")
    document = mended()
    document["nodes"] = [each for each in document["nodes"] if each["id"] != "say"]
    document["edges"] = [each for each in document["edges"] if "say" not in (each["source"], each["target"])]
    resave(client, document)
    gone = client.post(f"/api/runs/{parent}/fork", json={"version": "draft"})
    assert (gone.status_code, gone.json()["code"]) == (409, "run.does_not_fit")
    assert "“say” is gone, and the run is at it." in gone.json()["detail"]
    page = post(client, f"/runs/{parent}/fork", seq="", version="draft", effects="ask")
    assert page.status_code == 409
    assert "“say” is gone" in page.text
    document = mended()
    late = node("late", "set_var", pinDefaults={"name": "late", "value": 1}, label="Come late")
    document["nodes"].append(late)
    document["edges"] = [each for each in document["edges"] if each["source"] != "start"]
    document["edges"] += flow("x", [], [("start", "late"), ("late", "set"), ("late.value", "div.b")])["edges"]
    for number, edge in enumerate(document["edges"]):
        edge["id"] = f"e{number}"
    resave(client, document)
    unread = client.post(f"/api/runs/{parent}/fork", json={"version": "draft"})
    assert unread.status_code == 409
    assert "reads “Come late”, which this run has not come to" in unread.json()["detail"]
    assert client.post(f"/api/runs/{parent}/fork", json={"version": "newest"}).status_code == 422


def test_the_form_tells_what_is_reused_done_again_and_never_sent_again(client: Client) -> None:
    client.save(dividing())
    parent = client.launch("dividing", rate=0)
    client.until(parent, "failed")
    document = mended()
    next(each for each in document["nodes"] if each["id"] == "set")["data"]["pinDefaults"]["value"] = 91
    resave(client, document)
    text = see(client, f"/runs/{parent}/fork?version=draft").text
    assert "Reused" in text
    assert "Done again" in text
    assert "nothing was sent" in text
    assert "changed since: what it gave then is kept" in text
    assert "The flow as it is now" in text
    plain = see(client, f"/runs/{parent}/fork").text
    assert "Never sent again" not in plain
