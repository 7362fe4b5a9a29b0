"""Every route: closed without a session, deaf to other sites, described with all its errors (A6, T1, T2)."""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRouter

import flowstudio.app as app_module
from abstractruntime.core.errors import KernelError
from flowstudio.access_gate import is_open
from flowstudio.api.catalog_models import CatalogCard
from flowstudio.app import create_app
from flowstudio.errors import CODES, STATUS, Refused, answer_of
from flowstudio.live.routes import Readers
from flowstudio.live.shapes import EVENTS
from flowstudio.settings import Settings
from web.client import AppClient
from web.conftest import PORT, TOKEN, Client
from web.documents import asking, hello

SOURCES = Path(app_module.__file__).parent
ROOT = SOURCES.parents[1]


def routes_of(routes: Iterable[Any]) -> Iterator[tuple[str, str]]:
    """Yield (method, path) of every route, also those of routers inside routers."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        if isinstance(inner, APIRouter):
            yield from routes_of(inner.routes)
        else:
            for method in sorted(getattr(route, "methods", None) or {"GET"}):
                yield method, re.sub(r"\{[^}]*\}", "x", route.path)


def all_routes() -> list[tuple[str, str]]:
    """Return every route of every door."""
    routers = [
        app_module.session.router,
        app_module.edits.router,
        app_module.events.router,
        app_module.version_routes.router,
        app_module.flows.router,
        app_module.catalog_routes.router,
        app_module.offers.router,
        app_module.memory.router,
        app_module.runs.router,
        app_module.run_data.router,
        app_module.artifact_routes.router,
        app_module.bundle_routes.router,
        app_module.test_routes.router,
        app_module.live.router,
        app_module.prompts.router,
        app_module.pages,
    ]
    return sorted({pair for router in routers for pair in routes_of(router.routes)})


ROUTES = all_routes()
CLOSED = [(method, path) for method, path in ROUTES if not is_open(path)]


@pytest.fixture
def stranger(settings: Settings) -> Iterator[AppClient]:
    """A client without a token."""
    with AppClient(create_app(settings), f"http://127.0.0.1:{PORT}") as client:
        yield client


INSPECTED = ("", "/ledger", "/flow", "/vars", "/children", "/input")


def test_the_walk_sees_all_routes_of_the_app(client: Client) -> None:
    described = {
        (method.upper(), re.sub(r"\{[^}]*\}", "x", path))
        for path, operations in client.get("/api/openapi.json").json()["paths"].items()
        for method in operations
    }
    assert described <= set(ROUTES)
    assert ("GET", "/") in ROUTES
    assert len(CLOSED) > 20


@pytest.mark.parametrize(
    ("capability", "routes"),
    [
        (
            "flow store with revisions",
            [
                "GET /api/flows",
                "POST /api/flows",
                "GET /api/flows/x",
                "PUT /api/flows/x",
                "DELETE /api/flows/x",
            ],
        ),
        ("validate unsaved documents", ["POST /api/flows/x/validate"]),
        (
            "catalogue",
            [
                f"GET /api/{what}"
                for what in ("catalog", "interfaces", "tools", "providers", "providers/x/models", "semantics")
            ],
        ),
        ("memory explorer", ["POST /api/memory/kg/query"]),
        ("health, config", ["GET /healthz", "GET /api/config"]),
        ("what a flow takes", ["GET /api/flows/x/input-schema"]),
        ("start, and a synchronous run (`wait_seconds`)", ["POST /api/runs"]),
        ("signal / emit", ["POST /api/events", "POST /api/waits/x"]),
        ("observe", ["GET /api/runs/x/events"]),
        ("answer", ["GET /api/prompts", "POST /api/prompts/x"]),
        ("control", [f"POST /api/runs/x/{what}" for what in ("pause", "resume", "cancel", "retry")]),
        (
            "inspect",
            ["GET /api/runs", *(f"GET /api/runs/x{what}" for what in INSPECTED)],
        ),
        ("search in the data of runs", ["GET /api/run-data"]),
        ("artifacts", [f"GET /api/runs/x/artifacts{what}" for what in ("", "/x", "/x/content")]),
        ("versions", ["POST /api/flows/x/versions", "PUT /api/flows/x/published"]),
        ("publish as a bundle", ["POST /api/flows/x/bundle", "GET /api/flows/x/bundle"]),
        ("bundles", ["GET /api/bundles", "POST /api/bundles", "GET /api/bundles/x", "DELETE /api/bundles/x"]),
        ("inputs of a bundle", ["GET /api/bundles/x/input-schema"]),
        ("deprecation", ["POST /api/bundles/x/deprecate", "POST /api/bundles/x/undeprecate"]),
    ],
)
def test_what_the_contract_asks_for_has_a_route(capability: str, routes: list[str]) -> None:
    """Section 4.6 of the contract; its routes are suggestions, its capabilities are not."""
    known = {f"{method} {path}" for method, path in ROUTES}
    assert set(routes) <= known, capability


def test_no_route_answers_without_a_session(stranger: AppClient) -> None:
    answered = {}
    for method, path in [*CLOSED, ("GET", "/api/openapi.json"), ("GET", "/nowhere"), ("POST", "/nowhere")]:
        for headers in (
            {},
            {"Cookie": f"sid_{PORT}=wrong"},
            {"Authorization": "Bearer wrong"},
            {"Accept": "text/html"},
        ):
            sent = {"Sec-Fetch-Site": "same-origin", **headers}
            answer = stranger.request(method, path, headers=sent)
            if answer.status_code == 303 and answer.headers["location"].startswith("/login"):
                continue
            if answer.status_code != 401:
                answered[method, path] = answer.status_code
    assert answered == {}


def test_no_route_changes_anything_for_another_site(client: Client) -> None:
    accepted = {}
    for method, path in ROUTES:
        if method in ("GET", "HEAD"):
            continue
        for headers in (
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Origin": "null"},
            {"Origin": "http://evil.test"},
            {"Cookie": f"sid_{PORT}=any"},
        ):
            answer = client.request(method, path, headers=headers, content=b"{}")
            if answer.status_code != 403:
                accepted[method, path] = answer.status_code
    assert accepted == {}


def test_every_route_describes_its_errors(client: Client) -> None:
    schema = client.get("/api/openapi.json").json()
    bare = []
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            for status, response in operation["responses"].items():
                if status >= "400":
                    content = response["content"]
                    assert list(content) == ["application/problem+json"], (method, path, status)
                    codes = content["application/problem+json"]["schema"]["properties"]["code"]["enum"]
                    assert {CODES[code][0] for code in codes} == {int(status)}
            is_closed = {"token": []} in operation.get("security", schema["security"])
            assert is_closed is not is_open(path)
            if not operation.get("description") or (is_closed and "401" not in operation["responses"]):
                bare.append((method, path))
    assert bare == []
    assert "Problem" in schema["components"]["schemas"]


def test_every_answer_is_described(client: Client) -> None:
    bare = []
    for path, operations in client.get("/api/openapi.json").json()["paths"].items():
        for method, operation in operations.items():
            text = json.dumps(operation["responses"])
            for code in ("method.not_allowed", "cors", "host.wrong"):
                assert f'"{code}"' in text, (method, path, code)
            for status, response in operation["responses"].items():
                for kind, content in response.get("content", {}).items():
                    if not content.get("schema") and kind != "application/zip":
                        bare.append((method, path, status))
    assert bare == []


def test_every_part_that_the_description_names_is_in_it(client: Client) -> None:
    text = client.get("/api/openapi.json").text
    named = set(re.findall(r'"#/components/schemas/(\w+)"', text))
    assert "StepEvent" in named
    assert named <= set(json.loads(text)["components"]["schemas"])


def test_the_description_is_at_both_addresses(client: Client, stranger: AppClient) -> None:
    assert client.get("/openapi.json").json() == client.get("/api/openapi.json").json()
    assert stranger.get("/openapi.json").status_code == 401


@pytest.mark.parametrize(
    ("path", "method", "status", "members"),
    [
        ("/api/flows/{flow_id}", "put", "412", {"document", "revision"}),
        ("/api/runs", "post", "422", {"problems", "fields", "path"}),
        ("/api/prompts/{run_id}", "post", "409", {"answered_by", "answered_at", "timed_out_at"}),
        ("/api/imports", "post", "409", {"flows"}),
        ("/api/runs", "post", "409", {"deprecated_at", "reason"}),
    ],
)
def test_what_errors_have_besides_is_described(
    client: Client, path: str, method: str, status: str, members: set[str]
) -> None:
    response = client.get("/api/openapi.json").json()["paths"][path][method]["responses"][status]
    assert members <= set(response["content"]["application/problem+json"]["schema"]["properties"])


def test_the_catalog_is_what_its_description_says(client: Client) -> None:
    answer = client.get("/api/catalog")
    assert len(CatalogCard.model_validate(answer.json(), strict=True).types) > 100
    operation = client.get("/api/openapi.json").json()["paths"]["/api/catalog"]["get"]
    assert operation["responses"]["200"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/CatalogCard"
    }
    assert "If-None-Match" in [each["name"] for each in operation["parameters"]]
    assert "ETag" in operation["responses"]["200"]["headers"]
    again = client.get("/api/catalog", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert "304" in operation["responses"]


def test_the_events_of_a_run_are_what_their_description_says(client: Client) -> None:
    client.save(asking())
    run_id = client.launch("asking")
    key = client.asked(run_id)["wait_key"]
    assert client.post(f"/api/prompts/{run_id}", json={"wait_key": key, "response": "yes"}).status_code == 200
    client.until(run_id, "completed")
    lines = client.get(f"/api/runs/{run_id}/events").text.splitlines()
    told = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    data = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    for name, value in zip(told, data, strict=True):
        EVENTS[name].model_validate(value, strict=True)
    assert set(told) == {"step", "prompt", "state", "end"}
    operation = client.get("/api/openapi.json").json()["paths"]["/api/runs/{run_id}/events"]["get"]
    content = operation["responses"]["200"]["content"]["text/event-stream"]
    assert [each["title"] for each in content["schema"]["items"]["oneOf"]] == list(EVENTS)


def test_every_body_must_be_what_its_type_says(client: Client) -> None:
    schema = client.get("/api/openapi.json").json()
    walked = 0
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            taken = operation.get("requestBody", {}).get("content", {})
            for kind, body, refusal in (
                ("text/plain", "{}", (415, "request.wrong_type")),
                ("application/json", '{\n "a": x}', (400, "request.malformed")),
                ("application/json", '{"twin": 1, "twin": 2}', (422, "request.invalid")),
                ("application/json", '{"a": NaN}', (400, "request.malformed")),
                ("application/json", "[" * 100_000, (400, "request.malformed")),
                ("application/json", b'{"a": "\xff"}', (400, "request.malformed")),
                ("application/json", '{"a": ' + "9" * 5000 + "}", (400, "request.malformed")),
            ):
                if not taken or (kind != "text/plain" and kind not in taken):
                    continue
                url = re.sub(r"\{[^}]*\}", "x", path)
                answer = client.request(method.upper(), url, content=body, headers={"Content-Type": kind})
                assert (answer.status_code, answer.json()["code"]) == refusal, (method, path)
                assert str(answer.status_code) in operation["responses"], (method, path)
                told = {'{\n "a": x}': "line 2, column 7", '{"twin": 1, "twin": 2}': "'twin'"}
                assert told.get(str(body), "") in answer.json()["detail"], (method, path)
                walked += 1
    assert walked > 50


def test_every_code_in_the_sources_is_described() -> None:
    found = set()
    for file in SOURCES.rglob("*.py"):
        found |= set(re.findall(r'Refus(?:ed|al)\(\s*\d+,\s*"([a-z_.]+)"', file.read_text("utf-8")))
    assert found, "the sources refuse somewhere"
    assert found - set(CODES) == set()


def test_every_code_is_explained() -> None:
    page = (ROOT / "docs/errors.md").read_text("utf-8")
    assert [code for code in CODES if f"`{code}`" not in page] == []


def test_every_route_of_the_doors_for_programs_is_in_the_page() -> None:
    page = (ROOT / "docs/http.md").read_text("utf-8")
    written = {
        (method, re.sub(r"\{[^}]*\}", "x", path)) for method, path in re.findall(r"`([A-Z]+) (/\S*)`", page)
    }
    ours = {pair for pair in ROUTES if pair[1].startswith("/api/") or pair[1] == "/healthz"}
    assert "PATCH" in {method for method, _ in ours}
    assert ours <= written


def test_no_address_of_a_flow_is_taken_by_something_else() -> None:
    inner = {path for _, path in ROUTES if re.fullmatch(r"(?:/api)?/flows/(?!x$)[^/]+", path)}
    assert inner == set(), "an id would be taken for one of these"


def test_every_setting_is_explained() -> None:
    page = (ROOT / "docs/operations.md").read_text("utf-8")
    names = set(re.findall(r'"(FLOWSTUDIO_[A-Z]+)"', (SOURCES / "settings.py").read_text("utf-8")))
    assert len(names) > 5
    assert [name for name in sorted(names) if f"`{name}`" not in page] == []


def test_every_kernel_error_has_a_status() -> None:
    pending, checked = [KernelError], 0
    while pending:
        kind = pending.pop()
        pending += kind.__subclasses__()
        assert any(issubclass(kind, known) for known, _ in STATUS)
        checked += 1
    assert checked > 20
    for code, (status, _) in CODES.items():
        assert 400 <= status < 600, code


def test_errors_without_a_name_tell_nothing(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "the secret in a message"
    assert secret not in answer_of(RuntimeError(secret)).detail

    def fail() -> None:
        raise RuntimeError(secret)

    monkeypatch.setattr(client.studio.library, "entries", fail)
    answer = client.get("/api/flows")
    assert (answer.status_code, answer.json()["code"]) == (500, "server.error")
    assert secret not in answer.text
    assert client.get("/healthz").status_code == 200, "the server stays up"


def test_a_full_disk_is_told_and_nothing_is_lost(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    client.save(hello())

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(client.studio.library, "_write", full)
    answer = client.put("/api/flows/other", json=hello("other"))
    assert (answer.status_code, answer.json()["code"]) == (507, "storage.full")
    assert [row["id"] for row in client.get("/api/flows").json()["flows"]] == ["hello"]


def test_streams_are_counted() -> None:
    readers = Readers(most=3, most_per_session=2)
    readers.admit("a")
    readers.admit("a")
    with pytest.raises(Refused) as told:
        readers.admit("a")
    assert (told.value.status, told.value.code) == (503, "stream.too_many")
    readers.admit(None)
    with pytest.raises(Refused):
        readers.admit("b")
    readers.release("a")
    readers.admit("b")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/nowhere", 404, "not_found"),
        ("PATCH", "/api/flows", 405, "method.not_allowed"),
        ("GET", "/api/flows/none", 404, "flow.not_found"),
        ("GET", "/api/flows/none/bundle", 404, "flow.not_found"),
        ("DELETE", "/api/flows/none", 404, "flow.not_found"),
        ("GET", "/api/runs/none", 404, "run.not_found"),
        ("GET", "/api/runs/none/ledger", 404, "run.not_found"),
        ("GET", "/api/runs/none/events", 404, "run.not_found"),
        ("POST", "/api/runs/none/pause", 404, "run.not_found"),
        ("POST", "/api/runs/none/resume", 404, "run.not_found"),
        ("POST", "/api/runs/none/cancel", 404, "run.not_found"),
        ("GET", "/api/runs?limit=0", 422, "request.invalid"),
        ("GET", "/api/runs?status=odd", 422, "request.invalid"),
    ],
)
def test_what_is_not_there_is_told_as_a_problem(
    client: Client, method: str, path: str, status: int, code: str
) -> None:
    answer = client.request(method, path)
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (answer.status_code, body["status"], body["code"]) == (status, status, code)
    assert body["detail"]
    assert body["title"]


def test_head_is_answered_as_get_without_a_body(client: Client) -> None:
    client.save(asking())
    run_id = client.launch("asking")
    client.asked(run_id)  # from here on the pages stay as they are
    for path in ("/healthz", "/", "/api/flows", "/api/flows/asking", "/api/runs/none", "/logout"):
        asked, looked = client.get(path), client.request("HEAD", path)
        assert (looked.status_code, looked.content) == (asked.status_code, b""), path
        for name in ("content-type", "etag", "content-length", "x-content-type-options"):
            assert looked.headers.get(name) == asked.headers.get(name), (path, name)
    stream = client.request("HEAD", f"/api/runs/{run_id}/events")
    assert (stream.status_code, stream.content) == (200, b"")


def test_signing_in_and_out_over_http(client: Client) -> None:
    page = {"Sec-Fetch-Site": "same-origin", "Authorization": ""}
    wrong = client.post("/login", json={"token": "wrong"}, headers=page)
    assert (wrong.status_code, wrong.json()["code"]) == (401, "login.wrong_token")
    link = client.studio.access.login_link("")
    right = client.post("/login", json={"token": link.partition("#token=")[2]}, headers=page)
    assert right.status_code == 204
    cookie = right.headers["set-cookie"]
    assert cookie.startswith(f"sid_{PORT}=")
    assert "HttpOnly; SameSite=Strict; Path=/" in cookie
    signed = {**page, "Cookie": cookie.partition(";")[0]}
    assert client.get("/api/flows", headers=signed).status_code == 200
    out = client.post("/logout", headers=signed)
    assert (out.status_code, out.headers["set-cookie"]) == (204, client.studio.access.clear_cookie())
    assert client.get("/api/flows", headers=signed).status_code == 401
    for _ in range(4):
        client.post("/login", json={"token": "guess"}, headers=page)
    many = client.post("/login", json={"token": TOKEN}, headers=page)
    assert (many.status_code, many.json()["code"]) == (429, "login.too_many")
    assert int(many.headers["retry-after"]) > 0


def test_static_files_are_served_by_content_and_sources_are_not(client: Client, tmp_path: Path) -> None:
    link = client.studio.assets.url("css/tokens.css")
    assert re.fullmatch(r"/static/css/tokens\.css\?v=[0-9a-f]{16}", link)
    first = client.get(link)
    assert first.status_code == 200
    assert first.headers["content-type"].startswith("text/css")
    assert "immutable" in first.headers["cache-control"]
    assert client.get("/static/css/tokens.css").headers["cache-control"] == "no-cache"
    again = client.get(link, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    plain = client.get(link, headers={"Accept-Encoding": "identity"})
    assert plain.content == first.content
    for name in (
        "island/package.json",
        "island/src/main.ts",
        "css/../island/package.json",
        "css/..%2f..%2fpyproject.toml",
        "css/.hidden",
        "css",
        "css/",
        "",
        "css/none.css",
        "css/x%00.css",
    ):
        assert client.get(f"/static/{name}").status_code == 404, name
