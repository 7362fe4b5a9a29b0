"""Putting texts together, taking them apart, changing them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .authored import grown, pin_value, setting
from .define import Call, Example, Field, Finding, Grow, NodeError, Pin, pure
from .templating import brace_format, fill, mistakes
from .values import fitting, items, text, truth, unescaped, whole

Json = Any

_TEXT = Pin("text", "string", description="The text.")
_PARTS = Grow(
    "inputs", "letters", 2, "string", "One part; null is written as nothing, what is no text as JSON."
)
_TEMPLATE_PINS = ("template", "vars")


@pure(
    "concat",
    family="text",
    label="Concat",
    inputs=(_PARTS.pin("a"), _PARTS.pin("b")),
    outputs=(Pin("result", "string", description="All parts as one text, with the separator between them."),),
    grows=_PARTS,
    fields=(
        Field(
            "concatConfig.separator",
            "string",
            " ",
            "Between",
            "What stands between the parts; \\n is a line break and \\t a tab.",
        ),
    ),
    template={"concatConfig": {"separator": " "}},
    keywords=("join", "combine", "append", "glue", "plus", "text"),
    examples=(
        Example({"a": "Hello", "b": "Ada"}, {"result": "Hello Ada"}),
        Example(
            {"a": 1, "b": None, "c": True},
            {"result": "1\n\ntrue"},
            data={
                "concatConfig": {"separator": "\\n"},
                "inputs": [{"id": name, "type": "any"} for name in ("a", "b", "c")],
            },
            note="A missing value leaves its place empty.",
        ),
        Example({"b": "alone"}, {"result": "alone"}, note="A pin without wire and value is left out."),
    ),
)
def concat(call: Call) -> dict[str, Json]:
    """Put texts together, in the order of the pins."""
    between = unescaped(text(setting(call.data, "concatConfig.separator", " ")))
    return {"result": _joined([call.inputs[pin] for pin in grown(call)], between)}


def _joined(values: list[Json], between: str) -> str:
    parts = [text(value) for value in values]
    fitting(sum(map(len, parts)) + len(between) * len(parts))
    return between.join(parts)


def _check_template(data: Mapping[str, Json]) -> list[Finding]:
    template = pin_value(data, "template")
    if not isinstance(template, str):
        return []
    return [
        Finding("risk", "template.mistake", message, pin="template")
        for message in dict.fromkeys(mistakes(template))
    ]


@pure(
    "string_template",
    family="text",
    label="String Template",
    sentence="{template}[ with {vars}]",
    inputs=(
        Pin("template", "string", "", "Text with {{name}} where values go.", widget="text"),
        Pin("vars", "object", {}, "The values, by name."),
    ),
    outputs=(Pin("result", "string", description="The template with the values in their places."),),
    saved_pins=True,
    grows=Grow("inputs", names="free"),
    check=_check_template,
    template={"pinDefaults": {"template": "Hello {{name}}"}},
    keywords=("placeholder", "mustache", "fill", "compose", "mail", "prompt"),
    examples=(
        Example(
            {
                "template": "Dear {{ customer.name }}, {{ items | join(', ') }}!",
                "vars": {"customer": {"name": "Ada"}, "items": ["tea", "milk"]},
            },
            {"result": "Dear Ada, tea, milk!"},
        ),
        Example(
            {"template": "{{a | upper}}|{{missing}}|{{o | json}}", "vars": {"a": "x", "o": {"z": 1, "a": 2}}},
            {"result": 'X||{"a": 2, "z": 1}'},
            note="What is missing becomes nothing.",
        ),
        Example(
            {"template": "Hi {{who}}", "who": "Ada"},
            {"result": "Hi Ada"},
            data={"inputs": [{"id": name, "type": "any"} for name in ("template", "vars", "who")]},
            note="Pins that you add are values too.",
        ),
        Example({"template": "{{ a[0 }}", "vars": {"a": [1]}}, error="lacks a ']'"),
    ),
)
def string_template(call: Call) -> dict[str, Json]:
    """Write a text with places for values.

    {{name}} is replaced by the value of that name; {{order.lines[0].price}} reaches inside. After a bar
    a value can be changed: json, join(", "), trim, lower, upper.
    """
    given = call.get("vars")
    extra = {pin: value for pin, value in call.inputs.items() if pin not in _TEMPLATE_PINS}
    values = {**given, **extra} if isinstance(given, dict) else extra
    return {"result": fill(text(call.get("template")), values)}


@pure(
    "format",
    family="text",
    label="Format",
    sentence="{template} with {values}",
    inputs=(
        Pin("template", "string", "", "Text with {name} where values go.", widget="text"),
        Pin("values", "object", {}, "The values, by name."),
    ),
    outputs=(Pin("result", "string", description="The template with the values in their places."),),
    keywords=("placeholder", "pad", "align", "decimals", "printf"),
    examples=(
        Example(
            {"template": "{name}: {price:.2f} {{net}}", "values": {"name": "Tea", "price": 3.5}},
            {"result": "Tea: 3.50 {net}"},
        ),
        Example({"template": "{rows[0][id]}", "values": {"rows": [{"id": 7}]}}, {"result": "7"}),
        Example({"template": "{who}", "values": {}}, error="There is no value 'who'"),
        Example({"template": "{who", "values": {"who": 1}}, error="cannot be read"),
        Example({"template": "{who.__class__}", "values": {"who": "x"}}, error="Write {who["),
    ),
)
def format_(call: Call) -> dict[str, Json]:
    """Write a text with places for values, and say how each is to look.

    {name} is replaced by the value of that name, {price:.2f} shows two decimals, {name:>10} fills up
    with spaces. A name that is not there is an error.
    """
    template, values = text(call.get("template")), call.get("values")
    return {"result": brace_format(template, values) if isinstance(values, dict) else template}


@pure(
    "join",
    family="text",
    label="Join",
    sentence="{items} joined by {delimiter}",
    inputs=(
        Pin("items", "array", description="The parts."),
        Pin("delimiter", "string", ",", "What stands between them; \\n is a line break."),
    ),
    outputs=(Pin("result", "string", description="All items as one text, with the delimiter between them."),),
    keywords=("list", "combine", "glue", "lines", "csv", "concat"),
    examples=(
        Example({"items": ["a", "b"], "delimiter": "\\n- "}, {"result": "a\n- b"}),
        Example({"items": [1, None, True]}, {"result": "1,,true"}),
        Example({"items": None}, {"result": ""}),
    ),
)
def join(call: Call) -> dict[str, Json]:
    """Put the items of a list together to one text."""
    return {"result": _joined(items(call.get("items")), unescaped(text(call.get("delimiter", ","))))}


@pure(
    "split",
    family="text",
    label="Split",
    sentence="{text} cut at {delimiter}",
    inputs=(
        _TEXT,
        Pin("delimiter", "string", ",", "Where to cut; \\n is a line break."),
        Pin("trim", "boolean", True, hidden=True),
        Pin("drop_empty", "boolean", True, hidden=True),
        Pin("maxsplit", "number", None, hidden=True),
    ),
    outputs=(Pin("result", "array", description="The parts as texts, in their order."),),
    keywords=("cut", "lines", "words", "csv", "separate", "list"),
    examples=(
        Example({"text": "a, b,,c"}, {"result": ["a", "b", "c"]}),
        Example({"text": " one\ntwo ", "delimiter": "\\n"}, {"result": ["one", "two"]}),
        Example(
            {"text": "a, b,,c", "trim": False, "drop_empty": False, "maxsplit": 2},
            {"result": ["a", " b", ",c"]},
        ),
        Example({"text": "a,b", "maxsplit": 10**30}, {"result": ["a", "b"]}),
        Example({"text": "as it is", "delimiter": ""}, {"result": ["as it is"]}),
        Example({"text": None}, {"result": []}),
    ),
)
def split(call: Call) -> dict[str, Json]:
    """Cut a text into a list of parts.

    Spaces around the parts are taken off and empty parts are left out.
    """
    source, delimiter = text(call.get("text")), unescaped(text(call.get("delimiter", ",")))
    limit = call.get("maxsplit")
    most = -1 if limit is None or limit == "" else whole(limit, "maxsplit")
    most = min(most, len(source)) if most >= 0 else -1
    parts = source.split(delimiter, most) if delimiter else [source]
    if truth(call.get("trim", True), "trim"):
        parts = [part.strip() for part in parts]
    if truth(call.get("drop_empty", True), "drop_empty"):
        parts = [part for part in parts if part]
    return {"result": parts}


@pure(
    "contains",
    family="text",
    label="Contains",
    sentence="Whether {pattern} is in {text}",
    inputs=(_TEXT, Pin("pattern", "string", description="What to look for; capital letters count.")),
    outputs=(Pin("result", "boolean", description="Whether it is there."),),
    keywords=("includes", "search", "find", "has", "match"),
    examples=(
        Example({"text": "good morning", "pattern": "morn"}, {"result": True}),
        Example({"text": ["a", "b"], "pattern": '"b"'}, {"result": True}, note="Lists are searched as JSON."),
        Example({"text": "anything", "pattern": ""}, {"result": False}),
    ),
)
def contains(call: Call) -> dict[str, Json]:
    """Tell whether a text contains another."""
    pattern = text(call.get("pattern"))
    return {"result": bool(pattern) and pattern in text(call.get("text"))}


def _times(mode: Json) -> int:
    """Return how often to replace; -1: everywhere."""
    word = text(mode).strip().lower()
    if word in ("first", "once"):
        return 1
    try:
        count = whole(word)
    except NodeError:
        return -1
    return count if count >= 0 else -1


@pure(
    "replace",
    family="text",
    label="Replace",
    sentence="{text} with {pattern} made {replacement}",
    inputs=(
        _TEXT,
        Pin("pattern", "string", description="What to look for."),
        Pin("replacement", "string", "", "What to put there."),
        Pin("mode", "string", "all", "all, first, or how many times."),
    ),
    outputs=(
        Pin(
            "result",
            "string",
            description="The whole text after the change; as it was when the pattern is not in it.",
        ),
    ),
    keywords=("substitute", "change", "remove", "swap"),
    examples=(
        Example({"text": "a-b-c", "pattern": "-", "replacement": "+"}, {"result": "a+b+c"}),
        Example({"text": "a-b-c", "pattern": "-", "mode": "first"}, {"result": "ab-c"}),
        Example({"text": "aaaa", "pattern": "a", "replacement": None, "mode": 3}, {"result": "a"}),
        Example({"text": "aaaa", "pattern": "a", "replacement": "b", "mode": 10**30}, {"result": "bbbb"}),
        Example({"text": "as it is", "pattern": None}, {"result": "as it is"}),
    ),
)
def replace(call: Call) -> dict[str, Json]:
    """Replace a part of a text by another, everywhere or only at first."""
    source, pattern = text(call.get("text")), text(call.get("pattern"))
    if not pattern:
        return {"result": source}
    replacement, times = text(call.get("replacement", "")), _times(call.get("mode", "all"))
    found = source.count(pattern) if times < 0 else min(times, source.count(pattern))
    fitting(len(source) + found * (len(replacement) - len(pattern)))
    return {"result": source.replace(pattern, replacement, found)}


@pure(
    "is_empty_string",
    family="text",
    label="Is Empty",
    sentence="Whether {text} is empty",
    inputs=(_TEXT,),
    outputs=(Pin("result", "boolean", description="Whether there is nothing."),),
    keywords=("blank", "missing", "null", "nothing", "check"),
    examples=(
        Example({"text": ""}, {"result": True}),
        Example({"text": None}, {"result": True}, note="No value counts as empty."),
        Example({"text": " "}, {"result": False}, note="A space is something."),
        Example({"text": 0}, {"result": False}),
    ),
)
def is_empty_string(call: Call) -> dict[str, Json]:
    """Tell whether a text is empty or missing."""
    return {"result": call.get("text") in (None, "")}
