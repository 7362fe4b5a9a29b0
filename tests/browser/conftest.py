"""Fixtures of the browser journeys: one installation per module, a profile that has signed in, and
pages that are watched: a script error, refused content or an error in the console fails the test."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import TypeAlias

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, StorageState, expect, sync_playwright

from browser.app import BROWSER_FLAGS, App, chromium_path, sign_in
from browser.documents import asking, put
from browser.hand import Hand
from browser.watch import Watch

OpenTab: TypeAlias = Callable[[str], Hand]
PATIENCE_MS = 15_000
WORDS_TOLD = 3000
SEEN = """() => [location.href, document.activeElement?.outerHTML.slice(0, 200) ?? "", document.body.innerText,
    performance.getEntriesByType("resource").slice(-8).map((each) =>
        `${each.responseStatus} ${Math.round(each.duration)} ms ${each.name}`).join("\\n")]"""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell with a failure what its pages showed and asked for last, and what the server logged."""
    report = yield
    used = getattr(item, "funcargs", {})
    if call.when != "call" or not report.failed:
        return report
    for profile in used["chromium"].contexts if "chromium" in used else []:
        for page in profile.pages:
            report.sections.append(("a page", seen(page)))
    if "app" in used:
        said = (used["app"].folder / "server.log").read_text("utf-8", "replace")
        report.sections.append(("server.log", said[-WORDS_TOLD:]))
    return report


def seen(page: Page) -> str:
    """What a page shows, where its keyboard is, and what it fetched last."""
    try:
        return "\n".join(part[:WORDS_TOLD] for part in page.evaluate(SEEN))
    except Error as error:
        return f"{page.url} cannot be read: {error}"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's Chromium, started once; journeys are skipped, aloud, where there is none."""
    path = chromium_path()
    if path is None:
        pytest.skip("no Chromium on this machine: install it from the system's packages")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=BROWSER_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A fresh installation, running; the tests of a module share it."""
    installation = App(tmp_path_factory.mktemp("app")).start()
    yield installation
    installation.stop()


@pytest.fixture(scope="module")
def signed_in(chromium: Browser, app: App) -> StorageState:
    """A browser that has signed in."""
    return sign_in(chromium, app)


@pytest.fixture
def context(chromium: Browser, app: App, signed_in: StorageState) -> Iterator[BrowserContext]:
    """A browser profile that has signed in."""
    profile = chromium.new_context(
        viewport={"width": 1440, "height": 900},
        reduced_motion="reduce",
        storage_state=signed_in,
        base_url=app.url,
    )
    profile.set_default_timeout(PATIENCE_MS)
    yield profile
    profile.close()


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Listens to every page of the test; what it heard is told at the end."""
    watching = Watch()
    yield watching
    assert not watching.faults, watching.faults


@pytest.fixture
def open_tab(context: BrowserContext, watch: Watch) -> OpenTab:
    """Open an address in a tab of its own, watched."""

    def opened(address: str) -> Hand:
        page = watch.over(context.new_page())
        page.goto(address)
        return Hand(page)

    return opened


@pytest.fixture
def hand(app: App, page: Page) -> Hand:
    """A person in front of an asking flow, with the keyboard on its canvas."""
    put(app, asking("keys"))
    opened = Hand(page).open_flow("keys")
    expect(opened.canvas).to_be_focused()
    return opened


@pytest.fixture
def page(context: BrowserContext, watch: Watch) -> Page:
    """An empty tab, watched."""
    return watch.over(context.new_page())
