"""axe on the page with the code for a phone, which only a server has that a phone can reach."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from browser.app import App
from browser.axe import NARROW, profile_of, show, tell
from browser.documents import asking, put
from browser.shots import reachable

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_nothing_is_found_beside_the_code_for_a_phone(chromium: Browser, tmp_path: Path) -> None:
    app = App(tmp_path, origin="https://flows.example").start()
    try:
        put(app, asking("hello"))
        profile = profile_of(chromium, app, None)
        door = profile.new_page()
        door.goto(app.link)
        door.wait_for_url(lambda url: "/login" not in url)
        bad = tell(profile, reachable(), ["desk"]) | tell(profile, reachable(), NARROW)
        assert not bad, show(bad)
        profile.close()
    finally:
        app.stop()
