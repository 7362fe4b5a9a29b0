"""Small rewrites that let compact Python run what it has another word for.

Each rewrite replaces exactly the range of the source that the interpreter itself refused, so text
inside strings and comments is never touched, and no rewrite adds or removes a line:

- `del items[key]` becomes `items.pop(key)`; both raise the same error when the key is missing; `del items[1:3]`
  becomes `items[1:3] = []`; of several targets each, in their order;
- `import statistics as s` and `from string import digits` become assignments from the prelude;
- a method of a built-in type that is handed on, not called (`key=str.lower`, `add = found.append`), becomes
  a function that calls it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .sandbox_prelude import METHODS, MODULES

_NAME = r"[A-Za-z_]\w*"
_IMPORT = re.compile(rf"import\s+({_NAME})(?:\s+as\s+({_NAME}))?")
_FROM = re.compile(
    rf"from\s+({_NAME})\s+import\s+({_NAME}(?:\s+as\s+{_NAME})?(?:\s*,\s*{_NAME}(?:\s+as\s+{_NAME})?)*)"
)
_DEL = re.compile(r"del\b")
_DOTTED = re.compile(rf"{_NAME}(?:\.{_NAME})*")
_PART = re.compile(rf"({_NAME})(?:\s+as\s+({_NAME}))?")
_NO_ATTRIBUTE = re.compile(
    rf"AttributeError: (type object )?'({_NAME})'(?: object)? has no attribute '({_NAME})'"
)


@dataclass(frozen=True)
class Range:
    """A piece of source: line and column count from 1, the end column is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int

    def of(self, source: str) -> str:
        """Return this piece of `source`."""
        lines = source.split("\n")[self.line - 1 : self.end_line]
        if lines:
            lines[-1] = lines[-1][: self.end_column - 1]
            lines[0] = lines[0][self.column - 1 :]
        return "\n".join(lines)


def mend(source: str, message: str, where: Range) -> str | None:
    """Return `source` with the refused statement in other words, None when there are none."""
    lines = source.split("\n")
    if where.line != where.end_line or not 1 <= where.line <= len(lines):
        return None
    text = lines[where.line - 1]
    statement = text[where.column - 1 : where.end_column - 1]
    if "'del' statement" in message:
        other = _without_del(statement)
    elif "No module named" in message:
        other = _without_import(statement)
    elif lacks := _NO_ATTRIBUTE.fullmatch(message):
        is_called = text[where.end_column - 1 :].lstrip().startswith("(")
        other = None if is_called else _as_function(statement, *lacks.groups())
    else:
        return None
    if other is None:
        return None
    lines[where.line - 1] = text[: where.column - 1] + other + text[where.end_column - 1 :]
    return "\n".join(lines)


def instead_of_del(statement: str) -> str:
    """Say what an author writes instead of a `del` statement, in the statement's own names; "" when unknown."""
    if "\n" in statement:
        if any(sign in statement for sign in ("#", '"""', "'''")):
            return ""
        statement = " ".join(line.removesuffix("\\").strip() for line in statement.split("\n"))
    said = [_removal(target) for target in _parts(_target(statement))]
    return f"Write {' and '.join(f'`{each}`' for each in said)}." if said and all(said) else ""


def _removal(target: str) -> str:
    """Return what does the work of `del target` for one target; "" when there is no such statement."""
    target = _target(target)
    opening = _last_subscript(target, any_key=True)
    if opening is None or not target[:opening].strip():
        return f"{target} = None" if _DOTTED.fullmatch(target) else ""
    owner, key = target[:opening], target[opening + 1 : -1].strip()
    if _is_one_key(key):
        return f"{owner}.pop({key})" if key.removeprefix("-").isdecimal() else f"{owner}.pop({key}, None)"
    if len(_parts(key)) > 1:
        return f"{owner}.pop(({key}), None)"
    return f"{owner}[{key}] = []" if key.count(":") == 1 else ""


def _parts(text: str) -> list[str]:
    """Return what stands between the commas of a text, but for those in brackets and strings."""
    return [part for part in _cut(text, ",") if part]


