"""How much a recall may cost: three levels, and what each allows (kernel contract 8.4).

A level fills what the asker left open, and brings down, with a warning, what asks for more.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class RecallLevel(str, Enum):
    """How hard to look."""

    URGENT = "urgent"
    STANDARD = "standard"
    DEEP = "deep"


@dataclass(frozen=True)
class SpanRecallPolicy:
    """Bounds of a search for spans."""

    limit_spans_default: int
    limit_spans_max: int
    deep_allowed: bool
    deep_limit_spans_max: int
    deep_limit_messages_per_span_max: int
    connected_allowed: bool
    neighbor_hops_max: int
    max_messages_default: int
    max_messages_max: int


@dataclass(frozen=True)
class RehydrateRecallPolicy:
    """Bounds of putting archived messages back."""

    max_messages_default: int
    max_messages_max: int


@dataclass(frozen=True)
class KgRecallPolicy:
    """Bounds of a search in a knowledge graph."""

    min_score_default: float
    min_score_floor: float
    limit_default: int
    limit_max: int
    max_input_tokens_default: int
    max_input_tokens_max: int


@dataclass(frozen=True)
class RecallPolicy:
    """All bounds of one level."""

    level: RecallLevel
    span: SpanRecallPolicy
    rehydrate: RehydrateRecallPolicy
    kg: KgRecallPolicy


_POLICIES = {
    level: RecallPolicy(level, span, rehydrate, kg)
    for level, span, rehydrate, kg in (
        (
            RecallLevel.URGENT,
            SpanRecallPolicy(2, 3, False, 0, 0, False, 0, 30, 60),
            RehydrateRecallPolicy(30, 60),
            KgRecallPolicy(0.55, 0.5, 20, 40, 600, 1000),
        ),
        (
            RecallLevel.STANDARD,
            SpanRecallPolicy(5, 8, True, 25, 200, True, 1, 80, 150),
            RehydrateRecallPolicy(80, 200),
            KgRecallPolicy(0.4, 0.25, 80, 200, 1200, 3000),
        ),
        (
            RecallLevel.DEEP,
            SpanRecallPolicy(8, 20, True, 100, 400, True, 2, 200, 600),
            RehydrateRecallPolicy(200, 800),
            KgRecallPolicy(0.25, 0.0, 200, 1000, 2400, 6000),
        ),
    )
}


def parse_recall_level(raw: object) -> RecallLevel | None:
    """Return the level, None for none or blank; raise ValueError for anything else."""
    if raw is None or isinstance(raw, RecallLevel):
        return raw
    word = raw.strip().lower() if isinstance(raw, str) else None
    if word == "":
        return None
    known = [level.value for level in RecallLevel]
    if word not in known:
        raise ValueError(f"Unknown recall_level: {raw!r:.80} (expected one of {', '.join(known)})")
    return RecallLevel(word)


def policy_for(level: RecallLevel) -> RecallPolicy:
    """Return the bounds of a level."""
    return _POLICIES[level]


@dataclass
class Clamp:
    """Brings what was asked for into a level's bounds and remembers what it changed."""

    level: RecallLevel
    warnings: list[str]

    def most(self, name: str, asked: int | None, default: int, most: int) -> int:
        """Return the asked number, at most `most`; the default when none was asked for.

        A negative number means "all", which a level forbids.
        """
        if asked is None:
            return default
        if 0 <= asked <= most:
            return asked
        self.warn(f"clamped {name} from {asked} to {most}")
        return most

    def least(self, name: str, asked: float | None, default: float, floor: float) -> float:
        """Return the asked score, at least `floor`; the default when none was asked for."""
        if asked is None:
            return default
        if asked >= floor:
            return asked
        self.warn(f"raised {name} from {asked} to {floor}")
        return floor

    def allow(self, name: str, asked: bool, is_allowed: bool) -> bool:
        """Return whether something asked for may be done."""
        if asked and not is_allowed:
            self.warn(f"{name} disabled")
            return False
        return asked

    def warn(self, text: str) -> None:
        """Remember a change, naming the level that made it."""
        self.warnings.append(f"recall_level={self.level.value}: {text}")
