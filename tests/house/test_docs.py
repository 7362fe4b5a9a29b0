"""Every public name, effect, error code and dependency has its entry in the docs, and links lead somewhere.

Node types and routes have generated pages (`poe generated`), settings are held by tests/web/test_routes.py.
"""

from __future__ import annotations

import importlib
import inspect
import re
import tomllib

import abstractruntime
from abstractruntime.core import errors
from abstractruntime.core.models import EffectType
from house import MODULES, ROOT, tracked_files

DOCS = ROOT / "docs"


def text(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def error_codes() -> set[str]:
    """Codes of all errors of the kernel and the app, and those that routes refuse with."""
    importlib.import_module("flowstudio.app")
    found = set()
    for path in MODULES:
        found |= set(re.findall(r'Refused\(\s*\d+,\s*"([a-z_]+\.[a-z_]+)"', path.read_text(encoding="utf-8")))
    pending = [errors.KernelError]
    while pending:
        kind = pending.pop()
        found.add(kind.code)
        pending += kind.__subclasses__()
    return found


def test_every_error_code_is_explained() -> None:
    missing = [code for code in sorted(error_codes()) if f"`{code}`" not in text("errors.md")]
    assert not missing, f"explain in docs/errors.md: {missing}"


def test_every_effect_is_explained() -> None:
    missing = [e.value for e in EffectType if f"`{e.value}`" not in text("effects.md")]
    assert not missing, f"explain in docs/effects.md: {missing}"


def test_every_public_name_has_an_entry_that_says_what_it_is() -> None:
    entries = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", text("kernel-api.md"), re.M | re.S))
    assert set(abstractruntime.__all__) == set(entries), "run `poe generate`"
    said = {
        name: re.sub(r"^```.*?^```", "", entry, flags=re.M | re.S).strip() for name, entry in entries.items()
    }
    silent = [name for name, words in said.items() if not re.match(r"[A-Z\d`][^\n]* ", words)]
    assert not silent, f"give these a docstring: {silent}"


def test_every_public_method_of_a_public_class_says_what_it_does() -> None:
    silent = []
    for name in abstractruntime.__all__:
        kind = getattr(abstractruntime, name)
        if inspect.isclass(kind):
            methods = inspect.getmembers(
                kind, lambda each: inspect.isfunction(each) or isinstance(each, property)
            )
            silent += [
                f"{name}.{method}"
                for method, value in methods
                if not method.startswith("_") and not inspect.getdoc(value)
            ]
    assert not silent, f"give these a docstring, or base their class on one that has it: {silent}"


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = list(project["project"]["dependencies"]) + list(project["build-system"]["requires"])
    for group in project["project"].get("optional-dependencies", {}).values():
        wanted += group
    names = {re.split(r"[<>=!\[ ]", spec)[0] for spec in wanted}
    missing = [name for name in sorted(names) if f"`{name}`" not in text("dependencies.md")]
    assert not missing, f"say why in docs/dependencies.md: {missing}"


def test_the_tasks_that_are_told_are_those_that_are_there() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    told = set(re.findall(r"`poe ([a-z-]+)", text("contributing.md")))
    assert told, "docs/contributing.md names no task"
    assert told <= set(project["tool"]["poe"]["tasks"])
    assert f"({project['project']['version']})" in text("changelog.md"), "the changelog knows the version"


def test_every_decision_has_a_number_of_its_own_and_every_number_named_is_one() -> None:
    pages = sorted(page.name for page in (DOCS / "decisions").glob("*.md"))
    numbers = [name[:4] for name in pages]
    assert sorted(set(numbers)) == numbers, "two decisions have one number"
    for name in pages:
        title = (DOCS / "decisions" / name).read_text(encoding="utf-8").split("\n", 1)[0]
        assert re.match(rf"# 0*{int(name[:4])}\b", title), f"{name} has another number in its title"
    suffixes = {".md", ".py", ".ts", ".html", ".toml", ".sql"}
    for path in tracked_files():
        if path.suffix in suffixes and path.is_file():
            found = set(re.findall(r"\bdecision (\d{4})\b", path.read_text(encoding="utf-8")))
            assert found <= set(numbers), f"{path.name} names the decision {sorted(found - set(numbers))}"


def test_decisions_are_short_and_numbered() -> None:
    pages = sorted((DOCS / "decisions").glob("*.md"))
    assert pages, "docs/decisions is empty"
    for page in pages:
        assert re.match(r"\d{4}-[a-z0-9-]+\.md$", page.name), page.name
        assert page.read_text(encoding="utf-8").count("\n") <= 60, f"{page.name} is over 60 lines"


def test_links_between_pages_lead_somewhere() -> None:
    broken = []
    for page in [*DOCS.rglob("*.md"), ROOT / "README.md"]:
        targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        broken += [f"{page.relative_to(ROOT)} -> {t}" for t in targets if not (page.parent / t).exists()]
    assert not broken


def test_no_machine_and_no_registry_is_named() -> None:
    hosts = ["pypi" + ".org", "registry.npm" + "js", "files.python" + "hosted", "deb.deb" + "ian"]
    paths = re.compile(r"(?<![\w.])/(?:work|root|home|Users|opt)/[\w.-]+")
    wrong = []
    for path in tracked_files():
        if path.suffix in {".png", ".ico", ".woff2", ".flow"}:
            continue
        content = path.read_text(encoding="utf-8")
        wrong += [f"{path.relative_to(ROOT)}: {host}" for host in hosts if host in content]
        wrong += [f"{path.relative_to(ROOT)}: {hit}" for hit in paths.findall(content)]
    assert not wrong


def test_nothing_built_is_tracked() -> None:
    built = [
        str(path.relative_to(ROOT))
        for path in tracked_files()
        if {"node_modules", "dist"} & set(path.relative_to(ROOT).parts) or path.name.endswith(".min.js")
    ]
    assert not built
