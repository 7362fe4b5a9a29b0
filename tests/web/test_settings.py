"""Settings of models and tools: kept, tested, told in words; keys go in and never come out."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from flowstudio.settings import Settings
from web.conftest import Client, open_client

SECRET = "sk-planted-0123456789"


def post(client: Client, place: str, **fields: str) -> Any:
    return client.post(place, data=fields, follow_redirects=False)


def add(client: Client, **fields: str) -> Any:
    return post(client, "/settings/models", **{"kind": "openai", **fields})


def page(client: Client, place: str = "/settings/models") -> str:
    answer = client.get(place)
    assert answer.status_code == 200
    return str(answer.text)


def test_a_newcomer_is_offered_the_scripted_model(client: Client) -> None:
    assert "No model yet" in page(client)
    assert add(client, name="scripted", kind="scripted").status_code == 303
    assert "The scripted model in the box" in page(client)
    assert client.studio.ai.models.generate(prompt="Hi")["content"] == "(scripted model) You said: Hi"


def test_a_key_goes_in_and_never_comes_out(client: Client, tmp_path: Path) -> None:
    answer = add(client, name="mine", base_url="http://127.0.0.1:9/v1", model="m", key=SECRET)
    assert answer.status_code == 303
    shown = page(client)
    assert "kept, encrypted" in shown
    assert SECRET not in shown
    assert client.studio.ai.models.key_of(client.studio.ai.models.providers.get("mine")) == SECRET
    held = b"".join(file.read_bytes() for file in (tmp_path / "data").rglob("*") if file.is_file())
    assert SECRET.encode() not in held
    assert oct((tmp_path / "data" / "keys.key").stat().st_mode & 0o777) == "0o600"
    tested = post(client, "/settings/models/mine/test")
    assert "is the model server running there" in tested.text
    assert SECRET not in tested.text
    post(client, "/settings/models/mine/remove")
    assert client.studio.ai.keys.names() == []
    assert "No model yet" in page(client)


def test_a_key_of_the_environment_is_only_named(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    add(client, name="mine", base_url="http://127.0.0.1:9/v1", model="m", key_variable="MY_KEY")
    assert "from the environment variable MY_KEY" in page(client)
    with pytest.raises(Exception, match="MY_KEY is not set"):
        client.studio.ai.models.generate(prompt="x")
    monkeypatch.setenv("MY_KEY", SECRET)
    with pytest.raises(Exception, match="cannot be reached") as caught:
        client.studio.ai.models.generate(prompt="x")
    assert SECRET not in str(caught.value)


ADDRESS = {"name": "a", "base_url": "http://x"}


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"name": "A B", "base_url": "http://x"}, "name", "Name: "),
        ({"name": "a", "base_url": "ftp://x"}, "base_url", "Address: "),
        ({"name": "a"}, "base_url", "Address: "),
        ({"name": "a", "base_url": "http://x:99999"}, "base_url", "Address: this is no address"),
        ({"name": "a", "base_url": "http://sk-1234@x/v1"}, "base_url", "Address: leave the key out"),
        ({"name": "a", "base_url": "ftp://sk-1234@x"}, "base_url", "Address: leave the key out"),
        ({"name": "a", "kind": "magic"}, "kind", "Kind: "),
        ({**ADDRESS, "timeout_s": "soon"}, "timeout_s", "Seconds a call may take: "),
        ({**ADDRESS, "timeout_s": "nan"}, "timeout_s", "Seconds a call may take: "),
        ({**ADDRESS, "key_variable": "sk-1234"}, "key_variable", "Key: environment variable: "),
        ({**ADDRESS, "price_in": "-1"}, "price_in", "Price of a million tokens in: "),
        ({**ADDRESS, "price_out": "inf"}, "price_out", "Price of a million tokens out: "),
    ],
)
def test_what_cannot_be_kept_is_refused_by_the_name_of_its_field(
    client: Client, fields: dict[str, str], field: str, words: str
) -> None:
    answer = add(client, **fields)
    assert answer.status_code == 422
    alert = _between(answer.text, 'role="alert">', "</div>")
    assert words in alert
    assert not any(each in alert for each in ("base_url", "timeout_s", "key_variable", "price_"))
    assert f'<label for="{field}">{words.split(": ")[0]}' in answer.text
    assert f'name="{field}" aria-invalid="true" aria-describedby="wrong"' in answer.text
    assert answer.text.count('id="wrong"') == 1, "the reason stands at the field too"
    assert f'value="{fields["name"]}"' in answer.text, "the form keeps what was entered"
    assert "sk-1234" not in answer.text, "but for what may be a key"
    assert ("<details open>" in answer.text) == field.startswith("price"), "no field is wrong out of sight"
    assert client.studio.ai.models.providers.all() == []


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"id": "a__b", "url": "http://x"}, "id", "Id: "),
        ({"id": "a", "url": "ftp://x"}, "url", "Address, if it is reached over HTTP: "),
        ({"id": "a", "url": "http://me:sk-1234@x"}, "url", "Address, if it is reached over HTTP: leave name"),
        ({"id": "a", "command": "'unclosed"}, "command", "Command to start it: "),
        ({"id": "a", "url": "http://x", "timeout_s": "soon"}, "timeout_s", "Seconds a call may take: "),
        ({"id": "a", "url": "http://x", "timeout_s": "inf"}, "timeout_s", "Seconds a call may take: "),
        ({"id": "a", "url": "http://x", "headers": "A=${B}\nKey: sk-1234"}, "headers", "Headers: "),
        ({"id": "a", "command": "x", "env": "A=sk-1234\nno"}, "env", "Environment: "),
    ],
)
def test_a_tool_server_that_cannot_be_kept_is_refused_by_the_name_of_its_field(
    client: Client, fields: dict[str, str], field: str, words: str
) -> None:
    answer = post(client, "/settings/tools", **fields)
    assert answer.status_code == 422
    assert words in _between(answer.text, 'role="alert">', "</div>")
    assert f'name="{field}" aria-invalid="true" aria-describedby="wrong"' in answer.text
    assert answer.text.count('id="wrong"') == 1, "the reason stands at the field too"
    assert "sk-1234" not in answer.text
    assert client.studio.ai.tools.settings.servers == ()


def test_a_tool_server_is_started_or_reached_not_both(client: Client) -> None:
    answer = post(client, "/settings/tools", id="a", command="x", url="http://x")
    assert "needs either a command or an address" in answer.text


def test_a_wrong_budget_is_told_by_its_field(client: Client) -> None:
    answer = post(client, "/settings/models/budget", tokens="many")
    assert answer.status_code == 422
    words = "Tokens after which a run asks whether to go on: &#39;many&#39; is no number of tokens."
    assert words in answer.text


def _between(text: str, head: str, tail: str) -> str:
    return text.split(head, 1)[1].split(tail, 1)[0]


def test_the_first_provider_answers_for_who_names_none(client: Client) -> None:
    for name in ("one", "two"):
        add(client, name=name, kind="scripted", model=f"{name}-model")
    assert client.studio.ai.models.generate(prompt="x")["provider"] == "one"
    post(client, "/settings/models/two/first")
    assert client.studio.ai.models.generate(prompt="x")["model"] == "two-model"
    named = client.studio.ai.models.generate(prompt="x", params={"_provider": "ONE"})
    assert named["provider"] == "one"
    with pytest.raises(Exception, match=r"no provider 'three'.*Settings"):
        client.studio.ai.models.generate(prompt="x", params={"_provider": "three"})
    assert post(client, "/settings/models/three/test").status_code == 404


def test_an_mcp_server_is_described_asked_and_removed(client: Client) -> None:
    answer = post(
        client,
        "/settings/tools",
        id="time",
        command=f"{sys.executable} -m mcp_server_time",
        env="KEY=${HIDDEN_KEY}",
    )
    assert answer.status_code == 303
    assert "time" in page(client, "/settings/tools")
    asked = post(client, "/settings/tools/list")
    assert "HIDDEN_KEY is not set" in asked.text
    post(client, "/settings/tools", id="time", command=f"{sys.executable} -m mcp_server_time")
    listed = post(client, "/settings/tools/list").text
    assert "time__get_current_time" in listed
    assert client.studio.ai.tools.executor.policy.asks("time__get_current_time")
    post(client, "/settings/tools/approvals", names="time__get_current_time\n\n")
    assert not client.studio.ai.tools.executor.policy.asks("time__get_current_time")
    post(client, "/settings/tools/time/remove")
    assert client.studio.ai.tools.settings.servers == ()
    assert post(client, "/settings/tools/time/remove").status_code == 404


# ---- in runs -------------------------------------------------------------------------------------


def flow(flow_id: str, *nodes: dict[str, Any], wires: list[str]) -> dict[str, Any]:
    edges = []
    for number, wire in enumerate(wires):
        (source, out), (target, into) = (end.strip().split(".", 1) for end in wire.split(">"))
        ends = {"source": source, "sourceHandle": out, "target": target, "targetHandle": into}
        edges.append({"id": f"e{number}", **ends})
    return {"id": flow_id, "name": flow_id, "nodes": [*nodes], "edges": edges, "entryNode": nodes[0]["id"]}


def node(node_id: str, kind: str, **data: Any) -> dict[str, Any]:
    return {"id": node_id, "type": kind, "position": {"x": 0, "y": 0}, "data": {"nodeType": kind, **data}}


def end_with(pin: str) -> dict[str, Any]:
    pins = [{"id": "exec-in", "type": "execution"}, {"id": pin, "label": pin, "type": "any"}]
    return node("end", "on_flow_end", inputs=pins)


START = node("start", "on_flow_start", outputs=[{"id": "exec-out", "type": "execution"}])


def asking(**data: Any) -> dict[str, Any]:
    return flow(
        "ask",
        START,
        node("llm", "llm_call", **{"pinDefaults": {"prompt": "Hello"}, **data}),
        end_with("said"),
        wires=["start.exec-out > llm.exec-in", "llm.exec-out > end.exec-in", "llm.response > end.said"],
    )


def test_a_flow_asks_the_scripted_model(client: Client) -> None:
    client.save(asking())
    failed = client.until(client.launch("ask"), "failed")
    assert "no model is configured" in failed["error"].lower()
    add(client, name="scripted", kind="scripted")
    done = client.until(client.launch("ask"), "completed", "failed")
    assert done["output"]["said"] == "(scripted model) You said: Hello", done["error"]


def test_a_budget_stops_a_run_and_asks(client: Client) -> None:
    add(client, name="scripted", kind="scripted")
    post(client, "/settings/models/budget", tokens="1")
    document = flow(
        "twice",
        START,
        node("one", "llm_call", pinDefaults={"prompt": "first"}),
        node("two", "llm_call", pinDefaults={"prompt": "second"}),
        end_with("said"),
        wires=[
            "start.exec-out > one.exec-in",
            "one.exec-out > two.exec-in",
            "two.exec-out > end.exec-in",
            "two.response > end.said",
        ],
    )
    client.save(document)
    for answer, status in (("Stop", "failed"), ("Go on", "completed")):
        run_id = client.launch("twice")
        prompt = client.asked(run_id)
        assert "tokens. Shall it go on?" in prompt["prompt"]
        body = {"wait_key": prompt["wait_key"], "response": answer}
        assert client.post(f"/api/prompts/{prompt['run_id']}", json=body).status_code == 200
        assert client.until(run_id, "completed", "failed")["status"] == status
    calls = [each for each in client.records(run_id) if (each.get("effect") or {}).get("type") == "llm_call"]
    paid = [each for each in calls if each["status"] == "completed"]
    assert len(paid) == 2, "what was paid for is not asked for again"


def test_a_tool_asks_a_person_who_edits_its_arguments(client: Client, tmp_path: Path) -> None:
    server = Path(__file__).parents[1] / "integrations" / "mcp" / "tools_server.py"
    post(client, "/settings/tools", id="ours", command=f"{sys.executable} {server} stdio")
    notes = tmp_path / "notes.txt"
    call = {"name": "ours__note", "arguments": {"file": str(notes), "text": "rude"}}
    document = flow(
        "note",
        START,
        node("use", "call_tool", pinDefaults={"tool_call": call, "allowed_tools": ["ours__note"]}),
        end_with("told"),
        wires=["start.exec-out > use.exec-in", "use.exec-out > end.exec-in", "use.result > end.told"],
    )
    client.save(document)
    run_id = client.launch("note")
    prompt = client.asked(run_id)
    [asked] = prompt["tool_calls"]
    assert (asked["name"], asked["arguments"]["text"]) == ("ours__note", "rude")
    shown = client.get(f"/inbox/{prompt['run_id']}").text
    assert "ours__note" in shown
    wrong = post(client, f"/inbox/{prompt['run_id']}", choice="Approve", **{f"arguments:{asked['id']}": "{"})
    assert wrong.status_code == 422
    edited = json.dumps({"file": str(notes), "text": "kind"})
    given = post(
        client, f"/inbox/{prompt['run_id']}", choice="Approve", **{f"arguments:{asked['id']}": edited}
    )
    assert given.status_code == 303
    done = client.until(run_id, "completed", "failed", seconds=30)
    assert done["status"] == "completed", done["error"]
    assert notes.read_text(encoding="utf-8") == "kind\n"


def test_an_agent_works_as_a_run_of_its_own(client: Client) -> None:
    add(client, name="scripted", kind="scripted")
    document = flow(
        "agent",
        START,
        node(
            "agent",
            "agent",
            pinDefaults={"prompt": "Use calculate, please", "tools": ["calculate"]},
        ),
        end_with("said"),
        wires=["start.exec-out > agent.exec-in", "agent.exec-out > end.exec-in", "agent.response > end.said"],
    )
    client.save(document)
    run_id = client.launch("agent")
    done = client.until(run_id, "completed", "failed", seconds=20)
    assert done["status"] == "completed", done["error"]
    assert done["output"]["said"].startswith("The tool said:")
    kinds = [
        (each.get("effect") or {}).get("type")
        for each in client.records(run_id)
        if each["status"] == "started"
    ]
    assert [kind for kind in kinds if kind in ("llm_call", "tool_calls")] == [
        "llm_call",
        "tool_calls",
        "llm_call",
    ]
    assert client.get(f"/runs/{run_id}").status_code == 200
    child = client.studio.reader.children(run_id)[0].run_id
    assert client.get(f"/runs/{child}").status_code == 200


ARGUED = "hunter-2-argued"


def test_a_key_on_a_command_line_is_kept_apart_and_not_shown_again(
    client: Client, settings: Settings
) -> None:
    server = Path(__file__).parents[1] / "integrations" / "mcp" / "tools_server.py"
    command = f"{sys.executable} {server} stdio --api-key {ARGUED} --dir notes"
    post(client, "/settings/tools", id="ours", command=command)
    shown = client.get("/settings/tools").text
    assert "stdio --api-key •••••• --dir notes" in shown
    assert "others on this machine can read it in the list of processes" in shown
    assert ARGUED not in shown
    assert ARGUED not in (settings.data / "tools.json").read_text()
    assert client.studio.ai.keys.get("mcp:ours:argument.1") == ARGUED
    post(client, "/settings/tools/approvals", names="ours__surroundings")
    call = {"name": "ours__surroundings", "arguments": {}}
    use = node("use", "call_tool", pinDefaults={"tool_call": call, "allowed_tools": [call["name"]]})
    wires = ["start.exec-out > use.exec-in", "use.exec-out > end.exec-in", "use.result > end.told"]
    client.save(flow("argued", START, use, end_with("told"), wires=wires))
    done = client.until(client.launch("argued"), "completed", "failed", seconds=30)
    assert "'--api-key', '[secret]', '--dir', 'notes'" in str(done["output"]["told"]), "it was given its key"
    post(client, "/settings/tools/ours/remove")
    assert client.studio.ai.keys.get("mcp:ours:argument.1") is None


def test_keys_in_a_form_that_is_refused_have_to_be_entered_again(client: Client) -> None:
    for fields in (
        {"id": "a b", "command": f"serve --api-key {ARGUED} --dir notes"},
        {"id": "a b", "command": f"serve --api-key '{ARGUED}"},
        {"id": "a b", "url": f"https://tools.example/mcp?api_key={ARGUED}"},
        {"id": "a", "url": f"tools.example/mcp?api_key={ARGUED}"},
    ):
        refused = post(client, "/settings/tools", **fields)
        assert refused.status_code == 422
        assert ARGUED not in refused.text
        assert ("--dir notes" in refused.text) == ("notes" in str(fields))


def test_keys_that_an_older_version_has_written_down_are_taken_out_at_the_start(settings: Settings) -> None:
    settings.data.mkdir(parents=True)
    old = [
        {"id": "a", "command": ["serve", "--token", ARGUED], "env": {"K": "${K}"}},
        {"id": "b", "url": f"https://tools.example/mcp?token={ARGUED}"},
    ]
    (settings.data / "tools.json").write_text(json.dumps({"servers": old, "auto_approve": []}))
    for _ in range(2):
        with open_client(settings) as opened:
            a, b = opened.studio.ai.tools.settings.servers
            assert a.command == ("serve", "--token", "${kept:_argument.1}")
            assert b.url == "https://tools.example/mcp?token=${kept:_argument.1}"
            assert [each.secrets() for each in opened.studio.ai.tools.connections.servers] == [(ARGUED,)] * 2
            assert "https://tools.example/mcp?token=••••••" in opened.get("/settings/tools").text
        assert ARGUED not in (settings.data / "tools.json").read_text()
