"""Every page and state of the app as something to look at: photographed by `poe screenshots`, and
checked for accessibility by axe.py. A state that is not listed here is seen by neither."""

from __future__ import annotations

import re
from collections.abc import Iterator

from playwright.sync_api import expect

from browser.canvas_acts import (
    all_pins,
    example,
    hang_a_wire,
    is_small,
    on_canvas,
    quick_add,
    select_all,
    touched,
    wire_list,
)
from browser.demo import Demo
from browser.hand import Hand
from browser.page_acts import (
    approve_what_is_no_json,
    import_dialog,
    import_what_is_none,
    open_steps,
    provider_tested,
    provider_without_address,
    send_wrong,
    server_without_command,
)
from browser.shot import Act, Shot
from browser.shots_of_forks import pictures_of_forks
from browser.shots_of_tests import pictures_of_tests


def strangers() -> Iterator[Shot]:
    """What is seen by somebody who has not signed in."""
    yield Shot("login", "/login")


def fresh() -> Iterator[Shot]:
    """An installation in which nobody has done anything yet."""
    yield Shot("new-home", "/")
    for name in ("runs", "inbox", "schedules", "outbox"):
        yield Shot(f"new-{name}", f"/{name}")


def reachable() -> Iterator[Shot]:
    """A server that a phone can reach: the code that opens a form there."""
    yield Shot("phone-code", "/flows/hello/publish", show_code)


def shots(demo: Demo) -> Iterator[Shot]:
    """What is seen by somebody at work, and where it is."""
    runs = demo.runs
    yield Shot("home", "/")
    yield Shot("flows", "/flows")
    yield Shot("flows-keys", "/flows", page_keys, False)
    yield Shot(
        "flows-person", "/flows", lambda hand: hand.page.locator("summary[aria-label=You]").click(), False
    )
    yield Shot("flows-none", "/flows?q=zebra")
    yield Shot("flows-import", "/flows", lambda hand: import_dialog(hand), False)
    yield Shot("flows-import-wrong", "/flows", import_what_is_none, False)
    yield Shot("flows-menu", "/flows", lambda hand: hand.page.locator("details.menu summary").nth(2).click())
    yield Shot("gallery", "/gallery")
    yield Shot("gallery-none", "/gallery?only=zebra")
    yield Shot("runs", "/runs")
    yield Shot("runs-none", "/runs?status=cancelled")
    yield Shot("runs-search", "/runs/search?q=a")
    yield Shot("runs-search-none", "/runs/search?q=zebra")
    yield Shot("run-stopped", f"/runs/{runs['stopped']}", at_rest)
    for state in ("done", "waiting", "failed", "event", "until", "paused", "cancelled", "words", "approval"):
        yield Shot(f"run-{state}", f"/runs/{runs[state]}", at_rest)
    yield Shot("run-step", f"/runs/{runs['failed']}", open_steps)
    yield Shot("run-offline", f"/runs/{runs['waiting']}", cut_line)
    yield from pictures_of_forks(runs)
    yield Shot("inbox", "/inbox")
    yield Shot("inbox-whom", "/inbox?for=drivers")
    yield Shot("inbox-whom-none", "/inbox?for=nobody")
    yield Shot("schedules", "/schedules", see_schedules)
    yield Shot("outbox", "/outbox")
    yield Shot("bundles", "/bundles")
    yield from prompt_shots(runs)
    yield Shot("run-form", "/flows/approve-expense/run")
    yield Shot("run-form-wrong", "/flows/approve-expense/run", send_wrong)
    yield Shot("versions", "/flows/daily-digest/versions")
    yield Shot("diff", "/flows/daily-digest/diff/1..draft", at_rest)
    yield Shot("diff-none", "/flows/daily-digest/diff/draft..draft")
    yield Shot("publish", "/flows/daily-digest/publish")
    yield from pictures_of_tests(runs)
    yield Shot("publish-errors", "/flows/fax/publish")
    yield Shot("nodes", "/nodes", is_whole=False)
    yield Shot("nodes-none", "/nodes?q=zebra")
    yield Shot("node", "/nodes/ask_user")
    yield Shot("settings-models", "/settings/models")
    yield Shot("settings-models-wrong", "/settings/models", provider_without_address)
    yield Shot("settings-models-test", "/settings/models", provider_tested("scripted", "It answers"))
    yield Shot("settings-models-away", "/settings/models", provider_tested("lmstudio", ""))
    yield Shot("settings-tools", "/settings/tools")
    yield Shot("settings-tools-wrong", "/settings/tools", server_without_command)
    yield Shot("missing", "/no-such-page")
    yield Shot("missing-run", "/runs/no-such-run")
    yield from editor_shots(runs)


