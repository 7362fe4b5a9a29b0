"""Keys that somebody has written into a flow: told by their name or their form, so that they need not travel with it.

One rule for all: the check of a flow tells of them, an export leaves a named hole where one stood, and so does the
editor on the clipboard, which gets the same rule with the catalog (`RULE`; its expressions mean the same in Python and
in a browser). What is missed stays as it was written; what is taken for a key is left out and said to be.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

Json = Any
Place = tuple[str, ...]

RULE: Mapping[str, Any] = {
    "names": [
        "apikey",
        "token",
        "secret",
        "secrets",
        "password",
        "passwd",
        "passphrase",
        "pass",
        "pwd",
        "auth",
        "authorization",
        "bearer",
        "credential",
        "credentials",
        "cookie",
        "pat",
    ],
    "endings": ["apikey", "accesskey", "secretkey", "token", "secret", "password"],
    # a name that ends so tells of a key, and is none
    "about": [
        "file",
        "path",
        "dir",
        "folder",
        "name",
        "id",
        "url",
        "uri",
        "type",
        "mode",
        "env",
        "var",
        "variable",
        "ttl",
        "expiry",
        "length",
        "header",
        "headers",
        "method",
        "provider",
    ],
    # what stands where a key would, and is none
    "no_keys": ["true", "false", "yes", "no", "on", "off", "none", "oauth", "oauth2", "basic", "bearer"],
    "words": "[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+",
    "scheme": r"^(?:[Bb]earer|[Bb]asic|[Tt]oken)\s+(?=\S)",
    # the forms that well-known services give theirs; the first group is no part of the key
    "forms": (
        r"(://[^/\s:@]*:)(?!\{\{|\$\{)[^/\s@]+(?=@)"
        r"|(?<![A-Za-z0-9])(?:(?:sk|pk|rk)-[A-Za-z0-9_-]{8,}|sk_(?:live|test)_[A-Za-z0-9_]{8,}"
        r"|gh[opsur]_[A-Za-z0-9_]{16,}|github_pat_[A-Za-z0-9_]{16,}|glpat-[A-Za-z0-9_-]{12,}"
        r"|xox[abeprs]-[A-Za-z0-9_-]{8,}|AKIA[A-Z0-9]{12,}|AIza[A-Za-z0-9_-]{20,}|hf_[A-Za-z0-9_]{16,}"
        r"|npm_[A-Za-z0-9_]{16,}|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*)"
        r"|-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,20}PRIVATE KEY-----|(?![\s\S]))"
    ),
    # where the data of a node hold values of people, whose names may be those of keys
    "values": ["pinDefaults", "literalValue", "canvas.pinned"],
    "hole": "[key left out: ",
}
FORMS = re.compile(RULE["forms"])
_NAMES = frozenset(RULE["names"])
_ENDINGS = tuple(RULE["endings"])
_ABOUT = frozenset(RULE["about"])
NO_KEYS = frozenset(RULE["no_keys"])
_WORD = re.compile(RULE["words"])
_SCHEME = re.compile(RULE["scheme"])
_VALUES = tuple(tuple(path.split(".")) for path in RULE["values"])
# a text without any of these has no key of a known form; two forms need their colon and their dash
_MARKS = (
    "sk-",
    "pk-",
    "rk-",
    "sk_",
    "gho_",
    "ghp_",
    "ghs_",
    "ghu_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "xox",
    "AKIA",
    "AIza",
    "hf_",
    "npm_",
    "eyJ",
    "PRIVATE KEY",
    "://",
)
_HOLE = re.compile(re.escape(RULE["hole"]) + r"([^\]]*)\]")


def names_a_secret(name: str) -> bool:
    """Say whether what has this name on a command line is a key; in a flow the word `key` alone tells of an occasion."""
    return _tells(name, _NAMES | {"key"})


def _tells(name: str, names: frozenset[str]) -> bool:
    words = [word.lower() for word in _WORD.findall(name)]
    if not words or words[-1] in _ABOUT:
        return False
    return any(word in names or word.endswith(_ENDINGS) for word in words) or "".join(words).endswith(
        _ENDINGS
    )


def without_keys(data: Json) -> tuple[Json, list[Place]]:
    """Return the data of a node with a named hole for each key that is written into it, and where those stood."""
    found: list[Place] = []
    return (_walked(data, (), found, _covered), found) if _may_hold(data) else (data, found)


def document_without_keys(document: Mapping[str, Json]) -> tuple[dict[str, Json], bool]:
    """Return a flow with such holes in its nodes, and whether there are any now that were not there before."""
    nodes, is_changed = document.get("nodes"), False
    if not isinstance(nodes, list):
        return dict(document), False
    made = []
    for node in nodes:
        data, found = without_keys(node.get("data")) if isinstance(node, Mapping) else (None, [])
        made.append({**node, "data": data} if found else node)
        is_changed = is_changed or bool(found)
    return {**document, "nodes": made}, is_changed


def looked_through(datas: Mapping[str, Json]) -> Iterator[tuple[str, list[Place], list[tuple[Place, str]]]]:
    """Yield of each of these nodes' data where keys are written and where holes are, with their names."""
    text = json.dumps(list(datas.values()), default=str)
    is_marked, is_holed = any(mark in text for mark in _MARKS), RULE["hole"] in text
    for node_id, data in datas.items():
        keys = without_keys(data)[1] if is_marked or _is_naming(data) else []
        yield node_id, keys, keys_left_out(data) if is_holed else []


