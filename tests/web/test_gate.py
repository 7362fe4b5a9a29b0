"""The gate: who is answered, and with which headers (A4, A6, W1-W5 of the security design)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from flowstudio.access import Access
from flowstudio.access_gate import SECURITY_HEADERS, Gate
from flowstudio.settings import Settings
from web.client import AppClient

TOKEN = "t" * 40
BEARER = {"Authorization": f"Bearer {TOKEN}"}


class Door(AppClient):
    """A client that knows what the app behind the gate did."""

    done: list[str]


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def access(tmp_path: Path, clock: Clock) -> Access:
    return Access(Settings(data=tmp_path, flows=tmp_path, port=8420, api_token=TOKEN), clock)


@pytest.fixture
def door(tmp_path: Path, access: Access) -> Iterator[Door]:
    """A bare app behind the gate."""
    settings = Settings(data=tmp_path, flows=tmp_path, port=8420, api_token=TOKEN, json_limit=1000)
    done: list[str] = []

    async def act(request: Request) -> Response:
        body = await request.body()
        done.append(f"{request.method} {request.url.path}")
        return PlainTextResponse(f"{len(body)} {request.scope['state']['session'] is not None}")

    app = Starlette()
    for path in ("/", "/api/things", "/login", "/healthz", "/static/x.css", "/api/flows/f", "/api/bundles"):
        app.add_route(path, act, methods=["GET", "HEAD", "POST", "PUT", "DELETE"])
    gate = Gate(app, settings, access)
    with Door(gate, "http://127.0.0.1:8420") as client:
        client.done = done
        yield client


def signed_in(access: Access) -> dict[str, str]:
    token = access.login_link("").partition("#token=")[2]
    return {"Cookie": f"sid_8420={access.sign_in(token)}"}


@pytest.mark.parametrize(
    "host",
    [
        "evil.test",
        "evil.test:8420",
        "127.0.0.1.evil.test:8420",
        "127.0.0.1",
        "127.0.0.1:8421",
        "127.0.0.1.:8420",
        "localhost",
        "localhost.:8420",
        "0.0.0.0:8420",
        "[::2]:8420",
        "[::ffff:127.0.0.1]:8420",
        "::1:8420",
        "127.1:8420",
        "2130706433:8420",
        "127.0.0.1:8420@evil.test",
        "evil.test, 127.0.0.1:8420",
        "",
    ],
)
@pytest.mark.parametrize("path", ["/", "/api/things", "/static/x.css", "/healthz", "/login"])
def test_a_foreign_host_gets_421_and_always_the_same_words(door: Door, host: str, path: str) -> None:
    for headers in (BEARER, {}, {"Accept": "text/html"}):
        answer = door.get(path, headers={**headers, "Host": host})
        assert (answer.status_code, answer.headers["content-type"]) == (421, "application/problem+json")
        assert answer.json() == {
            "type": "about:blank",
            "title": "Misdirected Request",
            "status": 421,
            "code": "host.wrong",
            "detail": "Nothing is served under this name.",
        }
    assert door.done == []


@pytest.mark.parametrize("host", ["127.0.0.1:8420", "localhost:8420", "LOCALHOST:8420", "[::1]:8420"])
def test_our_own_names_are_answered(door: Door, host: str) -> None:
    assert door.get("/api/things", headers={**BEARER, "Host": host}).status_code == 200


@pytest.mark.parametrize("headers", [[], [(b"host", b"127.0.0.1:8420"), (b"host", b"evil.test")]])
def test_no_host_or_two_hosts_get_421(
    tmp_path: Path, access: Access, headers: list[tuple[bytes, bytes]]
) -> None:
    sent = ask_raw(Gate(Starlette(), Settings(tmp_path, tmp_path), access), "/", headers)
    assert sent[0]["status"] == 421


def test_an_address_in_the_request_line_gets_421(tmp_path: Path, access: Access) -> None:
    gate = Gate(Starlette(), Settings(tmp_path, tmp_path), access)
    sent = ask_raw(gate, "http://evil.test/", [(b"host", b"127.0.0.1:8420")])
    assert sent[0]["status"] == 421


def ask_raw(gate: Gate, path: str, headers: list[tuple[bytes, bytes]]) -> list[dict[str, object]]:
    sent: list[dict[str, object]] = []

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        sent.append(message)

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {"type": "http", "method": "GET", "path": path, "headers": headers, "query_string": b""}
    asyncio.run(gate(scope, receive, send))
    return sent


@pytest.mark.parametrize("path", ["/login", "/healthz", "/static/x.css"])
def test_three_places_are_open(door: Door, path: str) -> None:
    assert door.get(path).status_code == 200


def test_without_a_session_data_is_401_and_pages_lead_to_sign_in(door: Door) -> None:
    data = door.get("/api/things")
    assert (data.status_code, data.json()["code"]) == (401, "session.required")
    assert data.headers["content-type"] == "application/problem+json"
    page = door.get("/", headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["location"]) == (303, "/login")
    part = door.get("/", headers={"HX-Request": "true"})
    assert (part.status_code, part.headers["hx-redirect"]) == (401, "/login")
    assert door.done == []


@pytest.mark.parametrize("token", ["", "Bearer", "Bearer ", "Bearer x", f"Basic {TOKEN}", f"Bearer {TOKEN}x"])
def test_a_wrong_token_opens_nothing(door: Door, token: str) -> None:
    assert door.get("/api/things", headers={"Authorization": token}).status_code == 401


def test_a_session_opens_until_it_is_idle_old_or_signed_out(door: Door, access: Access, clock: Clock) -> None:
    headers = signed_in(access)
    assert door.get("/api/things", headers=headers).text == "0 True"
    clock.now += 11 * 3600
    assert door.get("/api/things", headers=headers).status_code == 200
    clock.now += 13 * 3600
    assert door.get("/api/things", headers=headers).status_code == 401

    headers = signed_in(access)
    for _ in range(16):
        clock.now += 10 * 3600
        assert door.get("/api/things", headers=headers).status_code == 200
    clock.now += 10 * 3600
    assert door.get("/api/things", headers=headers).status_code == 401, "seven days are the end"

    headers = signed_in(access)
    access.sign_out(str(access.session_of(headers["Cookie"].partition("=")[2])))
    assert door.get("/api/things", headers=headers).status_code == 401


def test_a_cookie_of_another_port_or_sent_twice_opens_nothing(door: Door, access: Access) -> None:
    value = signed_in(access)["Cookie"].partition("=")[2]
    assert door.get("/api/things", headers={"Cookie": f"sid_9999={value}"}).status_code == 401
    two = {"Cookie": f"sid_8420={value}; sid_8420=other"}
    assert door.get("/api/things", headers=two).status_code == 401


FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1:8420"},
    {"Origin": "null"},
    {"Origin": "http://evil.test"},
    {"Origin": "http://127.0.0.1:9999"},
    {"Origin": "https://127.0.0.1:8420"},
    {},
]


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/x-www-form-urlencoded"])
def test_no_foreign_page_changes_anything(
    door: Door, access: Access, headers: dict[str, str], method: str, kind: str
) -> None:
    sent = {**signed_in(access), **headers, "Content-Type": kind}
    answer = door.request(method, "/api/things", headers=sent, content=b"{}")
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf")
    assert door.done == []


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {"Origin": "http://127.0.0.1:8420"}],
)
def test_our_own_pages_may_change_things(door: Door, access: Access, headers: dict[str, str]) -> None:
    assert door.post("/api/things", headers={**signed_in(access), **headers}).status_code == 200


def test_a_program_with_a_token_and_no_cookie_may_change_things(door: Door, access: Access) -> None:
    assert door.post("/api/things", headers=BEARER).status_code == 200
    both = {**BEARER, **signed_in(access)}
    assert door.post("/api/things", headers=both).status_code == 403, "a cookie means a browser"


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("path", ["/", "/api/things", "/static/x.css"])
def test_no_foreign_page_reads_anything(door: Door, access: Access, site: str, path: str) -> None:
    answer = door.get(path, headers={**signed_in(access), "Sec-Fetch-Site": site})
    assert answer.status_code == 403
    assert door.done == []


def test_preflights_are_refused_and_no_cors_header_is_sent(door: Door) -> None:
    asked = {"Origin": "http://evil.test", "Access-Control-Request-Method": "PUT"}
    answer = door.options("/api/things", headers={**BEARER, **asked})
    assert answer.status_code == 403
    for reply in (answer, door.get("/api/things", headers=BEARER), door.get("/login")):
        assert not [name for name in reply.headers if name.startswith("access-control")]


def test_every_answer_carries_the_security_headers(door: Door) -> None:
    answers = [
        door.get("/login"),
        door.get("/api/things"),
        door.get("/", headers={"Host": "evil.test"}),
        door.get("/nowhere", headers=BEARER),
        door.options("/login"),
    ]
    for answer in answers:
        for name, value in SECURITY_HEADERS.items():
            assert answer.headers[name] == value
        assert answer.headers["cache-control"] == "no-store"
    policy = answers[0].headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_a_body_that_is_too_large_is_cut_while_reading(door: Door) -> None:
    assert door.post("/api/things", headers=BEARER, content=b"x" * 1000).status_code == 200

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 100

    for content in (b"x" * 1001, endless()):
        answer = door.post("/api/things", headers=BEARER, content=content)
        assert answer.status_code == 413
    assert door.done == ["POST /api/things"]
    assert door.put("/api/flows/f", headers=BEARER, content=b"x" * 5000).status_code == 200
    assert door.post("/api/bundles", headers=BEARER, content=b"x" * 5000).status_code == 200