def prompt_shots(runs: dict[str, str]) -> Iterator[Shot]:
    """Each kind of question on its own page, and what becomes of it."""
    yield Shot("prompt", f"/inbox/{runs['waiting']}")
    yield Shot("prompt-words", f"/inbox/{runs['words']}")
    yield Shot("prompt-approval", f"/inbox/{runs['approval']}")
    yield Shot("prompt-approval-wrong", f"/inbox/{runs['approval']}", approve_what_is_no_json)
    yield Shot("prompt-late", f"/inbox/{runs['done']}")
    yield Shot("prompt-recorded", f"/inbox/{runs['done']}?recorded=1")
    yield Shot("prompt-timed-out", f"/inbox/{runs['late']}")
    yield Shot("prompt-gone", f"/inbox/{runs['cancelled']}")


def data_shots() -> Iterator[Shot]:
    """What a node was given and gave: of a run, and of none."""
    yield Shot("editor-data-none", "/flows/triage", pressing("Add up", "Data"), False)
    yield Shot("editor-data", "/flows/ask-and-greet", pressing("Greet", "Data"), False)


def editor_shots(runs: dict[str, str]) -> Iterator[Shot]:
    """The editor in its states."""
    approve = "/flows/approve-expense"
    yield Shot("editor", approve, at_rest, False)
    yield Shot("editor-canvas", approve, on_canvas, False, ("phone",))
    yield Shot("editor-empty", "/flows/empty", note, False)
    yield Shot("editor-new", "/flows/one-node", on_canvas, False)
    yield Shot("editor-tags", "/flows/tagged", on_canvas, False)
    yield Shot("editor-selected", approve, pressing("Expense"), False)
    yield Shot("editor-many", approve, select_all, False)
    yield Shot("editor-disabled", "/flows/outliers-need-eyes", disabled, False, ("desk",))
    yield Shot("editor-notes", "/flows/ask-and-greet", noted, False)
    yield Shot("editor-quick-add", approve, quick_add, False)
    yield Shot("editor-quick-add-example", approve, example, False)
    yield Shot("editor-all-pins", "/flows/is-it-up", all_pins, False)
    yield Shot("editor-touched", approve, touched, False)
    yield Shot("editor-wiring", approve, hang_a_wire, False, ("desk",))
    yield Shot("editor-wire-list", approve, wire_list, False)
    yield Shot("editor-run-form", "/flows/triage", lambda hand: (hand.at_rest(), hand.keys("r")), False)
    yield Shot("editor-keys", approve, lambda hand: (hand.at_rest(), page_keys(hand)), False)
    yield Shot("editor-keys-conflict", approve, give_a_taken_key, False)
    yield Shot("editor-far", "/flows/large", lambda hand: (on_canvas(hand), hand.keys("1")), False)
    yield Shot("editor-problems", "/flows/fax", show_problems, False)
    yield Shot("editor-unknown", "/flows/fax", lambda hand: press(hand, "Send a fax"), False)
    for title in ("Ticket", "Add up", "How urgent?", "Settings", "Ask and greet", "Pick"):
        slug = title.lower().replace(" ", "-").replace("?", "")
        yield Shot(f"editor-form-{slug}", "/flows/triage", pressing(title), False, ("desk",))
    for tab in ("Data", "Runs", "Policy", "Notes"):
        act = pressing("Ask for a name", tab)
        yield Shot(f"editor-tab-{tab.lower()}", "/flows/ask-and-greet", act, False)
    yield Shot("editor-policy-key", "/flows/book-a-call", pressing("Ask their clock", "Policy"), False)
    yield Shot("editor-code", "/flows/outliers-need-eyes", pressing("Find the outliers"), False)
    yield Shot("editor-expression", approve, expression, False, ("desk",))
    yield Shot("editor-running", "/flows/remind-me?run=" + runs["event"], followed, False)
    for name, of in (("waiting", "approve-expense"), ("stopped", "vat"), ("words", "which-way")):
        yield Shot(f"editor-{name}", f"/flows/{of}?run={runs[name]}", followed, False)
    yield Shot("editor-approval", f"/flows/book-a-call?run={runs['approval']}", approval, False)
    yield Shot("editor-approval-wrong", f"/flows/book-a-call?run={runs['approval']}", approve_wrong, False)
    yield Shot("editor-done", f"/flows/ask-and-greet?run={runs['done']}", followed, False)
    yield Shot("editor-failed", f"/flows/import-orders?run={runs['failed']}", followed, False)
    yield Shot("editor-outline", approve, lambda hand: (hand.at_rest(), outline(hand)), False)
    yield Shot("editor-outline-pins", approve, outline_pins, False)
    yield Shot("editor-peek", f"/flows/ask-and-greet?run={runs['done']}", peek, False, ("desk",))
    yield Shot("editor-peek-compared", f"/flows/ask-and-greet?run={runs['done']}", compared, False, ("desk",))
    yield Shot("editor-pinned", f"/flows/ask-and-greet?run={runs['done']}", pinned, False)
    yield Shot("editor-entry", f"/flows/ask-and-greet?run={runs['done']}", entry, False)
    yield Shot("editor-text", approve, text_form, False)
    yield Shot("editor-search", approve, lambda hand: (hand.at_rest(), search(hand, "Control+k")), False)
    yield Shot("editor-find", approve, lambda hand: (hand.at_rest(), search(hand, "Control+f")), False)
    yield Shot("editor-search-none", approve, lambda hand: search_none(hand, "Control+k"), False)
    yield Shot("editor-find-none", approve, lambda hand: search_none(hand, "Control+f"), False)
    yield Shot("editor-palette-none", approve, palette_none, False, ("desk",))
    yield from data_shots()
    yield Shot("editor-refused", "/flows/fax", run_what_cannot, False)
    yield Shot("editor-offline", "/flows/checklist", save_without_server, False)
    yield Shot("editor-upgrade", "/flows/old", lambda hand: upgrade(hand), False)
    yield Shot("editor-menu", approve, menu, False, ("desk",))
    yield Shot("editor-marks", "/flows/marked", on_canvas, False)
    yield Shot("editor-conflict", "/flows/checklist", conflict, False)
    yield Shot("editor-coach", approve, coach, False)  # the last one: what it shows is remembered


