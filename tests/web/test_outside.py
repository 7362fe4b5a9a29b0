"""Runs that reach out: retries, error branches, notices sent once, and no secret in anything kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from abstractruntime.core.models import Effect, EffectType, RunState
from drive import end, flow, node, start
from flowstudio.app import create_app
from flowstudio.outside.outbox import Outbox
from flowstudio.secrets import Secret
from flowstudio.settings import Settings, SettingsError, read_settings
from web.conftest import TOKEN, Client
from web.far_side import Listening
from web.page import Page

CANARY = "c4n4ry-s3cr3t-v4lue"


@pytest.fixture
def far() -> Iterator[Listening]:
    listening = Listening()
    yield listening
    listening.close()


@pytest.fixture
def reaching(settings: Settings, far: Listening) -> Iterator[Client]:
    """A client of an app whose flows may reach the far side."""
    allowed = replace(
        settings,
        reachable=frozenset({far.here}),
        secrets={"SHOP": Secret(CANARY, frozenset({"127.0.0.1"}))},
    )
    app = create_app(allowed)
    with Client(
        app, f"http://127.0.0.1:{settings.port}", headers={"Authorization": f"Bearer {TOKEN}"}
    ) as client:
        client.studio = app.state.studio
        yield client


def asking_web(far: Listening, path: str, **config: Any) -> dict[str, Any]:
    on_error = config.pop("onError", "branch")
    return flow(
        "reaching",
        {
            "start": start(),
            "web": node(
                "web_request", pins={"url": f"http://{far.here}/{path}"}, webConfig=config, onError=on_error
            ),
            "end": end("status", "body"),
            "no": end("why"),
        },
        "start -> web, web -> end, web.status -> end.status, web.body -> end.body,"
        "web:exec-error -> no, web.error_message -> no.why",
    )


def test_a_request_is_tried_as_often_as_its_node_says(reaching: Client, far: Listening) -> None:
    reaching.save(asking_web(far, "flaky", retries=2))
    page = reaching.until(reaching.launch("reaching"), "completed", "failed")
    assert page["output"]["body"] == "at last"
    assert len(far.seen) == 3
    tried = [record for record in reaching.records(page["run_id"]) if record["status"] == "failed"]
    assert [record["attempt"] for record in tried] == [1, 2]


def test_a_failure_leaves_by_its_own_pin(reaching: Client, far: Listening) -> None:
    reaching.save(asking_web(far, "missing"))
    page = reaching.until(reaching.launch("reaching"), "completed", "failed")
    assert "answered 404" in page["output"]["why"]


def test_what_is_not_public_is_blocked_in_a_run(client: Client, far: Listening) -> None:
    client.save(asking_web(far, "json"))
    page = client.until(client.launch("reaching"), "completed", "failed")
    assert "blocked: address is not public" in page["output"]["why"]
    assert far.seen == []


def test_a_secret_is_in_no_byte_that_is_kept(reaching: Client, far: Listening, settings: Settings) -> None:
    for path in ("echo", "missing", "flaky"):
        document = asking_web(far, path, secretHeaders="Authorization: Bearer SHOP", retries=1)
        document["id"] = f"reaching-{path}"
        reaching.save(document)
        reaching.until(reaching.launch(document["id"]), "completed", "failed")
    assert all(seen[2]["Authorization"] == f"Bearer {CANARY}" for seen in far.seen)
    assert far.seen
    files = [file for file in settings.data.rglob("*") if file.is_file()]
    assert files
    assert [file.name for file in files if CANARY.encode() in file.read_bytes()] == []


def test_a_notice_is_sent_once_and_seen_on_the_page(client: Client) -> None:
    notice = node("notify", pins={"to": "ana@example.org", "subject": "Paid", "message": "<b>Invoice 7</b>"})
    client.save(
        flow("telling", {"start": start(), "tell": notice, "end": end()}, "start -> tell, tell -> end")
    )
    run_id = client.launch("telling")
    client.until(run_id, "completed")
    (kept,) = client.studio.outbox.notices()
    assert (kept["to"], kept["run_id"]) == ("ana@example.org", run_id)
    page = Page(client.get("/outbox", headers={"Accept": "text/html"}).text)
    assert page.values("data-notice") == [kept["id"]]
    assert "<b>Invoice 7</b>" in page.text, "text is shown as it is"
    assert not page.named("b")


def test_a_notice_asked_for_twice_under_one_key_is_one_file(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox")
    run = RunState.new(workflow_id="flow", entry_node="tell", vars={})
    effect = Effect(EffectType.NOTIFY, {"message": "Hello"})
    first = outbox(run, effect, idempotency_key="key-1")
    assert outbox(run, effect, idempotency_key="key-1") == first
    outbox(run, effect, idempotency_key="key-2")
    (tmp_path / "outbox" / "other.json").write_text("no notice")
    assert [notice["id"] for notice in outbox.notices()] == ["key-2", "key-1"]


@pytest.mark.parametrize("text", ["127.0.0.1", "http://a:80", "a:port", ":80"])
def test_a_host_without_port_is_refused_at_start(text: str) -> None:
    with pytest.raises(SettingsError, match="host:port"):
        read_settings({"FLOWSTUDIO_REACHABLE": text})


def practising(url: str, **pins: str) -> dict[str, Any]:
    nodes = {
        "start": start(),
        "web": node("web_request", pins={"url": url, **pins}, onError="continue"),
        "end": end("status", "body", "why"),
    }
    wires = "start -> web, web -> end, web.status -> end.status, web.body -> end.body, web.error_message -> end.why"
    return flow("practising", nodes, wires)


def outcomes(client: Client, url: str, count: int, **pins: str) -> list[Any]:
    client.put("/api/flows/practising", json=practising(url, **pins), headers={"If-Match": "*"})
    return [client.until(client.launch("practising"), "completed")["output"] for _ in range(count)]


def test_the_practice_service_answers_by_what_it_was_asked_before(client: Client) -> None:
    client.save(practising("http://practice.invalid/"))
    statuses = outcomes(client, "http://practice.invalid/status/shop?up=2&down=1", 4)
    assert [each["status"] for each in statuses] == [200, 200, None, 200]
    orders = outcomes(client, "http://practice.invalid/orders/7?fails=1", 2, method="POST", key="o-7")
    assert "busy" in orders[0]["why"]
    assert orders[1]["body"] == {"order": "7", "total": 42.5, "received": 2}
    seats = "http://practice.invalid/books/seat/reserve?seats=1"
    first, again = outcomes(client, seats, 2, method="POST", key="a")
    assert first["body"] == again["body"], "the same key is the same seat"
    assert "no seat left" in outcomes(client, seats, 1, method="POST", key="b")[0]["why"]
    books = outcomes(client, "http://practice.invalid/books", 1)[0]["body"]
    assert books["taken"] == {"seat": 1}
    assert "knows no" in outcomes(client, "http://practice.invalid/nothing", 1)[0]["why"]
