"""Dictionaries and lists that remember where they were touched; the machinery of `core.delta`.

Containers are wrapped when they are read, one level at a time. A wrapper knows its home: the
container and the key it was read from. Every way of reading hands out wrapped children and every
way of writing notes the place, also those that C code takes for subclasses (`dict(x)`, `{**x}`,
`sorted(x)`). A value assigned since the last drain is handed out as it is, see `core.delta`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, SupportsIndex, cast

from .jsonsafe import LEAF_TYPES, decode, encode, encode_path, quoted

_SET, _DEL, _RENEW = 1, 2, 3  # _RENEW: deleted and set again, so the key moved to the end
_MISSING: Any = object()
_TEXT: frozenset[type] = frozenset({str})
_SHALLOW, _SMALL = 100, 2**63  # far from what the encoder would refuse
Path = list[str | int]
Known = tuple[Any, str] | tuple[Any, str, str] | None  # a value, its text, and what the caller likes


class Tracker:
    """The wrappers touched since the last drain."""

    __slots__ = ("touched",)

    def __init__(self) -> None:
        self.touched: list[TrackedDict | TrackedList] = []


class Writer:
    """Collects the text of operations, and what to put in place of the values written."""

    __slots__ = ("known", "made", "settled", "texts")

    def __init__(self, known: Known, made: Mapping[int, tuple[Any, str]]) -> None:
        self.known = known
        self.made = made
        self.texts: list[str] = []
        self.settled: list[tuple[Any, Any, Any]] = []

    def value(self, node: Any, key: str | int, value: Any) -> str:
        """Return the text of a value; what is not a leaf will be replaced by what was written."""
        known = self.known
        if self.made and (made := self.made.get(id(value))) is not None:
            return made[1]
        if known is not None and value is known[0] and node.home is None:  # no deeper than in its record
            text = known[1]
        else:
            text = encode(value, "vars", (*path_of(node), key))
        if type(value) not in LEAF_TYPES:
            self.settled.append((node, key, _as_read(value, text)))
        return text


class TrackedDict(dict[str, Any]):
    """A dictionary that remembers its touched keys since the last drain."""

    __slots__ = ("_cleared", "_dirty", "_key", "_place", "home", "tracker")

    def __init__(self, content: dict[str, Any], tracker: Tracker, home: Any, key: Any) -> None:
        dict.__init__(self, content)
        self.tracker = tracker
        self.home = home
        self._key = key
        self._dirty: dict[str, int] | None = None
        self._cleared = False
        self._place: str | None = None

    # reading

    def _child(self, key: str, value: Any) -> Any:
        if self._dirty is not None and key in self._dirty:
            return value
        wrapped = _wrapped(value, self, key)
        if wrapped is not value:
            dict.__setitem__(self, key, wrapped)
        return wrapped

    def _wrap_children(self) -> None:
        found = [pair for pair in dict.items(self) if type(pair[1]) not in LEAF_TYPES]
        for key, value in found:
            self._child(key, value)

    def __getitem__(self, key: str) -> Any:
        value = dict.__getitem__(self, key)
        if type(value) in LEAF_TYPES or (
            type(value) is TrackedDict and value.home is self and value._key == key
        ):
            return value
        return self._child(key, value)

    def get(self, key: str, default: Any = None) -> Any:
        value = dict.get(self, key, _MISSING)
        return default if value is _MISSING else self[key]

    def __iter__(self) -> Iterator[str]:
        # Overridden so that dict(self) and {**self} read through __getitem__.
        return dict.__iter__(self)

    def values(self) -> Any:
        self._wrap_children()
        return dict.values(self)

    def items(self) -> Any:
        self._wrap_children()
        return dict.items(self)

    def copy(self) -> dict[str, Any]:
        self._wrap_children()
        return dict(dict.items(self))

    __copy__ = copy

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        return cast("dict[str, Any]", decode(encode(plain(self))))

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        return dict, (plain(self),)

    def __or__(self, other: Any) -> Any:
        return {**self, **other} if isinstance(other, dict) else NotImplemented

    def __ror__(self, other: Any) -> Any:
        return {**other, **self} if isinstance(other, dict) else NotImplemented

    # writing

    def _touched_keys(self) -> dict[str, int]:
        if self._dirty is None:
            self._dirty = {}
            self.tracker.touched.append(self)
        return self._dirty

    def __setitem__(self, key: str, value: Any) -> None:
        dirty = self._dirty
        if dirty is None:
            dirty = self._touched_keys()
        if key not in dirty:
            dirty[key] = _SET
        elif dirty[key] == _DEL:
            del dirty[key]
            dirty[key] = _RENEW
        dict.__setitem__(self, key, value)

    def __delitem__(self, key: str) -> None:
        dict.__delitem__(self, key)
        dirty = self._touched_keys()
        dirty.pop(key, None)
        dirty[key] = _DEL

    def setdefault(self, key: str, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def pop(self, key: str, default: Any = _MISSING) -> Any:
        if key in self:
            value = self[key]
            del self[key]
            return value
        if default is _MISSING:
            raise KeyError(key)
        return default

    def popitem(self) -> tuple[str, Any]:
        if not self:
            raise KeyError("popitem(): dictionary is empty")
        key = next(reversed(self))
        return key, self.pop(key)

    def clear(self) -> None:
        self._touched_keys().clear()
        self._cleared = True
        dict.clear(self)

    def update(self, *others: Any, **named: Any) -> None:
        for key, value in dict(*others, **named).items():
            self[key] = value

    def __ior__(self, other: Any) -> TrackedDict:  # type: ignore[override]  # `|=` takes pairs too
        self.update(other)
        return self

    # draining

    def _holds(self, key: Any, child: Any) -> bool:
        covered = self._dirty is not None and key in self._dirty
        return not covered and dict.get(self, key, _MISSING) is child

    def _placed(self) -> str:
        """Return the JSON of the path to a key of this, up to the key: a wrapper never moves."""
        path = path_of(self)
        place = f"{encode_path(path)[:-1]}," if path else "["
        if len(path) < _SHALLOW:
            self._place = place
        return place

    def describe(self, out: Writer) -> None:
        place, texts = self._place or self._placed(), out.texts
        is_shallow = self._place is not None
        if self._cleared:
            texts.append(f'["clear",{encode_path(path_of(self))}]')
        for key, mark in (self._dirty or {}).items():
            if type(key) is not str or not key.isascii():
                encode({key: None}, "vars", path_of(self))  # refuses a key that is not text, naming the place
            if mark != _SET:
                texts.append(f'["del",{place}{quoted(key)}]]')
                if mark == _DEL:
                    continue
            value = dict.__getitem__(self, key)
            kind = type(value)
            if kind is int and is_shallow and -_SMALL < value < _SMALL:
                texts.append(f'["set",{place}{quoted(key)}],{value}]')
            elif kind is str and is_shallow and value.isascii():
                texts.append(f'["set",{place}{quoted(key)}],{quoted(value)}]')
            else:
                texts.append(f'["set",{place}{quoted(key)}],{out.value(self, key, value)}]')

    def put(self, key: Any, value: Any) -> None:
        dict.__setitem__(self, key, value)

    def rest(self) -> None:
        self._dirty = None
        self._cleared = False


class TrackedList(list[Any]):
    """A list that remembers which leading items it kept and which of those were replaced."""

    __slots__ = ("_dirty", "_keep", "_key", "_length", "home", "tracker")

    def __init__(self, content: Iterable[Any], tracker: Tracker, home: Any, key: Any) -> None:
        list.__init__(self, content)
        self.tracker = tracker
        self.home = home
        self._key = key
        self._dirty: set[int] | None = None
        self._keep = self._length = 0  # valid while touched

    # reading

    def _child(self, index: int, value: Any) -> Any:
        if self._dirty is not None and (index >= self._keep or index in self._dirty):
            return value
        wrapped = _wrapped(value, self, index)
        if wrapped is not value:
            list.__setitem__(self, index, wrapped)
        return wrapped

    def _wrap_children(self) -> None:
        for index, value in enumerate(list.__iter__(self)):
            if type(value) not in LEAF_TYPES:
                self._child(index, value)

    def __getitem__(self, index: Any) -> Any:
        value = list.__getitem__(self, index)
        if type(value) in LEAF_TYPES:
            return value
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        at = index.__index__()
        return self._child(at if at >= 0 else at + len(self), value)

    def __iter__(self) -> Iterator[Any]:
        self._wrap_children()
        return list.__iter__(self)

    def __reversed__(self) -> Iterator[Any]:
        self._wrap_children()
        return list.__reversed__(self)

    def copy(self) -> list[Any]:
        return list(self)

    __copy__ = copy

    def __deepcopy__(self, memo: dict[int, Any]) -> list[Any]:
        return cast("list[Any]", decode(encode(plain(self))))

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        return list, (plain(self),)

    def __add__(self, other: Any) -> Any:
        return [*self, *other] if isinstance(other, list) else NotImplemented

    def __radd__(self, other: Any) -> Any:
        return [*other, *self] if isinstance(other, list) else NotImplemented

    def __mul__(self, times: SupportsIndex) -> list[Any]:
        return list(self) * times

    __rmul__ = __mul__

    # writing

    def _touch(self, keep: int) -> set[int]:
        """Note that items from `keep` on are new."""
        if self._dirty is None:
            self._dirty = set()
            self._keep = self._length = len(self)
            self.tracker.touched.append(self)
        if keep < self._keep:
            self._keep = max(keep, 0)
        return self._dirty

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(index, slice):
            places = range(*index.indices(len(self)))
            self._touch(min(places, default=places.start))
            list.__setitem__(self, index, list(value))
            return
        list.__setitem__(self, index, value)
        at = index.__index__()
        dirty = self._touch(len(self))
        dirty.add(at if at >= 0 else at + len(self))

    def __delitem__(self, index: Any) -> None:
        places = range(*index.indices(len(self))) if isinstance(index, slice) else None
        first = len(self) if places is not None and not places else self._first(index, places)
        list.__getitem__(self, index)  # raises before anything is noted
        self._touch(first)
        list.__delitem__(self, index)

    def _first(self, index: Any, places: range | None) -> int:
        if places is not None:
            return min(places)
        at = int(index.__index__())
        return at if at >= 0 else at + len(self)

    def append(self, item: Any) -> None:
        self._touch(len(self))
        list.append(self, item)

    def extend(self, items: Iterable[Any]) -> None:
        added = list(items)
        self._touch(len(self))
        list.extend(self, added)

    def __iadd__(self, items: Iterable[Any]) -> TrackedList:  # type: ignore[misc]  # any iterable
        self.extend(items)
        return self

    def __imul__(self, times: SupportsIndex) -> TrackedList:
        self[:] = list(self) * times
        return self

    def insert(self, index: SupportsIndex, item: Any) -> None:
        at = index.__index__()
        self._touch(max(at + len(self), 0) if at < 0 else min(at, len(self)))
        list.insert(self, index, item)

    def pop(self, index: SupportsIndex = -1) -> Any:
        value = self[index]
        del self[index]
        return value

    def remove(self, item: Any) -> None:
        del self[self.index(item)]

    def clear(self) -> None:
        self._touch(0)
        list.clear(self)

    def reverse(self) -> None:
        self._touch(0)
        list.reverse(self)

    def sort(self, *, key: Callable[[Any], Any] | None = None, reverse: bool = False) -> None:
        ordered = sorted(self, key=cast("Any", key), reverse=reverse)
        self._touch(0)
        list.__setitem__(self, slice(None), ordered)

    # draining

    def _holds(self, key: Any, child: Any) -> bool:
        if self._dirty is not None and (key >= self._keep or key in self._dirty):
            return False
        return key < len(self) and list.__getitem__(self, key) is child

    def describe(self, out: Writer) -> None:
        home, keep = encode_path(path_of(self)), self._keep
        for index in sorted(self._dirty or ()):
            if index < keep:
                text = out.value(self, index, list.__getitem__(self, index))
                out.texts.append(f'["set",{home[:-1]},{index}],{text}]')
        if keep < self._length:
            out.texts.append(f'["cut",{home},{keep}]')
        if keep < len(self):
            added = enumerate(list.__getitem__(self, slice(keep, None)), keep)
            items = [out.value(self, index, item) for index, item in added]
            out.texts.append(f'["append",{home},[{",".join(items)}]]')

    def put(self, key: Any, value: Any) -> None:
        list.__setitem__(self, key, value)

    def rest(self) -> None:
        self._dirty = None


_TRACKED = (TrackedDict, TrackedList)


def plain(value: Any) -> Any:
    """Return the value with every wrapper replaced by a plain dict or list."""
    if isinstance(value, TrackedDict):
        return {key: item if type(item) in LEAF_TYPES else plain(item) for key, item in dict.items(value)}
    if isinstance(value, TrackedList):
        return [item if type(item) in LEAF_TYPES else plain(item) for item in list.__iter__(value)]
    return value


def _wrapped(value: Any, home: TrackedDict | TrackedList, key: Any) -> Any:
    if isinstance(value, _TRACKED):
        if value.home is home and value._key == key:
            return value
        value = plain(value)
    if isinstance(value, dict):
        return TrackedDict(value, home.tracker, home, key)
    if isinstance(value, (list, tuple)):
        return TrackedList(value, home.tracker, home, key)
    return value


def _as_read(value: Any, text: str) -> Any:
    """Return a value as a restart would read it from its text; a flat object is copied in less time."""
    if (
        type(value) is dict
        and _TEXT.issuperset(map(type, value))
        and LEAF_TYPES.issuperset(map(type, value.values()))
    ):
        return value.copy()
    return decode(text)


def tracked_at(root: Any, key: str, second: str) -> TrackedDict | None:
    """Return the wrapper that reading these two keys would give; None if it would have to be made."""
    if type(root) is TrackedDict:
        node = dict.get(root, key)
        if type(node) is TrackedDict and node.home is root and node._key == key:
            child = dict.get(node, second)
            if type(child) is TrackedDict and child.home is node and child._key == second:
                return child
    return None


def path_of(node: Any) -> Path:
    """Return the keys that lead from the root to a wrapper."""
    path: Path = []
    while node.home is not None:
        path.append(node._key)
        node = node.home
    path.reverse()
    return path


def is_live(node: Any, root: TrackedDict) -> bool:
    """Say whether a wrapper is still there, and none of the places that lead to it was assigned anew."""
    while node is not root:
        home = node.home
        if home is None or not home._holds(node._key, node):
            return False
        node = home
    return True