def show_code(hand: Hand) -> None:
    """Publish the flow, once, and ask for the code."""
    publish = hand.page.get_by_role("button", name="Publish the draft")
    if publish.is_enabled():
        publish.click()
    else:
        hand.page.goto("/flows/hello/versions")
    hand.page.get_by_role("button", name="Open it on a phone…").click()
    expect(hand.page.get_by_role("img", name="QR code of a link that signs a phone in")).to_be_visible()


def see_schedules(hand: Hand) -> None:
    """The next times of a schedule, and what is said before one is cancelled."""
    card = hand.page.locator(".schedule").first
    shut = card.locator("details:not([open]) > summary")
    while shut.count():
        shut.first.click()
    expect(card.get_by_role("button", name="Cancel the run: ")).to_be_visible()


def page_keys(hand: Hand) -> None:
    hand.keys("?")
    expect(hand.page.get_by_role("dialog", name="Keys")).to_be_visible()


def outline_pins(hand: Hand) -> None:
    hand.at_rest()
    outline(hand)
    line = hand.page.locator(".outline [role=treeitem]").nth(1)
    line.focus()
    hand.keys("ArrowRight")
    expect(hand.page.locator(".outline .is-pin").first).to_be_visible()


def peek(hand: Hand) -> None:
    followed(hand)
    hand.node("Ask for a name").focus()
    hand.pin("Ask for a name", "out", "response").focus()
    hand.keys(" ")
    expect(hand.page.get_by_role("dialog", name="Ask for a name · response")).to_be_visible()


