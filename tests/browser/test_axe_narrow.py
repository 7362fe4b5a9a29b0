"""axe on every page and state that is photographed, on a phone and on a tablet: nothing found. In a file of its
own beside test_axe.py, so that two workers share the time."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, StorageState

from browser.app import App
from browser.axe import NARROW, listed_after, listed_before, show

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_nothing_is_found_on_a_phone_or_a_tablet(
    chromium: Browser, app: App, signed_in: StorageState
) -> None:
    """First as long as nothing is there, then with flows and runs in every state."""
    bad = listed_before(chromium, app, signed_in, NARROW)
    bad |= listed_after(chromium, app, signed_in, NARROW)
    assert not bad, show(bad)
