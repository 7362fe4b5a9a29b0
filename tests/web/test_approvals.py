"""Calls of tools that a person allows: seen with their arguments, changed, held to the tool's schema, refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from drive import end, flow, node, start
from flowstudio.ai.arguments import misfits
from web.conftest import Client
from web.page import Page
from web.test_inbox import fill, see

TOOLS = Path(__file__).parents[1] / "integrations" / "mcp" / "tools_server.py"


@pytest.fixture
def asks(client: Client) -> str:
    """A run that asks whether it may add two numbers."""
    given = {"id": "ours", "command": f"{sys.executable} {TOOLS} stdio"}
    assert client.post("/settings/tools", data=given, follow_redirects=False).status_code == 303
    uses = node("call_tool", pins={"tool_call": {"name": "ours__add", "arguments": {"a": 40}}})
    client.save(
        flow(
            "adding",
            {"start": start(), "use": uses, "end": end("told", "well")},
            "start -> use, use -> end, use.result -> end.told, use.success -> end.well",
        )
    )
    run_id = client.launch("adding")
    client.asked(run_id)
    return run_id


def field_of(page: Page) -> str:
    [field] = [tag for tag in page.named("textarea") if tag.attributes["name"].startswith("arguments:")]
    return str(field.attributes["name"])


def send(client: Client, run_id: str, page: Page, part: bool, **fields: str) -> Any:
    headers = {"HX-Request": "true"} if part else {"Accept": "text/html"}
    return client.post(f"/inbox/{run_id}", data=fill(page, **fields), headers=headers)


def test_the_editor_shows_the_form_of_the_inbox(client: Client, asks: str) -> None:
    part = see(client, f"/inbox/{asks}/form")
    whole = see(client, f"/inbox/{asks}")
    assert field_of(part) == field_of(whole)
    assert '"a": 40' in part.text
    assert "ours__add" in part.text
    assert [each.attributes["value"] for each in part.named("button", name="choice")] == ["Approve", "Deny"]
    assert client.get("/inbox/nonsense/form").status_code == 404


def test_the_stream_tells_that_calls_are_to_be_allowed(client: Client, asks: str) -> None:
    client.post(f"/api/prompts/{asks}", json={"response": "Deny"}).raise_for_status()
    client.until(asks, "completed")
    heard = client.get(f"/api/runs/{asks}/events?after=0").text
    told = [json.loads(line[6:]) for line in heard.splitlines() if '"approves"' in line]
    assert [(each["open"], each["approves"]) for each in told] == [(True, True), (False, False)]


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ('{"a": "many"}', "do not fit the tool ours__add: a: 'many' is not of type 'integer'"),
        ("{}", "do not fit the tool ours__add: 'a' is a required property"),
        ("{a: 1}", "The arguments are not JSON"),
        ("[1]", "a JSON object"),
    ],
)
def test_changed_arguments_that_do_not_fit_are_refused_by_both_forms_and_kept(
    client: Client, asks: str, written: str, words: str
) -> None:
    page = see(client, f"/inbox/{asks}")
    fields = {field_of(page): written, "choice": "Approve"}
    part = send(client, asks, page, True, **fields)
    assert part.status_code == 422
    assert words in part.text
    whole = send(client, asks, page, False, **fields)
    assert whole.status_code == 422
    told = Page(whole.text)
    assert words in told.text
    assert written in told.text, "what was typed is still there"
    assert client.run(asks)["status"] == "waiting"
    assert send(client, asks, page, True, **{**fields, "choice": "Deny"}).status_code == 204
    assert client.until(asks, "completed")["output"]["well"] is False


def test_changed_arguments_that_fit_are_what_the_tool_is_called_with(client: Client, asks: str) -> None:
    page = see(client, f"/inbox/{asks}")
    fields = {field_of(page): '{"a": 1, "b": 1}', "choice": "Approve"}
    assert send(client, asks, page, True, **fields).status_code == 204
    done = client.until(asks, "completed")["output"]
    assert done["well"] is True
    assert "2" in str(done["told"])


def test_programs_are_held_to_the_schema_too(client: Client, asks: str) -> None:
    [call] = client.asked(asks)["tool_calls"]
    for arguments, words in (
        ({call["id"]: {"a": None}}, "None is not of type 'integer'"),
        ({"another": {"a": 1}}, "There is no call 'another' to change"),
    ):
        body = {"response": {"approved": True, "arguments": arguments}}
        refused = client.post(f"/api/prompts/{asks}", json=body)
        assert (refused.status_code, refused.json()["code"]) == (422, "prompt.not_a_choice")
        assert words in refused.json()["detail"]
    assert client.run(asks)["status"] == "waiting"


def test_a_list_of_questions_lets_nobody_allow_what_it_does_not_show(client: Client, asks: str) -> None:
    row = see(client, "/inbox")
    assert row.values("data-prompt-row") == [asks]
    assert row.named("button", name="choice") == []


def test_a_schema_cannot_make_us_fetch_or_hang() -> None:
    far = {"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1:9/schema.json"}}}
    assert misfits(far, {"a": 1}) == []
    slow = {"type": "object", "properties": {"a": {"pattern": "^(a+)+$"}}}
    assert misfits(slow, {"a": "a" * 40 + "!"}) == [f"a: '{'a' * 40}!' does not match '^(a+)+$'"]
    assert misfits({"type": 17}, {"a": 1}) == []
    unknown = {"properties": {"a": {"pattern": "(?=a)b"}}}
    assert misfits(unknown, {"a": "x"}) == [], "a pattern that cannot be held asks for nothing"
