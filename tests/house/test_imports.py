"""Every package that the server imports is declared, so that what runs here runs where only that is installed."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest

from house import MODULES, ROOT, imports_of, module_name

# Extras by the modules that may need them; they are imported when they are asked for.
EXTRAS = {
    "abstractruntime.integrations.abstractcore": ("abstractcore", "mcp"),
    "abstractruntime.integrations.abstractmemory": ("memory",),
    "abstractruntime.integrations.mcp": ("mcp",),
    "flowstudio.ai": ("abstractcore", "mcp", "memory"),
}
OURS = {"abstractruntime", "flowstudio"}


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(requirements: list[str]) -> set[str]:
    return {plain(re.split(r"[^\w.-]", each, maxsplit=1)[0]) for each in requirements}


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ALWAYS = declared(PROJECT["dependencies"])
OPTIONAL = {name: declared(wanted) for name, wanted in PROJECT["optional-dependencies"].items()}


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_what_is_imported_is_declared(path) -> None:  # type: ignore[no-untyped-def]
    module = module_name(path)
    allowed = set(ALWAYS)
    for start, extras in EXTRAS.items():
        if module == start or module.startswith(start + "."):
            allowed |= set().union(*(OPTIONAL[extra] for extra in extras))
    tops = {name.split(".")[0] for name in imports_of(path)} - OURS - set(sys.stdlib_module_names)
    homes = packages_distributions()
    missing = [top for top in sorted(tops) if not {plain(home) for home in homes.get(top, [top])} & allowed]
    assert not missing, f"declare these in pyproject.toml, or import something else: {missing}"
