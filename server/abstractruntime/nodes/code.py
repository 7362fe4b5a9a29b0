"""Python written by the author of the flow. The text is run by the sandbox, never here.

A node holds either a short body (`codeBody`), which sees its input pins as variables and is wrapped
into a function here, or a whole source (`code`) with the function in it, which is run as it stands; so is
a body that has the function itself. When both are there the whole source counts, as in every earlier editor. Nothing here parses Python:
the sandbox's own parser judges the text.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from .authored import pin_value
from .define import (
    EXEC_IN,
    EXEC_OUT,
    Call,
    Example,
    Field,
    Finding,
    Goto,
    Grow,
    NodeError,
    Pin,
    Source,
    action,
)

Json = Any

FUNCTION = "transform"
ARGUMENT = "_input"
SECONDS = 2
MOST_SECONDS = 30
_PYTHONS = ("compact", "full")
_EXECUTION = "execution"
_QUOTES = ('"""', "'''")
_SPEAKS = re.compile(r"\b(?:print\s*\(|raise\b|assert\b)")


def _text(data: Mapping[str, Json], key: str) -> str:
    value = data.get(key)
    return value if isinstance(value, str) else ""


def _setting(data: Mapping[str, Json], key: str, default: Json) -> Json:
    config = data.get("codeConfig")
    return config.get(key, default) if isinstance(config, Mapping) else default


def _pin_names(data: Mapping[str, Json]) -> list[str]:
    """Return the data inputs that can be Python variables, in the document's order."""
    pins = data.get("inputs")
    ids = [
        str(pin.get("id"))
        for pin in (pins if isinstance(pins, (list, tuple)) else ())
        if isinstance(pin, Mapping) and pin.get("id") and pin.get("type") != "execution"
    ]
    names = [name for name in (ids or ["input"]) if name.isidentifier() and not keyword.iskeyword(name)]
    return [name for name in names if name != ARGUMENT]


def _function_name(data: Mapping[str, Json]) -> str:
    return _text(data, "functionName").strip() or FUNCTION


def _python(data: Mapping[str, Json]) -> str:
    return str(_setting(data, "python", "compact")).strip().lower()


def _starts_inside_text(body: str) -> list[bool]:
    """Say for each line whether it begins inside a text of several lines."""
    inside: list[bool] = []
    quote = ""
    for line in body.split("\n"):
        inside.append(len(quote) == 3)
        at = 0
        while at < len(line):
            if quote:
                if line[at] == "\\":
                    at += 2
                    continue
                if line.startswith(quote, at):
                    at += len(quote)
                    quote = ""
                    continue
            elif line[at] == "#":
                break
            elif line[at] in "\"'":
                quote = line[at : at + 3] if line[at : at + 3] in _QUOTES else line[at]
                at += len(quote)
                continue
            at += 1
        if len(quote) == 1 and not line.endswith("\\"):
            quote = ""
    return inside


def _own_lines(body: str) -> list[tuple[str, bool]]:
    """Return the lines of a body without the indentation that all have, each with whether it begins inside a text."""
    lines = body.replace("\r\n", "\n").split("\n")
    inside = _starts_inside_text("\n".join(lines))
    told = list(zip(lines, inside, strict=True))
    own = [line[: -len(line.lstrip())] for line, is_text in told if line.strip() and not is_text]
    least = min(own, key=len, default="")
    common = least if all(indent.startswith(least) for indent in own) else ""
    return [(line if is_text else line.removeprefix(common), is_text) for line, is_text in told]


def _is_whole(body: str, function: str) -> bool:
    """Say whether a body is a whole source: it has the function, and returns nothing outside of functions."""
    head, has_function = "", False
    for line, is_text in _own_lines(body):
        word = line.strip()
        if is_text or not word or word.startswith("#"):
            continue
        if line[0] not in " \t)":
            head = line
            has_function = has_function or re.match(rf"def\s+{re.escape(function)}\s*\(", line) is not None
        if re.match(r"return\b", word) and not re.match(r"(def|class)\b", head):
            return False
    return has_function


def _wrapped(body: str, names: list[str], function: str) -> Source:
    """Return the function around a short body: a variable for each pin, then the author's lines."""
    head = [f"def {function}({ARGUMENT}):", *(f"    {name} = {ARGUMENT}.get({name!r})" for name in names)]
    told = _own_lines(body)
    indented = [line if inside or not line.strip() else f"    {line}" for line, inside in told]
    return Source("\n".join([*head, *indented, "    pass"]), function, skip_lines=len(head))


def _source(data: Mapping[str, Json]) -> Source | None:
    """Return the text that runs, None when the author has written none."""
    whole, body, function = _text(data, "code"), _text(data, "codeBody"), _function_name(data)
    if not whole.strip() and not body.strip():
        return None
    text = whole if whole.strip() else body
    if whole.strip() or _is_whole(body, function):
        found = Source("\n".join(line for line, _ in _own_lines(text)), function)
    else:
        found = _wrapped(body, _pin_names(data), function)
    python: Literal["compact", "full"] = "full" if _python(data) == "full" else "compact"
    return replace(found, python=python, field="code" if whole.strip() else "codeBody")


