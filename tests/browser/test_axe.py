"""axe on every page and state that is photographed, at a desk: nothing found. What is asked stands in axe.py."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, StorageState

from browser.app import App
from browser.axe import findings, listed_after, listed_before, show

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_axe_would_find_something(chromium: Browser) -> None:
    """A page with faults, so that 0 means something."""
    page = chromium.new_page()
    page.set_content(
        "<main><input><p style='color: #aaa; background: #fff'>pale</p>"
        "<button aria-label='Away with it'>Delete</button></main>"
    )
    rules = {line.split(" ")[0] for line in findings(page)}
    assert {"label", "color-contrast", "html-has-lang", "label-content-name-mismatch"} <= rules
    page.close()


def test_nothing_is_found_at_a_desk(chromium: Browser, app: App, signed_in: StorageState) -> None:
    """First as long as nothing is there, then with flows and runs in every state."""
    bad = listed_before(chromium, app, signed_in, ["desk"])
    bad |= listed_after(chromium, app, signed_in, ["desk"])
    assert not bad, show(bad)