def _cut(text: str, at_sign: str) -> list[str]:
    """Cut a text wherever the sign stands in no bracket and no string."""
    at, begun, parts = 0, 0, []
    while at < len(text):
        sign = text[at]
        if sign in "\"'":
            at = _after_string(text, at)
            continue
        if sign in "([{":
            at = _closing(text, at) or len(text)
        elif sign == at_sign:
            parts.append(text[begun:at])
            begun = at + 1
        at += 1
    return [part.strip() for part in (*parts, text[begun:])]


def _target(statement: str) -> str:
    """Return what a `del` statement names, without `del` and the brackets around it."""
    target = _DEL.sub("", statement, count=1).strip()
    while target.startswith("(") and _closing(target, 0) == len(target) - 1:
        target = target[1:-1].strip()
    return target


def _without_del(statement: str) -> str | None:
    others = [_without_target(_target(target)) or "" for target in _parts(_target(statement))]
    return "; ".join(others) if others and all(others) else None


def _without_target(target: str) -> str | None:
    opening = _last_subscript(target, any_key=True)
    if opening is None or not target[:opening].strip():
        return None
    owner, key = target[:opening], target[opening + 1 : -1]
    if _is_one_key(key):
        return f"{owner}.pop({key})"
    is_slice = len(_cut(key, ",")) == 1 and len(_cut(key, ":")) == 2
    return f"{owner}[{key}] = []" if is_slice else None


def _as_function(statement: str, of_type: str | None, kind: str, name: str) -> str | None:
    """Return a function that calls the method which `statement` names; None where there is no such method."""
    if name not in METHODS.get(kind, ()) or not statement.endswith(f".{name}"):
        return None
    if of_type:
        return f"(lambda __flow_o, *a, **k: __flow_o.{name}(*a, **k))"
    return f"(lambda __flow_o: lambda *a, **k: __flow_o.{name}(*a, **k))({statement[: -len(name) - 1]})"


def _last_subscript(target: str, *, any_key: bool = False) -> int | None:
    """Return where the last `[` of `a[...]` stands; None unless the text is one subscript of one key (or any)."""
    at, opening = 0, None
    while at < len(target):
        sign = target[at]
        if sign in "\"'":
            at = _after_string(target, at)
            continue
        if sign in "([{":
            end = _closing(target, at)
            if end is None:
                return None
            opening = at if sign == "[" else None
            inner = target[at + 1 : end]
            if end == len(target) - 1:
                return opening if opening is not None and (any_key or _is_one_key(inner)) else None
            at = end + 1
            continue
        if sign == ",":
            return None
        at += 1
    return None


def _is_one_key(inner: str) -> bool:
    """Whether a subscript holds one key: no slice, no tuple."""
    at = 0
    while at < len(inner):
        sign = inner[at]
        if sign in "\"'":
            at = _after_string(inner, at)
        elif sign in "([{":
            end = _closing(inner, at)
            if end is None:
                return False
            at = end + 1
        elif sign in ",:":
            return False
        else:
            at += 1
    return bool(inner.strip())


def _closing(text: str, opening: int) -> int | None:
    """Return where the bracket at `opening` closes, None when it does not."""
    depth, at = 0, opening
    while at < len(text):
        sign = text[at]
        if sign in "\"'":
            at = _after_string(text, at)
            continue
        if sign in "([{":
            depth += 1
        elif sign in ")]}":
            depth -= 1
            if depth == 0:
                return at
        at += 1
    return None


def _after_string(text: str, start: int) -> int:
    """Return the position after the string literal that starts at `start`."""
    quote = text[start]
    mark = quote * 3 if text.startswith(quote * 3, start) else quote
    at = start + len(mark)
    while at < len(text) and not text.startswith(mark, at):
        at += 2 if text[at] == "\\" else 1
    return min(len(text), at + len(mark))


def _without_import(statement: str) -> str | None:
    whole = _IMPORT.fullmatch(statement.strip())
    if whole and whole.group(1) in MODULES:
        return f"{whole.group(2) or whole.group(1)} = __flow_{whole.group(1)}"
    parts = _FROM.fullmatch(statement.strip())
    if not parts or parts.group(1) not in MODULES:
        return None
    given = [_PART.fullmatch(part.strip()) for part in parts.group(2).split(",")]
    names = [(found.group(1), found.group(2) or found.group(1)) for found in given if found]
    left = ", ".join(name for _, name in names)
    right = ", ".join(f"__flow_{parts.group(1)}.{name}" for name, _ in names)
    return f"{left} = {right}"
