"""Photographs every page and state into screenshots/: `poe screenshots`, or with words to choose some.

python tests/browser/screenshots.py editor run     # those whose name holds one of the words
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable
from itertools import product
from pathlib import Path

from playwright.sync_api import Browser, Error, Page, StorageState, sync_playwright

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parents[2] / "server")]

from browser.app import BROWSER_FLAGS, ROOT, App, chromium_path, sign_in  # noqa: E402
from browser.demo import furnish  # noqa: E402
from browser.documents import asking, put  # noqa: E402
from browser.hand import Hand  # noqa: E402
from browser.shot import SIZES, Shot  # noqa: E402
from browser.shots import fresh, reachable, shots, strangers  # noqa: E402

OUT = ROOT / "screenshots"
SCHEMES = ("light", "dark", "contrast")


def photograph(browser: Browser, app: App, state: StorageState, wanted: list[Shot]) -> None:
    """Take every picture in every size and scheme; high contrast is a choice of the person."""
    for size, scheme in product(SIZES, SCHEMES):
        width, height = SIZES[size]
        profile = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="light" if scheme == "light" else "dark",
            reduced_motion="reduce",
            storage_state=state,
            base_url=app.url,
        )
        if scheme == "contrast":
            profile.add_cookies([{"name": "theme", "value": "contrast", "url": app.url}])
        for shot in wanted:
            if size not in shot.sizes:
                continue
            page = profile.new_page()
            take(page, shot, OUT / f"{shot.name}-{size}-{scheme}.png")
            page.close()
        profile.close()


def take(page: Page, shot: Shot, file: Path) -> None:
    """Open a page, act, and write the picture."""
    page.goto(shot.address)
    if shot.act:
        try:
            shot.act(Hand(page))
        except (AssertionError, Error) as error:  # a picture of what went wrong tells more than none
            print(f"{file.name}: {error}", file=sys.stderr)
    page.wait_for_timeout(250)
    page.screenshot(path=file, full_page=shot.is_whole)


def main(words: list[str]) -> None:
    """Furnish an installation and photograph it."""
    OUT.mkdir(exist_ok=True)

    def wanted(among: Iterable[Shot]) -> list[Shot]:
        return [shot for shot in among if not words or any(word in shot.name for word in words)]

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=BROWSER_FLAGS)
        app = App(Path(tempfile.mkdtemp())).start()
        known = App(Path(tempfile.mkdtemp()), origin="https://flows.example").start()
        try:
            beyond = sign_in(browser, known)  # a link lasts for ten minutes, the pictures take longer
            photograph(browser, app, browser.new_context().storage_state(), wanted(strangers()))
            state = sign_in(browser, app)
            photograph(browser, app, state, wanted(fresh()))
            photograph(browser, app, state, wanted(shots(furnish(app))))
            put(known, asking("hello"))
            photograph(browser, known, beyond, wanted(reachable()))
        finally:
            app.stop()
            known.stop()
            browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
