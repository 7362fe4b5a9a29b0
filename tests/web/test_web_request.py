"""A web request reaches what it may, says why not else, and never tells a secret."""

from __future__ import annotations

import json
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from abstractruntime.core.effects import EffectOutcome
from abstractruntime.core.models import Effect, EffectType, RunState
from flowstudio.outside.addresses import is_public
from flowstudio.outside.web import WebRequest
from flowstudio.secrets import Secret, read_secrets
from web.far_side import Listening

RUN = RunState.new(workflow_id="flow", entry_node="web", vars={})
SECRET = "s3cr3t-v4lue"


@pytest.fixture(scope="module")
def far() -> Iterator[Listening]:
    listening = Listening()
    yield listening
    listening.close()


@pytest.fixture(autouse=True)
def forget(far: Listening) -> None:
    far.seen.clear()


def ask(client: WebRequest, url: str, **more: Any) -> EffectOutcome:
    payload = {"url": url, "method": "GET", "headers": {}, "timeout": 10, **more}
    return client(RUN, Effect(EffectType.WEB_REQUEST, payload), idempotency_key="visit-key")


def allowed(far: Listening, **more: Any) -> WebRequest:
    return WebRequest(reachable=frozenset({far.here}), **more)


def at(far: Listening, path: str) -> str:
    return f"http://{far.here}/{path}"


def test_json_and_text_come_as_values(far: Listening) -> None:
    assert ask(allowed(far), at(far, "json")).result["body"] == {"id": 7}
    plain = ask(allowed(far), at(far, "plain")).result
    assert (plain["status"], plain["body"], plain["ok"]) == (200, "grüße", True)


def test_a_post_carries_its_body_and_the_key_of_the_visit(far: Listening) -> None:
    ask(allowed(far), at(far, "echo"), method="POST", body={"ä": 1})
    ask(allowed(far), at(far, "echo"), method="PUT", body="text", key="order-7", headers={"X-A": "b"})
    ask(allowed(far), at(far, "echo"))
    first, second, third = far.seen
    assert json.loads(first[3]) == {"ä": 1}
    assert first[2]["Idempotency-Key"] == "visit-key"
    assert (second[3], second[2]["Idempotency-Key"], second[2]["X-A"]) == (b"text", "order-7", "b")
    assert "Idempotency-Key" not in third[2]


def test_a_status_is_a_failure_only_when_it_should_be(far: Listening) -> None:
    assert "answered 404: not here" in str(ask(allowed(far), at(far, "missing")).error)
    told = ask(allowed(far), at(far, "missing"), fail_on_status=False)
    assert (told.result["status"], told.result["ok"]) == (404, False)


def test_what_is_packed_unasked_is_unpacked(far: Listening) -> None:
    assert ask(allowed(far), at(far, "packed")).result["text"] == "hello"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("bomb", "larger than 10 MiB"),
        ("flood", "larger than 10 MiB"),
        ("drip", "No answer within 0.5 s"),
        ("header", "No answer within 0.5 s"),
        ("broken", "says that it sends JSON"),
    ],
)
def test_a_bad_other_side_fails_with_its_reason(far: Listening, path: str, reason: str) -> None:
    timeout = 0.5 if path in ("drip", "header") else 20
    assert reason in str(ask(allowed(far), at(far, path), timeout=timeout).error)


def test_redirects_are_followed_a_few_times(far: Listening) -> None:
    assert ask(allowed(far), at(far, "to/302//json")).result["body"] == {"id": 7}
    assert "More than 5 redirects" in str(ask(allowed(far), at(far, "loop")).error)
    assert len(far.seen) == 2 + 6


def test_a_post_that_is_moved_becomes_a_get_where_http_says_so(far: Listening) -> None:
    ask(allowed(far), at(far, "to/303//json"), method="POST", body={"a": 1})
    ask(allowed(far), at(far, "to/307//json"), method="POST", body={"a": 1})
    assert [(seen[0], seen[3]) for seen in far.seen if seen[1] == "/json"] == [
        ("GET", b""),
        ("POST", b'{"a": 1}'),
    ]


LOOPBACK = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "017700000001",
    "0177.0.0.1",
    "localhost",
    "LOCALHOST",
    "127.0.0.1.",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "0.0.0.0",
    "0",
    "[::]",
    "①②⑦.0.0.1",
    "127。0。0。1",
]


