"""The sandbox is tested beside the server's start; what is switched off is logged and shown."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest

from abstractruntime.visualflow_compiler import sandbox, sandbox_jail, sandbox_monty
from abstractruntime.visualflow_compiler.sandbox import CodeSandbox
from abstractruntime.visualflow_compiler.sandbox_jail import JailSandbox
from abstractruntime.visualflow_compiler.sandbox_walls import have_walls
from flowstudio.settings import Settings
from web.conftest import Client, open_client
from web.documents import node
from web.page import Page

NO_FULL = (
    "Full Python is switched off: its jail did not hold against the network. "
    "Code nodes in compact Python and expressions still run; those set to full Python are refused."
)
NO_COMPACT = (
    "Compact Python is switched off: the sandbox did not hold against a process. "
    "Install the sandbox's tested version and start the server again. "
)
OTHERS = "Code nodes that are set to full Python still run; the others, and expressions, are refused."


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Iterator[CodeSandbox]:
    """A sandbox for one server, untested yet, in the place of the process's own."""
    if not have_walls():
        pytest.skip("full Python is not to be had on this machine")
    held = CodeSandbox(full=JailSandbox())
    monkeypatch.setattr("flowstudio.app.shared_sandbox", lambda: held)
    monkeypatch.setattr("flowstudio.pages.nodes.shared_sandbox", lambda: held)
    monkeypatch.setattr("flowstudio.pages.inspector.shared_sandbox", lambda: held)
    monkeypatch.setattr(sandbox, "shared_sandbox", lambda: held)
    yield held
    held.close()


def tested() -> None:
    """Wait until the test that a server began has ended."""
    for thread in threading.enumerate():
        if thread.name == "code-self-test":
            thread.join(20)
            assert not thread.is_alive()


def shown(client: Client) -> tuple[str, str, str]:
    """Return what the code node's reference page and form, and another node's form, say."""
    page = Page(client.get("/nodes/code", headers={"Accept": "text/html"}).text).text
    forms = [
        client.post("/editor/inspector", json={"flow_id": "f", "node": node("n", kind), "wired": []})
        for kind in ("code", "ask_user")
    ]
    return page, *(Page(form.text).text for form in forms)  # type: ignore[return-value]


def test_a_good_test_is_silent(
    own: CodeSandbox, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "flowstudio.code"), open_client(settings) as client:
        tested()
        assert not any("switched off" in text for text in shown(client))
    assert [each for each in caplog.records if each.name == "flowstudio.code"] == []
    assert own.failures == {}


@pytest.mark.parametrize(
    ("compact", "full", "said"),
    [
        ([], ["the network"], NO_FULL),
        (["a process"], [], NO_COMPACT + OTHERS),
        (
            ["a process"],
            ["the network"],
            f"{NO_COMPACT}Full Python is switched off: its jail did not hold against the network. "
            "No code node and no expression can run; everything else does.",
        ),
    ],
    ids=["full", "compact", "both"],
)
def test_a_failed_test_is_logged_once_and_shown(
    compact: list[str],
    full: list[str],
    said: str,
    own: CodeSandbox,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(sandbox_monty, "failed_attempts", lambda run: compact)
    monkeypatch.setattr(sandbox_jail, "failed_attempts", lambda run: full)
    with caplog.at_level(logging.INFO, "flowstudio.code"), open_client(settings) as client:
        tested()
        page, form, other = shown(client)
        assert said in page
        assert said in form
        assert "switched off" not in other
    logged = [each for each in caplog.records if each.name == "flowstudio.code"]
    assert [(each.levelname, each.getMessage()) for each in logged] == [("WARNING", said)]


def test_pages_do_not_wait_for_the_test(
    own: CodeSandbox, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(run: object) -> list[str]:
        begun.set()
        assert go_on.wait(20)
        return []

    monkeypatch.setattr(sandbox_monty, "failed_attempts", slow)
    with open_client(settings) as client:
        assert begun.wait(20)
        assert client.get("/", headers={"Accept": "text/html"}).status_code == 200
        assert not any("switched off" in text for text in shown(client))
        go_on.set()
        tested()
    assert own.failures == {}
