"""Code that people wrote: every body of the corpus gives what Python gives, on good and bad inputs.

The bodies and their inputs are read from the shared folder. The reference is this process's own
Python, which may run them because they are known text; only its results are compared.
"""

from __future__ import annotations

import copy
import importlib.util
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from abstractruntime.visualflow_compiler.sandbox import CodeSandbox, Limits, SandboxRefusal
from sandbox.conftest import NOW

LIMITS = Limits(seconds=5)
MUTATIONS = 1


def module(folder: Path, name: str) -> ModuleType:
    """Load one file of the harness in the shared folder."""
    spec = importlib.util.spec_from_file_location(f"harness_{name}", folder / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


class Body:
    """A row of the corpus in the shape that the harness's inputs are made for."""

    def __init__(self, row: dict[str, Any], label: str) -> None:
        self.code, self.function, self.label = row["code"], row["function"], label
        self.key, self.origin = f"{row['flow']}/{row['node']}", "flow"
        self.pins = [(pin["id"], pin["type"]) for pin in row["input_pins"]]


@pytest.fixture(scope="module")
def bodies(shared: Path) -> list[Body]:
    rows = [json.loads(line) for line in (shared / "corpus" / "code_nodes.jsonl").read_text().splitlines()]
    labels = {}
    for flow in {row["flow"] for row in rows}:
        document = json.loads((shared / "corpus" / "flows" / f"{flow}.json").read_text())
        labels.update({f"{flow}/{node['id']}": node["data"].get("label", "") for node in document["nodes"]})
    return [Body(row, labels[f"{row['flow']}/{row['node']}"]) for row in rows]


def of_python(body: Body, given: Any) -> tuple[str, Any]:
    """Return what CPython makes of a body: its JSON value or the kind of its exception."""
    names: dict[str, Any] = {}
    source = body.code
    if sys.version_info < (3, 12):  # one body has a backslash inside an f-string's braces
        source = re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found.group(1), 16)), source)
    try:
        exec(source, names)
        return "value", json.loads(json.dumps(names[body.function](copy.deepcopy(given))))
    except (ArithmeticError, AttributeError, ImportError, LookupError, TypeError, ValueError) as error:
        return "error", type(error).__name__


def of_sandbox(sandbox: CodeSandbox, body: Body, given: Any) -> tuple[str, Any]:
    """Return what the sandbox makes of it: a value, the kind of its exception, or a refusal's code."""
    try:
        return "value", sandbox.run(body.code, body.function, given, now=NOW, seed="", limits=LIMITS).value
    except SandboxRefusal as refusal:
        if refusal.line is None:
            return "refusal without a line", str(refusal)
        if refusal.code == "code.failed":
            return "error", refusal.why.partition(":")[0]
        return "refusal", refusal.code


def cases(inputs: ModuleType, bodies: list[Body], mutations: int) -> Iterator[tuple[Body, Any]]:
    """Yield each body with plausible inputs, with nonsense, and with mutations of the plausible ones."""
    for body in bodies:
        for _, given in inputs.inputs_for(body, mutations):
            yield body, given


def test_every_body_of_the_corpus_parses(sandbox: CodeSandbox, bodies: list[Body]) -> None:
    refused = [body.key for body in bodies if sandbox.parse(body.code) is not None]
    assert refused == []
    assert len(bodies) >= 20


def test_every_body_gives_what_python_gives(sandbox: CodeSandbox, bodies: list[Body], shared: Path) -> None:
    inputs = module(shared / "bench" / "sandbox", "corpus_inputs")
    count = values = 0
    for body, given in cases(inputs, bodies, MUTATIONS):
        expected = of_python(body, given)
        assert of_sandbox(sandbox, body, given) == expected, f"{body.key} on {str(given)[:300]}"
        count, values = count + 1, values + (expected[0] == "value")
    print(
        f"\n{len(bodies)} bodies of the corpus, {count} calls: the same {values} values and {count - values} errors"
    )
    assert values > count * 0.5


def test_further_snippets_run_or_say_what_they_lack(sandbox: CodeSandbox, shared: Path) -> None:
    """Sixty things people write beyond the corpus: the same value as Python's, or a refusal; never another value."""
    compat = module(shared / "bench" / "sandbox", "compat")
    row = {"flow": "", "input_pins": [], "function": "transform"}
    same, others = 0, []
    for name, code in compat.S.items():
        body = Body({**row, "node": name, "code": code}, name)
        got, expected = of_sandbox(sandbox, body, compat.PAYLOAD), of_python(body, compat.PAYLOAD)
        same += got == expected
        if got != expected:
            others.append((name, *got))
    print(f"\n{same} of {len(compat.S)} further snippets do what Python does; not: {others}")
    assert [name for name, kind, _ in others if kind not in ("refusal", "error")] == []
    assert same >= 44
