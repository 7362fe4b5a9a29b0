"""Keys that somebody has written into a flow: told by their name or their form, so that they need not travel with it.

One rule for all: the check of a flow tells of them, an export leaves a named hole where one stood, and so does the
editor on the clipboard, which gets the same rule with the catalog (`RULE`; its expressions mean the same in Python and
in a browser). What is missed stays as it was written; what is taken for a key is left out and said to be.
"""

from __future__ import annotations

import marshal
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import accumulate
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
    "endings": ["apikey", "accesskey", "secretkey", "privatekey", "token", "secret", "password"],
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
    # the forms that well-known services give theirs, and the parts of an address; what a group holds is no part of the key
    "forms": (
        r"(://[^/\s:@]*:)(?!\{|\$\{|['\"])[^/\s@]+(?=@)"
        r"|([?&](?:[A-Za-z0-9]+[_-])?(?:[Aa]pi[_-]?[Kk]ey|API[_-]?KEY|[Aa]ccess[_-]?(?:[Kk]ey|[Tt]oken)"
        r"|ACCESS[_-]?(?:KEY|TOKEN)|[Aa]uth[_-]?[Tt]oken|[Ss]ecret[_-]?[Kk]ey|[Pp]rivate[_-]?[Kk]ey"
        r"|[Cc]lient[_-]?[Ss]ecret|[Pp]assword)=)[A-Za-z0-9_-][^\s&#\"'`<>{}()\[\]\\$]{2,}"
        r"|(?<![A-Za-z0-9])(?:(?:sk|pk|rk)-[A-Za-z0-9_-]{8,}|sk_(?:live|test)_[A-Za-z0-9_]{8,}"
        r"|gh[opsur]_[A-Za-z0-9_]{16,}|github_pat_[A-Za-z0-9_]{16,}|glpat-[A-Za-z0-9_-]{12,}"
        r"|xox[abeprs]-[A-Za-z0-9_-]{8,}|AKIA[A-Z0-9]{12,}|AIza[A-Za-z0-9_-]{20,}|hf_[A-Za-z0-9_]{16,}"
        r"|npm_[A-Za-z0-9_]{16,}|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*)"
        r"|-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,20}PRIVATE KEY-----|(?![\s\S]))"
    ),
    # where the data of a node hold values of people, whose names may be those of keys
    "values": ["pinDefaults", "literalValue", "canvas.pinned"],
    # a setting is told by these names alone, for others may say which secret of the server it means; not below `bare`
    "settings": ["apikey", "accesskey", "secretkey", "privatekey"],
    "bare": ["inputs", "outputs", "pinExpressions", "inputRouteOverrides", "entryRoutes", "canvas"],
    "references": ["${", "{{"],
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
_SETTINGS = tuple(RULE["settings"])
_BARE = frozenset(RULE["bare"])
# Where none of these is found there is no key of a known form. Each begins with one letter or more, by which it is found fast.
_MARKS = (
    re.compile(rb"-(?:(?<=[^A-Za-z0-9][spr]k-)|(?<=pat-)|(?<=xox[abeprs]-))[\w-]{8}"),
    re.compile(rb"_(?:(?<=sk_)|(?<=gh[opsur]_)|(?<=pat_)|(?<=hf_)|(?<=npm_))\w{8}"),
    re.compile(rb"A(?:KIA[A-Z0-9]{12}|Iza[\w-]{20})"),
    re.compile(rb"eyJ[\w-]{8}"),
    re.compile(rb"PRIVATE KEY-----"),
    re.compile(rb"://[^/\s:@]*:[^/\s@]+@"),
    re.compile(rb"=(?<=[Kk][Ee][Yy]=|[Kk][Ee][Nn]=|ret=|ord=)"),
)
_HOLDERS = frozenset((dict, list))
_HOLES = (re.compile(re.escape(RULE["hole"]).encode()),)
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
    """Yield of those of these nodes' data that have any where keys are written and where holes are, with their names."""
    texts = list(map(_as_bytes, datas.values()))
    text, ends = b"".join(texts), list(accumulate(map(len, texts)))
    marked, holed = ({bisect_right(ends, at) for at in _finds(text, marks)} for marks in (_MARKS, _HOLES))
    plain: set[str] = set()
    for number, (node_id, data) in enumerate(datas.items()):
        is_holed = number in holed
        if is_holed or number in marked or _is_naming(data, plain):
            yield node_id, _keys_in(data), keys_left_out(data) if is_holed else []


