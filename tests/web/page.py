"""A page as a test sees it: parsed strictly, with its links, forms, scripts and words."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset(
    [
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "source",
        "track",
        "wbr",
    ]  # HTML's elements without end
)


@dataclass
class Tag:
    """A start tag."""

    name: str
    attributes: dict[str, str]


@dataclass
class Page(HTMLParser):
    """Reads HTML; raises ValueError for tags that are left open or closed out of order."""

    html: str
    tags: list[Tag] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    _open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        HTMLParser.__init__(self)
        self.feed(self.html)
        self.close()
        if self._open:
            raise ValueError(f"never closed: {self._open}")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(set(names)) != len(names):
            raise ValueError(f"<{tag}> has an attribute twice: {names}")
        self.tags.append(Tag(tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            raise ValueError(f"</{tag}> closes nothing, line {self.getpos()[0]}")

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        """Return what a person reads, in one line."""
        return " ".join(" ".join(self.words).split())

    def named(self, name: str, /, **attributes: str) -> list[Tag]:
        """Return the tags of a name that have these attributes; `_` stands for `-`."""
        wanted = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}
        return [
            tag
            for tag in self.tags
            if tag.name == name and all(tag.attributes.get(key) == value for key, value in wanted.items())
        ]

    def values(self, attribute: str) -> list[str]:
        """Return all values of an attribute."""
        return [tag.attributes[attribute] for tag in self.tags if attribute in tag.attributes]
