"""A package of others adds nodes to everything; a broken one is named and stops nobody."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "nodes-of-your-own.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"```\w+ file=(\S+)\n(.*?)```", PAGE, flags=re.DOTALL))
pytestmark = pytest.mark.slow

ASK = """
import json, sys
from pathlib import Path
from fastapi.testclient import TestClient
from flowstudio.app import create_app
from flowstudio.settings import Settings

home = Path(sys.argv[1])
token = "t" * 40
app = create_app(Settings(data=home / "data", flows=home / "flows", api_token=token))
pins = [{"id": "exec-in", "type": "execution", "label": ""}, {"id": "felt", "type": "number", "label": "felt"}]
document = {
    "id": "felt", "name": "Felt",
    "nodes": [
        {"id": "start", "type": "on_flow_start", "position": {"x": 0, "y": 0}, "data": {}},
        {"id": "feel", "type": "feels_like", "position": {"x": 0, "y": 0},
         "data": {"pinDefaults": {"degrees": 10, "wind": 20, "scale": "celsius"}}},
        {"id": "end", "type": "on_flow_end", "position": {"x": 0, "y": 0}, "data": {"inputs": pins}},
    ],
    "edges": [
        {"id": "1", "source": "start", "sourceHandle": "exec-out", "target": "end", "targetHandle": "exec-in"},
        {"id": "2", "source": "feel", "sourceHandle": "result", "target": "end", "targetHandle": "felt"},
    ],
}
with TestClient(app, f"http://127.0.0.1:8420", headers={"Authorization": f"Bearer {token}"}) as client:
    said = {}
    cards = {card["type"]: card for card in client.get("/api/catalog").json()["types"]}
    said["card"] = cards.get("feels_like")
    said["types"] = len(cards)
    said["saved"] = client.put("/api/flows/felt", json=document).json()
    document["nodes"][1]["data"]["pinDefaults"]["scale"] = "kelvin"
    said["wrong"] = client.put("/api/flows/kelvin", json={**document, "id": "kelvin"}).json()
    page = {"Accept": "text/html"}
    said["page"] = client.get("/nodes/feels_like", headers=page).text
    said["list"] = client.get("/nodes", headers=page).text
    node = {"flow_id": "felt", "node": document["nodes"][1], "wired": []}
    said["inspector"] = client.post("/editor/inspector", headers=page, json=node).text
    started = client.post("/api/runs", json={"flow_id": "felt", "inputs": {}})
    said["run"] = started.json()
    if started.status_code == 201:
        for _ in range(200):
            said["run"] = client.get(f"/api/runs/{started.json()['run_id']}").json()
            if said["run"]["status"] in ("completed", "failed"):
                break
print(json.dumps(said))
"""


def install(files: dict[str, str], folder: Path, target: Path) -> None:
    """Install a package for real, into a folder of its own."""
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-index",
        "--no-deps",
        "--no-build-isolation",
    ]
    done = subprocess.run(
        [*command, "--target", str(target), str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def with_packages(target: Path) -> dict[str, str]:
    paths = [str(ROOT / "server"), str(target)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def ask(target: Path, home: Path) -> tuple[dict[str, Any], str]:
    """Start the app beside what is installed in a folder; return what it says, and its log."""
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(home)],
        env=with_packages(target),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found, done.stderr


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package of the page, installed."""
    home = tmp_path_factory.mktemp("weather")
    install(FILES, home / "source", home / "site")
    return home / "site"


def test_a_package_is_in_catalog_inspector_checks_pages_and_runs(target: Path, tmp_path: Path) -> None:
    said, log = ask(target, tmp_path)
    assert said["card"]["origin"] == "flowstudio-weather"
    assert said["card"]["summary"] == "Tell how warm it feels in the wind."
    assert [pin["id"] for pin in said["card"]["inputs"]] == ["degrees", "wind", "scale"]
    assert said["saved"]["problems"] == []
    assert "weather.scale" in [problem["code"] for problem in said["wrong"]["problems"]]
    assert "Speed of the wind" in said["page"]
    assert "flowstudio-weather" in said["page"]
    assert "Feels Like" in said["list"]
    assert 'data-path="pinDefaults.wind"' in said["inspector"]
    assert said["run"]["output"]["felt"] == 6
    assert "adds nothing" not in log


def test_its_own_test_runs_its_examples(target: Path, tmp_path: Path) -> None:
    (tmp_path / "test_weather.py").write_text(FILES["test_weather.py"], encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(
        command, cwd=tmp_path, env=with_packages(target), capture_output=True, text=True, check=False
    )
    assert "3 passed" in done.stdout, done.stdout + done.stderr


BROKEN = {
    "flowstudio-crash": ("raise RuntimeError('half written')", "RuntimeError: half written"),
    "flowstudio-exits": ("import sys; sys.nothing", "AttributeError"),
    "flowstudio-empty": ("x = 1", "declares no node type"),
    "flowstudio-taken": (
        FILES["weather_nodes.py"].replace('"feels_like"', '"concat"'),
        "is called like one of FlowStudio",
    ),
    "flowstudio-family": (
        FILES["weather_nodes.py"].replace('family="math"', 'family="weather"'),
        "unknown family",
    ),
    "flowstudio-pins": (
        FILES["weather_nodes.py"].replace('"wind", "number"', '"wind", "breeze"'),
        "unknown type 'breeze'",
    ),
    "flowstudio-shape": (
        FILES["weather_nodes.py"]
        .replace("check=_check,", 'shape=lambda data: 1 / len(data.get("dry", "x")) and ((), ()),')
        .replace('Example({"wind": -1}, ', 'Example({"wind": -1}, data={"dry": ""}, '),
        "ZeroDivisionError",
    ),
}


def test_broken_packages_are_named_and_all_else_works(target: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    for number, (name, (body, _)) in enumerate(BROKEN.items()):
        project = (
            FILES["pyproject.toml"]
            .replace("flowstudio-weather", name)
            .replace("weather_nodes", f"broken_{number}")
        )
        install({"pyproject.toml": project, f"broken_{number}.py": body}, tmp_path / name, site)
    install(FILES, tmp_path / "good", site)
    said, log = ask(site, tmp_path / "home")
    assert said["run"]["output"]["felt"] == 6
    for name, (_, reason) in BROKEN.items():
        assert f"The node package '{name}' adds nothing" in log
        assert re.search(f'data-bad-package="{name}"', said["list"])
        assert reason in log
