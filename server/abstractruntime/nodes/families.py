"""The palette's groups. A new group is one line here; its colour is the CSS variable `--fam-<id>`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """A group of node types: `icon` names a sign of the icon set.

    `reach` says what its nodes touch outside of the run, for people who take in somebody's flow.
    """

    id: str
    label: str
    icon: str
    reach: str = ""


FAMILIES: tuple[Family, ...] = (
    Family("flow", "Start & end", "flow"),
    Family("control", "Flow control", "control"),
    Family("people", "People", "people"),
    Family("events", "Time & events", "events"),
    Family("text", "Text", "text"),
    Family("math", "Numbers", "math"),
    Family("lists", "Lists & tables", "lists"),
    Family("data", "Objects & JSON", "data"),
    Family("logic", "Logic", "logic"),
    Family("files", "Files", "files", reach="reads or writes files of the workspace"),
    Family("ai", "AI", "ai", reach="asks models"),
    Family("tools", "Tools", "tools", reach="uses tools"),
    Family("memory", "Memory", "memory"),
    Family("media", "Pictures & sound", "media", reach="makes pictures or sound with models"),
    Family("variables", "Variables", "variables"),
    Family("literals", "Constants", "literals"),
    Family("code", "Code", "code", reach="runs code in the sandbox"),
    Family("subflow", "Subflows", "subflow"),
    Family("web", "Web & notices", "web", reach="calls other computers, or sends notices"),
)

BY_ID = {family.id: family for family in FAMILIES}
