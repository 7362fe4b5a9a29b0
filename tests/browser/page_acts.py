"""What is done on pages other than the editor before they are photographed or examined."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from browser.hand import Hand


def send_wrong(hand: Hand) -> None:
    hand.page.get_by_label("amount").fill("a lot")
    hand.page.get_by_role("button", name="Run").last.click()
    expect(hand.page.locator("[aria-invalid=true]").first).to_be_visible()


def approve_what_is_no_json(hand: Hand) -> None:
    hand.page.locator("form.prompt textarea").first.fill("half past four")
    hand.page.get_by_role("button", name="Approve").click()
    expect(hand.page.get_by_role("alert")).to_contain_text("not JSON")


def open_steps(hand: Hand) -> None:
    hand.at_rest()
    for row in hand.page.locator(".step summary").all():
        row.click()
    expect(hand.page.locator(".step details[open]").first).to_be_visible()


def import_dialog(hand: Hand) -> None:
    hand.page.get_by_role("button", name="Import").first.click()
    expect(hand.page.get_by_role("dialog")).to_be_visible()


def import_what_is_none(hand: Hand) -> None:
    import_dialog(hand)
    file = {"name": "holiday.flow", "mimeType": "application/zip", "buffer": b"no archive"}
    hand.page.get_by_role("dialog").locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]
    expect(hand.page.locator("[data-import-wrong]")).to_be_visible()


def provider_tested(name: str, words: str) -> Callable[[Hand], object]:
    """Press *Test* at a provider and wait for what is said of it."""

    def act(hand: Hand) -> None:
        card = hand.page.locator(".card").filter(has=hand.page.get_by_role("heading", name=name, exact=True))
        card.get_by_role("button", name="Test").click()
        expect(card.get_by_role("status")).to_contain_text(words)

    return act


def server_without_command(hand: Hand) -> None:
    hand.page.get_by_label("Id", exact=True).fill("files")
    hand.page.get_by_role("button", name="Keep").click()
    expect(hand.page.get_by_role("alert")).to_be_visible()


def provider_without_address(hand: Hand) -> None:
    hand.page.get_by_label("Name", exact=True).fill("lmstudio")
    hand.page.get_by_role("button", name="Keep").click()
    expect(hand.page.get_by_role("alert")).to_be_visible()
