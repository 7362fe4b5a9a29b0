"""Small changes of one text: case, spaces, length, parts."""

from __future__ import annotations

from typing import Any

from .define import Call, Example, Pin, pure
from .values import text, whole

Json = Any

_TEXT = Pin("text", "string", description="The text.")


@pure(
    "trim",
    family="text",
    label="Trim",
    sentence="{text} without blanks around it",
    inputs=(_TEXT,),
    outputs=(
        Pin(
            "result",
            "string",
            description="The text from its first to its last sign that is no space or line break.",
        ),
    ),
    keywords=("strip", "spaces", "whitespace", "clean"),
    examples=(
        Example({"text": "  hello \n"}, {"result": "hello"}),
        Example({"text": None}, {"result": ""}),
    ),
)
def trim(call: Call) -> dict[str, Json]:
    """Take the spaces and line breaks off both ends of a text."""
    return {"result": text(call.get("text")).strip()}


@pure(
    "uppercase",
    family="text",
    label="Uppercase",
    sentence="{text} in capitals",
    inputs=(_TEXT,),
    outputs=(
        Pin(
            "result", "string", description="The text in capital letters; it may be longer, as ß becomes SS."
        ),
    ),
    keywords=("capital", "case", "loud"),
    examples=(
        Example({"text": "straße"}, {"result": "STRASSE"}),
        Example({"text": None}, {"result": ""}),
    ),
)
def uppercase(call: Call) -> dict[str, Json]:
    """Write a text in capital letters."""
    return {"result": text(call.get("text")).upper()}


@pure(
    "lowercase",
    family="text",
    label="Lowercase",
    sentence="{text} in small letters",
    inputs=(_TEXT,),
    outputs=(Pin("result", "string", description="The text in small letters."),),
    keywords=("small", "case"),
    examples=(
        Example({"text": "Éa"}, {"result": "éa"}),
        Example({"text": True}, {"result": "true"}),
    ),
)
def lowercase(call: Call) -> dict[str, Json]:
    """Write a text in small letters."""
    return {"result": text(call.get("text")).lower()}


@pure(
    "length",
    family="text",
    label="Length",
    sentence="How long {text} is",
    inputs=(_TEXT,),
    outputs=(
        Pin(
            "result", "number", description="How many characters a text has, or entries a list or an object."
        ),
    ),
    keywords=("count", "size", "characters", "len"),
    examples=(
        Example({"text": "four"}, {"result": 4}),
        Example({"text": ["a", "b"]}, {"result": 2}, note="Of a list or an object: how many entries."),
        Example({"text": None}, {"result": 0}),
    ),
)
def length(call: Call) -> dict[str, Json]:
    """Count the characters of a text, or the entries of a list."""
    value = call.get("text")
    return {"result": len(value) if isinstance(value, (list, dict)) else len(text(value))}


@pure(
    "substring",
    family="text",
    label="Substring",
    sentence="{text} from {start}[ to {end}]",
    inputs=(
        _TEXT,
        Pin("start", "number", 0, "The first place, from 0; negative counts from the end."),
        Pin("end", "number", None, "The place where to stop; none: to the end."),
    ),
    outputs=(
        Pin(
            "result",
            "string",
            description="The characters from `start` up to the one before `end`; may be empty.",
        ),
    ),
    keywords=("slice", "part", "left", "right", "cut", "first", "last"),
    examples=(
        Example({"text": "flowstudio", "start": 0, "end": 4}, {"result": "flow"}),
        Example({"text": "flowstudio", "start": -6}, {"result": "studio"}),
        Example({"text": "abc", "start": 5}, {"result": ""}),
        Example({"text": "abc", "start": "x"}, error="'start' needs a number"),
    ),
)
def substring(call: Call) -> dict[str, Json]:
    """Take a part of a text, by the places where it begins and ends."""
    start, end = call.get("start", 0), call.get("end")
    first = 0 if start is None else whole(start, "start")
    last = None if end is None or end == "" else whole(end, "end")
    return {"result": text(call.get("text"))[first:last]}