def keys_left_out(data: Json) -> list[tuple[Place, str]]:
    """Return where the data of a node have such holes, and what each is called."""
    found: list[tuple[Place, str]] = []

    def look(text: str, place: Place) -> tuple[str, bool]:
        found.extend((place, name) for name in _HOLE.findall(text))
        return text, False

    _walked(data, (), [], look)
    return found


def _may_hold(data: Json) -> bool:
    """Whether a closer look is worth its time: most nodes have neither a name nor a mark of a key."""
    text = json.dumps(data, ensure_ascii=False, default=str)
    return any(mark in text for mark in _MARKS) or _is_naming(data)


def _is_naming(data: Json) -> bool:
    return any(_has_name(_at(data, path)) for path in _VALUES)


def _at(value: Json, path: Place) -> Json:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _has_name(value: Json) -> bool:
    if isinstance(value, list):
        return any(map(_has_name, value))
    if not isinstance(value, dict):
        return False
    return any(_names_a_key(str(key)) or _has_name(item) for key, item in value.items())


def _walked(
    value: Json, place: Place, found: list[Place], text: Callable[[str, Place], tuple[str, bool]]
) -> Json:
    if isinstance(value, str):
        made, is_key = text(value, place)
        if is_key:
            found.append(place)
        return made
    if isinstance(value, Mapping):
        if "$secret" in value:
            return value  # names one, and holds none
        return {key: _walked(item, (*place, str(key)), found, text) for key, item in value.items()}
    if isinstance(value, list):
        return [_walked(item, place, found, text) for item in value]
    return value


def _covered(value: str, place: Place) -> tuple[str, bool]:
    name = place[-1] if place else ""
    hole = f"{RULE['hole']}{name}]"
    if _is_named(place) and _is_written(value):
        scheme = _SCHEME.match(value)
        return (scheme[0] if scheme else "") + hole, True
    made, count = FORMS.subn(lambda found: (found[1] or "") + hole, value)
    return made, count > 0


def _is_named(place: Place) -> bool:
    below = next((place[len(path) :] for path in _VALUES if place[: len(path)] == path), ())
    return bool(below) and _names_a_key(below[-1])


@lru_cache(maxsize=4096)
def _names_a_key(name: str) -> bool:
    return _tells(name, _NAMES)


def _is_written(value: str) -> bool:
    text = value.strip()
    return bool(text) and text.lower() not in NO_KEYS and "${" not in text and RULE["hole"] not in text
