"""Runs over HTTP: start, look, answer, hold back, end; and what they survive."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from abstractruntime.core.errors import StoreFull
from abstractruntime.core.models import RunStatus
from abstractruntime.storage.base import StepCommit
from flowstudio import worker as worker_module
from flowstudio.settings import Settings
from web.conftest import Client, open_client
from web.documents import asking, asking_at_once, asking_often, calling, counting, hello, listening, sleeping


def test_a_run_ends_with_the_output_of_its_flow(client: Client) -> None:
    client.save(hello())
    page = client.until(client.launch("hello", who="Ada"), "completed")
    assert page["output"] == {"text": "Hello Ada", "success": True}
    assert page["state"] == page["status"]
    assert (page["flow_id"], page["flow_name"], page["error"]) == ("hello", "hello", None)
    listed = client.get("/api/runs").json()["runs"]
    assert [row["run_id"] for row in listed] == [page["run_id"]]
    assert client.get("/api/runs?flow_id=other").json()["runs"] == []


def test_who_starts_a_run_is_told_its_session(client: Client) -> None:
    client.save(hello())
    own = client.post("/api/runs", json={"flow_id": "hello", "inputs": {"who": "Ada"}}).json()
    assert own["session_id"] == own["run_id"]
    shared = client.post("/api/runs", json={"flow_id": "hello", "session_id": "desk"}).json()
    assert set(shared) == {"run_id", "session_id"}
    assert shared["session_id"] == "desk"
    client.until(own["run_id"], "completed")


def test_a_document_says_itself_which_flow_it_is(client: Client) -> None:
    client.save(hello())
    given = client.post("/api/runs", json={"document": hello(), "inputs": {"who": "Ada"}})
    assert given.status_code == 201, given.text
    assert client.until(given.json()["run_id"], "completed")["flow_id"] == "hello"
    nameless = {key: value for key, value in hello().items() if key != "id"}
    refused = client.post("/api/runs", json={"document": nameless})
    assert refused.status_code == 422
    assert "a `document` with an `id`" in refused.text


def test_steps_say_which_run_has_started_theirs(client: Client) -> None:
    client.save(hello())
    client.save(calling("hello"))
    run_id = client.launch("parent")
    client.until(run_id, "completed")
    text = client.get(f"/api/runs/{run_id}/events").text
    steps = [json.loads(data) for data in re.findall(r"event: step\ndata: (.*)", text)]
    assert {step["parent_run_id"] for step in steps if step["run_id"] == run_id} == {None}
    below = [step for step in steps if step["run_id"] != run_id]
    assert below
    assert {step["parent_run_id"] for step in below} == {run_id}


def test_a_question_is_answered_once(client: Client) -> None:
    client.save(asking())
    run_id = client.launch("asking")
    prompt = client.asked(run_id)
    assert (prompt["prompt"], prompt["node_id"], prompt["root_run_id"]) == ("Your name?", "ask", run_id)
    assert client.get("/api/prompts").json()["prompts"] == [prompt]
    answer = {"wait_key": prompt["wait_key"], "response": "Ada"}
    assert client.post(f"/api/prompts/{run_id}", json=answer).status_code == 200
    assert client.until(run_id, "completed")["output"] == {"name": "Ada", "success": True}
    late = client.post(f"/api/prompts/{run_id}", json={**answer, "response": "Bob"})
    assert (late.status_code, late.json()["code"]) == (409, "prompt.answered")
    assert late.json()["answered_by"] == "the API"
    assert late.json()["answered_at"]
    assert client.get("/api/prompts").json()["prompts"] == []


def test_of_many_answers_one_wins(client: Client) -> None:
    client.save(asking())
    run_id = client.launch("asking")
    prompt = client.asked(run_id)

    def send(number: int) -> tuple[int, Any]:
        body = {"wait_key": prompt["wait_key"], "response": f"n{number}"}
        reply = client.post(f"/api/prompts/{run_id}", json=body)
        return reply.status_code, reply.json()

    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(send, range(8)))
    won = [number for number, (status, _) in enumerate(replies) if status == 200]
    assert len(won) == 1
    assert {body["code"] for status, body in replies if status != 200} == {"prompt.answered"}
    assert client.until(run_id, "completed")["output"]["name"] == f"n{won[0]}"
    answers = [r for r in client.records(run_id) if (r["effect"] or {}).get("type") == "resume"]
    assert len(answers) == 1


def test_an_answer_meant_for_an_earlier_turn_is_told_so(client: Client) -> None:
    client.save(asking_often(2))
    run_id = client.launch("often")
    first = client.asked(run_id)
    body = {"wait_key": first["wait_key"], "response": "a"}
    assert client.post(f"/api/prompts/{run_id}", json=body).status_code == 200
    second = client.wait(
        lambda: client.run(run_id)["prompts"], lambda p: bool(p) and p[0]["wait_key"] != first["wait_key"]
    )[0]
    late = client.post(f"/api/prompts/{run_id}", json={**body, "response": "b"})
    assert (late.status_code, late.json()["code"]) == (409, "prompt.answered")
    assert (late.json()["answered_by"], bool(late.json()["answered_at"])) == ("the API", True)
    assert client.run(run_id)["prompts"] == [second]


def test_of_many_answers_to_one_turn_one_wins(client: Client) -> None:
    client.save(asking_often(3))
    run_id = client.launch("often")
    body = {"wait_key": client.asked(run_id)["wait_key"], "response": "a"}
    with ThreadPoolExecutor(10) as pool:
        sent = [pool.submit(client.post, f"/api/prompts/{run_id}", json=body) for _ in range(10)]
    assert sorted(each.result().status_code for each in sent) == [200] + [409] * 9
    client.wait(
        lambda: client.run(run_id)["prompts"], lambda p: bool(p) and p[0]["wait_key"] != body["wait_key"]
    )
    answers = [r for r in client.records(run_id) if (r["effect"] or {}).get("type") == "resume"]
    assert len(answers) == 1


def test_only_a_choice_is_taken_where_words_are_not(client: Client) -> None:
    client.save(asking(choices=["yes", "no"], takes_words=False))
    run_id = client.launch("asking")
    prompt = client.asked(run_id)
    assert prompt["allow_free_text"] is False
    wrong = client.post(f"/api/prompts/{run_id}", json={"wait_key": prompt["wait_key"], "response": "maybe"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "prompt.not_a_choice")
    right = client.post(f"/api/prompts/{run_id}", json={"wait_key": prompt["wait_key"], "response": "no"})
    assert right.status_code == 200


def test_a_subflow_asks_and_the_root_shows_it(client: Client) -> None:
    client.save(asking())
    client.save(calling("asking"))
    run_id = client.launch("parent")
    prompt = client.asked(run_id)
    assert prompt["run_id"] != run_id
    assert prompt["root_run_id"] == run_id
    waiting = client.run(run_id)["waiting"]
    assert (waiting["reason"], waiting["run_id"]) == ("user", prompt["run_id"])
    # an answer addressed to the root reaches the run that asks
    body = {"wait_key": waiting["wait_key"], "response": "Ada"}
    assert client.post(f"/api/prompts/{run_id}", json=body).status_code == 200
    page = client.until(run_id, "completed")
    assert page["output"]["output"]["name"] == "Ada"
    assert [row["run_id"] for row in client.get("/api/runs").json()["runs"]] == [run_id], "roots only"


def test_a_run_keeps_its_flow_when_the_flow_is_edited_or_deleted(client: Client) -> None:
    client.save(asking())
    run_id = client.launch("asking")
    prompt = client.asked(run_id)
    edited = asking(prompt="Other?")
    tag = client.get("/api/flows/asking").headers["etag"]
    assert client.put("/api/flows/asking", json=edited, headers={"If-Match": tag}).status_code == 200
    assert client.delete("/api/flows/asking").status_code == 204
    body = {"wait_key": prompt["wait_key"], "response": "Ada"}
    assert client.post(f"/api/prompts/{run_id}", json=body).status_code == 200
    page = client.until(run_id, "completed")
    assert page["output"] == {"name": "Ada", "success": True}
    assert page["flow_name"] == "asking"
    assert client.get(f"/api/runs/{run_id}/flow").json() == asking()


def test_a_nap_ends_on_time(client: Client) -> None:
    client.save(sleeping(0.4))
    run_id = client.launch("sleeping")
    page = client.until(run_id, "waiting")
    assert page["waiting"]["reason"] == "until"
    client.until(run_id, "completed", seconds=3)


def test_a_full_disk_is_told_on_the_pages_and_the_run_goes_on_when_there_is_room(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "RETRY_SECONDS", (0.05,))
    journal = client.studio.runner._runtime.journal
    commit, has_room = journal.commit, False

    def full(step: StepCommit) -> int:
        if step.run.status is not RunStatus.FAILED and not has_room:  # a run that fails takes less room
            raise StoreFull("The disk is full: make room.")
        return commit(step)

    client.save(sleeping(1.5))
    run_id = client.launch("sleeping")
    client.until(run_id, "waiting")
    monkeypatch.setattr(journal, "commit", full)
    client.wait(client.studio.standstill, lambda said: said is not None)
    for page in (f"/runs/{run_id}", "/runs", "/"):
        assert "The disk is full: make room." in client.get(page).text, page
    has_room = True
    client.until(run_id, "completed")
    client.wait(client.studio.standstill, lambda said: said is None)
    assert "No run goes on" not in client.get("/runs").text


def test_pause_resume_and_cancel_hold_for_the_whole_tree(client: Client) -> None:
    client.save(sleeping(0.5))
    client.save(calling("sleeping"))
    run_id = client.launch("parent")
    client.wait(lambda: client.studio.reader.tree(run_id).runs, lambda runs: len(runs) == 2)
    paused = client.post(f"/api/runs/{run_id}/pause", json={"reason": "later"}).json()
    assert paused["paused"] is True
    assert client.run(run_id)["paused"] is True
    tree = [run.run_id for run in client.studio.reader.tree(run_id).runs]
    assert [client.run(each)["paused"] for each in tree] == [True, True]
    with pytest.raises(AssertionError, match="after 1"):
        client.until(run_id, "completed", seconds=1)
    assert client.run(run_id)["status"] == "waiting", "the child's nap is over, but nobody goes on"
    assert client.post(f"/api/runs/{run_id}/resume").json()["paused"] is False
    assert [client.run(each)["paused"] for each in tree] == [False, False]
    client.until(run_id, "completed")

    client.save(asking())
    other = client.launch("asking")
    client.asked(other)
    ended = client.post(f"/api/runs/{other}/cancel", json={"reason": "no need"}).json()
    assert ended == {"run_id": other, "status": "cancelled", "paused": False}
    assert client.run(other)["error"] == "no need"
    assert client.post(f"/api/runs/{other}/cancel").json()["status"] == "cancelled"
    gone = client.post(f"/api/prompts/{other}", json={"response": "late"})
    assert (gone.status_code, gone.json()["code"]) == (409, "prompt.gone")


def test_what_a_cancelled_run_waited_for_does_not_look_as_if_it_waited(client: Client) -> None:
    client.save(asking())
    run_id = client.launch("asking")
    client.asked(run_id)
    page = client.get(f"/runs/{run_id}", headers={"Accept": "text/html"}).text
    assert 'data-state="waiting" data-depth="0" data-node="ask"' in page
    client.post(f"/api/runs/{run_id}/cancel")
    page = client.get(f"/runs/{run_id}", headers={"Accept": "text/html"}).text
    assert 'data-state="cancelled" data-depth="0" data-node="ask"' in page
    news = client.get(f"/runs/{run_id}/live?after=0", headers={"Accept": "text/html"}).text
    assert 'data-state="waiting"' not in news


def test_cancelling_ends_the_children_too(client: Client) -> None:
    client.save(asking())
    client.save(calling("asking"))
    run_id = client.launch("parent")
    prompt = client.asked(run_id)
    client.post(f"/api/runs/{run_id}/cancel")
    assert client.run(prompt["run_id"])["status"] == "cancelled"
    assert client.get("/api/prompts").json()["prompts"] == []


def test_listeners_hear_events_and_go_with_the_session(client: Client) -> None:
    client.save(listening())
    run_id = client.launch("listening")
    prompt = client.asked(run_id)
    heard = client.wait(
        lambda: [r for r in client.records(run_id) if r["node_id"] == "say"], lambda found: bool(found)
    )
    assert heard[0]["run_id"] != run_id
    body = {"wait_key": prompt["wait_key"], "response": "yes"}
    assert client.post(f"/api/prompts/{run_id}", json=body).status_code == 200
    client.until(run_id, "completed")
    runs = client.wait(
        lambda: client.studio.reader.tree(run_id).runs, lambda found: all(run.status.is_over for run in found)
    )
    assert len(runs) == 2
    assert {run.session_id for run in runs} == {run_id}


def test_the_ledger_is_paged_without_gaps_or_doubles(client: Client) -> None:
    client.save(counting(20))
    run_id = client.launch("counting")
    client.until(run_id, "completed")
    whole = client.records(run_id)
    assert len(whole) > 40
    pages, after = [], 0
    while True:
        body = client.get(f"/api/runs/{run_id}/ledger?after={after}&limit=7").json()
        if not body["records"]:
            assert body["next"] == after
            break
        pages += body["records"]
        after = body["next"]
    assert pages == whole
    assert [record["seq"] for record in whole] == list(range(1, len(whole) + 1))


def test_a_restart_drives_on_what_was_under_way(settings: Settings) -> None:
    with open_client(settings) as client:
        for document in (asking(), calling("asking"), sleeping(3), counting(300), listening()):
            client.save(document)
        waiting = client.launch("parent")
        prompt = client.asked(waiting)
        napping, busy, session = (
            client.launch("sleeping"),
            client.launch("counting"),
            client.launch("listening"),
        )
        client.asked(session)
        client.until(napping, "waiting")
        client.delete("/api/flows/asking")
    with open_client(settings) as client:
        assert client.until(busy, "completed")["output"]["count"] == 299
        client.until(napping, "completed")
        body = {"wait_key": prompt["wait_key"], "response": "Ada"}
        assert client.post(f"/api/prompts/{prompt['run_id']}", json=body).status_code == 200
        assert client.until(waiting, "completed")["output"]["output"]["name"] == "Ada"
        question = client.asked(session)
        client.post(f"/api/prompts/{session}", json={"wait_key": question["wait_key"], "response": "y"})
        client.until(session, "completed")
        client.wait(
            lambda: client.studio.reader.tree(session).runs,
            lambda found: all(run.status.is_over for run in found),
        )
        assert len(client.studio.reader.tree(session).runs) == 2, "no second listener was started"


def _open_prompts(client: Client, run_id: str, count: int) -> dict[str, Any]:
    found = client.wait(
        lambda: [
            each for each in client.get("/api/prompts").json()["prompts"] if each["root_run_id"] == run_id
        ],
        lambda prompts: len(prompts) == count,
    )
    return {each["prompt"]: each for each in found}


def test_questions_of_several_branches_are_open_at_once_also_after_a_restart(settings: Settings) -> None:
    def say(client: Client, prompt: dict[str, Any]) -> None:
        body = {"wait_key": prompt["wait_key"], "response": prompt["prompt"].upper()}
        assert client.post(f"/api/prompts/{prompt['run_id']}", json=body).status_code == 200

    with open_client(settings) as client:
        client.save(asking_at_once("tea", "rain", "cats"))
        run_id = client.launch("at-once")
        prompts = _open_prompts(client, run_id, 3)
        assert {prompt["node_id"] for prompt in prompts.values()} == {"ask0", "ask1", "ask2"}
        say(client, prompts["rain"])
        _open_prompts(client, run_id, 2)
    with open_client(settings) as client:
        assert set(_open_prompts(client, run_id, 2)) == {"tea", "cats"}
        say(client, prompts["cats"])
        say(client, prompts["tea"])
        assert client.until(run_id, "completed")["output"] == {
            "tea": "TEA",
            "rain": "RAIN",
            "cats": "CATS",
            "success": True,
        }


def test_cancelling_takes_the_questions_of_all_branches_away(client: Client) -> None:
    client.save(asking_at_once("tea", "rain"))
    run_id = client.launch("at-once")
    _open_prompts(client, run_id, 2)
    client.post(f"/api/runs/{run_id}/cancel")
    client.until(run_id, "cancelled")
    _open_prompts(client, run_id, 0)


def test_a_run_whose_program_is_lost_fails_and_others_go_on(settings: Settings) -> None:
    with open_client(settings) as client:
        client.save(sleeping(1.0))
        lost = client.launch("sleeping")
        client.until(lost, "waiting")
    for file in (settings.data / "programs").iterdir():
        file.unlink()
    with open_client(settings) as client:
        page = client.until(lost, "failed")
        assert "program" in page["error"]
        client.save(hello())
        client.until(client.launch("hello"), "completed")


def test_a_long_list_of_runs_is_read_page_by_page(client: Client) -> None:
    client.save(hello())
    client.save(asking())
    runs = [client.launch("hello") for _ in range(7)]
    for run_id in runs:
        client.until(run_id, "completed")
    waiting = client.launch("asking")
    client.asked(waiting)
    everything = [row["run_id"] for row in client.get("/api/runs").json()["runs"]]
    assert everything[0] == waiting
    assert sorted(everything) == sorted([*runs, waiting])
    seen, cursor, pages = [], "", 0
    while cursor is not None:
        page = client.get("/api/runs", params={"limit": 3, "cursor": cursor}).json()
        seen += [row["run_id"] for row in page["runs"]]
        cursor, pages = page["next"], pages + 1
    assert (seen, pages) == (everything, 3)
    first = client.get("/api/runs", params={"limit": 3}).json()
    prompt = client.asked(waiting)
    client.post(f"/api/prompts/{waiting}", json={"wait_key": prompt["wait_key"], "response": "Ada"})
    client.until(waiting, "completed")
    behind = client.get("/api/runs", params={"cursor": first["next"]}).json()["runs"]
    assert [row["run_id"] for row in behind] == everything[3:], "one that changes meanwhile shifts nothing"
    few = client.get("/api/runs", params={"flow_id": "hello", "limit": 4}).json()
    rest = client.get("/api/runs", params={"flow_id": "hello", "cursor": few["next"]}).json()
    assert len(few["runs"] + rest["runs"]) == 7
    assert rest["next"] is None
    assert client.get("/api/runs", params={"cursor": "odd"}).status_code == 422


def test_a_document_that_is_not_saved_is_run_as_it_is(client: Client) -> None:
    unsaved = hello("unsaved")
    body = {"flow_id": "unsaved", "document": unsaved, "inputs": {"who": "Ada"}, "wait_seconds": 20}
    started = client.post("/api/runs", json=body).json()
    assert (started["run"]["status"], started["run"]["output"]["text"]) == ("completed", "Hello Ada")
    assert client.get(f"/api/runs/{started['run_id']}/flow").json() == unsaved
    assert started["run"]["version"] is None
    assert client.get("/api/flows").json()["flows"] == [], "it is kept with the run, and nowhere else"

    client.save(asking("saved"))
    before = client.get("/api/flows/saved").json()
    run_id = client.post("/api/runs", json={"flow_id": "saved", "document": hello("saved")}).json()["run_id"]
    assert client.until(run_id, "completed")["output"]["text"] == "Hello world"
    assert client.get("/api/flows/saved").json() == before
    assert client.get("/api/flows/saved/versions").json()["versions"] == []
    client.asked(client.launch("saved"))

    calls = {"flow_id": "parent", "document": calling("saved"), "trial": {"step": True}}
    stopped = client.asked(client.post("/api/runs", json=calls).json()["run_id"])
    assert stopped["stop"] == "step"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"flow_id": "x", "document": {**hello("x"), "nodes": []}}, "flow.invalid"),
        ({"flow_id": "x", "document": hello("other")}, "flow.malformed"),
        ({"flow_id": "x", "document": {**hello("x"), "nodes": {}}}, "flow.malformed"),
        ({"flow_id": "x", "document": []}, "request.invalid"),
        ({"document": {"nodes": [], "edges": []}}, "request.invalid"),
        ({"bundle_ref": "b", "document": hello("x")}, "request.invalid"),
    ],
)
def test_a_document_that_cannot_be_run_is_refused(client: Client, body: dict[str, Any], code: str) -> None:
    answer = client.post("/api/runs", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert client.get("/api/runs").json()["runs"] == []


def test_a_run_of_an_unsaved_document_outlives_a_restart(settings: Settings) -> None:
    with open_client(settings) as client:
        body = {"flow_id": "asking", "document": asking()}
        run_id = client.post("/api/runs", json=body).json()["run_id"]
        prompt = client.asked(run_id)
    with open_client(settings) as client:
        answer = {"wait_key": prompt["wait_key"], "response": "Ada"}
        assert client.post(f"/api/prompts/{run_id}", json=answer).status_code == 200
        assert client.until(run_id, "completed")["output"]["name"] == "Ada"
        fork = client.post(f"/api/runs/{run_id}/fork", json={"seq": 0})
        assert fork.status_code == 201, fork.text
        assert client.asked(fork.json()["run_id"])["prompt"] == "Your name?"
        assert client.get("/api/flows").json()["flows"] == []
