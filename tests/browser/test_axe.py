"""axe on every page and state that is photographed, in two themes and three widths: nothing found.

The rules are those of WCAG 2.0 to 2.2, A and AA, the size of targets among them; in the second theme, and in
high contrast at a desk and on a telephone, those of them that look at colours. axe is read from the
npm packages of the build and spoken into the page by the debugger, so that the pages are checked under
the content policy that they are served with. docs/accessibility.md says what axe cannot see.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, StorageState

from browser.app import ROOT, App
from browser.conftest import PATIENCE_MS, seen
from browser.demo import Demo, furnish
from browser.hand import Hand
from browser.shot import Shot
from browser.shots import fresh, shots, strangers
from browser.watch import Watch

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AXE = ROOT / "static" / "island" / "node_modules" / "axe-core" / "axe.min.js"
WIDTHS = {"desk": (1440, 900), "tablet": (834, 1112), "phone": (320, 640)}
THEMES = ("light", "dark")
CONTRAST = "document.documentElement.dataset.theme = 'contrast'"
IS_BLACK = "getComputedStyle(document.body).backgroundColor === 'rgb(0, 0, 0)'"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
COLOURS = ["color-contrast", "link-in-text-block"]  # the rules that see a theme
BESIDES = [
    "label-content-name-mismatch",
    "css-orientation-lock",
]  # of 2.5.3 and 1.3.4: axe asks them only by name
LOOK = """async ([only, besides]) => {
    const rules = Object.fromEntries(besides.map((rule) => [rule, {enabled: true}]));
    const found = await axe.run(document, {runOnly: only, rules, resultTypes: ["violations"]});
    return [found.violations.flatMap((rule) => rule.nodes.map((node) =>
        `${rule.id} at ${node.target.join(" ")}: ${node.any.concat(node.all, node.none).map((why) => why.message).join("; ")}`)),
        found.testEngine.version];
}"""


def findings(page: Page, *, colours: bool = False) -> list[str]:
    """What axe says of the page as it is now; with `colours` by the rules that see a theme alone."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(Path(AXE).read_text("utf-8"))
    only = {"type": "rule", "values": COLOURS} if colours else {"type": "tag", "values": RULES}
    found, version = page.evaluate(LOOK, [only, [] if colours else BESIDES])
    assert version.startswith("4."), version
    return list(found)


def tell(profile: BrowserContext, listed: list[Shot], size: str) -> dict[str, list[str]]:
    """What axe finds on each of these in both themes; a state that cannot be reached is a failure."""
    bad: dict[str, list[str]] = {}
    for shot in listed:
        if ("desk" if size == "desk" else "phone") not in shot.sizes:  # below 900 px all is as on a phone
            continue
        watch = Watch()
        page = watch.over(profile.new_page())
        page.goto(shot.address)
        try:
            if shot.act:
                shot.act(Hand(page))
        except (AssertionError, Error) as error:
            bad[f"{shot.name}, {size}"] = [f"the state is not reached: {error}", *watch.faults, seen(page)]
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            page.wait_for_timeout(60)
            if found := findings(page, colours=theme != THEMES[0]):
                bad[f"{shot.name}, {size}, {theme}"] = found
        if size != "tablet":  # the colours of a telephone
            page.evaluate(CONTRAST)
            page.wait_for_function(IS_BLACK)
            if found := findings(page, colours=True):
                bad[f"{shot.name}, {size}, high contrast"] = found
        page.close()
    return bad


def profile_of(
    chromium: Browser, app: App, state: StorageState | None, size: tuple[int, int]
) -> BrowserContext:
    width, height = size
    made = chromium.new_context(
        viewport={"width": width, "height": height},
        reduced_motion="reduce",
        storage_state=state,
        base_url=app.url,
    )
    made.set_default_timeout(PATIENCE_MS)
    return made


@pytest.fixture(scope="module")
def before(chromium: Browser, app: App, signed_in: StorageState) -> dict[str, list[str]]:
    """What is found while the installation is new; has to come before anything is done in it."""
    bad: dict[str, list[str]] = {}
    for size, box in WIDTHS.items():
        for state, listed in ((None, strangers()), (signed_in, fresh())):
            profile = profile_of(chromium, app, state, box)
            bad |= tell(profile, list(listed), size)
            profile.close()
    return bad


@pytest.fixture(scope="module")
def demo(app: App, before: dict[str, list[str]]) -> Demo:
    return furnish(app)


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


def test_nothing_is_found_before_the_first_flow(before: dict[str, list[str]]) -> None:
    assert not before, show(before)


@pytest.mark.parametrize("size", WIDTHS)
def test_nothing_is_found_on_any_page_in_any_state(
    chromium: Browser, app: App, signed_in: StorageState, demo: Demo, size: str
) -> None:
    profile = profile_of(chromium, app, signed_in, WIDTHS[size])
    bad = tell(profile, list(shots(demo)), size)
    profile.close()
    assert not bad, show(bad)


def show(bad: dict[str, Any]) -> str:
    return "\n".join(f"{place}\n  " + "\n  ".join(found) for place, found in bad.items())