def _expression(data: Mapping[str, Json]) -> Source | None:
    """Return the text of a legacy function node: its code, or its expression as a function."""
    text = _text(data, "expression").strip()
    if _text(data, "code").strip() or not text:
        return _source({key: value for key, value in data.items() if key != "codeBody"})
    names = [name for name in _pin_names(data) if name not in ("x", "input")]
    before = [f"input = {ARGUMENT}.get('input', {ARGUMENT})", f"x = {ARGUMENT}.get('x', input)", "return ("]
    found = _wrapped("\n".join([*before, text, ")"]), names, FUNCTION)
    return replace(found, skip_lines=found.skip_lines + len(before), field="expression")


def _seconds(data: Mapping[str, Json]) -> float | None:
    """Return the time limit, None when it is no number between 0 and the most."""
    value = _setting(data, "seconds", SECONDS)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= MOST_SECONDS:
        return None
    return float(value)


def _check(data: Mapping[str, Json]) -> list[Finding]:
    found = []
    whole, body = _text(data, "code"), _text(data, "codeBody")
    if not whole.strip() and not body.strip():
        found.append(Finding("error", "code.empty", "There is no code. Write what the node shall return."))
    if not _function_name(data).isidentifier():
        message = f"'{_function_name(data)}' cannot be the name of a function."
        found.append(Finding("error", "code.function.name", message))
    if whole.strip() and body.strip() and "".join(body.split()) not in "".join(whole.split()):
        message = "The full source is what runs; the short code beside it is not used."
        found.append(Finding("note", "code.two_sources", message))
    if _seconds(data) is None:
        message = f"The time limit must be a number of seconds up to {MOST_SECONDS}."
        found.append(Finding("error", "code.time_limit", message))
    if pin_value(data, "permissions") == "full_access":
        message = "Code never has full access here: it cannot reach files, the network or other programs."
        sets = {"pinDefaults.permissions": "sandbox"}
        found.append(Finding("risk", "code.permissions", message, "permissions", sets, "Take 'sandbox'"))
    if _python(data) not in _PYTHONS:
        message = f"'{_python(data)}' is no kind of Python: choose compact or full."
        found.append(Finding("error", "code.python", message))
    return found


def _check_function(data: Mapping[str, Json]) -> list[Finding]:
    if _text(data, "code").strip() and not _function_name(data).isidentifier():
        message = f"'{_function_name(data)}' cannot be the name of a function."
        return [Finding("error", "code.function.name", message)]
    return []


def _only_computes(data: Mapping[str, Json]) -> bool:
    """Say whether code is there for what it returns: it neither prints nor ends the run on purpose."""
    return not any(_SPEAKS.search(_text(data, key)) for key in ("code", "codeBody", "expression"))


def _argument(call: Call) -> Json:
    """Return what the function is called with: the inputs, or the last output when nothing is wired."""
    if call.fed or call.ambient is None:
        return call.inputs
    if isinstance(call.ambient, Mapping):
        return {**call.ambient, **call.inputs}
    return call.inputs or call.ambient


def _run(call: Call, source: Source) -> Json:
    """Run the text in the sandbox and leave by the branch that it names, if the node has such pins."""
    if call.sandbox is None:
        raise NodeError("Code cannot run here: this program has no sandbox for it.", code="code.unavailable")
    result = call.sandbox.run(
        source.text,
        source.function,
        _argument(call),
        now=call.now,
        seed=f"{call.run_id}:{call.node_id}:{call.visit}",
        seconds=_seconds(call.data),
        python=source.python,
        skip_lines=source.skip_lines,
    )
    if result.printed:
        call.note["printed"] = result.printed
    return _branch(call, _reported(call, result.value))


def _reported(call: Call, value: Json) -> Json:
    """Return what the code gave, and beside it the report that a node with the output `execution` gives.

    Such nodes are from a later release of the reference. How long it took is not told: a step that is
    taken again must give the same.
    """
    if _EXECUTION not in call.outs:
        return value
    report = {"output": value, "result": value, "success": True, "error": None}
    given = value if isinstance(value, Mapping) else {}
    return {**report, _EXECUTION: {"permissions": "sandbox"}, **given}


def _branch(call: Call, value: Json) -> Json:
    """Return the value, or the way out that its key `branch` names on a node with several exits."""
    branches = [pin for pin in call.outs if pin not in call.types and pin != EXEC_OUT.id]
    if not branches:
        return value
    branch = value.get("branch") if isinstance(value, Mapping) else None
    if isinstance(branch, str) and branch in branches:
        return Goto(branch, value)
    if call.exits and EXEC_OUT.id not in call.exits:
        raise NodeError(
            f"The code must return an object whose `branch` is one of {', '.join(branches)}, "
            f"not {branch!r}: the node goes on by that pin.",
            code="code.branch",
        )
    return value


