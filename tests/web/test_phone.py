"""A flow's form on a phone: the code, the link in it, and who may make one."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from flowstudio.access import Access
from flowstudio.pages.phone import MARGIN, drawn
from flowstudio.settings import Settings
from web.conftest import PORT, Client, open_client
from web.documents import hello
from web.page import Page

ORIGIN = "https://flows.example.com"
FINDER = {(x, y) for x in range(7) for y in range(7)} - {
    (x, y) for x in range(1, 6) for y in range(1, 6) if x in (1, 5) or y in (1, 5)
}


def dark(way: str) -> set[tuple[int, int]]:
    return {(int(x), int(y)) for x, y in re.findall(r"M(\d+) (\d+)h1v1h-1z", way)}


def test_a_code_is_a_square_with_its_three_finders_and_a_margin() -> None:
    way, size = drawn("https://flows.example.com/login?next=/flows/hello/run#token=abc")
    modules = dark(way)
    assert (size - 2 * MARGIN - 17) % 4 == 0, "a size of the standard"
    far = size - MARGIN - 7
    for left, top in ((MARGIN, MARGIN), (far, MARGIN), (MARGIN, far)):
        found = {(x - left, y - top) for x, y in modules if left <= x < left + 7 and top <= y < top + 7}
        assert found == FINDER
    assert all(MARGIN <= x < size - MARGIN and MARGIN <= y < size - MARGIN for x, y in modules)
    assert drawn("something else")[0] != way


def test_the_link_signs_in_once_and_leads_on_to_the_form(settings: Settings) -> None:
    settings.data.mkdir(parents=True)
    access = Access(settings)
    link = access.login_link("https://flows.example.com", then="/flows/a b/run")
    place, _, token = link.partition("#token=")
    assert place == "https://flows.example.com/login?next=/flows/a%20b/run"
    assert access.sign_in(token) is not None
    assert access.sign_in(token) is None


def test_a_server_that_no_phone_can_reach_says_so(client: Client) -> None:
    client.save(hello())
    client.post(
        "/flows/hello/publish", data={"revision": client.get("/api/flows/hello").headers["etag"][1:-1]}
    )
    page = client.get("/flows/hello/versions", headers={"Accept": "text/html"}).text
    assert f"http://127.0.0.1:{PORT}/flows/hello/run" in page
    assert "Only this machine can open it" in page
    assert "/phone" not in page
    answer = client.post("/flows/hello/phone")
    assert (answer.status_code, answer.json()["code"]) == (409, "server.not_reachable")


def test_behind_a_proxy_a_published_flow_offers_a_code(settings: Settings) -> None:
    with open_client(replace(settings, origin=ORIGIN)) as client:
        client.headers["Host"] = "flows.example.com"
        client.save(hello())
        revision = client.get("/api/flows/hello").headers["etag"][1:-1]
        client.post("/flows/hello/publish", data={"revision": revision})
        assert (
            "/flows/hello/phone" in client.get("/flows/hello/versions", headers={"Accept": "text/html"}).text
        )
        answer = client.post("/flows/hello/phone", headers={"Accept": "text/html"})
        assert answer.status_code == 200
        assert f"{ORIGIN}/flows/hello/run" in answer.text
        assert "token=" not in answer.text, "the link is in the code alone"
        assert len(dark(Page(answer.text).values("d")[0])) > 100


@pytest.mark.parametrize("flow_id", ["none", "a/b"])
def test_a_flow_that_is_not_there_has_no_code(client: Client, flow_id: str) -> None:
    assert client.post(f"/flows/{flow_id}/phone").status_code == 404
