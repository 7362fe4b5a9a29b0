"""What a refusal says: a stable code, the line, what to do; and nothing of our own insides."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from abstractruntime.nodes.catalog import catalog
from abstractruntime.nodes.define import NodeError
from abstractruntime.visualflow_compiler import sandbox_refusals as refusals
from abstractruntime.visualflow_compiler.sandbox import CodeSandbox, Limits, SandboxRefusal, SandboxResult
from abstractruntime.visualflow_compiler.sandbox_jail import JailSandbox
from abstractruntime.visualflow_compiler.sandbox_walls import have_walls
from sandbox.conftest import NOW

Refused = Callable[..., SandboxRefusal]

HEAD = "def transform(d):\n"
CASES = [
    ("code.syntax", 2, "    return (1\n", "Line 2, `return (1`"),
    ("code.syntax", 3, "\treturn 1\n  return 2\n", "unindent"),
    ("code.syntax", 2, "    x = 'abc\n    return x\n", "missing closing quote"),
    ("code.unsupported.yield", 2, "    yield 1\n", "Collect the items in a list"),
    ("code.unsupported.del", 3, "    x = 1\n    del x\n", "Write `x = None`. Nothing was run."),
    ("code.unsupported.del", 2, "    del d['a'], d\n", "`del d['a'], d`"),
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
        "Use a Read File node",
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


@pytest.mark.parametrize("said", [refusals.FILE[2], refusals.CHANGE[2], refusals.sleep_limit(3).fix])
def test_a_node_that_is_advised_is_called_as_in_the_palette(said: str) -> None:
    advised = re.search(r"(?:Use|Put) a (.+?) node", said)
    assert advised is not None
    assert advised[1] in {kind.label for kind in catalog()}


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


DEL = "This code cannot run in compact Python. Line 3, `{}`: the `del` statement is not supported there. "
OFFER = ", or switch this node to Full Python (about 2 ms slower per run). Nothing was run."


@pytest.fixture(scope="module")
def both() -> Iterator[CodeSandbox]:
    if not have_walls():
        pytest.skip("full Python is not to be had on this machine")
    held = CodeSandbox(full=JailSandbox())
    yield held
    held.close()


@pytest.mark.parametrize(
    ("statement", "line", "instead"),
    [
        ("del x", "del x", "Write `x = None`"),
        ("del d['a'], d.b", "del d['a'], d.b", "Write `d.pop('a', None)` and `d.b = None`"),
        ("del d[\n 'a  b'\n]", "del d[", "Write `d.pop('a  b', None)`"),
        ("del d['a'], \\\n x", "del d['a'], \\", "Write `d.pop('a', None)` and `x = None`"),
        (
            "del (d[k], x[0], k)",
            "del (d[k], x[0], k)",
            "Write `d.pop(k, None)` and `x.pop(0)` and `k = None`",
        ),
        ("del d[1, 'a,]']", "del d[1, 'a,]']", "Write `d.pop((1, 'a,]'), None)`"),
        ("del x[0:2], k", "del x[0:2], k", "Write `x[0:2] = []` and `k = None`"),
        ("del d.a", "del d.a", "Write `d.a = None`"),
        ("del x[::2]", "del x[::2]", "Remove what it names in another way"),
        ("del d[ # why\n 'a']", "del d[ # why", "Remove what it names in another way"),
    ],
)
def test_a_refused_del_offers_the_same_in_its_own_names(
    statement: str, line: str, instead: str, both: CodeSandbox, refused: Refused
) -> None:
    source = f"def transform(d):\n    x, k = [1, 2, 3], 'k'\n    {statement}\n    return x"
    whole = DEL.format(line) + instead
    with pytest.raises(SandboxRefusal) as caught:
        both.run(source, "transform", {}, now=NOW, seed="")
    assert (str(caught.value), caught.value.code) == (whole + OFFER, "code.unsupported.del")
    assert str(refused(source)) == f"{whole}. Nothing was run."  # where there is no full Python to offer


def test_what_is_written_instead_of_del_runs(run: Callable[..., SandboxResult]) -> None:
    body = "d.pop('gone', None); x[0:1] = []; x.pop(0); d.pop((1, 2), None); y = x; x = None"
    assert run(f"def transform(d):\n    x = [1, 2, 3]\n    {body}\n    return y").value == [3]


def test_the_four_refusals_of_the_design_word_by_word(both: CodeSandbox) -> None:
    def told(body: str) -> tuple[str, str]:
        with pytest.raises(SandboxRefusal) as caught:
            both.run("def transform(out_input):\n" + body, "transform", {}, now=NOW, seed="")
        return str(caught.value), caught.value.code

    lines = "    x = 1\n" * 66
    assert told(f"{lines}    del out_input['sources'], x") == (
        "This code cannot run in compact Python. Line 68, `del out_input['sources'], x`: "
        "the `del` statement is not supported there. "
        "Write `out_input.pop('sources', None)` and `x = None`, "
        "or switch this node to Full Python (about 2 ms slower per run). Nothing was run.",
        "code.unsupported.del",
    )
    assert told("    while True:\n        pass") == (
        "This code was stopped after 2 s. "
        "The node had not finished; its output was discarded and the step is marked failed. "
        "Raise the limit in the node's settings (at most 30 s) or make the loop end.",
        "code.limit.time",
    )
    assert told("    x = 1\n    return open('notes.txt').read()") == (
        "This code asked for something code nodes never get: opening a file (`open`, line 3). "
        "Use a Read File node and wire its output in.",
        "code.capability.file",
    )
    assert told("    x = 1\n    for i in range(65):\n        x = [x]\n    return x") == (
        "The answer cannot be stored: it is nested deeper than 64 levels. Return a flatter value.",
        "code.result.depth",
    )


def test_writing_a_file_leads_to_the_node_that_writes(refused: Refused) -> None:
    refusal = refused(HEAD + "    import pathlib\n    pathlib.Path('/x').write_text('a')")
    assert str(refusal) == (
        "This code asked for something code nodes never get: changing a file (`write_text`, line 3). "
        "Use a Write File node after this one and wire the text into it."
    )


def test_limits_are_named_in_the_refusal(refused: Refused) -> None:
    refusal = refused("def transform(d):\n    while True:\n        pass", limits=Limits(seconds=0.5))
    assert refusal.code == "code.limit.time"
    assert str(refusal).startswith("This code was stopped after 0.5 s.")
