"""Trial runs that stop at breakpoints: over the API, in the inbox, on the page of the run, and after a restart."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flowstudio.programs import Programs
from flowstudio.settings import Settings
from web.conftest import Client, open_client
from web.documents import calling, end, flow, listening, node, start
from web.moody import MoodyModel
from web.page import Page
from web.test_bad_models import provide

AS_PERSON = {"Accept": "text/html"}


def steps(flow_id: str = "steps", *breaks: str) -> dict[str, Any]:
    """Set a variable twice, and end with the second; breakpoints are marks of the nodes."""
    nodes = [
        start("x"),
        node("first", "set_var", pinDefaults={"name": "a"}),
        node("second", "set_var", pinDefaults={"name": "b", "value": 2}, label="Compute VAT"),
        end("a"),
    ]
    for each in nodes:
        if each["id"] in breaks:
            each["data"]["canvas"] = {"breakpoint": True}
    wires = [("start", "first"), ("first", "second"), ("second", "end")]
    return flow(flow_id, nodes, [*wires, ("start.x", "first.value"), ("first.value", "end.a")])


def trial(client: Client, flow_id: str = "steps", status: int = 201, **asked: Any) -> str:
    body = {"flow_id": flow_id, "inputs": {"x": "7"}, "draft": True, "trial": {"breaks": True, **asked}}
    answer = client.post("/api/runs", json=body)
    assert answer.status_code == status, answer.text
    return str(answer.json().get("run_id", answer.json().get("detail")))


def stopped(client: Client, run_id: str, node_id: str) -> dict[str, Any]:
    """Wait until a run or a child has stopped before a node; return the prompt."""

    def is_there(page: dict[str, Any]) -> bool:
        return any(each["node_id"] == node_id and each["stop"] for each in page["prompts"])

    page = client.wait(lambda: client.run(run_id), is_there)
    found: dict[str, Any] = next(each for each in page["prompts"] if each["node_id"] == node_id)
    return found


def say(client: Client, prompt: dict[str, Any], response: str, status: int = 200) -> None:
    body = {"wait_key": prompt["wait_key"], "response": response, "asked_at": prompt["asked_at"]}
    answer = client.post(f"/api/prompts/{prompt['run_id']}", json=body)
    assert answer.status_code == status, answer.text


def see(client: Client, path: str) -> Page:
    answer = client.get(path, headers=AS_PERSON)
    assert answer.status_code == 200, answer.text[:400]
    return Page(answer.text)


def test_a_trial_run_stops_where_the_document_says_and_other_runs_do_not(client: Client) -> None:
    client.save(steps("steps", "second"))
    run_id = trial(client)
    prompt = stopped(client, run_id, "second")
    assert (prompt["stop"], prompt["choices"]) == ("breakpoint", ["Go on", "Step over"])
    assert prompt["prompt"] == "Stopped at a breakpoint before “Compute VAT”"
    assert client.run(run_id)["waiting"]["stop"] == "breakpoint"
    say(client, prompt, "Go on")
    assert client.until(run_id, "completed")["output"] == {"a": "7", "success": True}
    assert client.until(client.launch("steps", x="1"), "completed")["output"]["a"] == "1"
    draft = client.post("/api/runs", json={"flow_id": "steps", "inputs": {"x": "2"}, "draft": True}).json()
    client.until(draft["run_id"], "completed")


def test_the_server_may_be_away_while_a_run_has_stopped(settings: Settings) -> None:
    with open_client(settings) as client:
        client.save(steps("steps", "second"))
        run_id = trial(client)
        stopped(client, run_id, "second")
    with open_client(settings) as client:
        prompt = stopped(client, run_id, "second")
        say(client, prompt, "Step over")
        say(client, stopped(client, run_id, "end"), "Go on")
        client.until(run_id, "completed")
        answers = [each for each in client.records(run_id) if (each["effect"] or {}).get("type") == "resume"]
        told = [(each["actor_id"], each["effect"]["payload"]["payload"]["response"]) for each in answers]
        who = told[0][0]
        assert who
        assert told == [(who, "Step over"), (who, "Go on")]


def test_resume_goes_on_from_a_stop_and_says_who_did_it(client: Client) -> None:
    client.save(steps("steps", "first", "second"))
    run_id = trial(client)
    stopped(client, run_id, "first")
    answer = client.post(f"/api/runs/{run_id}/resume")
    assert answer.json()["status"] in ("running", "waiting")
    stopped(client, run_id, "second")
    client.post(f"/runs/{run_id}/resume", headers=AS_PERSON)
    client.until(run_id, "completed")
    resumed = [each for each in client.records(run_id) if (each["effect"] or {}).get("type") == "resume"]
    assert all(each["actor_id"] for each in resumed)
    assert len(resumed) == 2


def test_a_run_begins_step_by_step_or_goes_to_a_node(client: Client) -> None:
    client.save(steps())
    by_step = trial(client, step=True)
    assert stopped(client, by_step, "start")["stop"] == "step"
    to = trial(client, to="second")
    assert stopped(client, to, "second")["prompt"] == "Stopped before “Compute VAT”, to which it was to run"
    refused = trial(client, status=422, to="nowhere")
    assert "Control does not come to the node 'nowhere'" in refused


def test_breakpoints_that_change_count_for_the_run_under_way(client: Client) -> None:
    client.save(steps("steps", "first"))
    run_id = trial(client)
    prompt = stopped(client, run_id, "first")
    told = client.put(f"/api/runs/{run_id}/breakpoints", json={"flow_id": "steps", "nodes": ["second"]})
    assert told.status_code == 204
    say(client, prompt, "Go on")
    prompt = stopped(client, run_id, "second")
    body = {"flow_id": "steps", "nodes": [], "to": "end"}
    client.put(f"/api/runs/{run_id}/breakpoints", json=body)
    say(client, prompt, "Go on")
    assert stopped(client, run_id, "end")["stop"] == "to"
    plain = client.launch("steps", x="1")
    client.until(plain, "completed")
    assert client.put(f"/api/runs/{plain}/breakpoints", json=body).status_code == 204
    assert client.put("/api/runs/nobody/breakpoints", json=body).status_code == 404


def test_stepping_through_a_subflow_comes_out_again_and_going_on_does_not_stop(client: Client) -> None:
    client.save(steps("inner"))
    outer = calling("inner", "outer")
    outer["nodes"][1]["data"]["canvas"] = {"breakpoint": True}
    client.save(outer)
    run_id = trial(client, "outer")
    prompt = stopped(client, run_id, "call")
    assert prompt["choices"] == ["Go on", "Step over", "Step into"]
    say(client, prompt, "Step into")
    for node_id in ("start", "first", "second"):
        inside = stopped(client, run_id, node_id)
        assert inside["run_id"] != run_id
        say(client, inside, "Step over")
    say(client, stopped(client, run_id, "end"), "Step over")
    out = client.wait(lambda: client.asked(run_id), lambda found: found["run_id"] == run_id)
    assert out["node_id"] == "end"
    say(client, out, "Go on")
    client.until(run_id, "completed")
    again = trial(client, "outer")
    say(client, stopped(client, again, "call"), "Step into")
    say(client, stopped(client, again, "start"), "Go on")
    client.until(again, "completed")


def test_breakpoints_of_called_flows_and_of_listeners_count(client: Client) -> None:
    client.save(steps("inner", "second"))
    client.save(calling("inner", "outer"))
    run_id = trial(client, "outer")
    say(client, stopped(client, run_id, "second"), "Go on")
    client.until(run_id, "completed")
    heard = listening()
    listener = next(each for each in heard["nodes"] if each["type"] == "on_event")
    after = next(each["target"] for each in heard["edges"] if each["source"] == listener["id"])
    next(each for each in heard["nodes"] if each["id"] == after)["data"]["canvas"] = {"breakpoint": True}
    client.save(heard)
    ears = trial(client, heard["id"])
    assert stopped(client, ears, after)["run_id"] != ears


def test_a_stop_stands_in_the_inbox_under_its_own_words_and_goes_on_from_there(client: Client) -> None:
    client.save(steps("steps", "second"))
    run_id = trial(client)
    stopped(client, run_id, "second")
    inbox = see(client, "/inbox")
    assert "Stopped at a breakpoint before “Compute VAT”" in inbox.text
    assert [tag.attributes["data-state"] for tag in inbox.named("span", class_="state sign")] == ["stopped"]
    assert [tag.attributes["value"] for tag in inbox.named("button", name="choice")] == ["Go on", "Step over"]
    page = see(client, f"/runs/{run_id}")
    assert "Stopped at a breakpoint before “Compute VAT”" in page.text
    assert not page.named("form", action=f"/runs/{run_id}/pause")
    assert "Stopped at a breakpoint before “Compute VAT”" in see(client, "/runs").text
    form = {tag.attributes["name"]: tag.attributes["value"] for tag in inbox.named("input", type="hidden")}
    sent = client.post(f"/inbox/{run_id}", headers=AS_PERSON, data={**form, "choice": "Go on"})
    assert sent.status_code == 303, sent.text
    client.until(run_id, "completed")
    inbox = see(client, "/inbox")
    assert "Answered by you" not in inbox.text, "going on is no answer to a question"
    rows = see(client, f"/runs/{run_id}?steps=all").text
    assert "said: Go on" in rows


def test_the_data_of_a_node_are_those_that_it_would_read_and_a_stop_is_no_visit(client: Client) -> None:
    client.save(steps("steps", "first"))
    run_id = trial(client)
    prompt = stopped(client, run_id, "first")
    document = client.get("/api/flows/steps").json()
    body = {"flow_id": "steps", "node": document["nodes"][1], "wired": ["value"], "tab": "data"}

    def look() -> Page:
        answer = client.post("/editor/inspector", json={**body, "background": run_id, "visit": 0})
        assert answer.status_code == 200, answer.text
        return Page(answer.text)

    page = look()
    assert "Stopped" in page.text
    assert '"7"' in page.text or "7" in page.text
    story = client.studio.stories.story(run_id)
    assert [visit.state for visit in story.of("first")] == ["stopped"]
    say(client, prompt, "Go on")
    client.until(run_id, "completed")
    story = client.studio.stories.story(run_id)
    assert [(visit.state, visit.number) for visit in story.of("first")] == [("done", 1)]


def test_a_node_without_values_offers_to_run_to_it_and_a_value_node_does_not(client: Client) -> None:
    document = steps()
    document["nodes"].append(node("sum", "add"))
    client.save(document)
    for place, offers in ((1, True), (4, False)):
        body = {"flow_id": "steps", "node": document["nodes"][place], "wired": [], "tab": "data"}
        answer = client.post("/editor/inspector", json={**body, "background": "", "visit": 0})
        assert ('data-do="run-to"' in answer.text) is offers


def test_a_breakpoint_is_no_change_of_the_program(client: Client) -> None:
    programs: Programs = client.studio.programs
    plain, marked = (programs.lowered("steps", steps("steps", *breaks)) for breaks in ((), ("second",)))
    assert [each.digest for each in plain] == [each.digest for each in marked]


@pytest.mark.parametrize("how", ["cancel", "pause"])
def test_a_stopped_run_can_be_cancelled_and_is_not_paused(client: Client, how: str) -> None:
    client.save(steps("steps", "second"))
    run_id = trial(client)
    stopped(client, run_id, "second")
    standing = client.post(f"/api/runs/{run_id}/{how}").json()
    assert (standing["status"], standing["paused"]) == (
        ("cancelled", False) if how == "cancel" else ("waiting", False)
    )


def test_the_stream_tells_a_stop_as_such(client: Client) -> None:
    client.save(steps("steps", "second"))
    run_id = trial(client)
    say(client, stopped(client, run_id, "second"), "Go on")
    client.until(run_id, "completed")
    text = client.get(f"/api/runs/{run_id}/events").text
    assert text.count('"stop":true') == 3, "asked, waiting, answered"
    assert '"stop":"breakpoint","open":true' in text.replace(": ", ":")


def test_a_run_that_was_stopped_becomes_a_test_without_its_stops(client: Client) -> None:
    client.save(steps("steps", "first"))
    run_id = trial(client)
    say(client, stopped(client, run_id, "first"), "Step over")
    say(client, stopped(client, run_id, "second"), "Go on")
    client.until(run_id, "completed")
    test = client.studio.tests.save(run_id)
    result = client.studio.tests.run("steps", test.id)
    assert (result.state, result.first) == ("passed", "")


def test_a_trial_run_again_stops_again(client: Client) -> None:
    client.save(steps("steps", "second"))
    run_id = trial(client)
    say(client, stopped(client, run_id, "second"), "Go on")
    client.until(run_id, "completed")
    sent = client.post(f"/runs/{run_id}/again", headers=AS_PERSON)
    stopped(client, sent.headers["location"].rsplit("/", 1)[-1], "second")


def test_a_trial_run_may_ask_before_each_step_that_acts_outside(client: Client) -> None:
    tell = node("tell", "notify", pinDefaults={"to": "ana@example.org", "subject": "Paid", "message": "7"})
    nodes = [start("x"), node("first", "set_var", pinDefaults={"name": "a"}), tell, end("sent")]
    client.save(flow("careful", nodes, [("start", "first"), ("first", "tell"), ("tell", "end")]))
    run_id = trial(client, "careful", asks=True)
    prompt = client.asked(run_id)
    assert prompt["node_id"] == "tell"
    assert client.studio.outbox.notices() == []
    say(client, prompt, prompt["choices"][0])
    client.until(run_id, "completed")
    assert len(client.studio.outbox.notices()) == 1
    client.until(trial(client, "careful"), "completed")
    assert len(client.studio.outbox.notices()) == 2, "the next run was not asked for it"


def test_marks_say_where_a_trial_run_stops(client: Client) -> None:
    document = steps()
    by_id = {each["id"]: each for each in document["nodes"]}
    by_id["first"]["data"]["canvas"] = {"breakpoint": {"at": "after", "when": "x == '7'"}}
    by_id["second"]["data"]["canvas"] = {"breakpoint": {"off": True}}
    (into,) = [
        each for each in document["edges"] if each["target"] == "end" and "exec" in each["targetHandle"]
    ]
    key = json.dumps([into["source"], into["sourceHandle"], into["targetHandle"]])
    by_id["end"]["data"]["canvas"] = {
        "breaks": {key: True, '["gone", "exec-out", "exec-in"]': True, "odd": True}
    }
    client.save(document)
    run_id = trial(client)
    prompt = stopped(client, run_id, "second")
    assert prompt["stop"] == "after"
    assert prompt["prompt"] == "Stopped at a breakpoint after “first”, where x == '7'"
    say(client, prompt, "Go on")
    prompt = stopped(client, run_id, "end")
    assert prompt["prompt"] == "Stopped at a breakpoint on the wire from “Compute VAT” to “end”"
    assert prompt["prompt"] in see(client, "/inbox").text
    say(client, prompt, "Go on")
    client.until(run_id, "completed")


def test_places_of_all_kinds_are_handed_over_while_a_run_is_under_way(client: Client) -> None:
    client.save(steps("steps", "first"))
    run_id = trial(client)
    prompt = stopped(client, run_id, "first")
    after = {"node": "second", "at": "after", "when": "value > 1 and nobody"}
    body = {"flow_id": "steps", "places": [after], "anywhere": {"errors": True, "outside": True, "cost": 1.5}}
    assert client.put(f"/api/runs/{run_id}/breakpoints", json=body).status_code == 204
    for wrong in ({"node": "a", "at": "wire"}, {"node": "a", "pin": "exec-out"}, {"node": "a", "at": "near"}):
        bad = client.put(f"/api/runs/{run_id}/breakpoints", json={**body, "places": [wrong]})
        assert bad.status_code == 422, bad.text
    say(client, prompt, "Go on")
    prompt = stopped(client, run_id, "end")
    assert prompt["stop"] == "after"
    assert "cannot be told" in prompt["prompt"]
    body["anywhere"] = {}
    assert client.put(f"/api/runs/{run_id}/breakpoints", json={**body, "places": []}).status_code == 204
    say(client, prompt, "Go on")
    client.until(run_id, "completed")


def test_an_error_is_a_stop_that_the_inbox_and_the_page_of_the_run_tell(client: Client) -> None:
    document = steps()
    document["nodes"][1]["data"]["pinExpressions"] = {"value": "1 / 0"}
    document["edges"] = [
        each for each in document["edges"] if each["target"] != "first" or "exec" in each["targetHandle"]
    ]
    client.save(document)
    run_id = trial(client, anywhere={"errors": True})
    prompt = stopped(client, run_id, "first")
    assert prompt["stop"] == "error"
    assert "division by zero" in prompt["prompt"]
    assert prompt["prompt"] in see(client, "/inbox").text
    assert "Stopped at its error" in see(client, f"/runs/{run_id}").text
    say(client, prompt, "Go on")
    client.until(run_id, "failed")
    again = client.post(f"/api/runs/{run_id}/retry")
    assert again.status_code == 200, again.text
    stopped(client, run_id, "first")


def test_a_trial_run_stops_before_each_step_that_acts_outside(client: Client) -> None:
    tell = node("tell", "notify", pinDefaults={"to": "ana@example.org", "subject": "Paid", "message": "7"})
    nodes = [start("x"), tell, end("sent")]
    client.save(flow("careful", nodes, [("start", "tell"), ("tell", "end")]))
    run_id = trial(client, "careful", anywhere={"outside": True})
    prompt = stopped(client, run_id, "tell")
    assert (prompt["stop"], prompt["choices"]) == ("outside", ["Go on", "Step over"])
    assert prompt["prompt"].startswith("Stopped before “tell” acts outside")
    [told] = [each for each in client.records(run_id) if (each["effect"] or {}).get("type") == "notify"]
    assert told["status"] == "waiting"
    assert "Stopped before “tell” acts outside" in see(client, "/inbox").text
    assert client.studio.outbox.notices() == []
    say(client, prompt, "Step over")
    prompt = stopped(client, run_id, "end")
    assert prompt["stop"] == "step"
    assert len(client.studio.outbox.notices()) == 1
    say(client, prompt, "Go on")
    client.until(run_id, "completed")
    again = client.post(f"/runs/{run_id}/again", headers=AS_PERSON)
    assert again.status_code == 303, again.text
    stopped(client, again.headers["location"].rsplit("/", 1)[1].split("?")[0], "tell")


def test_a_trial_run_stops_once_when_it_has_cost_more(client: Client) -> None:
    moody = MoodyModel()
    try:
        provide(client, moody.url, price_in="1000", price_out="2000")
        nodes = [start("x"), *(node(each, "llm_call", pinDefaults={"prompt": each}) for each in "abc"), end()]
        client.save(flow("dear", nodes, [("start", "a"), ("a", "b"), ("b", "c"), ("c", "end")]))
        run_id = trial(client, "dear", anywhere={"cost": 0.06})
        prompt = stopped(client, run_id, "c")
        assert prompt["stop"] == "cost"
        assert prompt["prompt"] == "Stopped after “b”: the run has cost 0.108, more than 0.06"
        assert len(moody.asked) == 2
        say(client, prompt, "Go on")
        client.until(run_id, "completed")
        assert len(moody.asked) == 3
    finally:
        moody.close()