def keys_left_out(data: Json) -> list[tuple[Place, str]]:
    """Return where the data of a node have such holes, and what each is called."""
    found: list[tuple[Place, str]] = []

    def look(text: str, place: Place) -> tuple[str, bool]:
        found.extend((place, name) for name in _HOLE.findall(text))
        return text, False

    _walked(data, (), [], look)
    return found


def _keys_in(data: Json) -> list[Place]:
    found: list[Place] = []
    _walked(data, (), found, _covered)
    return found


def _may_hold(data: Json) -> bool:
    """Whether a closer look is worth its time: most nodes have neither a name nor a mark of a key."""
    return any(True for _ in _finds(_as_bytes(data), _MARKS)) or _is_naming(data, set())


def _as_bytes(data: Json) -> bytes:
    """Return bytes in which every text of the data stands as it is, after a zero: made in a third of JSON's time, and never read again."""
    try:
        return marshal.dumps(data, 2)  # the version before texts were written once and then referred to
    except ValueError:  # not only of plain JSON
        texts = [""]

        def look(text: str, place: Place) -> tuple[str, bool]:
            texts.append(text)
            return text, False

        _walked(data, (), [], look)
        return "\0".join(texts).encode(errors="surrogatepass")


def _finds(text: bytes, marks: Iterable[re.Pattern[bytes]]) -> Iterator[int]:
    return (found.start() for mark in marks for found in mark.finditer(text))


def _is_naming(data: Json, plain: set[str]) -> bool:
    """Whether a value or a setting may have the name of a key; `plain` are names that have none, and get more."""
    if not isinstance(data, dict):
        return False
    if not plain.issuperset(data) and _names_one(data, plain):
        return True
    for key, value in data.items():
        if value and value.__class__ in _HOLDERS and key not in _BARE and _has_name(value, plain):
            return True
    return "canvas" in data and any(_has_name(_at(data, path), plain) for path in _VALUES)


def _names_one(names: Iterable[str], plain: set[str]) -> bool:
    if any(_names_a_key(str(name)) for name in names):
        return True
    plain.update(names)
    return False


def _at(value: Json, path: Place) -> Json:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _has_name(value: Json, plain: set[str]) -> bool:
    items = value
    if value.__class__ is dict:
        if not plain.issuperset(value) and _names_one(value, plain):
            return True
        items = value.values()
    elif value.__class__ is not list:
        return False
    return any(item and item.__class__ in _HOLDERS and _has_name(item, plain) for item in items)


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
    made, count = FORMS.subn(lambda found: value[found.start() : before_key(found)] + hole, value)
    return made, count > 0


def before_key(found: re.Match[str]) -> int:
    """Return where the key begins in what `FORMS` has found."""
    return found.end(found.lastindex) if found.lastindex else found.start()


def _is_named(place: Place) -> bool:
    if any(len(place) > len(path) and place[: len(path)] == path for path in _VALUES):
        return _names_a_key(place[-1])
    if not place or place[0] in _BARE or not _names_a_key(place[-1]):
        return False
    return "".join(_WORD.findall(place[-1])).lower().endswith(_SETTINGS)


@lru_cache(maxsize=4096)
def _names_a_key(name: str) -> bool:
    return _tells(name, _NAMES)


def _is_written(value: str) -> bool:
    text = value.strip()
    if not text or text.lower() in NO_KEYS:
        return False
    return RULE["hole"] not in text and not any(each in text for each in RULE["references"])
