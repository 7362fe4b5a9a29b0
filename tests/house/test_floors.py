"""Imports go down the stairs: the table of floors is the test (docs/architecture.md)."""

from __future__ import annotations

import ast
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from house import MODULES, SERVER, imports_of, module_name

# (floor, patterns of modules). A module may import its own floor's package and any floor below.
KERNEL: list[tuple[int, tuple[str, ...]]] = [
    (
        0,
        tuple(
            f"abstractruntime.core.{name}"
            for name in (
                "boundary",
                "models",
                "plans",
                "spec",
                "errors",
                "vars",
                "config",
                "event_keys",
                "clock",
                "ids",
                "jsonsafe",
                "delta",
                "halt",
                "tracked",
            )
        ),
    ),
    (0, ("abstractruntime.lazy",)),
    (0, ("abstractruntime.identity*", "abstractruntime.rendering*")),
    (1, ("abstractruntime.storage", "abstractruntime.storage.*")),
    (
        2,
        tuple(
            f"abstractruntime.core.{n}"
            for n in (
                "policy",
                "effects",
                "waits",
                "limits",
                "traces",
                "records",
                "held",
                "leases",
                "permission",
                "hints",
                "recorded",
            )
        ),
    ),
    (2, ("abstractruntime.memory*", "abstractruntime.evidence*")),
    (3, ("abstractruntime.effects", "abstractruntime.effects.*")),
    (3, ("abstractruntime.nodes", "abstractruntime.nodes.*")),
    (
        4,
        (
            "abstractruntime.core.advance",
            "abstractruntime.core.driving",
            "abstractruntime.core.engine",
            "abstractruntime.core.fork",
            "abstractruntime.core.parking",
            "abstractruntime.core.reminders",
            "abstractruntime.core.runtime",
            "abstractruntime.core",
        ),
    ),
    (4, ("abstractruntime.visualflow_compiler", "abstractruntime.visualflow_compiler.*")),
    (5, ("abstractruntime.scheduler", "abstractruntime.scheduler.*")),
    (5, ("abstractruntime.workflow_bundle", "abstractruntime.workflow_bundle.*")),
    (6, ("abstractruntime.testing", "abstractruntime.testing.*")),
    (6, ("abstractruntime.integrations", "abstractruntime.integrations.*")),
    (6, ("abstractruntime.history_bundle", "abstractruntime.history_turns")),
    (7, ("abstractruntime",)),
]
WEB: list[tuple[int, tuple[str, ...]]] = [
    (0, ("flowstudio.settings", "flowstudio.secrets", "flowstudio.staging")),
    (
        1,
        (
            "flowstudio.code_health",
            "flowstudio.library*",
            "flowstudio.runner*",
            "flowstudio.worker",
            "flowstudio.bundles",
            "flowstudio.flow_tests",
            "flowstudio.flow_tests.*",
            "flowstudio.flow_inputs",
            "flowstudio.flow_texts",
            "flowstudio.follows",
            "flowstudio.links",
            "flowstudio.flow_inputs",
            "flowstudio.gallery",
            "flowstudio.installed*",
            "flowstudio.recorded",
            "flowstudio.access*",
            "flowstudio.ai",
            "flowstudio.ai.*",
            "flowstudio.assets",
            "flowstudio.presence",
            "flowstudio.programs",
            "flowstudio.outside",
            "flowstudio.outside.*",
            "flowstudio.live.bell",
        ),
    ),
    (2, ("flowstudio.studio",)),
    (3, ("flowstudio.errors", "flowstudio.json_body")),
    (
        4,
        (
            "flowstudio.pages",
            "flowstudio.pages.*",
            "flowstudio.api",
            "flowstudio.api.*",
            "flowstudio.live",
            "flowstudio.live.*",
            "flowstudio.prompts",
            "flowstudio.prompts.*",
            "flowstudio.generate",
            "flowstudio.generate.*",
        ),
    ),
    (
        5,
        (
            "flowstudio.generate.__main__",
            "flowstudio.generate.starters",
            "flowstudio.app",
            "flowstudio.description",
            "flowstudio.__main__",
            "flowstudio.serve",
            "flowstudio.testing",
            "flowstudio.merging",
            "flowstudio",
        ),
    ),
]
DOORS = ("pages", "api", "live", "prompts")
# What the language may take from the engine's stair, and the doors the web app may use.
WORDS = "abstractruntime.core."
KERNEL_DOORS = (
    "abstractruntime",
    "abstractruntime.core",
    "abstractruntime.core.*",
    "abstractruntime.nodes",
    "abstractruntime.nodes.*",
    "abstractruntime.effects.files",
    "abstractruntime.storage",
    "abstractruntime.storage.*",
    "abstractruntime.scheduler",
    "abstractruntime.visualflow_compiler",
    "abstractruntime.visualflow_compiler.*",
    "abstractruntime.workflow_bundle",
    "abstractruntime.integrations.*",
    "abstractruntime.testing",
)
NO_OUTSIDE_WORLD = {"os", "time", "random", "io", "socket", "subprocess", "pathlib", "threading"}


