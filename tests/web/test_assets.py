"""Styles and scripts: what may be kept for ever, and what the editor's page asks for at once."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from flowstudio.assets import FOR_EVER, Assets
from web.conftest import Client

DIST = Path(__file__).resolve().parents[2] / "static" / "dist"
IMPORT = re.compile(r'from"\./(part-[^"]+\.js)"')


def test_the_parts_of_a_script_are_those_that_its_build_names(tmp_path: Path) -> None:
    assets = Assets(tmp_path)
    assert assets.parts("editor.js") == []  # not built yet, or built anew at every change
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "parts.json").write_text(json.dumps({"editor.js": ["part-a-ABCDEFGH.js"]}), "utf-8")
    assert assets.parts("editor.js") == ["/static/dist/part-a-ABCDEFGH.js"]
    assert assets.parts("run.js") == []


@pytest.mark.skipif(not (DIST / "parts.json").is_file(), reason="the island is not built: poe island")
def test_the_editor_asks_at_once_for_all_that_it_imports_and_keeps_it(client: Client) -> None:
    client.put("/api/flows/here", json={"id": "here", "name": "Here", "nodes": [], "edges": []})
    page = client.get("/flows/here", headers={"Accept": "text/html"}).text
    asked = re.findall(r'rel="modulepreload" href="/static/dist/([^"]+)"', page)
    wanted = set(IMPORT.findall((DIST / "editor.js").read_text("utf-8")))
    for part in list(wanted):
        wanted |= set(IMPORT.findall((DIST / part).read_text("utf-8")))
    assert wanted
    assert set(asked) == wanted
    for part in asked:
        assert client.get(f"/static/dist/{part}").headers["Cache-Control"] == FOR_EVER
    assert client.get("/static/dist/editor.js").headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("path", ["/flows", "/api/catalog", "/api/openapi.json"])
def test_large_answers_are_compressed_for_those_who_take_it(client: Client, path: str) -> None:
    squeezed = client.get(path, headers={"Accept-Encoding": "gzip"})
    plain = client.get(path, headers={"Accept-Encoding": "identity"})
    assert squeezed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert squeezed.content == plain.content
    assert int(squeezed.headers["Content-Length"]) * 2 < int(plain.headers["Content-Length"])
    assert "Accept-Encoding" in squeezed.headers["Vary"]
