"""Compact Python against full Python on broken programs: never two different values.

Programs are mutants of the corpus bodies, made by the harness in the shared folder. Errors may
differ in kind, and compact Python may refuse; where both give a value, it is the same.
"""

from __future__ import annotations

import ast
import copy
import os
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from abstractruntime.visualflow_compiler.sandbox import CodeSandbox, Limits, SandboxRefusal
from sandbox.conftest import NOW
from sandbox.test_sandbox_corpus import Body, bodies, module
from sandbox.test_sandbox_full import full

__all__ = ["bodies", "full"]  # fixtures that this file shares
LIMITS = Limits(seconds=1, depth=300)
FEW, MANY = 100, int(os.environ.get("FUZZ_PROGRAMS", "1000"))


def mutator(file: Path) -> Any:
    """Return the harness's mutation class without running the harness."""
    kept = [
        node
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, (ast.Assign, ast.ClassDef))
    ]
    names: dict[str, Any] = {"ast": ast}
    exec(compile(ast.Module(kept, []), str(file), "exec"), names)
    return names["Mut"]


def outcome(sandbox: CodeSandbox, source: str, body: Body, given: Any, python: Any) -> tuple[str, Any]:
    try:
        result = sandbox.run(source, body.function, given, now=NOW, seed="", limits=LIMITS, python=python)
    except SandboxRefusal as refusal:
        kind = refusal.why.partition(":")[0] if refusal.code == "code.failed" else refusal.code
        return "refused", kind
    return "value", keyed(result.value)


def keyed(value: Any) -> Any:
    """Write keys that are equal numbers in one way: of `{0: a, -0.0: b}` compact Python keeps the last key."""
    if isinstance(value, list):
        return [keyed(item) for item in value]
    if not isinstance(value, dict):
        return value
    numbers = {"true": 1.0, "false": 0.0}
    written = {}
    for key, item in value.items():
        try:
            number = numbers[key] if key in numbers else float(key)
        except ValueError:
            written[key] = keyed(item)
        else:
            written[str(number + 0.0)] = keyed(item)
    return written


def compare(count: int, seed: int, full: CodeSandbox, bodies: list[Body], shared: Path) -> Counter[str]:
    harness = shared / "bench" / "sandbox"
    mutation = mutator(harness / "fuzz_diff.py")
    inputs = module(harness, "corpus_inputs")
    chance = random.Random(seed)
    known = [
        (body, ast.parse(body.code), inputs.inputs_for(body, 4))
        for body in bodies
        if "\\u2014'}" not in body.code
    ]
    told: Counter[str] = Counter()
    while sum(told.values()) < count:
        body, tree, given = chance.choice(known)
        changed = mutation(chance, chance.choice([0.01, 0.03, 0.1])).visit(copy.deepcopy(tree))
        try:
            source = ast.unparse(ast.fix_missing_locations(changed))
        except (AttributeError, TypeError, ValueError):
            continue
        argument = chance.choice(given)[1]
        compact = outcome(full, source, body, argument, "compact")
        python = outcome(full, source, body, argument, "full")
        if compact[0] == python[0] == "value":
            assert compact == python, f"{source}\n--- on {argument!r}"
            told["same value"] += 1
        elif compact == python:
            told["same refusal"] += 1
        else:
            told[f"full {python[0]}, compact {compact[0]}"] += 1
    return told


def test_a_few_mutants_never_differ(full: CodeSandbox, bodies: list[Body], shared: Path) -> None:
    told = compare(FEW, 1, full, bodies, shared)
    assert told["same value"] + told["same refusal"] > 0.8 * FEW


@pytest.mark.slow
def test_many_mutants_never_differ(full: CodeSandbox, bodies: list[Body], shared: Path) -> None:
    told = compare(MANY, 7, full, bodies, shared)
    print(f"\n{MANY} mutants in compact and full Python: {dict(told)}")
    assert told["same value"] + told["same refusal"] > 0.8 * MANY
