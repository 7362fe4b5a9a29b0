"""What code nodes can do: values in, values out, the same every time."""

from __future__ import annotations

import statistics
import string
from collections.abc import Callable
from typing import Any

import pytest

from abstractruntime.visualflow_compiler.sandbox import CodeSandbox, SandboxResult
from sandbox.conftest import NOW

Run = Callable[..., SandboxResult]


@pytest.mark.parametrize(
    "value",
    [None, True, 0, -1, 2**70, 1.5, "", "é 漢 🎈 \x00 \n", [], {}, [1, [2, [3]]], {"a": {"b": [None, "x"]}}],
    ids=repr,
)
def test_json_goes_in_and_comes_out(value: Any, run: Run) -> None:
    assert run("def transform(_input):\n    return _input['value']", {"value": value}).value == value


def test_the_argument_is_a_copy(run: Run) -> None:
    given = {"items": [1, 2]}
    assert run("def transform(d):\n    d['items'].append(3)\n    return d", given).value == {
        "items": [1, 2, 3]
    }
    assert given == {"items": [1, 2]}


def test_tuples_and_plain_keys_become_json(run: Run) -> None:
    result = run("def transform(d):\n    return {1: (1, 2), None: True, 'a': {2.5: False}}")
    assert result.value == {"1": [1, 2], "null": True, "a": {"2.5": False}}


def test_functions_and_constants_of_the_author_are_there(run: Run) -> None:
    source = "RATE = 2\n\ndef double(x):\n    return x * RATE\n\ndef main(d):\n    return [double(n) for n in d['n']]"
    assert run(source, {"n": [1, 2]}, function_name="main").value == [2, 4]


def test_prints_are_kept(run: Run) -> None:
    result = run(
        "print('top')\ndef transform(d):\n    print('a', 1, sep='-', end='!')\n    print()\n    return 1"
    )
    assert (result.value, result.printed) == (1, "top\na-1!\n")
    assert 0 <= result.duration_ms < 2000


def test_exceptions_are_caught_by_the_code(run: Run) -> None:
    source = "def transform(d):\n    try:\n        return 1/0\n    except Exception as error:\n        return type(error).__name__"
    assert run(source).value == "ZeroDivisionError"


NAMES = [
    "len",
    "str",
    "int",
    "float",
    "bool",
    "list",
    "dict",
    "tuple",
    "set",
    "range",
    "enumerate",
    "zip",
    "map",
    "filter",
    "sorted",
    "reversed",
    "min",
    "max",
    "sum",
    "abs",
    "round",
    "isinstance",
    "type",
    "print",
    "any",
    "all",
    "next",
    "iter",
    "repr",
    "hasattr",
    "getattr",
    "ord",
    "chr",
    "divmod",
    "pow",
    "slice",
    "frozenset",
    "bytes",
    "Exception",
    "ValueError",
    "TypeError",
    "KeyError",
    "IndexError",
    "AttributeError",
    "ZeroDivisionError",
    "RuntimeError",
    "StopIteration",
    "ArithmeticError",
    "LookupError",
    "AssertionError",
    "NotImplementedError",
    "OverflowError",
    "NameError",
    "RecursionError",
    "json",
    "re",
    "math",
    "datetime",
    "statistics",
    "string",
    "itertools",
    "collections",
]


def test_every_promised_name_is_there(run: Run) -> None:
    source = f"def transform(d):\n    return [str(type(x)) for x in ({', '.join(NAMES)})]"
    assert len(run(source).value) == len(NAMES)


@pytest.mark.parametrize(
    "name", ["json", "re", "math", "datetime", "statistics", "string", "itertools", "collections"]
)
def test_promised_modules_can_be_imported(name: str, run: Run) -> None:
    source = f"import {name}\nimport {name} as other\ndef transform(d):\n    import {name}\n    return other is not None"
    assert run(source).value is True


def test_names_can_be_imported_from_the_added_modules(run: Run) -> None:
    source = (
        "from statistics import mean, stdev as spread\nfrom string import digits\n"
        "def transform(d):\n    return [mean(d['n']), spread(d['n']), digits]"
    )
    assert run(source, {"n": [1, 2, 3]}).value == [2, 1.0, "0123456789"]


FUNCTIONS = [
    "mean",
    "fmean",
    "median",
    "median_low",
    "median_high",
    "mode",
    "multimode",
    "variance",
    "pvariance",
    "stdev",
    "pstdev",
    "quantiles",
]
SAMPLES: list[list[float]] = [
    [1, 2, 3, 4],
    [3, 3, -7, 10**20, 5],
    [0.1, 0.2, 0.3],
    [1e-300, 1e15, 0.1, -2.5, 7],
    [2.5, 2, 1, 1],
    [1 / 3] * 7,
]


@pytest.mark.parametrize("sample", SAMPLES, ids=repr)
def test_the_added_statistics_agree_with_pythons(sample: list[float], run: Run) -> None:
    source = f"def transform(d):\n    return [f(d['n']) for f in ({', '.join('statistics.' + f for f in FUNCTIONS)})]"
    got = run(source, {"n": sample}).value
    wanted = [getattr(statistics, name)(sample) for name in FUNCTIONS]
    assert got == wanted
    assert [type(value) for value in got] == [type(value) for value in wanted]