def compared(hand: Hand) -> None:
    peek(hand)
    look = hand.page.get_by_role("dialog", name="Ask for a name · response")
    look.get_by_role("button", name="Compare with…").click()
    expect(look.locator(".peek-compared")).to_contain_text("ompare")


def pinned(hand: Hand) -> None:
    """Pin what a node gave in the run, and show it in its tab."""
    followed(hand)
    pressing("Ask for a name", "Data")(hand)
    pane = hand.page.locator("#pane-node")
    pins, field = (
        pane.get_by_role("button", name="Pin", exact=True),
        pane.get_by_label("Pinned outputs as JSON"),
    )
    expect(pins.or_(field)).to_be_visible()
    if pins.count():
        pins.click()
    expect(field).to_be_visible()


def entry(hand: Hand) -> None:
    followed(hand)
    hand.keys(",")
    expect(hand.page.get_by_role("region", name="The run, entry by entry")).to_contain_text("looking only")


def coach(hand: Hand) -> None:
    hand.at_rest()
    hand.keys("Control+k")
    hand.type("show the first steps")
    expect(hand.page.locator(".chooser-row")).to_have_count(1)
    hand.keys("Enter")
    expect(hand.page.get_by_role("region", name="First steps")).to_be_visible()


def at_rest(hand: Hand) -> None:
    hand.at_rest()


def approval(hand: Hand) -> None:
    followed(hand)
    expect(hand.page.locator(".ask-card .tool-call")).to_be_visible()


def approve_wrong(hand: Hand) -> None:
    approval(hand)
    hand.page.locator(".ask-card textarea").first.fill('{"time": 1630}')
    hand.page.locator(".ask-card").get_by_role("button", name="Approve").click()
    expect(hand.page.locator(".ask-card .field-wrong")).to_be_visible()


def search_none(hand: Hand, keys: str) -> None:
    hand.at_rest()
    hand.keys(keys)
    hand.type("expnse zebra")
    expect(hand.page.locator(".chooser-foot")).not_to_contain_text("Looking")


def palette_none(hand: Hand) -> None:
    hand.at_rest()
    hand.page.locator("#palette-search").fill("zebra")


def run_what_cannot(hand: Hand) -> None:
    hand.at_rest()
    hand.page.get_by_role("button", name=re.compile("^Run: 1 error")).click()
    expect(hand.page.locator("#pane-problems .problem").first).to_be_visible()


def save_without_server(hand: Hand) -> None:
    """A change that cannot be saved now."""
    on_canvas(hand)
    hand.page.route("**/api/flows/checklist**", lambda route: route.abort())
    hand.page.get_by_label("Name of the flow").fill("Written in a tunnel")
    expect(hand.page.locator("#save-state[data-state=offline]")).to_be_visible()


def upgrade(hand: Hand) -> None:
    hand.at_rest()
    expect(hand.page.locator("#upgrade")).to_be_visible()


def cut_line(hand: Hand) -> None:
    """The server cannot be reached any more."""
    hand.page.route("**/events?*", lambda route: route.abort())
    hand.page.reload()
    expect(hand.page.locator("#stream-state")).to_contain_text("Offline", timeout=30_000)


def outline(hand: Hand) -> None:
    if not is_small(hand):
        hand.keys("v")
    expect(hand.page.get_by_role("treeitem").first).to_be_visible()


def search(hand: Hand, keys: str) -> None:
    hand.keys(keys)
    hand.type("a")
    expect(hand.page.locator(".chooser-row").first).to_be_visible()


def menu(hand: Hand) -> None:
    hand.at_rest()
    hand.node("Expense").locator(".fc-title").click(button="right")
    expect(hand.page.get_by_role("menu")).to_be_visible()


def note(hand: Hand) -> None:
    hand.at_rest()
    expect(hand.page.locator("#canvas-note")).to_be_visible()


