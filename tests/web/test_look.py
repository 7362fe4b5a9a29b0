"""The look, as far as it can be counted: contrast, families that differ, templates without inline code."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest

from abstractruntime.nodes.families import FAMILIES
from abstractruntime.nodes.pins import PIN_TYPES
from flowstudio.pages.words import SIGNS, WAITS

ROOT = Path(__file__).resolve().parents[2]
CSS, TEMPLATES = ROOT / "static" / "css", ROOT / "templates"
Colour = tuple[float, float, float]
SURFACES = ("bg", "surface", "surface-2", "raised")
TEXTS = ("text", "text-2", "text-3", "accent", "danger", "warn", "ok", "info")
# How people with the three common kinds of colour blindness see linear RGB (Machado et al., 2009).
EYES = {
    "most people": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "no red": ((0.152, 1.053, -0.205), (0.115, 0.786, 0.099), (-0.004, -0.048, 1.052)),
    "no green": ((0.367, 0.861, -0.228), (0.280, 0.673, 0.047), (-0.012, 0.043, 0.969)),
    "no blue": ((1.256, -0.077, -0.179), (-0.078, 0.931, 0.148), (0.005, 0.691, 0.304)),
}


def tokens_of(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+):\s*([^;]+);", block))


def blocks() -> dict[str, dict[str, str]]:
    """Return the tokens of the themes; the two dark blocks must say the same."""
    text = (CSS / "tokens.css").read_text("utf-8")
    light = tokens_of(text[text.index(":root {") : text.index("@media")])
    system = tokens_of(
        text[text.index("@media (prefers-color-scheme") : text.index(':root[data-theme="dark"]')]
    )
    high = text.index(':root[data-theme="contrast"] {', text.index("/* High contrast"))
    chosen = tokens_of(text[text.index(':root[data-theme="dark"]') : high])
    contrast = tokens_of(text[high : text.index("@media (prefers-contrast")])
    assert set(contrast) < set(chosen)
    assert system == chosen
    assert set(chosen) == {name for name, value in light.items() if value.startswith(("#", "rgb", "0 "))}
    return {"light": light, "dark": {**light, **chosen}, "contrast": {**light, **chosen, **contrast}}


THEMES = blocks()


def linear(code: str) -> Colour:
    parts = [int(code[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return red, green, blue


def contrast(first: str, second: str) -> float:
    dark, light = sorted(0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in (linear(first), linear(second)))
    return (light + 0.05) / (dark + 0.05)


def lab(colour: Colour) -> Colour:
    r, g, b = (min(1.0, max(0.0, part)) for part in colour)
    x = (0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047
    y = 0.2126729 * r + 0.7151522 * g + 0.0721750 * b
    z = (0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883
    fx, fy, fz = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def seen(code: str, eyes: str) -> Colour:
    colour = linear(code)
    red, green, blue = (sum(w * c for w, c in zip(row, colour, strict=True)) for row in EYES[eyes])
    return lab((red, green, blue))


@pytest.mark.parametrize("theme", THEMES)
def test_text_can_be_read_on_every_surface(theme: str) -> None:
    tokens = THEMES[theme]
    states = [name for name in tokens if name.startswith("st-") and not name.endswith("-soft")]
    pairs = [(text, surface) for text in (*TEXTS, *states) for surface in SURFACES]
    pairs += [(text, f"{text}-soft") for text in ("danger", "warn", "ok", "info", "accent", *states)]
    pairs += [("accent-ink", "accent"), ("bg", "text"), ("surface", "st-waiting"), ("surface", "danger")]
    weak = {pair: round(contrast(tokens[pair[0]], tokens[pair[1]]), 2) for pair in pairs}
    least = {pair: 7 if theme == "contrast" and pair[1] in SURFACES else 4.5 for pair in pairs}
    assert not {pair: ratio for pair, ratio in weak.items() if ratio < least[pair]}


@pytest.mark.parametrize("theme", THEMES)
def test_signs_can_be_seen_on_every_surface(theme: str) -> None:
    tokens = THEMES[theme]
    signs = [name for name in tokens if name.startswith(("fam-", "pin-"))] + ["line-strong", "focus"]
    weak = {(s, on): round(contrast(tokens[s], tokens[on]), 2) for s in signs for on in SURFACES}
    assert not {pair: ratio for pair, ratio in weak.items() if ratio < 3}


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("eyes", EYES)
def test_families_differ_for_every_eye(theme: str, eyes: str) -> None:
    families = {name: seen(code, eyes) for name, code in THEMES[theme].items() if name.startswith("fam-")}
    alike = {pair: math.dist(families[pair[0]], families[pair[1]]) for pair in combinations(families, 2)}
    assert not {pair: round(apart, 1) for pair, apart in alike.items() if apart < 10}


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("eyes", EYES)
def test_states_differ_for_every_eye(theme: str, eyes: str) -> None:
    """Those that share a colour differ by letter and sign; a stop has the colour of a warning."""
    names = {f"--{name}" for name in THEMES[theme] if name.startswith("st-") and not name.endswith("-soft")}
    used = set(re.findall(r"--st: var\((--[\w-]+)\)", (CSS / "signs.css").read_text("utf-8")))
    assert used == names | {"--warn"}
    states = {name: seen(THEMES[theme][name.removeprefix("--")], eyes) for name in used}
    alike = {pair: math.dist(states[pair[0]], states[pair[1]]) for pair in combinations(sorted(states), 2)}
    assert not {pair: round(apart, 1) for pair, apart in alike.items() if apart < 10}


def test_without_colours_signs_tell_families_and_states_apart() -> None:
    assert len({family.id for family in FAMILIES}) == len(FAMILIES)
    icons = (CSS / "icons.svg").read_text("utf-8")
    drawn = dict(re.findall(r'<symbol id="([\w-]+)"[^>]*>(.*?)</symbol>', icons, re.S))
    shapes = [drawn[family.icon] for family in FAMILIES]
    assert len(set(shapes)) == len(shapes), "each family has a shape of its own"
    states = {sign.word: sign for name, sign in {**SIGNS, **WAITS}.items() if name != "started"}
    assert len(states) >= 13
    told = [(drawn[sign.icon], sign.letter) for sign in states.values()]
    assert len(set(told)) == len(told), "each state has a shape and a letter of its own"


def test_every_family_and_state_has_its_colour_and_its_sign() -> None:
    icons = set(re.findall(r'<symbol id="([\w-]+)"', (CSS / "icons.svg").read_text("utf-8")))
    signs = (CSS / "signs.css").read_text("utf-8")
    for family in FAMILIES:
        assert f"fam-{family.id}" in THEMES["light"]
        assert family.id in icons
        assert f'[data-family="{family.id}"]' in signs
    for sign in (*SIGNS.values(), *WAITS.values()):
        assert sign.icon in icons
        assert f'[data-state="{sign.key}"]' in signs
    letters = [sign.letter for name, sign in {**SIGNS, **WAITS}.items() if name not in ("started",)]
    assert len(set(letters)) == len(letters), "a state is told by its letter too"


def test_every_common_pin_type_has_its_colour() -> None:
    plain = [name for name in PIN_TYPES if not re.match(r"(provider|model|artifacts?)_", name)]
    assert {f"pin-{name}" for name in plain} <= set(THEMES["light"])


def plain(path: Path) -> str:
    return re.sub(r"/\*.*?\*/", "", path.read_text("utf-8"), flags=re.S)


def test_colours_stand_in_the_tokens_only() -> None:
    """Black in a shadow is no colour of the theme."""
    for path in CSS.glob("*.css"):
        if path.name != "tokens.css":
            found = re.findall(r"#[0-9a-fA-F]{3,8}\b(?=[^{]*;)|\b(?:rgb|hsl)a?\((?!0 0 0 /)", plain(path))
            assert not found, f"{path.name}: {found}"


def test_every_variable_is_declared() -> None:
    texts = {path.name: plain(path) for path in CSS.glob("*.css")}
    declared = {name for text in texts.values() for name in re.findall(r"--([\w-]+)\s*:", text)}
    scripts = (path.read_text("utf-8") for path in (ROOT / "static" / "island" / "src").rglob("*.ts"))
    declared |= {name for text in scripts for name in re.findall(r"[\"{;]--([\w-]+)[\":]", text)}
    for file, text in texts.items():
        unknown = set(re.findall(r"var\(--([\w-]+)\)", text)) - declared
        assert not unknown, f"{file}: {unknown}"


def templates() -> Iterator[Path]:
    return TEMPLATES.rglob("*.html")


@pytest.mark.parametrize("path", sorted(templates()), ids=lambda path: path.relative_to(TEMPLATES).as_posix())
def test_a_template_holds_no_code_no_style_and_no_trust(path: Path) -> None:
    text = re.sub(r"\{#.*?#\}", "", path.read_text("utf-8"), flags=re.S)
    assert not re.findall(r"\sstyle\s*=|<style\b", text), "styles live in static/css"
    assert not re.findall(r"\son[a-z]+\s*=|\shx-on\b|javascript:|\bjs:", text), "scripts live in the island"
    assert not re.findall(r"\|\s*safe\b|Markup|autoescape|from_string", text), "text is never HTML"
    scripts = re.findall(r"<script\b([^>]*)>(.*?)</script>", text, flags=re.S)
    assert all(("src=" in head or 'type="application/json"' in head) for head, _ in scripts)
    assert all(not body.strip() for head, body in scripts if "src=" in head)
    outside = re.findall(r"(?:href|src|action)=\"(?:https?:)?//", text)
    assert not outside, "a page loads nothing from elsewhere"


def test_no_python_trusts_text_either() -> None:
    for path in (ROOT / "server" / "flowstudio").rglob("*.py"):
        assert not re.findall(r"\bMarkup\b|autoescape=False|from_string\(", path.read_text("utf-8")), (
            path.name
        )
