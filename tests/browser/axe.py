"""Speaks axe into a page that is as its reader sees it, in both themes and in high contrast.

The rules are those of WCAG 2.0 to 2.2, A and AA, the size of targets among them; in the second theme, and in
high contrast at a desk and on a telephone, those of them that look at colours. axe is read from the
npm packages of the build and spoken into the page by the debugger, so that the pages are checked under
the content policy that they are served with. docs/accessibility.md says what axe cannot see.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Error, Page, StorageState, ViewportSize

from browser.app import ROOT, App
from browser.conftest import PATIENCE_MS, seen
from browser.demo import furnish
from browser.hand import Hand
from browser.shot import Shot
from browser.shots import fresh, shots, strangers
from browser.watch import Watch

AXE = ROOT / "static" / "island" / "node_modules" / "axe-core" / "axe.min.js"
WIDTHS: dict[str, ViewportSize] = {
    "desk": {"width": 1440, "height": 900},
    "phone": {"width": 320, "height": 640},
    "tablet": {"width": 834, "height": 1112},
}
NARROW = ("phone", "tablet")  # below 900 px all is as on a phone: a state is reached once and then made wider
IN_CONTRAST = ("desk", "phone")
THEMES = ("light", "dark")
CONTRAST = "document.documentElement.dataset.theme = 'contrast'"
AS_BEFORE = "delete document.documentElement.dataset.theme"
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

Findings = dict[str, list[str]]


def findings(page: Page, *, colours: bool = False) -> list[str]:
    """What axe says of the page as it is now; with `colours` by the rules that see a theme alone."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(Path(AXE).read_text("utf-8"))
    only = {"type": "rule", "values": COLOURS} if colours else {"type": "tag", "values": RULES}
    found, version = page.evaluate(LOOK, [only, [] if colours else BESIDES])
    assert version.startswith("4."), version
    return list(found)


def look(page: Page, place: str, *, contrast: bool) -> Findings:
    """What is found on a page in both themes and, with `contrast`, in high contrast; it is left in none of them."""
    bad: Findings = {}
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        page.wait_for_timeout(60)
        if found := findings(page, colours=theme != THEMES[0]):
            bad[f"{place}, {theme}"] = found
    if contrast:
        page.evaluate(CONTRAST)
        page.wait_for_function(IS_BLACK)
        if found := findings(page, colours=True):
            bad[f"{place}, high contrast"] = found
        page.evaluate(AS_BEFORE)
    return bad


def tell(profile: BrowserContext, listed: Iterable[Shot], sizes: Sequence[str]) -> Findings:
    """What is found on each of these at each size in turn; a state that cannot be reached is a failure."""
    bad: Findings = {}
    for shot in listed:
        if ("desk" if "desk" in sizes else "phone") not in shot.sizes:
            continue
        watch = Watch()
        page = watch.over(profile.new_page())
        page.set_viewport_size(WIDTHS[sizes[0]])
        page.goto(shot.address)
        try:
            if shot.act:
                shot.act(Hand(page))
        except (AssertionError, Error) as error:
            bad[f"{shot.name}, {sizes[0]}"] = [
                f"the state is not reached: {error}",
                *watch.faults,
                seen(page),
            ]
        for size in sizes:
            page.set_viewport_size(WIDTHS[size])
            bad |= look(page, f"{shot.name}, {size}", contrast=size in IN_CONTRAST)
        page.close()
    return bad


def profile_of(chromium: Browser, app: App, state: StorageState | None) -> BrowserContext:
    """A profile that is signed in by `state`, without motion."""
    made = chromium.new_context(reduced_motion="reduce", storage_state=state, base_url=app.url)
    made.set_default_timeout(PATIENCE_MS)
    return made


def listed_before(chromium: Browser, app: App, signed_in: StorageState, sizes: Sequence[str]) -> Findings:
    """What is found while the installation is new; has to come before anything is done in it."""
    bad: Findings = {}
    for state, listed in ((None, strangers()), (signed_in, fresh())):
        profile = profile_of(chromium, app, state)
        bad |= tell(profile, listed, sizes)
        profile.close()
    return bad


def listed_after(chromium: Browser, app: App, signed_in: StorageState, sizes: Sequence[str]) -> Findings:
    """What is found once the installation is furnished."""
    profile = profile_of(chromium, app, signed_in)
    bad = tell(profile, shots(furnish(app)), sizes)
    profile.close()
    return bad


def show(bad: Findings) -> str:
    """The findings of each place, a line each."""
    return "\n".join(f"{place}\n  " + "\n  ".join(found) for place, found in bad.items())
