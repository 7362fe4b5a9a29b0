"""The pages can be installed as an app; on a telephone it begins with the inbox."""

from __future__ import annotations

from web.conftest import Client
from web.test_pages import see


def test_each_page_names_the_manifest_and_its_icon_is_there(client: Client) -> None:
    (link,) = [tag for tag in see(client, "/flows").named("link") if tag.attributes.get("rel") == "manifest"]
    answer = client.get(link.attributes["href"])
    assert answer.headers["content-type"] == "application/manifest+json"
    manifest = answer.json()
    assert (manifest["name"], manifest["display"]) == ("FlowStudio", "standalone")
    (icon,) = manifest["icons"]
    assert client.get(icon["src"]).headers["content-type"].startswith(icon["type"])


def test_the_app_begins_with_the_inbox_on_a_telephone(client: Client) -> None:
    start = client.get("/app.webmanifest").json()["start_url"]
    for hint, place in (("?1", "/inbox"), ("?0", "/"), ("", "/")):
        answer = client.get(start, headers={"Sec-CH-UA-Mobile": hint} if hint else {})
        assert (answer.status_code, answer.headers["location"]) == (303, place), hint
