"""What a refusal says: a stable code, the line, what to do; and nothing of our own insides."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from abstractruntime.nodes.define import NodeError
from abstractruntime.visualflow_compiler.sandbox import CodeSandbox, Limits, SandboxRefusal

Refused = Callable[..., SandboxRefusal]

HEAD = "def transform(d):\n"
CASES = [
    ("code.syntax", 2, "    return (1\n", "Line 2, `return (1`"),
    ("code.syntax", 3, "\treturn 1\n  return 2\n", "unindent"),
    ("code.syntax", 2, "    x = 'abc\n    return x\n", "missing closing quote"),
    ("code.unsupported.yield", 2, "    yield 1\n", "Collect the items in a list"),
    ("code.unsupported.del", 3, "    x = 1\n    del x\n", "Write `name.pop(key, None)`"),
    ("code.unsupported.del", 2, "    del d['a'], d['b']\n", "`del d['a'], d['b']`"),
    ("code.unsupported.class", 2, "    class A(Exception): pass\n", "inherits"),
    ("code.unsupported.import", 2, "    import uuid\n", "module `uuid` does not exist"),
    ("code.unsupported.import", 2, "    from statistics import *\n", "Name what you import"),
    ("code.unsupported.name", 2, "    return callable(len)\n", "`callable` does not exist there"),
    ("code.unsupported.import", 2, "    from dataclasses import asdict\n", "'asdict'"),
    (
        "code.unsupported.class",
        3,
        "    class A:\n        @property\n        def x(self): return 1\n",
        "decorated method",
    ),
    ("code.capability.file", 2, "    return open('/etc/hostname').read()\n", "(`open`, line 2)"),
    (
        "code.capability.file",
        3,
        "    import pathlib\n    return pathlib.Path('/x').read_text()\n",
        "Use a file node",
    ),
    ("code.capability.file", 2, "    import shutil\n", "`import shutil`"),
    ("code.unsupported.import", 2, "    import io\n", "`io` does not exist"),
    ("code.unsupported.import", 2, "    from urllib.parse import quote\n", "does not exist there"),
    ("code.capability.network", 2, "    import socket\n", "`import socket`"),
    ("code.capability.network", 2, "    import urllib.request\n", "the network"),
    ("code.capability.process", 2, "    import subprocess\n", "another process"),
    ("code.capability.environment", 3, "    import os\n    return os.environ['HOME']\n", "`os.environ`"),
    ("code.failed", 2, "    return 1/0\n", "Runtime error: ZeroDivisionError: division by zero (line 2"),
    ("code.failed", 2, "    return d['nothing']\n", "KeyError: nothing"),
    ("code.failed", 3, "    x = 1\n    del d['nothing']\n", "line 3, `del d['nothing']`"),
    ("code.failed", 2, "    raise PermissionError('mine')\n", "PermissionError: mine"),
    ("code.failed", 2, "    raise TimeoutError('mine')\n", "TimeoutError: mine"),
    ("code.failed", 2, "    raise NotImplementedError('mine')\n", "NotImplementedError: mine"),
    ("code.failed", 2, "    raise MemoryError('mine')\n", "MemoryError: mine"),
    ("code.failed", 2, "    return undefined_name\n", "undefined_name"),
    ("code.limit.depth", 2, "    return transform(d)\n", "more than 200 deep"),
    ("code.limit.sleep", 3, "    import time\n    time.sleep(5)\n", "cannot wait"),
]


@pytest.mark.parametrize(("code", "line", "body", "said"), CASES)
def test_a_refusal_names_code_line_and_way_out(
    code: str, line: int, body: str, said: str, refused: Refused
) -> None:
    refusal = refused(HEAD + body)
    assert (refusal.code, refusal.line) == (code, line)
    assert said in str(refusal)
    assert isinstance(refusal, NodeError)
    for ours in ("__flow", "Traceback", "monty", "feed", "sandbox violation"):
        assert ours not in str(refusal)


@pytest.mark.parametrize(
    ("code", "returned", "said"),
    [
        ("code.result.type", "{'f': [transform]}", "`answer.f[0]` is of type function. Call it"),
        ("code.result.type", "{1, 2}", "it is of type set. Write `list(...)`"),
        ("code.result.type", "{'at': datetime.date(2026, 1, 1)}", "Write `.isoformat()`"),
        ("code.result.type", "b'x'", ".decode()"),
        ("code.result.key", "{'a': {(1, 2): 3}}", "`answer.a` has a key of type tuple"),
        ("code.result.cycle", "d", "`answer.me[0]` contains itself"),
        ("code.result.number", "[1, float('nan')]", "`answer[1]` is nan"),
        ("code.result.number", "{'n': float('-inf')}", "-inf"),
        ("code.result.depth", "nest(65)", "nested deeper than 64 levels"),
        ("code.result.depth", "nest(100000)", "nested deeper than 64 levels"),
        ("code.result.size", "'x' * 1048576", "limit is 1 MiB"),
        ("code.result.size", "['y' * 1000] * 2000", "limit is 1 MiB"),
        ("code.result.size", "'é' * 600000", "1.14 MiB"),
        ("code.result.value", "10 ** 5000", "digits"),
    ],
)
def test_an_answer_that_cannot_be_stored_is_told(
    code: str, returned: str, said: str, refused: Refused
) -> None:
    source = (
        "def nest(n):\n    x = 1\n    for i in range(n):\n        x = [x]\n    return x\n"
        f"def transform(d):\n    d['me'] = [d]\n    return {returned}"
    )
    refusal = refused(source)
    assert refusal.code == code
    assert said in str(refusal)
    assert str(refusal).startswith("The answer cannot be stored:")


@pytest.mark.parametrize(
    "answer", ["'[' * 500000", "'{\"a\": NaN}'", "'{'", "[1]", "None", "{'a': 1}", "'9' * 9000"]
)
def test_code_that_replaces_our_names_gains_nothing(answer: str, refused: Refused) -> None:
    source = f"def __flow_answer(*a):\n    return {answer}\ndef transform(d):\n    return 1"
    assert refused(source).code.startswith("code.result.")


def test_the_answer_of_the_limit_passes(sandbox: CodeSandbox) -> None:
    source = "def transform(d):\n    x = 1\n    for i in range(64):\n        x = [x]\n    return [x[0], 'x' * 1000000]"
    assert (
        len(sandbox.run(source, "transform", {}, now="2026-01-01T00:00:00+00:00", seed="").value[1])
        == 1_000_000
    )


@pytest.mark.parametrize(
    ("source", "name", "code"),
    [
        ("x = 1", "transform", "code.function.missing"),
        ("def other(d): return 1", "transform", "code.function.missing"),
        ("transform = 3", "transform", "code.function.call"),
        ("def transform(): return 1", "transform", "code.function.call"),
        ("def transform(a, b): return 1", "transform", "code.function.call"),
        ("def transform(d): return 1", "transform(1) #", "code.function.missing"),
        ("def transform(d): return 1", "", "code.function.missing"),
    ],
)
def test_a_missing_function_is_told(source: str, name: str, code: str, refused: Refused) -> None:
    refusal = refused(source, function_name=name)
    assert refusal.code == code
    assert "Function" in str(refusal) or "function" in str(refusal)


def test_lines_are_counted_as_the_author_wrote_them(refused: Refused) -> None:
    source = "def transform(_input):\n    a = _input.get('a')\n    b = 2\n    return a / 0\n    pass"
    refusal = refused(source, {"a": 1}, skip_lines=2)
    assert (refusal.line, "line 2, `return a / 0`" in str(refusal)) == (2, True)
    assert refused("def transform(_input):\n    return (1", skip_lines=1).line == 1


def test_what_was_printed_before_the_failure_is_kept(refused: Refused) -> None:
    assert refused("def transform(d):\n    print('so far')\n    return 1/0").printed == "so far\n"


def test_an_argument_that_is_no_json_is_told(refused: Refused) -> None:
    assert refused(HEAD + "    return 1", {"x": "\ud800"}).code == "code.argument"
    loop: dict[str, object] = {}
    loop["me"] = loop
    assert refused(HEAD + "    return 1", loop).code == "code.argument"
    assert "monty" not in str(refused(HEAD + "    return 1", {"x": object()}))


def test_full_python_is_refused_where_it_is_not_offered(refused: Refused) -> None:
    refusal = refused(HEAD + "    return 1", python="full")
    assert refusal.code == "code.full.unavailable"
    assert "compact" in refusal.fix


def test_a_source_without_end_is_refused_before_it_is_read(refused: Refused) -> None:
    assert refused("#" * 300_000).code == "code.limit.source"
    assert refused("def transform(d):\n    return " + "(" * 20000 + "1" + ")" * 20000).code == "code.syntax"


def test_parsing_alone_runs_nothing_and_finds_what_running_would(sandbox: CodeSandbox) -> None:
    assert sandbox.parse("while True:\n    pass") is None
    assert sandbox.parse("def transform(d):\n    del d['a']\n    return d") is None
    assert sandbox.parse("raise ValueError('not run')") is None
    yields = sandbox.parse("def transform(d):\n    del d['a']\n    yield 1")
    assert yields is not None
    assert (yields.code, yields.line) == ("code.unsupported.yield", 3)
    broken = sandbox.parse("head\nhead\nx = (1", skip_lines=2)
    assert broken is not None
    assert (broken.code, broken.line) == ("code.syntax", 1)


def test_limits_are_named_in_the_refusal(refused: Refused) -> None:
    refusal = refused("def transform(d):\n    while True:\n        pass", limits=Limits(seconds=0.5))
    assert refusal.code == "code.limit.time"
    assert str(refusal).startswith("This code was stopped after 0.5 s.")
