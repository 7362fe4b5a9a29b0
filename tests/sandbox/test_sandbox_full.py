"""Full Python: all of the language, and the kernel's walls around it."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from abstractruntime.visualflow_compiler import sandbox_jail
from abstractruntime.visualflow_compiler.sandbox import (
    FULL_HINT,
    CodeSandbox,
    Limits,
    SandboxRefusal,
    SandboxResult,
)
from abstractruntime.visualflow_compiler.sandbox_jail import JailSandbox, Worker
from sandbox.conftest import NOW
from sandbox.test_sandbox_corpus import LIMITS, Body, bodies, cases, module, of_python
from sandbox.test_sandbox_escapes import COUNT, Place, attempts, contained, place
from sandbox.test_sandbox_limits import children

Run = Callable[..., SandboxResult]
# Attempts that end at a limit take as long as the limit.
PATIENT = {29, 30, 31, 32, 33, 34, 37, 39}
HEAD = "def transform(d):\n"
__all__ = ["attempts", "bodies", "place"]  # fixtures that this file shares


@pytest.fixture(scope="module")
def full() -> Iterator[CodeSandbox]:
    held = CodeSandbox(full=JailSandbox())
    try:
        held.run(HEAD + "    return 1", "transform", {}, now=NOW, seed="", python="full")
    except SandboxRefusal as refusal:
        pytest.skip(f"no full Python on this machine: {refusal}")
    yield held
    held.close()


@pytest.fixture
def run(full: CodeSandbox) -> Run:
    def call(source: str, argument: Any = None, **more: Any) -> SandboxResult:
        given = {"now": NOW, "seed": "test", "limits": Limits(seconds=1), "python": "full", **more}
        return full.run(source, "transform", {} if argument is None else argument, **given)

    return call


@pytest.fixture
def refused(run: Run) -> Callable[..., SandboxRefusal]:
    def call(source: str, argument: Any = None, **more: Any) -> SandboxRefusal:
        with pytest.raises(SandboxRefusal) as caught:
            run(source, argument, **more)
        return caught.value

    return call


Refused = Callable[..., SandboxRefusal]


def test_the_walls_stand(full: CodeSandbox) -> None:
    worker = Worker()
    try:
        assert {"no_new_privs", "seccomp"} <= set(worker.walls)
        assert {"landlock", "namespace:user"} & set(worker.walls)
    finally:
        worker.close()


def test_what_compact_python_lacks_works(run: Run) -> None:
    source = (
        "import uuid, html, textwrap, csv, io, enum\nfrom urllib.parse import quote\n"
        "class Base:\n    def name(self):\n        return 'base'\n"
        "class Child(Base):\n    @property\n    def both(self):\n        return super().name() + ' child'\n"
        "def numbers():\n    yield from range(3)\n"
        "def transform(d):\n    del d['gone']\n    row = next(csv.reader(io.StringIO('a,\"b,c\"')))\n"
        "    return [Child().both, list(numbers()), d, quote('a b'), html.escape('<'), row, str(uuid.UUID(int=5))[-2:]]"
    )
    assert run(source, {"gone": 1, "kept": 2}).value == [
        "base child",
        [0, 1, 2],
        {"kept": 2},
        "a%20b",
        "&lt;",
        ["a", "b,c"],
        "05",
    ]


def test_modules_are_at_hand_as_in_compact_python(run: Run) -> None:
    source = (
        HEAD
        + "    print('hi')\n    return [string.digits, statistics.mean([1, 2]), math.pi > 3, json.dumps(d)]"
    )
    result = run(source, {"a": 1})
    assert result.value == ["0123456789", 1.5, True, '{"a": 1}']
    assert result.printed == "hi\n"


def test_the_clock_stands_and_chance_is_fixed(full: CodeSandbox) -> None:
    source = (
        "import random, time, uuid\nfrom datetime import datetime as moment, date\ndef transform(d):\n"
        "    return [str(moment.now()), str(date.today()), time.time(), random.random(), str(uuid.uuid4()),"
        " list({'a', 'b', 'c', 'd'})]"
    )
    values = [
        full.run(source, "transform", {}, now=NOW, seed=seed, python="full").value for seed in ("a", "a", "b")
    ]
    assert values[0] == values[1]
    assert values[0][:3] == ["2026-01-02 03:04:05", "2026-01-02", 1767323045.0]
    assert values[0][3:5] != values[2][3:5]
    assert values[0][:3] == values[2][:3]


CASES = [
    ("code.syntax", 2, "    return (1\n", "never closed"),
    ("code.failed", 2, "    return 1/0\n", "Runtime error: ZeroDivisionError: division by zero (line 2"),
    ("code.failed", 2, "    return d['nothing']\n", "KeyError: nothing"),
    ("code.capability.file", 2, "    return open('/etc/hostname').read()\n", "(`open`, line 2)"),
    ("code.capability.file", 3, "    import os\n    return os.listdir('/')\n", "`listdir`"),
    ("code.capability.network", 2, "    import socket\n", "`import socket`"),
    ("code.capability.process", 2, "    import subprocess\n", "another process"),
    ("code.unsupported.import", 2, "    import numpy\n", "`numpy` does not exist"),
    ("code.limit.depth", 2, "    return transform(d)\n", "more than 200 deep"),
    ("code.limit.sleep", 3, "    import time\n    time.sleep(5)\n", "cannot wait"),
    ("code.limit.memory", 2, "    return 'x' * (1 << 36)\n", "128 MiB"),
    ("code.limit.time", None, "    while True: pass\n", "after 1 s"),
    ("code.limit.print", None, "    while True: print('x' * 1000)\n", "64 KiB"),
    ("code.result.type", None, "    return {'f': transform}\n", "`answer.f` is of type function"),
    ("code.result.depth", None, "    x = 1\n    for i in range(90): x = [x]\n    return x\n", "64 levels"),
    ("code.result.size", None, "    return 'x' * 2000000\n", "1 MiB"),
    ("code.result.cycle", None, "    d['me'] = d\n    return d\n", "`answer.me` contains itself"),
]


@pytest.mark.parametrize(("code", "line", "body", "said"), CASES)
def test_a_refusal_names_code_line_and_way_out(
    code: str, line: int | None, body: str, said: str, refused: Refused
) -> None:
    refusal = refused(HEAD + body)
    assert (refusal.code, refusal.line) == (code, line)
    assert said in str(refusal)
    assert "Traceback" not in str(refusal)


@pytest.mark.parametrize(
    "body",
    [
        "import os\n    os._exit(0)",
        "import os\n    os.abort()",
        "raise SystemExit(3)",
        "raise KeyboardInterrupt",
    ],
)
def test_leaving_is_no_way_out(body: str, refused: Refused, run: Run) -> None:
    assert refused(f"{HEAD}    {body}").code in ("code.failed", "code.crashed", "code.limit.memory")
    assert run(HEAD + "    return 1").value == 1


@pytest.mark.parametrize(
    "forged",
    [
        "A",
        "A{}",
        'A{"printed": 7, "answer": "1"}',
        'A{"printed": "", "answer": [1]}',
        'A{"printed": "", "answer": "[NaN]"}',
        'F{"printed": ""}',
        'F{"printed": "", "failure": 7}',
        "Z",
        "A" + "[" * 100_000,
        "x" * 4_000_000,
    ],
    ids=lambda text: text[:30],
)
def test_a_forged_reply_is_no_answer(forged: str, refused: Refused, run: Run) -> None:
    """Code may write to where its outcome is read: what it writes is judged like any answer."""
    source = f"{HEAD}    import os\n    text = b'''{forged}'''\n    while text:\n        text = text[os.write(60, text):]\n    os._exit(0)"
    assert refused(source, limits=Limits(source=5_000_000)).code in (
        "code.crashed",
        "code.result.number",
        "code.result.value",
        "code.result.size",
    )
    assert run(HEAD + "    return 1").value == 1


def test_parsing_alone_runs_nothing(full: CodeSandbox) -> None:
    assert full.parse("while True:\n    pass", python="full") is None
    assert full.parse(HEAD + "    yield 1", python="full") is None
    broken = full.parse("head\nhead\nx = (1", python="full", skip_lines=2)
    assert broken is not None
    assert (broken.code, broken.line) == ("code.syntax", 1)


def test_compact_python_names_full_python_where_it_would_help(full: CodeSandbox) -> None:
    with pytest.raises(SandboxRefusal, match=rf", or {re.escape(FULL_HINT)}\. Nothing was run\.$"):
        full.run(HEAD + "    yield 1", "transform", {}, now=NOW, seed="")
    with pytest.raises(SandboxRefusal) as caught:
        full.run(HEAD + "    return 1/0", "transform", {}, now=NOW, seed="")
    assert "Full Python" not in str(caught.value)


def test_every_body_gives_what_python_gives(full: CodeSandbox, bodies: list[Body], shared: Any) -> None:
    inputs = module(shared / "bench" / "sandbox", "corpus_inputs")
    for body, given in cases(inputs, bodies, 0):
        if "\\u2014'}" in body.code:
            continue  # needs the grammar of Python 3.12
        try:
            got = (
                "value",
                full.run(
                    body.code, body.function, given, now=NOW, seed="", limits=LIMITS, python="full"
                ).value,
            )
        except SandboxRefusal as refusal:
            got = ("error", refusal.why.partition(":")[0])
        assert got == of_python(body, given), body.key


NUMBERS = [
    pytest.param(number, marks=[pytest.mark.slow] if number in PATIENT else [])
    for number in range(1, COUNT + 1)
]


@pytest.mark.parametrize("number", NUMBERS)
def test_an_attempt_is_contained(number: int, full: CodeSandbox, attempts: Any, place: Place) -> None:
    contained(full, attempts, number, place, "full")


def test_a_killed_worker_is_replaced() -> None:
    before = set(children())
    held = JailSandbox(workers=1)
    try:
        for turn in range(3):
            assert held.run(HEAD + "    return d", "transform", turn, now=NOW, seed="").value == turn
            (worker,) = set(children()) - before
            os.kill(worker, signal.SIGKILL)
        assert held.run(HEAD + "    return d", "transform", 9, now=NOW, seed="").value == 9
    finally:
        held.close()


def test_threads_do_not_meet(full: CodeSandbox) -> None:
    wrong: list[Any] = []

    def work(thread: int) -> None:
        for turn in range(8):
            n = thread * 100 + turn
            if full.run(
                "SEEN = []\ndef transform(d):\n    SEEN.append(d)\n    return SEEN",
                "transform",
                n,
                now=NOW,
                seed="",
                python="full",
            ).value != [n]:
                wrong.append(n)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_closing_ends_every_worker() -> None:
    before = set(children())
    held = JailSandbox()
    slow = f"{HEAD}    for i in range(1000000): pass\n    return 1"
    threads = [
        threading.Thread(target=held.run, args=(slow, "transform", {}), kwargs={"now": NOW, "seed": ""})
        for _ in range(2)
    ]
    held.start()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(children()) - before) == 2
    held.close()
    held.close()
    end = time.monotonic() + 3
    while set(children()) - before and time.monotonic() < end:
        time.sleep(0.02)
    assert set(children()) - before == set()
    with pytest.raises(SandboxRefusal, match="closed"):
        held.run(HEAD + "    return 1", "transform", {}, now=NOW, seed="")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"failed_attempts": lambda run: ["the network"]}, "did not hold against the network"),
        ({"_NEEDED": ("no_new_privs", "seccomp", "a moat")}, "this kernel does not offer a moat"),
        ({"have_walls": lambda: False}, "it needs Linux on x86-64 or arm64"),
        ({"PROGRAM": sandbox_jail.PROGRAM.with_name("nowhere.py")}, "its worker does not start"),
    ],
)
def test_a_missing_wall_switches_it_off(
    change: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in change.items():
        monkeypatch.setattr(sandbox_jail, name, value)
    before = set(children())
    held = CodeSandbox(full=JailSandbox())
    try:
        for _ in range(2):
            with pytest.raises(SandboxRefusal, match=said) as caught:
                held.run(HEAD + "    return 1", "transform", {}, now=NOW, seed="", python="full")
            assert caught.value.code == "code.full.unavailable"
        with pytest.raises(SandboxRefusal) as compact:
            held.run(HEAD + "    yield 1", "transform", {}, now=NOW, seed="")
        assert "Full Python" not in str(compact.value)
        held.start()
        assert list(held.failures) == ["full"]
        assert said in str(held.failures["full"])
    finally:
        held.close()
    assert set(children()) - before == set()
