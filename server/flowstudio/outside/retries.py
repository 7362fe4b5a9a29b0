"""How often an effect is tried: as often as its node says."""

from __future__ import annotations

from abstractruntime import DefaultEffectPolicy
from abstractruntime.core.models import Effect

MOST_RETRIES = 10


class NodesOwnPolicy(DefaultEffectPolicy):
    """Once, and as many times again as `retries` in the effect's payload says; waiting 0.5 s, 1 s, 2 s..."""

    def __init__(self) -> None:
        super().__init__(default_backoff_base=0.5, default_backoff_max=30.0)

    def max_attempts(self, effect: Effect) -> int:
        """Return one more than the retries that the node asks for."""
        retries = effect.payload.get("retries")
        wanted = int(retries) if isinstance(retries, (int, float)) else 0
        return 1 + min(MOST_RETRIES, max(0, wanted))