_INPUT = Pin("input", "any", description="What the code gets under the name `input`.")
_OUTPUT = Pin("output", "any", description="What the code returned.")


@action(
    "code",
    family="code",
    gives=_only_computes,
    label="Python Code",
    inputs=(EXEC_IN, _INPUT),
    outputs=(EXEC_OUT, _OUTPUT),
    saved_pins=True,
    grows=Grow("inputs", names="free"),
    ambient=True,
    fields=(
        Field(
            "codeBody",
            "string",
            "",
            "Code",
            "Each input pin is a variable; end with `return`. An object's keys become output pins.",
            widget="code",
        ),
        Field(
            "code",
            "string",
            "",
            "Full source",
            "A whole function instead of the short code above. When this is filled, it is what runs.",
            widget="code",
        ),
        Field("functionName", "string", FUNCTION, "Function", "Which function of the full source is called."),
        Field(
            "codeConfig.python",
            "string",
            "compact",
            "Python",
            "Compact is quicker and the same everywhere; full knows all of the language.",
            choices=_PYTHONS,
        ),
        Field("codeConfig.seconds", "number", SECONDS, "Time limit (s)", "Computing time, up to 30 seconds."),
    ),
    source=_source,
    check=_check,
    template={
        "inputs": [
            {"id": "exec-in", "label": "", "type": "execution"},
            {"id": "input", "label": "input", "type": "any"},
        ],
        "outputs": [
            {"id": "exec-out", "label": "", "type": "execution"},
            {"id": "output", "label": "output", "type": "any"},
        ],
        "codeBody": "return input",
        "functionName": FUNCTION,
    },
    keywords=("python", "script", "function", "program", "transform", "expression"),
    examples=(
        Example(
            {"price": 12.5, "count": 4},
            {"total": 50.0, "text": "4 pieces"},
            data={
                "inputs": [
                    {"id": "exec-in", "type": "execution"},
                    {"id": "price", "type": "number"},
                    {"id": "count", "type": "number"},
                ],
                "codeBody": "total = price * count\nreturn {'total': total, 'text': f'{count} pieces'}",
            },
            note="Each input is a variable, each key of the answer an output.",
        ),
        Example(
            {"words": ["b", "a", "b"]},
            {"result": {"b": 2, "a": 1}},
            data={
                "inputs": [{"id": "exec-in", "type": "execution"}, {"id": "words", "type": "array"}],
                "code": (
                    "def count(words):\n"
                    "    return dict(collections.Counter(words))\n"
                    "\n"
                    "def transform(_input):\n"
                    '    return {"result": count(_input["words"])}\n'
                ),
            },
            note="A full source may have functions of its own.",
        ),
        Example(
            {"input": 2},
            {
                "double": 4,
                "output": {"double": 4},
                "result": {"double": 4},
                "success": True,
                "error": None,
                "execution": {"permissions": "sandbox"},
            },
            data={
                "codeBody": "return {'double': input * 2}",
                "outputs": [
                    {"id": "exec-out", "type": "execution"},
                    {"id": "double", "type": "number"},
                    {"id": "success", "type": "boolean"},
                    {"id": "execution", "type": "object"},
                ],
            },
            note="With an output called execution it also reports how it went, as later releases of the reference do.",
        ),
        Example(
            {"input": 0},
            data={"codeBody": "share = 1\nreturn share / input"},
            error="line 2",
            note="An error names the line.",
        ),
    ),
)
def code(call: Call) -> Json:
    """Compute something in Python.

    Every input pin is a variable of the code; what it returns is the output, and the keys of an object
    can be wired one by one. The modules json, re, math, datetime, statistics, string, itertools and
    collections are at hand. The code cannot reach files, the network or other programs, and is stopped
    when it takes too long. What it prints is shown in the run.
    """
    wrong = [found for found in _check(call.data) if found.severity == "error"]
    source = _source(call.data)
    if wrong or source is None:
        raise NodeError(wrong[0].message, code=wrong[0].code)
    return _run(call, source)


@action(
    "function",
    family="code",
    gives=_only_computes,
    label="Function (old)",
    inputs=(EXEC_IN, _INPUT),
    outputs=(EXEC_OUT, _OUTPUT),
    saved_pins=True,
    ambient=True,
    palette=False,
    fields=(
        Field("expression", "string", "", "Expression", "Its value is the output.", widget="code"),
        Field("code", "string", "", "Full source", "A function instead of the expression.", widget="code"),
        Field("functionName", "string", FUNCTION, "Function", "Which function of the source is called."),
    ),
    source=_expression,
    check=_check_function,
    examples=(
        Example({"input": 20}, {"result": 41}, data={"expression": "{'result': x * 2 + 1}"}),
        Example({"input": {"a": 1}}, {"a": 1}, note="Without any text the input passes through."),
    ),
)
def function(call: Call) -> Json:
    """Compute an expression, as older flows did. Use Python Code in new flows."""
    source = _expression(call.data)
    if source is None:
        return call.inputs["input"] if set(call.inputs) == {"input"} else _argument(call)
    return _run(call, source)
