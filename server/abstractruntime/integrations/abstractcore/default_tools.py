"""AbstractCore's own tools in sets: files, web, system, and (where the environment asks for it) comms.

(source: contract/kernel.md 9.8) They need AbstractCore with its extra `tools`; what is missing is a NotInstalled. The
runtime answers `open_attachment` itself: it is among the specs, and has no function.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

from .guard import NotInstalled, abstractcore, quiet_logging
from .session_attachments import OPEN_ATTACHMENT

Tool = Callable[..., Any]
FILES, WEB, SYSTEM, COMMS = "files", "web", "system", "comms"
_SETS = {
    FILES: (
        "list_files",
        "skim_folders",
        "search_files",
        "analyze_code",
        "skim_files",
        "read_file",
        "write_file",
        "edit_file",
    ),
    WEB: ("web_search", "fetch_url"),
    SYSTEM: ("execute_command",),
}
# Whoever sets one of these lets flows write to people.
_COMMS = {
    "ABSTRACT_ENABLE_EMAIL_TOOLS": ("comms_tools", ("list_emails", "read_email", "send_email")),
    "ABSTRACT_ENABLE_WHATSAPP_TOOLS": (
        "comms_tools",
        ("list_whatsapp_messages", "read_whatsapp_message", "send_whatsapp_message"),
    ),
    "ABSTRACT_ENABLE_TELEGRAM_TOOLS": ("telegram_tools", ("send_telegram_message",)),
}
_ALL_COMMS = "ABSTRACT_ENABLE_COMMS_TOOLS"
_YES = frozenset({"1", "true", "yes", "y", "on"})
_OPEN_ATTACHMENT_SPEC: dict[str, Any] = {
    "name": OPEN_ATTACHMENT,
    "description": "Open a file of this session again, or a part of it.",
    "parameters": {
        "artifact_id": {"type": "string", "default": ""},
        "handle": {"type": "string", "default": ""},
        "start_line": {"type": "integer", "default": 1},
        "end_line": {"type": "integer", "default": None},
        "max_chars": {"type": "integer", "default": 8000},
    },
    "required_args": [],
    "toolset": FILES,
}


def get_default_toolsets() -> dict[str, list[Tool]]:
    """Return the functions by the name of their set; raise NotInstalled."""
    module = abstractcore("tools.common_tools", wanted_for="The default tools")
    sets = {name: [getattr(module, each) for each in names] for name, names in _SETS.items()}
    comms = _comms()
    return {**sets, **({COMMS: comms} if comms else {})}


def get_default_tools() -> list[Tool]:
    """Return the functions of all sets."""
    return [tool for tools in get_default_toolsets().values() for tool in tools]


def build_default_tool_map() -> dict[str, Tool]:
    """Return the functions by name, for a MappingToolExecutor."""
    return {_name(tool): tool for tool in get_default_tools()}


def list_default_tool_specs() -> list[dict[str, Any]]:
    """Return the descriptions that models are given, with their `toolset`, sorted by set and name."""
    specs = [
        {**_definition(tool), "toolset": name}
        for name, tools in get_default_toolsets().items()
        for tool in tools
    ]
    return sorted([*specs, dict(_OPEN_ATTACHMENT_SPEC)], key=lambda each: (each["toolset"], each["name"]))


def filter_tool_specs(names: Iterable[str]) -> list[dict[str, Any]]:
    """Return the descriptions of the tools with these names; raise ValueError naming one there is not."""
    known = {each["name"]: each for each in list_default_tool_specs()}
    wanted = [str(name).strip() for name in names]
    missing = [name for name in wanted if name not in known]
    if missing:
        raise ValueError(f"There is no default tool {missing[0]!r}: there are {', '.join(sorted(known))}")
    return [known[name] for name in wanted]


def _comms() -> list[Tool]:
    found = []
    for variable, (place, names) in _COMMS.items():
        if _is_on(variable) or _is_on(_ALL_COMMS):
            abstractcore("tools", wanted_for="The tools that write to people")
            try:
                with quiet_logging():
                    module = import_module(f"abstractcore.tools.{place}")
            except ModuleNotFoundError as error:
                raise NotInstalled(
                    f"{variable} asks for tools that need the package '{error.name}': install it"
                ) from None
            found += [getattr(module, name) for name in names if hasattr(module, name)]
    return found


def _is_on(variable: str) -> bool:
    return os.environ.get(variable, "").strip().lower() in _YES


def _name(tool: Tool) -> str:
    return str(getattr(getattr(tool, "_tool_definition", None), "name", None) or tool.__name__)


def _definition(tool: Tool) -> dict[str, Any]:
    made: dict[str, Any] = tool._tool_definition.to_dict()  # type: ignore[attr-defined]
    return made