@pytest.mark.parametrize(
    "form", [*LOOPBACK, "user@127.0.0.1", "public.example@127.0.0.1", "127.0.0.1#@public.example"]
)
@pytest.mark.parametrize("through", ["direct", "redirect"])
def test_no_way_of_writing_this_machine_reaches_it(far: Listening, form: str, through: str) -> None:
    url = f"http://{form.replace('#', ':' + str(far.port) + '/#') if '#' in form else f'{form}:{far.port}'}/json"
    client = WebRequest()
    if through == "redirect":
        start = Listening()
        try:
            client = WebRequest(reachable=frozenset({start.here}))
            outcome = ask(client, f"http://{start.here}/to/302/{url}")
        finally:
            start.close()
    else:
        outcome = ask(client, url)
    assert outcome.status == "failed"
    assert far.seen == []


@pytest.mark.parametrize(
    "addresses",
    [
        ["10.1.2.3"],
        ["93.184.216.34", "192.168.0.1"],
        ["fd00::1"],
        ["169.254.169.254"],
        ["100.64.0.1"],
        ["fe80::1%eth0"],
    ],
)
def test_one_address_that_is_not_public_blocks_the_name(addresses: list[str]) -> None:
    outcome = ask(WebRequest(resolver=lambda host, port: addresses), "http://service.example/")
    assert "blocked: address is not public" in str(outcome.error)


def test_a_name_is_resolved_once_and_pinned(far: Listening) -> None:
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    client = WebRequest(reachable=frozenset({f"shop.example:{far.port}"}), resolver=rebinding)
    reply = ask(client, f"http://shop.example:{far.port}/json")
    assert reply.result["body"] == {"id": 7}
    assert asked == ["shop.example"]
    assert far.seen[0][2]["Host"] == f"shop.example:{far.port}"


@pytest.mark.parametrize(
    "url", ["ftp://a.example/", "file:///etc/passwd", "//x", "http://", "gopher://a", "javascript:1", ""]
)
def test_only_the_web_is_asked(url: str) -> None:
    assert "no address of the web" in str(ask(WebRequest(), url).error)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.ip_addresses())
def test_an_address_is_public_only_if_what_it_wraps_is(address: Any) -> None:
    if address.version == 4:
        for wrapped in (f"::ffff:{address}", f"64:ff9b::{address}"):
            assert is_public(ip_address(wrapped)) == is_public(address)
    if is_public(address):
        assert address.is_global
        assert not address.is_multicast


def test_a_secret_goes_to_its_host_and_into_nothing_that_is_kept(far: Listening) -> None:
    secrets = {"SHOP": Secret(SECRET, frozenset({"127.0.0.1"}))}
    client = allowed(far, secrets=secrets)
    headers = {"Authorization": {"$secret": "SHOP", "before": "Bearer "}}
    reply = ask(client, at(far, "echo"), headers=headers)
    assert far.seen[0][2]["Authorization"] == f"Bearer {SECRET}"
    assert SECRET not in json.dumps(reply.result)
    assert "[secret]" in reply.result["text"]
    assert SECRET not in repr(secrets)


def test_a_secret_is_not_told_to_others(far: Listening) -> None:
    client = allowed(far, secrets={"SHOP": Secret(SECRET, frozenset({"shop.example"}))})
    headers = {"Authorization": {"$secret": "SHOP"}}
    assert "not for 127.0.0.1" in str(ask(client, at(far, "echo"), headers=headers).error)
    assert "not set" in str(ask(allowed(far), at(far, "echo"), headers=headers).error)
    assert far.seen == []


def test_a_redirect_elsewhere_takes_no_header_along(far: Listening) -> None:
    other = Listening()
    try:
        client = WebRequest(
            reachable=frozenset({far.here, other.here}),
            secrets={"SHOP": Secret(SECRET, frozenset({far.here}))},
        )
        headers = {"Authorization": {"$secret": "SHOP"}, "X-Key": "written"}
        ask(client, at(far, f"to/302/http://{other.here}/json"), headers=headers)
        assert far.seen[0][2]["X-Key"] == "written"
        assert not {"Authorization", "X-Key"} & set(other.seen[0][2])
    finally:
        other.close()


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"X": "a\r\nY: b"}, {"Content-Length": "3"}])
def test_headers_cannot_break_out(far: Listening, headers: dict[str, str]) -> None:
    assert ask(allowed(far), at(far, "echo"), headers=headers).status == "failed"
    assert far.seen == []


def test_secrets_are_read_from_the_environment_by_their_prefix() -> None:
    env = {
        "FLOWSTUDIO_SECRET_SHOP": "x",
        "FLOWSTUDIO_SECRET_SHOP_FOR": "Shop.example api.example:8443",
        "FLOWSTUDIO_SECRET_": "y",
        "FLOWSTUDIO_TOKEN": "z",
        "PATH": "p",
    }
    assert read_secrets(env) == {"SHOP": Secret("x", frozenset({"shop.example", "api.example:8443"}))}
