"""What forks a run, a fork, and two runs side by side, to look at (see browser.shots)."""

from __future__ import annotations

from collections.abc import Iterator

from playwright.sync_api import expect

from browser.hand import Hand
from browser.page_acts import open_steps
from browser.shot import Shot


def pictures_of_forks(runs: dict[str, str]) -> Iterator[Shot]:
    """The form on its page and in the editor, an entry that there is none of, a fork, and what differs."""
    failed, forked = runs["failed"], runs["forked"]
    yield Shot("run-fork", f"/runs/{failed}/fork", open_groups)
    yield Shot("run-fork-nowhere", f"/runs/{failed}/fork?seq=999")
    yield Shot("run-compare", f"/runs/{forked}/compare")
    yield Shot("run-forked", f"/runs/{forked}", open_steps)
    yield Shot("editor-fork", f"/flows/import-orders?run={failed}", fork_here, False, ("desk",))
    yield Shot("editor-fork", f"/flows/import-orders?run={failed}", fork_on_a_phone, False, ("phone",))


def open_groups(hand: Hand) -> None:
    for group in hand.page.locator(".fork-group > summary").all():
        group.click()
    expect(hand.page.locator("details.fork-group[open]").first).to_be_visible()


def fork_here(hand: Hand) -> None:
    hand.at_rest()
    hand.expect_state("Read the orders", "failed")
    hand.keys("f")
    expect(hand.page.locator("#pane-run [data-fork-form]")).to_be_visible()


def fork_on_a_phone(hand: Hand) -> None:
    """There the run lies below the outline."""
    hand.at_rest()
    expect(hand.page.locator("#pane-run .activity li").first).to_be_attached()
    hand.page.get_by_role("treeitem").first.focus()
    hand.keys("f")
    expect(hand.page.locator("#pane-run [data-fork-form]")).to_be_visible()