def press(hand: Hand, title: str) -> None:
    """Show the settings of a node: by its title on the canvas, on a small screen by its line."""
    hand.at_rest()
    if is_small(hand):
        hand.page.get_by_role("treeitem").filter(has_text=title).first.focus()
        hand.keys("Enter")
    else:
        node = hand.node(title).locator(".fc-title")
        if not node.count():
            hand.keys("1")
            hand.at_rest()
        node.click()
    if not hand.page.locator("#side").is_visible():
        hand.keys("]")
    expect(hand.page.locator("#pane-node .inspector")).to_have_count(1)


def disabled(hand: Hand) -> None:
    """A node that is disabled, and stays so for the next picture."""
    press(hand, "Find the outliers")
    node = hand.node("Find the outliers")
    if "disabled" not in node.inner_text():
        hand.canvas.focus()
        hand.keys("d")
    expect(node).to_contain_text("disabled")


def noted(hand: Hand) -> None:
    pressing("Ask for a name", "Notes")(hand)
    hand.page.get_by_label("Notes about this node").fill("Ask **Ana**, see [the page](https://example.org).")
    expect(hand.page.get_by_role("region", name="As it reads").get_by_role("link")).to_be_visible()


def pressing(title: str, tab: str = "") -> Act:
    """Show a node; with `tab` one of its other tabs."""

    def act(hand: Hand) -> None:
        press(hand, title)
        pane = hand.page.locator("#pane-node")
        hand.page.locator("#tab-node").click()  # a run under way may have shown its own
        if tab:
            pane.get_by_role("tab", name=tab, exact=True).click()
            expect(pane.get_by_role("tab", name=tab, exact=True)).to_have_attribute("aria-selected", "true")
        if pane.locator("textarea[data-code]").count():
            expect(pane.locator(".code-field").first).to_be_attached()

    return act


def expression(hand: Hand) -> None:
    """An input that is computed, with what it gives."""
    pressing("Compose the question")(hand)
    pane = hand.page.locator("#pane-node")
    pane.locator(".by-expression").first.click()
    expect(pane.locator(".expression-result").first).not_to_be_empty()


def give_a_taken_key(hand: Hand) -> None:
    """Give an action a key that another one has; one has got its own before."""
    hand.at_rest()
    hand.keys("?")
    hand.page.get_by_label("Add a note: N. Change").click()
    hand.keys("q")
    hand.page.get_by_label("Duplicate: Ctrl D. Change").click()
    hand.keys("Control+g")
    expect(hand.page.locator(".key-ask")).to_contain_text("is the key of")
    hand.page.evaluate("localStorage.removeItem('flowstudio keys')")


def show_problems(hand: Hand) -> None:
    hand.at_rest()
    hand.page.locator("#run-button[data-blocked]").click()


def followed(hand: Hand) -> None:
    hand.at_rest()
    expect(hand.page.locator("#pane-run .activity li").first).to_be_attached()
    tab = hand.page.locator("#tab-run")

    def is_shown() -> bool:
        """A question opens the panel by itself, now or in a moment, and what opens it then closes it."""
        if tab.is_visible():
            tab.click()
        else:
            hand.keys("]")
        hand.page.wait_for_timeout(400)
        return hand.page.locator("#pane-run").is_visible()

    hand.until(is_shown, "the run is shown")


def text_form(hand: Hand) -> None:
    on_canvas(hand)
    hand.keys("Shift+V")
    expect(hand.page.locator(".cm-content")).to_be_visible()


def conflict(hand: Hand) -> None:
    """Somebody else gives the flow another name while this tab does, too."""
    on_canvas(hand)
    hand.page.route("**/edits?*", lambda route: route.abort())  # it does not hear of the other
    other = hand.page.evaluate(
        """async () => {
            const flow = await fetch("/api/flows/checklist");
            const now = await flow.json();
            const body = JSON.stringify({...now, name: now.name === "Their checklist" ? "The checklist" : "Their checklist"});
            const headers = {"Content-Type": "application/json", "If-Match": flow.headers.get("ETag"), "HX-Request": "true"};
            return (await fetch("/api/flows/checklist", {method: "PUT", body, headers})).status;
        }"""
    )
    assert other == 200
    hand.page.get_by_label("Name of the flow").fill("Mine")
    expect(hand.page.locator("#conflict")).to_be_visible()
