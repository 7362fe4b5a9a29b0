"""An actor's id as the digest of what describes it: the same description, the same id, anywhere.

It identifies and does not prove: nothing is signed.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

_DIGITS = 24


@dataclass(frozen=True)
class ActorFingerprint:
    """Who starts runs or answers them: `kind` is a word like `human`, `agent` or `service`."""

    actor_id: str
    kind: str
    display_name: str | None = None
    metadata: dict[str, Any] | None = None

    @classmethod
    def from_metadata(
        cls, *, kind: str, display_name: str | None = None, metadata: dict[str, Any] | None = None
    ) -> ActorFingerprint:
        """Return the actor with the id `ar_<24 hex digits>`; raise TypeError for metadata that is not JSON."""
        told = {"kind": kind, "display_name": display_name, "metadata": metadata or {}}
        text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        digest = hashlib.sha256(text.encode()).hexdigest()
        return cls(f"ar_{digest[:_DIGITS]}", kind, display_name, metadata)

    def to_dict(self) -> dict[str, Any]:
        """Return the actor as JSON."""
        return {
            "actor_id": self.actor_id,
            "kind": self.kind,
            "display_name": self.display_name,
            "metadata": self.metadata,
        }
