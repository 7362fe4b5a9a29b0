"""Reads the project's own sources for the tests of the house."""

from __future__ import annotations

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVER = ROOT / "server"
MODULES = sorted(SERVER.rglob("*.py"))


def module_name(path: Path) -> str:
    """Return the dotted name of a module under `server/`."""
    parts = list(path.relative_to(SERVER).with_suffix("").parts)
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts)


@cache
def imports_of(path: Path) -> tuple[str, ...]:
    """Return the absolute names of all modules that a module imports, wherever it does."""
    package = module_name(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    known = {module_name(p) for p in MODULES}
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package[: len(package) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            for alias in node.names:
                deeper = f"{base}.{alias.name}"
                found.append(deeper if deeper in known else base)
    return tuple(dict.fromkeys(found))


@cache
def tracked_files() -> tuple[Path, ...]:
    """Return the files of the project as git sees them (tracked, or new and not ignored)."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    return tuple(ROOT / name for name in listed if name and (ROOT / name).is_file())
