"""Chance of a visit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Chance:
    """A generator that is made when a node first asks for chance: few do, and making one takes long."""

    def __init__(self, draw: Callable[[str], Any], seed: str) -> None:
        self._draw = draw
        self._seed = seed

    def __getattr__(self, name: str) -> Any:
        if "_made" not in self.__dict__:
            self._made = self._draw(self._seed)
        return getattr(self._made, name)
