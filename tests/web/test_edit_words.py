"""What the lists of changes say: the node by its title, the field, before and after."""

from __future__ import annotations

from typing import Any

import pytest

from flowstudio.library_changes import apply_all
from flowstudio.library_words import row_words, titles_of
from web.conftest import Client
from web.documents import end, flow, node, start
from web.test_pages import see

VAT = node("vat", "multiply", label="Compute VAT", pinDefaults={"rate": 0.24, "note": "old"})
TAXED = flow("taxed", [start("net"), VAT, end("vat")], [("start", "end"), ("start.net", "vat.a")])


def words(label: str, *changes: dict[str, Any]) -> str:
    return row_words(label, changes, apply_all(TAXED, changes)[1], titles_of(TAXED))


def rate(value: float, path: str = "pinDefaults.rate") -> dict[str, Any]:
    return {"op": "set", "node": "vat", "path": path, "value": value}


@pytest.mark.parametrize(
    ("label", "changes", "said"),
    [
        ("Set a value", [rate(0.255)], "Compute VAT: rate 0.24 → 0.255"),
        ("Set rate of Compute VAT", [rate(0.25), rate(0.255)], "Compute VAT: rate 0.24 → 0.255"),
        ("Reset a value", [{"op": "set", "node": "vat", "path": "pinDefaults.rate"}], "Compute VAT: rate 0.24 → nothing"),
        ("Rename node", [rate("Tax", "label")], "Rename node: “Compute VAT” is now “Tax”"),  # type: ignore[arg-type]
        ("Disable", [rate(True, "disabled")], "Disable: Compute VAT: disabled nothing → true"),
        ("Bookmark", [rate(True, "canvas.bookmark")], "Bookmark: Compute VAT"),
        ("Breakpoint", [rate(True, "canvas.breakpoint")], "Breakpoint: Compute VAT"),
        ("Set owner", [rate("Ana", "canvas.owner")], "Compute VAT: canvas.owner nothing → “Ana”"),  # type: ignore[arg-type]
        ("Move node", [{"op": "move", "node": "vat", "x": 1, "y": 2}], "Move node: Compute VAT"),
        ("Remove Compute VAT", [{"op": "remove", "node": "vat"}], "Remove Compute VAT"),
        ("Delete", [{"op": "remove", "node": "vat"}], "Delete: Compute VAT"),
        ("Remove wire", [{"op": "disconnect", "edge": "start>end"}], "Remove wire: start exec-out → end exec-in"),
        ("Set a value", [rate(0.1), {"op": "set", "node": "end", "path": "x", "value": 1}], "Set a value: Compute VAT, end"),
        ("Rename the flow", [{"op": "flow", "path": "name", "value": "B"}], "Rename the flow"),
        ("Edit as text", [{"op": "whole", "document": {**TAXED, "nodes": []}}], "Edit as text"),
    ],
)  # fmt: skip
def test_a_change_names_its_node_its_field_and_its_values(
    label: str, changes: list[dict[str, Any]], said: str
) -> None:
    assert words(label, *changes) == said


def test_a_long_value_is_told_in_short() -> None:
    said = words("Set a value", rate("many words " * 90, "pinDefaults.note"))  # type: ignore[arg-type]
    assert said == "Compute VAT: note “old” → “many words many words m…”"


def test_the_list_of_changes_and_undo_say_it(client: Client) -> None:
    client.save(TAXED)
    document, revision = client.studio.library.get("taxed")
    for value in (0.255, 0.26):
        changes = [rate(value)]
        document, _ = apply_all(document, changes)
        body = {"document": document, "commands": [{"how": "do", "label": "Set a value", "changes": changes}]}
        answer = client.post("/api/flows/taxed/edits", json=body, headers={"If-Match": f'"{revision}"'})
        assert answer.status_code == 200, answer.text
        revision = answer.json()["revision"]
    assert "Compute VAT: rate 0.24 → 0.255" in see(client, "/flows/taxed/versions").text
    back = {"document": apply_all(document, [rate(0.255)])[0], "commands": [{"how": "undo"}]}
    answer = client.post("/api/flows/taxed/edits", json=back, headers={"If-Match": f'"{revision}"'})
    assert answer.status_code == 200, answer.text
    steps = client.get("/api/flows/taxed/edits/steps").json()
    assert [step["label"] for step in steps["done"]] == ["Compute VAT: rate 0.24 → 0.255"]
    assert [step["label"] for step in steps["undone"]] == ["Compute VAT: rate 0.255 → 0.26"]
    assert "Undo: Compute VAT: rate 0.26 → 0.255" in see(client, "/flows/taxed/versions").text
