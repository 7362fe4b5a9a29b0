"""The page of the installed bundles: install, run, deprecate and take away without script."""

from __future__ import annotations

from typing import Any

import httpx

from web.conftest import Client
from web.documents import hello
from web.page import Page
from web.test_installed import greeting, installed, made

BROWSER = {"Accept": "text/html"}
HOSTILE = '<img src=x onerror="alert(1)">'


def shown(client: Client, path: str) -> Page:
    answer = client.get(path, headers=BROWSER)
    assert answer.status_code == 200, answer.text
    return Page(answer.text)


def sent(client: Client, path: str, **fields: str) -> httpx.Response:
    answer = client.post(path, data=fields, headers=BROWSER, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return answer


def uploaded(client: Client, content: bytes, **fields: str) -> httpx.Response:
    files: Any = {"file": ("mine.flow", content, "application/zip")}
    return client.post("/bundles", files=files, data=fields, headers=BROWSER, follow_redirects=False)


def test_a_file_is_installed_and_shown_with_what_was_made_of_it(client: Client) -> None:
    assert "No bundle is installed" in shown(client, "/bundles").html
    done = uploaded(client, made("1.0.0", {**greeting("Hello"), "name": HOSTILE}))
    assert (done.status_code, done.headers["location"]) == (303, "/bundles#greeter%401.0.0")
    page = shown(client, "/bundles")
    assert HOSTILE not in page.html
    assert "&lt;img src=x" in page.html
    taken = uploaded(client, made("1.0.0", greeting("Other")))
    assert taken.status_code == 409
    assert "is installed with other content" in taken.text
    assert uploaded(client, made("1.0.0", greeting("Other")), overwrite="on").status_code == 303
    refused = uploaded(client, b"no archive")
    assert (refused.status_code, "mine.flow is not a zip file" in refused.text) == (422, True)


def test_a_flow_of_it_runs_by_its_form_and_again_from_its_run(client: Client) -> None:
    installed(client, "1.0.0")
    assert 'name="in:who"' in shown(client, "/bundles/greeter@1.0.0/run").html
    run_id = sent(client, "/bundles/greeter@1.0.0/run", **{"form": "full", "in:who": "Ada"}).headers[
        "location"
    ][6:]
    assert client.until(run_id, "completed")["output"]["text"] == "Hello from 1.0.0 Ada"
    page = shown(client, f"/runs/{run_id}").html
    assert '<a href="/bundles#greeter%401.0.0">greeter@1.0.0</a>' in page
    assert "(deleted)" not in page
    client.delete("/api/bundles/greeter")
    again = sent(client, f"/runs/{run_id}/again").headers["location"][6:]
    assert client.until(again, "completed")["output"]["text"] == "Hello from 1.0.0 Ada"


def test_a_version_is_deprecated_and_that_is_taken_back(client: Client) -> None:
    installed(client, "1.0.0", "2.0.0")
    sent(client, "/bundles/greeter@2.0.0/deprecate", reason=f"No more. {HOSTILE}")
    page = shown(client, "/bundles").html
    assert page.count("Deprecated</span>") == 1
    assert HOSTILE not in page
    sent(client, "/bundles/greeter/deprecate", reason="All of it")
    refused = client.post("/bundles/greeter/run", data={"form": "full"}, headers=BROWSER)
    assert refused.status_code == 422
    assert "is deprecated" in refused.text
    sent(client, "/bundles/greeter/undeprecate")
    sent(client, "/bundles/greeter@2.0.0/undeprecate")
    assert "Deprecated</span>" not in shown(client, "/bundles").html


def test_a_version_is_taken_away(client: Client) -> None:
    installed(client, "1.0.0", "2.0.0")
    sent(client, "/bundles/greeter@1.0.0/remove")
    page = shown(client, "/bundles").html
    assert ("greeter@2.0.0" in page, "greeter@1.0.0" in page) == (True, False)
    assert client.post("/bundles/greeter@1.0.0/remove", headers=BROWSER).status_code == 404


def test_a_flow_of_the_library_is_installed_from_its_versions(client: Client) -> None:
    client.save(hello())
    assert 'action="/flows/hello/bundle"' in shown(client, "/flows/hello/versions").html
    assert sent(client, "/flows/hello/bundle").headers["location"] == "/bundles#hello%400.0.0"
    assert sent(client, "/flows/hello/bundle").headers["location"] == "/bundles#hello%400.0.1"
    client.save({"id": "broken", "name": "Broken", "nodes": [], "edges": []})
    refused = client.post("/flows/broken/bundle", headers=BROWSER)
    assert (refused.status_code, "cannot run yet" in refused.text) == (422, True)
