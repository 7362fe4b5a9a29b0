"""Every starter flow can be read as it opens: it fits the canvas, and nothing lies on anything else.

Measured by the island's own code (static/island/test/measure.ts), so what is tested is what is drawn.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from abstractruntime.nodes.catalog import catalog
from house import ROOT
from island_build import ISLAND, island_build

FLOWS = ROOT / "flows"
STARTERS = sorted(file.stem for file in (FLOWS / "samples").glob("*.json"))
# The canvas of a window of 1440 x 900 between palette and inspector, without the margin of "fit".
ROOM = {"w": 812 - 2 * 48, "h": 812 - 2 * 48}
LEAST_ZOOM = 0.6


def measure(flows: list[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
    """Return, for each flow, the boxes of its nodes and what is wrong with them."""
    asked = folder / "flows.json"
    asked.write_text(json.dumps({"catalog": catalog().cards(), "flows": flows}), encoding="utf-8")
    told: list[dict[str, Any]] = json.loads(island_build().run(ISLAND, "build.mjs", "--measure", str(asked)))
    return told


def document(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FLOWS / f"{name}.json").read_bytes())
    return found


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    told = measure([document(name) for name in STARTERS], tmp_path_factory.mktemp("measured"))
    return dict(zip(STARTERS, told, strict=True))


@pytest.mark.parametrize("name", STARTERS)
def test_a_starter_fits_the_canvas_of_a_laptop(name: str, measured: dict[str, Any]) -> None:
    bounds = measured[name]["bounds"]
    zoom = min(ROOM["w"] / bounds["w"], ROOM["h"] / bounds["h"])
    assert zoom >= LEAST_ZOOM, f"{name} is {bounds['w']:g} x {bounds['h']:g}: it fits at {zoom:.0%} only"


@pytest.mark.parametrize("name", STARTERS)
def test_no_node_note_or_name_of_a_wire_lies_on_another(name: str, measured: dict[str, Any]) -> None:
    assert measured[name]["overlaps"] == []


@pytest.mark.parametrize("name", STARTERS)
def test_what_a_run_writes_under_a_node_has_room(name: str, measured: dict[str, Any]) -> None:
    assert measured[name]["feet"] == []


@pytest.mark.parametrize("name", STARTERS)
def test_no_wire_runs_through_a_node(name: str, measured: dict[str, Any]) -> None:
    assert measured[name]["crossings"] == []


def test_what_is_in_the_way_is_found(tmp_path: Path) -> None:
    """A node laid on another, and one laid on a wire, are told."""
    moved = document("hello-durable-world")
    places = {node["id"]: node for node in moved["nodes"]}
    on_wire = (places["start"]["position"]["x"] + places["wait"]["position"]["x"]) / 2
    places["ask"]["position"] = {**places["clock"]["position"]}
    places["end"]["position"] = {"x": on_wire, "y": places["start"]["position"]["y"]}
    for edge in moved["edges"]:
        if (edge["source"], edge["targetHandle"]) == ("start", "exec-in"):
            edge["target"] = "wait"
    (told,) = measure([moved], tmp_path)
    assert ["ask", "clock"] in told["overlaps"]
    assert "end" in {node_id for _, node_id in told["crossings"]}
