"""What the editor asks for until it is at rest: the numbers of the design, held."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import BrowserContext

from browser.app import App
from browser.demo import marked
from browser.documents import asking, put
from browser.hand import Hand

pytestmark = pytest.mark.browser
MOST_REQUESTS = 15
MOST_SCRIPT_KB = 120  # the design allows 250
FETCHED = (
    """() => performance.getEntriesByType("resource").map((each) => [each.name, each.encodedBodySize])"""
)


@pytest.mark.parametrize(
    ("document", "requests"), [(asking("plain"), 14), (marked(), 15)], ids=["plain", "marks"]
)
def test_the_first_load_of_the_editor_is_few_requests_and_little_script(
    app: App, context: BrowserContext, document: dict[str, Any], requests: int
) -> None:
    page = context.new_page()
    Hand(page).open_flow(put(app, document))
    page.wait_for_load_state("networkidle")
    fetched = page.evaluate(FETCHED)
    names = [name for name, _ in fetched]
    scripts = sum(size for name, size in fetched if ".js" in name) / 1024
    assert 1 + len(names) == requests <= MOST_REQUESTS, names
    assert 50 < scripts <= MOST_SCRIPT_KB, names