def test_the_added_string_constants_agree_with_pythons(run: Run) -> None:
    names = "ascii_lowercase ascii_uppercase ascii_letters digits hexdigits octdigits punctuation whitespace printable"
    source = f"def transform(d):\n    return [{', '.join('string.' + name for name in names.split())}]"
    assert run(source).value == [getattr(string, name) for name in names.split()]


@pytest.mark.parametrize(
    ("statement", "before", "after"),
    [
        ("del d['a']", {"a": 1, "b": 2}, {"b": 2}),
        ("del d['x']['y']", {"x": {"y": 1}}, {"x": {}}),
        ("del d['l'][0]; d['z'] = 1", {"l": [1, 2]}, {"l": [2], "z": 1}),
        ("del (d['a'])  # del d['b']", {"a": 1, "b": 2}, {"b": 2}),
        ('del d["a]b"]', {"a]b": 1}, {}),
        ("del d[max(['a', 'b'])]", {"a": 1, "b": 2}, {"a": 1}),
        ("d['t'] = 'del d[0]'; del d['a']", {"a": 1}, {"t": "del d[0]"}),
        ("del d['a'], d['b']", {"a": 1, "b": 2, "c": 3}, {"c": 3}),
        ("if d: del (d['l'][0], d['l'][0]); d['z'] = 1", {"l": [1, 2, 3]}, {"l": [3], "z": 1}),
        ("del d['l'][1:3]", {"l": [1, 2, 3, 4]}, {"l": [1, 4]}),
        ("del d['l'][:], d['a:b,c']", {"l": [1], "a:b,c": 1}, {"l": []}),
        ("del d['l'][{'k': 1}['k'] : len('a:b')]", {"l": [1, 2, 3, 4]}, {"l": [1, 4]}),
    ],
)
def test_deleting_an_entry_works(statement: str, before: Any, after: Any, run: Run) -> None:
    assert run(f"def transform(d):\n    {statement}\n    return d", before).value == after


@pytest.mark.parametrize(
    ("body", "given", "wanted"),
    [
        ("return sorted(d['l'], key=str.lower)", {"l": ["b", "A"]}, ["A", "b"]),
        ("return [*map(str.strip, d['l']), *map(str.upper, 'ab')]", {"l": [" x "]}, ["x", "A", "B"]),
        ("return max(d['n'], key=d['n'].get)", {"n": {"a": 1, "b": 5}}, "b"),
        ("out = []\n    add = out.append\n    for i in range(3): add(i)\n    return out", {}, [0, 1, 2]),
        ("f = d['l'].pop\n    d['l'] = 5\n    return f()", {"l": [1, 2]}, 2),
        ("return list(map('{:.1f}'.format, d['l']))", {"l": [1, 2.25]}, ["1.0", "2.2"]),
        ("return [hasattr(d, n) for n in ('items', 'append', '__class__')]", {}, [True, False, False]),
        ("return [getattr(d['s'], 'upper')(), getattr(d, 'nothing', 7)]", {"s": "a"}, ["A", 7]),
    ],
)
def test_a_method_may_be_handed_on_and_asked_for(body: str, given: Any, wanted: Any, run: Run) -> None:
    assert run(f"def transform(d):\n    {body}\n", given).value == wanted


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("return d.nothing", "AttributeError: 'dict' object has no attribute 'nothing'"),
        ("return None.get", "AttributeError: 'NoneType' object has no attribute 'get'"),
        ("return getattr(d, 'nothing')", "has no attribute 'nothing'"),
        ("return getattr(d, '__class__')", "has no attribute '__class__'"),
        ("x = 'a'\n    return x.upper", "of type function"),
    ],
)
def test_what_is_no_method_is_an_error_as_before(body: str, why: str, refused: Any) -> None:
    assert why in str(refused(f"def transform(d):\n    {body}\n"))


def test_the_newer_f_strings_work_on_every_python(run: Run) -> None:
    assert run(
        "def transform(d):\n    return f\"{'\\n'.join(d['l'])}{d['l'][0]!r:>5}\"", {"l": ["a", "b"]}
    ).value == ("a\nb  'a'")


def test_the_clock_stands_and_chance_is_fixed(sandbox: CodeSandbox) -> None:
    source = (
        "import random, time\ndef transform(d):\n"
        "    return [str(datetime.datetime.now()), time.time(), random.random(), random.randint(1, 10**9)]"
    )
    first, again = (sandbox.run(source, "transform", {}, now=NOW, seed="a").value for _ in range(2))
    other = sandbox.run(source, "transform", {}, now=NOW, seed="b").value
    assert first == again
    assert first[:2] == ["2026-01-02 03:04:05", 1767323045.0]
    assert first[2:] != other[2:]
    assert other[:2] == first[:2]


def test_nothing_stays_for_the_next_call(run: Run) -> None:
    run("import json\nLEFT = 1\ndef transform(d):\n    global LEFT\n    LEFT = 2\n    return 1")
    probe = "def transform(d):\n    try:\n        return LEFT\n    except NameError:\n        return 'clean'"
    assert run(probe).value == "clean"
