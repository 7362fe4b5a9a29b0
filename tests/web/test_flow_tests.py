"""A finished run becomes a test of its flow: played again without the outside, on the flow as it is now."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from abstractruntime.core.models import RunState
from abstractruntime.storage.base import PlacedRecord
from drive import end, flow, node, start
from flowstudio.flow_tests.leaves import covers, others, plain, stray
from flowstudio.flow_tests.reading import why_unlike
from flowstudio.flow_tests.recording import OUTSIDE
from flowstudio.flow_tests.shelf import BadTest, FlowTest, TestNotFound, read_test
from flowstudio.flow_tests.suite import NoTest
from flowstudio.settings import packaged
from web.conftest import Client

Json = Any


def ended(client: Client, run_id: str, answers: list[Json] | None = None, seconds: float = 30.0) -> str:
    """Answer the questions of a run, in order, until it has ended."""
    left = list(answers or ())

    def over() -> bool:
        page = client.run(run_id)
        if page["prompts"] and left:
            prompt = page["prompts"][0]
            told = {"wait_key": prompt["wait_key"], "response": left.pop(0), "asked_at": prompt["asked_at"]}
            client.post(f"/api/prompts/{prompt['run_id']}", json=told).raise_for_status()
        return page["status"] in ("completed", "failed")

    client.wait(over, bool, seconds)
    return run_id


def saved(client: Client, document: dict[str, Json], *answers: Json, **inputs: Json) -> FlowTest:
    client.save(document)
    return client.studio.tests.save(ended(client, client.launch(document["id"], **inputs), list(answers)))


def change(client: Client, flow_id: str, edit: Callable[[dict[str, Json]], None]) -> None:
    """Change the draft; `edit` is given its nodes by id."""
    document = client.get(f"/api/flows/{flow_id}").json()
    edit({each["id"]: each["data"] for each in document["nodes"]})
    client.put(f"/api/flows/{flow_id}", json=document, headers={"If-Match": "*"}).raise_for_status()


def greeting() -> dict[str, Json]:
    """Ask for a name, wait, tell somebody, greet."""
    nodes = {
        "start": start(word="Hello"),
        "ask": node("ask_user", pins={"prompt": "Your name?"}, label="Ask for a name"),
        "nap": node("wait_until", pins={"duration": 0.2}),
        "text": node("string_template", pins={"template": "{{word}} {{name}}!"}, ins=["word", "name"]),
        "tell": node("notify", pins={"to": "boss", "subject": "Guest"}, label="Tell the boss"),
        "say": node("answer_user", label="Greet"),
        "end": end("said"),
    }
    wires = """start -> ask, ask -> nap, nap -> tell, tell -> say, say -> end, start.word -> text.word
    ask.response -> text.name, text.result -> tell.message, text.result -> say.message, text.result -> end.said"""
    return flow("greeting", nodes, wires)


def test_a_test_passes_on_what_was_recorded_and_reaches_nobody(client: Client) -> None:
    test = saved(client, greeting(), "Ana")
    assert (test.id, test.name) == ("word-hello", "Word Hello")
    assert len(client.studio.outbox.notices()) == 1
    runs = len(client.get("/api/runs").json()["runs"])
    result = client.studio.tests.run("greeting", test.id)
    assert (result.state, result.first) == ("passed", "")
    assert result.ms < 1000, "a wait is passed by the clock"
    assert len(client.studio.outbox.notices()) == 1, "nothing was sent again"
    assert len(client.get("/api/runs").json()["runs"]) == runs, "it is no run of the library"
    assert client.studio.tests.shelf.results("greeting")[test.id] == result


def test_it_is_a_document_beside_the_flow_that_the_library_does_not_take_for_one(client: Client) -> None:
    test = saved(client, greeting(), "Ana")
    file = client.studio.settings.flows / "tests" / "greeting" / f"{test.id}.json"
    kept = json.loads(file.read_bytes())
    assert (kept["format"], kept["flow"], kept["name"]) == (1, "greeting", test.name)
    assert kept["inputs"] == {"word": "Hello"}
    assert kept["recording"]["replies"][0]["request"]["message"] == "Hello Ana!"
    assert kept["recording"]["answers"][0]["payload"] == {"response": "Ana"}
    assert kept["expected"]["effects"] == {"answer_user": 1, "ask_user": 1, "notify": 1}
    assert [each["node"] for each in kept["expected"]["ways"][0]["visits"]][:3] == ["start", "ask", "nap"]
    assert client.get("/api/flows").json()["flows"][0]["id"] == "greeting"
    assert len(client.get("/api/flows").json()["flows"]) == 1
    assert client.get("/api/flows").json()["broken"] == []
    assert read_test(kept) == client.studio.tests.shelf.test("greeting", test.id)


def test_a_changed_request_is_told_by_its_field_and_its_place(client: Client) -> None:
    test = saved(client, greeting(), "Ana")
    change(client, "greeting", lambda nodes: nodes["tell"]["pinDefaults"].update(subject="Visitor"))
    first = client.studio.tests.run("greeting", test.id).partings[0]
    assert (first["kind"], first["node_id"], first["label"]) == ("request", "tell", "Tell the boss")
    assert first["path"] == "notify.subject"
    assert '`subject` is "Visitor", in the nearest recorded request it is "Guest"' in first["words"]
    assert len(client.studio.outbox.notices()) == 1


def test_a_changed_result_is_told_with_the_first_step_that_gave_another_value(client: Client) -> None:
    nodes = {
        "start": start(net=100),
        "vat": node("multiply", pins={"b": 1.24}, ins=["a|number", "b|number"], label="Add VAT"),
        "set": node("set_var", pins={"name": "total"}, label="Keep the total"),
        "end": end("total"),
    }
    wires = "start -> set, set -> end, start.net -> vat.a, vat.result -> set.value, vat.result -> end.total"
    test = saved(client, flow("vat", nodes, wires))
    assert client.studio.tests.run("vat", test.id).state == "passed"
    change(client, "vat", lambda nodes: nodes["vat"]["pinDefaults"].update(b=1.5))
    result = client.studio.tests.run("vat", test.id)
    assert result.state == "failed"
    assert "`output.total` is 150.0 instead of 124.0." in result.first
    assert "First at “Keep the total”: 150.0 instead of 124.0." in result.first
    assert result.partings[0]["path"] == "output.total"
    changed = client.studio.tests.update("vat", test.id)
    assert changed.expected.output["total"] == 150.0
    assert client.studio.tests.shelf.results("vat")[test.id].state == "passed"


def test_another_way_is_told_where_the_two_part(client: Client) -> None:
    nodes = {
        "start": start(amount=50),
        "big": node("compare", pins={"op": ">", "b": 100}, ins=["a|number", "b|number"]),
        "if": node("if", label="Is it much?"),
        "yes": node("answer_user", pins={"message": "Much"}, label="Say much"),
        "no": node("answer_user", pins={"message": "Little"}, label="Say little"),
        "end": end(),
    }
    wires = """start -> if, if:true -> yes, if:false -> no, yes -> end, no -> end
    start.amount -> big.a, big.result -> if.condition"""
    test = saved(client, flow("way", nodes, wires))
    change(client, "way", lambda nodes: nodes["big"]["pinDefaults"].update(b=10))
    first = client.studio.tests.run("way", test.id).partings[0]
    assert (first["kind"], first["node_id"]) == ("way", "if")
    assert first["words"] == "Step 2, “Is it much?”, leaves by “true” instead of “false”."


def test_a_question_that_was_not_asked_then_ends_the_test_at_its_place(client: Client) -> None:
    document = greeting()
    test = saved(client, document, "Ana")
    more = client.get("/api/flows/greeting").json()
    second = {**deepcopy(next(each for each in more["nodes"] if each["id"] == "ask")), "id": "again"}
    second["data"]["label"] = "Ask again"
    more["nodes"].append(second)
    for edge in more["edges"]:
        if edge["source"] == "ask" and edge["sourceHandle"] == "exec-out":
            edge["source"] = "again"
    handles = {"sourceHandle": "exec-out", "targetHandle": "exec-in"}
    more["edges"].append({"id": "x", "source": "ask", "target": "again", **handles})
    client.put("/api/flows/greeting", json=more, headers={"If-Match": "*"}).raise_for_status()
    first = client.studio.tests.run("greeting", test.id).partings[0]
    assert (first["kind"], first["node_id"], first["label"]) == ("wait", "again", "Ask again")
    assert "Asks “Your name?”, and the recording has none of this step" in first["words"]
    with pytest.raises(NoTest, match="What the flow would do is not known"):
        client.studio.tests.update("greeting", test.id)


def test_an_answer_that_is_no_choice_any_more_is_told(client: Client) -> None:
    nodes = {
        "start": start(),
        "ask": node(
            "ask_user",
            pins={"prompt": "Well?", "choices": ["yes", "no"]},
            effectConfig={"allowFreeText": False},
        ),
        "end": end("said"),
    }
    test = saved(client, flow("choice", nodes, "start -> ask, ask -> end, ask.response -> end.said"), "no")
    assert client.studio.tests.run("choice", test.id).state == "passed"
    change(client, "choice", lambda nodes: nodes["ask"]["pinDefaults"].update(choices=["yes", "later"]))
    assert (
        "the recorded answer 'no' is none of its choices: yes, later"
        in client.studio.tests.run("choice", test.id).first
    )


def test_a_draft_that_cannot_run_breaks_its_tests_and_says_why(client: Client) -> None:
    test = saved(client, greeting(), "Ana")
    document = client.get("/api/flows/greeting").json()
    document["edges"][0]["sourceHandle"] = "elsewhere"
    client.put("/api/flows/greeting", json=document, headers={"If-Match": "*"}).raise_for_status()
    result = client.studio.tests.run("greeting", test.id)
    assert result.state == "broken"
    assert "cannot run yet" in result.first


def test_times_and_ids_are_left_out_by_themselves_and_words_are_not(client: Client) -> None:
    nodes = {
        "start": start(),
        "clock": node("system_datetime"),
        "text": node("string_template", pins={"template": "It is {{time}}."}, ins=["time"]),
        "say": node("answer_user"),
        "end": end("when"),
    }
    wires = (
        "start -> say, say -> end, clock.iso -> text.time, text.result -> say.message, clock.iso -> end.when"
    )
    test = saved(client, flow("when", nodes, wires))
    assert test.left_out == ("messages[*].text numbers", "output.when")
    assert client.studio.tests.run("when", test.id).state == "passed"
    change(client, "when", lambda nodes: nodes["text"]["pinDefaults"].update(template="Now it is {{time}}."))
    assert client.studio.tests.run("when", test.id).state == "failed"


def test_what_is_not_checked_may_differ(client: Client) -> None:
    test = saved(client, greeting(), "Ana")
    change(
        client, "greeting", lambda nodes: nodes["text"]["pinDefaults"].update(template="{{word}}, {{name}}!")
    )
    tests = client.studio.tests
    assert tests.run("greeting", test.id).partings[0]["path"] == "notify.message"
    changed = tests.leave_out("greeting", test.id, ["notify.message"], ["way", "files", "effects"])
    assert changed.checks == ("way", "files", "effects")
    assert tests.shelf.results("greeting")[test.id].state == "passed"


def test_a_failure_that_the_flow_catches_is_played_again(client: Client) -> None:
    nodes = {
        "start": start(),
        "get": node("web_request", pins={"url": "http://practice.test/nothing"}, onError="branch"),
        "say": node("answer_user", pins={"message": "Not to be had."}),
        "end": end(),
    }
    document = flow("caught", nodes, "start -> get, get -> end, get:exec-error -> say, say -> end")
    client.save(document)
    run = ended(client, client.launch("caught"))
    assert client.run(run)["status"] == "completed", client.run(run)["error"]
    test = client.studio.tests.save(run)
    assert [each.status for each in test.recording.replies] == ["failed"]
    result = client.studio.tests.run("caught", test.id)
    assert (result.state, result.first) == ("passed", "")


def test_a_test_is_renamed_and_removed(client: Client) -> None:
    test, tests = saved(client, greeting(), "Ana"), client.studio.tests
    assert tests.rename("greeting", test.id, "  Greets Ana ").name == "Greets Ana"
    assert [each.name for each in tests.shelf.tests("greeting")] == ["Greets Ana"]
    with pytest.raises(BadTest, match="needs a name"):
        tests.rename("greeting", test.id, " ")
    tests.shelf.remove("greeting", test.id)
    assert tests.shelf.tests("greeting") == []
    assert tests.shelf.results("greeting") == {}
    for test_id in (test.id, "../greeting", "nothing"):
        with pytest.raises(TestNotFound):
            tests.shelf.test("greeting", test_id)


def test_a_run_under_way_and_one_that_was_continued_become_no_test(client: Client) -> None:
    client.save(greeting())
    run = client.launch("greeting")
    client.asked(run)
    with pytest.raises(NoTest, match="this one is waiting"):
        client.studio.tests.save(run)
    nodes = {"start": start(), "read": node("read_file", pins={"file_path": "a.txt"}), "end": end("text")}
    client.save(flow("reads", nodes, "start -> read, read -> end, read.content -> end.text"))
    run = ended(client, client.launch("reads"))
    client.studio.settings.files.mkdir(parents=True, exist_ok=True)
    (client.studio.settings.files / "a.txt").write_text("Hi")
    client.post(f"/runs/{run}/retry", follow_redirects=False)
    client.until(run, "completed")
    with pytest.raises(NoTest, match="continued after it had failed"):
        client.studio.tests.save(run)


def test_where_a_trial_run_stopped_is_no_part_of_its_test(client: Client) -> None:
    document = greeting()
    document["nodes"][1]["data"]["canvas"] = {"breakpoint": True}
    client.save(document)
    asked = {"flow_id": "greeting", "draft": True, "trial": {"breaks": True}}
    run = client.post("/api/runs", json=asked).json()["run_id"]
    test = client.studio.tests.save(ended(client, run, ["Go on", "Ana"]))
    assert [each.payload for each in test.recording.answers] == [{"response": "Ana"}]
    assert test.expected.effects == {"answer_user": 1, "ask_user": 1, "notify": 1}
    assert client.studio.tests.run("greeting", test.id).state == "passed"


def test_a_fork_and_a_run_with_pinned_outputs_are_no_runs_of_the_flow_alone() -> None:
    run = RunState.new(workflow_id="f@1", entry_node="start")
    forked = PlacedRecord(1, 1, run.run_id, {"effect": {"type": "fork", "payload": {}}})
    assert why_unlike([forked], run) == "This run is a fork: it did not begin at the start of the flow"
    run.vars["_runtime"] = {"trial": {"pins": {"ask": {}}}}
    assert why_unlike([], run).startswith("This run took pinned outputs")


def test_no_secret_gets_into_a_test(client: Client) -> None:
    client.studio.ai.keys.put("provider", "sk-planted-12345678")
    headers = {"X-Api-Key": "typed-into-the-flow-1"}
    nodes = {
        "start": start(word="sk-planted-12345678"),
        "get": node(
            "web_request",
            pins={"url": "http://practice.test/nothing", "headers": headers},
            onError="branch",
        ),
        "end": end("word"),
    }
    wires = "start -> get, get -> end, get:exec-error -> end, start.word -> end.word"
    test = saved(client, flow("secret", nodes, wires))
    text = (client.studio.settings.flows / "tests" / "secret" / f"{test.id}.json").read_text()
    assert "planted" not in text
    assert "typed-into" not in text
    assert client.studio.tests.run("secret", test.id).state == "passed"


def test_good_candidates_are_short_runs_with_effects_that_ended_well(client: Client) -> None:
    client.save(greeting())
    done = ended(client, client.launch("greeting"), ["Ana"])
    client.asked(client.launch("greeting"))
    found = client.studio.tests.candidates("greeting")
    assert [each.row["run_id"] for each in found] == [done]
    assert (found[0].steps, found[0].effects["notify"]) == (6, 1)
    client.studio.tests.save(done)
    assert client.studio.tests.candidates("greeting") == []


SAMPLES = {
    flow_id: json.loads((packaged("flows") / "samples" / f"{flow_id}.json").read_bytes())
    for flow_id in (
        "book-a-trip",
        "expense-approval",
        "flaky-service",
        "fork-playground",
        "match-bank-and-invoices",
        "new-colleague",
        "outliers-need-eyes",
        "support-triage",
        "which-prompt-is-better",
    )
}


@pytest.mark.parametrize("flow_id", SAMPLES)
def test_a_starter_flow_becomes_a_test_that_passes(client: Client, flow_id: str) -> None:
    """With questions, tools, a model, an agent, subflows, loops, failures: whatever it asks of the world."""
    case = SAMPLES[flow_id]["cases"][0]
    address = client.post(f"/gallery/{flow_id}/run", follow_redirects=False).headers["location"]
    run = ended(client, address.split("run=")[1], case.get("answers"), 60)
    test = client.studio.tests.save(run)
    books = client.studio.settings.data / "practice.json"
    before = books.read_bytes() if books.exists() else b""
    client.post("/settings/models/scripted/delete", follow_redirects=False)
    result = client.studio.tests.run(flow_id, test.id)
    assert (result.state, result.first) == ("passed", "")
    assert (books.read_bytes() if books.exists() else b"") == before
    assert not test.recording.replies or {each.type for each in test.recording.replies} <= {
        each.value for each in OUTSIDE
    }


def test_leaves_are_compared_by_path() -> None:
    before, after = {"a": [1, {"b": "x"}], "c": {}}, {"a": [1, {"b": "y"}], "d": True}
    assert [each.path for each in others(before, after)] == ["a[1].b", "c", "d"]
    assert others(before, after, ["a[*].b", "c", "d"]) == []
    assert covers(["a"], "a[3].b")
    assert not covers(["a"], "ab")
    assert others({"a": 1}, {"a": True}), "true is not 1"


def test_a_text_is_masked_where_only_its_numbers_change() -> None:
    one = "Order 17 of 2026-11-29T19:26:41.123456+00:00, 6f1cfd0e-6a7d-4f0b-9f3e-0b5a5b9d6a51"
    two = "Order 18 of 2026-11-29T19:27:42+00:00, 01a228c6-9269-7889-a658-4791bf0b2f54"
    assert plain(one) == plain(two) == "Order · of ·, ·"
    other = others({"t": one}, {"t": two})[0]
    assert stray(other) == "t numbers"
    assert others({"t": one}, {"t": two}, ["t numbers"]) == []
    assert others({"t": one}, {"t": "Order 18"}, ["t numbers"])
    assert stray(others({"t": "1"}, {"t": "2"})[0]) == "t", (
        "a text of nothing but numbers says nothing masked"
    )


def test_what_is_no_test_is_refused_in_words(client: Client, tmp_path: Path) -> None:
    for data in (None, [], {}, {"format": 2}, {"format": 1, "id": "../x"}):
        with pytest.raises(BadTest):
            read_test(data)
    test = saved(client, greeting(), "Ana")
    folder = client.studio.settings.flows / "tests" / "greeting"
    (folder / "half.json").write_text("{")
    assert [each.id for each in client.studio.tests.shelf.tests("greeting")] == [test.id]
    assert "half.json" in client.studio.tests.shelf.broken("greeting")


def test_the_tests_of_a_flow_travel_with_it_also_under_a_new_id(client: Client) -> None:
    child = flow(
        "child",
        {"start": start(), "ask": node("ask_user", pins={"prompt": "Name?"}), "end": end("name")},
        "start -> ask, ask -> end, ask.response -> end.name",
    )
    nodes = {
        "start": start(),
        "call": node("subflow", subflowId="child", outs=["exec-out", "name"]),
        "say": node("answer_user"),
        "end": end("name"),
    }
    wires = "start -> call, call -> say, say -> end, call.name -> say.message, call.name -> end.name"
    client.save(child)
    test = saved(client, flow("parent", nodes, wires), "Ana")
    assert client.studio.tests.run("parent", test.id).state == "passed"
    packed = client.get("/api/flows/parent/bundle").content
    with ZipFile(BytesIO(packed)) as archive:
        assert f"assets/tests/parent/{test.id}.json" in archive.namelist()
    assert client.get("/api/flows/parent/bundle").content == packed, "the same bytes every time"

    for flow_id in ("parent", "child"):
        change(client, flow_id, lambda nodes: nodes["start"].update(label="Begin"))
    done = client.post("/api/imports?on_conflict=copy", files={"file": ("parent.flow", packed)}).json()
    assert done["tests"] == 1
    copy = done["entrypoint"]
    assert copy != "parent"
    result = client.studio.tests.run(copy, test.id)
    assert (result.state, result.first) == ("passed", "")

    client.studio.tests.shelf.remove("parent", test.id)
    assert (
        client.post("/api/imports?on_conflict=replace", files={"file": ("p.flow", packed)}).json()["tests"]
        == 1
    )
    assert client.studio.tests.run("parent", test.id).state == "passed"
    assert client.post("/api/imports", files={"file": ("p.flow", packed)}).json()["tests"] == 0


def test_a_run_that_was_cancelled_is_ended_at_the_same_moment_again(client: Client) -> None:
    nodes = {
        "every": node("on_schedule", pins={"schedule": "1s"}, outs=["exec-out"]),
        "tell": node("notify", pins={"to": "boss", "message": "Still there"}, label="Tell the boss"),
    }
    client.save(flow("watch", nodes, "every -> tell"))
    run_id = client.launch("watch")
    client.wait(client.studio.outbox.notices, lambda found: len(found) >= 2, seconds=20)
    client.wait(lambda: client.run(run_id)["status"], lambda found: found == "waiting")
    client.post(f"/api/runs/{run_id}/cancel", json={"reason": "enough"}).raise_for_status()
    count = len(client.studio.outbox.notices())
    assert "Save test" in client.get(f"/runs/{run_id}/test").text
    test = client.studio.tests.save(run_id, "Two told")
    assert (test.recording.cancelled_for, test.expected.error) == ("enough", "enough")
    assert test.expected.effects["notify"] == count
    result = client.studio.tests.run("watch", test.id)
    assert (result.state, result.first) == ("passed", "")
    change(client, "watch", lambda nodes: nodes["tell"]["pinDefaults"].update(message="Gone"))
    assert "notify asks for something" in client.studio.tests.run("watch", test.id).first
    assert len(client.studio.outbox.notices()) == count, "nobody is told by a test"


def test_runs_at_once_keep_their_answers_under_new_ids_of_their_flows(client: Client) -> None:
    """A subflow under a new id has runs of other ids: each gets what the one got that began in its place."""
    child = flow(
        "child",
        {"start": start(), "ask": node("ask_user", pins={"prompt": "Name?"}), "end": end("name")},
        "start -> ask, ask -> end, ask.response -> end.name",
    )
    names = ("Ana", "Bo", "Cy", "Di", "Ed")
    parts = {f"c{each}": node("subflow", subflowId="child", outs=["exec-out", "name"]) for each in names}
    exits = [f"then:{number}|execution" for number in range(len(names))]
    fork = node("parallel", outs=[*exits, "completed|execution"])
    nodes = {"start": start(), "fork": fork, **parts, "end": end(*names)}
    wires = "start -> fork, fork:completed -> end"
    for number, each in enumerate(names):
        wires += f", fork:then:{number} -> c{each}, c{each}.name -> end.{each}"
    client.save(child)
    test = saved(client, flow("parent", nodes, wires), *names)
    assert sorted(test.expected.output[each] for each in names) == sorted(names)
    packed = client.get("/api/flows/parent/bundle").content
    for flow_id in ("parent", "child"):
        change(client, flow_id, lambda nodes: nodes["start"].update(label="Begin"))
    done = client.post("/api/imports?on_conflict=copy", files={"file": ("parent.flow", packed)}).json()
    result = client.studio.tests.run(done["entrypoint"], test.id)
    assert (result.state, result.first) == ("passed", "")


def test_a_test_that_cannot_be_read_refuses_its_bundle(client: Client) -> None:
    test = saved(client, greeting(), "Ana")
    packed = client.get("/api/flows/greeting/bundle").content
    spoiled = BytesIO()
    with ZipFile(BytesIO(packed)) as archive, ZipFile(spoiled, "w") as other:
        for name in archive.namelist():
            other.writestr(name, b'{"format": 1}' if name.endswith(f"{test.id}.json") else archive.read(name))
    client.delete("/api/flows/greeting")
    answer = client.post("/api/imports", files={"file": ("g.flow", spoiled.getvalue())})
    assert (answer.status_code, answer.json()["code"]) == (422, "bundle.error")
    assert f"tests/greeting/{test.id}.json" in answer.json()["detail"]
    assert client.get("/api/flows/greeting").status_code == 404, "nothing has changed"
