"""Styles and scripts: what may be kept for ever, and what the editor's page asks for at once."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from flowstudio.assets import FOR_EVER, Assets
from web.conftest import Client

DIST = Path(__file__).resolve().parents[2] / "static" / "dist"
IMPORT = re.compile(r'(?:from|import)"\./(part-[^"]+\.js)"')


def test_the_address_of_a_script_is_that_of_the_file_which_its_build_names(tmp_path: Path) -> None:
    assets = Assets(tmp_path)
    assert (
        assets.script("editor.js") == "/static/dist/editor.js"
    )  # not built yet, or built anew at every change
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "parts.json").write_text(json.dumps({"editor.js": "part-a-ABCDEFGH.js"}), "utf-8")
    assert assets.script("editor.js") == "/static/dist/part-a-ABCDEFGH.js"
    assert assets.script("run.js") == "/static/dist/run.js"


@pytest.mark.skipif(not (DIST / "parts.json").is_file(), reason="the island is not built: poe island")
def test_the_editor_is_one_script_that_imports_nothing_and_is_kept(client: Client) -> None:
    client.put("/api/flows/here", json={"id": "here", "name": "Here", "nodes": [], "edges": []})
    page = client.get("/flows/here", headers={"Accept": "text/html"}).text
    (asked,) = re.findall(r'<script[^>]* src="/static/dist/([^"]+)"', page)
    assert IMPORT.findall((DIST / "editor.js").read_text("utf-8")) == [asked]
    assert not IMPORT.findall((DIST / asked).read_text("utf-8"))
    assert client.get(f"/static/dist/{asked}").headers["Cache-Control"] == FOR_EVER
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