def floor_of(module: str, table: list[tuple[int, tuple[str, ...]]]) -> int | None:
    """Return a module's floor; the exact name wins over a pattern."""
    for floor, patterns in table:
        if module in patterns:
            return floor
    for floor, patterns in table:
        if any(fnmatchcase(module, pattern) for pattern in patterns):
            return floor
    return None


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_every_module_lives_on_a_floor(path: Path) -> None:
    table = WEB if module_name(path).startswith("flowstudio") else KERNEL
    assert floor_of(module_name(path), table) is not None, (
        f"{module_name(path)} lives on no floor: add it to the table in tests/house/test_floors.py"
    )


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_imports_go_down(path: Path) -> None:
    module = module_name(path)
    table = WEB if module.startswith("flowstudio") else KERNEL
    mine = floor_of(module, table)
    wrong = []
    for target in imports_of(path):
        other = floor_of(target, table)
        if other is not None and mine is not None and other > mine and target != module:
            wrong.append(f"{target} (floor {other})")
    assert not wrong, f"{module} (floor {mine}) imports upwards: {wrong}"


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_no_import_hides_in_a_function(path: Path) -> None:
    hidden = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            hidden += [n.lineno for n in ast.walk(node) if isinstance(n, ast.Import | ast.ImportFrom)]
    assert not hidden, f"{module_name(path)} imports inside a function at lines {sorted(set(hidden))}"


def test_the_kernel_never_imports_the_web() -> None:
    # Models of answers are pydantic's by contract; the integrations are optional and on top (decision 0030).
    models = ("abstractruntime.integrations.", "pydantic")
    wrong = [
        f"{module_name(path)} -> {target}"
        for path in MODULES
        if module_name(path).startswith("abstractruntime")
        for target in imports_of(path)
        if target.split(".")[0] in {"flowstudio", "fastapi", "starlette", "pydantic", "uvicorn", "jinja2"}
        and not (module_name(path).startswith(models[0]) and target.split(".")[0] == models[1])
    ]
    assert not wrong


def test_engine_and_language_stay_apart() -> None:
    language = ("abstractruntime.nodes", "abstractruntime.visualflow_compiler")
    engine = (
        "abstractruntime.storage",
        "abstractruntime.effects",
        "abstractruntime.scheduler",
        "abstractruntime.core",
    )
    wrong = []
    for path in MODULES:
        module = module_name(path)
        for target in imports_of(path):
            if module.startswith(language) and target.startswith(engine):
                if floor_of(target, KERNEL) != 0:
                    wrong.append(f"{module} -> {target}")
            elif module.startswith(engine) and target.startswith(language):
                wrong.append(f"{module} -> {target}")
    assert not wrong


def test_the_web_enters_the_kernel_by_its_doors() -> None:
    wrong = [
        f"{module_name(path)} -> {target}"
        for path in MODULES
        if module_name(path).startswith("flowstudio")
        for target in imports_of(path)
        if target.startswith("abstractruntime")
        and not any(fnmatchcase(target, door) for door in KERNEL_DOORS)
    ]
    assert not wrong


def test_doors_do_not_import_each_other() -> None:
    wrong = []
    for path in MODULES:
        parts = module_name(path).split(".")
        if parts[0] != "flowstudio" or len(parts) < 2 or parts[1] not in DOORS:
            continue
        for target in imports_of(path):
            other = target.split(".")
            is_door = len(other) > 1 and other[0] == "flowstudio" and other[1] in DOORS
            if is_door and other[1] != parts[1] and floor_of(target, WEB) == 4:
                wrong.append(f"{module_name(path)} -> {target}")
    assert not wrong


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in MODULES
        if module_name(path).startswith("abstractruntime.nodes.")
        or module_name(path)
        in {f"abstractruntime.visualflow_compiler.{n}" for n in ("program", "lower", "machine")}
    ],
    ids=module_name,
)
def test_the_language_does_no_io_and_reads_no_clock(path: Path) -> None:
    if module_name(path) == "abstractruntime.nodes.catalog":
        return  # finds the declarations: reads the package's folder through importlib
    touched = [name for name in imports_of(path) if name.split(".")[0] in NO_OUTSIDE_WORLD]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    touched += [
        "open()"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open"
    ]
    assert not touched, f"{module_name(path)} reaches outside: {touched}"


def test_the_table_names_only_what_exists() -> None:
    names = [module_name(path) for path in MODULES]
    unknown = [
        pattern
        for table in (KERNEL, WEB)
        for _, patterns in table
        for pattern in patterns
        if "*" not in pattern and pattern not in names
    ]
    assert not unknown, f"floors without modules: {unknown} in {SERVER}"
