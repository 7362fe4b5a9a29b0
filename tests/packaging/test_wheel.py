"""The wheel is whole: it carries the built island, styles, templates and samples, and runs anywhere."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by the package's own hook."""
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the unpacked wheel and nothing of the checkout."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def served(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of the app run from the wheel, in an empty folder."""
    home = tmp_path_factory.mktemp("home")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = "wheel-" + "x" * 40
    env = {**os.environ, "PYTHONPATH": str(installed), "FLOWSTUDIO_TOKEN": token}
    command = [sys.executable, "-m", "flowstudio", "serve", "--no-browser", "--port", str(port)]
    command += ["--data", str(home / "data")]
    process = subprocess.Popen(command, cwd=home, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    headers = {"Authorization": f"Bearer {token}"}
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=10)
    try:
        wait_for(client, process)
        yield client
    finally:
        client.close()
        process.terminate()
        process.communicate(timeout=10)


def wait_for(client: httpx.Client, process: subprocess.Popen[bytes]) -> None:
    """Wait until the server answers."""
    for _ in range(200):
        try:
            if client.get("/healthz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
        if process.poll() is not None:
            break
    raise AssertionError(f"the server did not come up: {process.communicate(timeout=5)[1]!r}")


def test_it_carries_everything(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in ("static/dist/editor.js", "static/dist/htmx.min.js"):
        assert f"flowstudio/{name}" in names
    for folder in ("templates", "flows", "static/css"):
        kept = {
            f"flowstudio/{p.relative_to(ROOT).as_posix()}" for p in (ROOT / folder).rglob("*") if p.is_file()
        }
        assert kept <= names, f"the wheel lacks {sorted(kept - names)}"
    assert not [name for name in names if "node_modules" in name or name.startswith("tests")]


def test_it_is_the_wheel_that_runs(installed: Path) -> None:
    code = "import flowstudio, abstractruntime; print(flowstudio.__file__, abstractruntime.__file__)"
    env = {**os.environ, "PYTHONPATH": str(installed)}
    command = [sys.executable, "-c", code]
    where = subprocess.run(command, env=env, cwd=installed, capture_output=True, text=True, check=True).stdout
    assert where.count(str(installed)) == 2


def test_it_serves_pages_assets_and_samples(served: httpx.Client) -> None:
    page = served.get("/flows", follow_redirects=True)
    assert page.status_code == 200
    assets = re.findall(r'(?:src|href)="(/static/[^"#]+)"', page.text)
    assert assets
    for asset in set(assets):
        assert served.get(asset).status_code == 200, asset
    flows = served.get("/api/flows").json()["flows"]
    assert {"ask-and-greet", "checklist"} <= {flow["id"] for flow in flows}


def test_a_sample_runs_from_the_wheel(served: httpx.Client) -> None:
    run = served.post("/api/runs", json={"flow_id": "remind-me", "inputs": {"seconds": 0}}).json()["run_id"]
    for _ in range(100):
        state = served.get(f"/api/runs/{run}").json()
        if state["status"] == "completed":
            break
        time.sleep(0.05)
    assert state["output"]["reminded"] == "Stretch your legs"
