"""The pages of tests of flows, to look at (see browser.shots)."""

from __future__ import annotations

from collections.abc import Iterator

from playwright.sync_api import expect

from browser.hand import Hand
from browser.shot import Shot


def pictures_of_tests(runs: dict[str, str]) -> Iterator[Shot]:
    """The list, one test that passes and one that does not, the form, the step before publishing."""
    yield Shot("tests", "/flows/drinks/tests")
    yield Shot("tests-none", "/flows/one-node/tests")
    yield Shot("tests-runs", "/flows/ask-and-greet/tests")
    yield Shot("test", "/flows/ticks/tests/three-ticks")
    yield Shot("test-passed", "/flows/drinks/tests/tea", remove_test)
    yield Shot("test-form", f"/runs/{runs['tested']}/test")
    yield Shot("publish-tests", "/flows/drinks/publish")


def remove_test(hand: Hand) -> None:
    hand.page.get_by_role("button", name="Remove", exact=True).click()
    expect(hand.page.get_by_role("dialog")).to_be_visible()
