"""One picture: a page, and what to do on it first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from browser.hand import Hand

SIZES = {"desk": (1440, 900), "phone": (390, 844)}
Act = Callable[[Hand], object]


@dataclass(frozen=True)
class Shot:
    """A page, and what to do on it before the picture."""

    name: str
    address: str
    act: Act | None = None
    is_whole: bool = True
    sizes: tuple[str, ...] = tuple(SIZES)
