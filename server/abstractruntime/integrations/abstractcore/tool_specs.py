"""Descriptions of tools: from any of the spellings in use to the one that model servers read.

A tool may come as `{"name", "description", "parameters": {name: {"type", "default"?}}}` (a property
without a default is required), as OpenAI's `{"type": "function", "function": {...}}`, as MCP's
`{"name", "inputSchema"}`, or as an object with `to_dict()`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

OWN_KEYS = frozenset({"default"})


class BadToolSpec(ValueError):
    """A tool's description cannot be read; the message names it."""


def openai_tools(tools: Iterable[Any] | None) -> list[dict[str, Any]]:
    """Return tools as OpenAI's function shape; raise BadToolSpec for a nameless or doubled one."""
    made: dict[str, dict[str, Any]] = {}
    for place, tool in enumerate(tools or ()):
        spec = _spec(tool, place)
        if spec["name"] in made:
            raise BadToolSpec(f"Two tools are called {spec['name']!r}")
        made[spec["name"]] = spec
    return [{"type": "function", "function": spec} for spec in made.values()]


def _spec(tool: Any, place: int) -> dict[str, Any]:
    dump = getattr(tool, "to_dict", None)
    if callable(dump):
        tool = dump()
    if isinstance(tool, str):
        raise BadToolSpec(f"tools[{place}] is the name {tool!r}; its description is needed")
    if not isinstance(tool, Mapping):
        raise BadToolSpec(f"tools[{place}] is {type(tool).__name__}, not an object")
    body = tool["function"] if isinstance(tool.get("function"), Mapping) else tool
    name = body.get("name")
    if not isinstance(name, str) or not name.strip():
        raise BadToolSpec(f"tools[{place}] has no name")
    schema = body.get("inputSchema") or body.get("input_schema") or body.get("parameters") or {}
    if not isinstance(schema, Mapping):
        raise BadToolSpec(
            f"tools[{place}] ({name}): its parameters are {type(schema).__name__}, not an object"
        )
    return {
        "name": name.strip(),
        "description": str(body.get("description") or ""),
        "parameters": parameters_schema(schema, body.get("required_args")),
    }


def parameters_schema(parameters: Mapping[str, Any], required: Any = None) -> dict[str, Any]:
    """Return the JSON Schema of a tool's parameters, whether given as one or as a map of properties."""
    if parameters.get("type") == "object" or isinstance(parameters.get("properties"), Mapping):
        return {"type": "object", "properties": {}, **parameters}
    properties = {
        str(name): dict(each) if isinstance(each, Mapping) else {"type": str(each)}
        for name, each in parameters.items()
    }
    if not isinstance(required, list):
        required = [name for name, each in properties.items() if "default" not in each]
    return {"type": "object", "properties": properties, "required": [str(name) for name in required]}
