"""The outbox: notices as files, each sent once.

A file is named by the key of the visit that asked. A step that is taken again after a crash finds its
file and sends nothing more; whoever delivers the files elsewhere can go by their names.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from abstractruntime.core.clock import utc_now
from abstractruntime.core.effects import EffectOutcome
from abstractruntime.core.models import Effect, RunState

from ..staging import write_whole

Json = Any


@dataclass(frozen=True)
class Outbox:
    """A folder of notices. Answers `notify` effects; `notices` reads them."""

    folder: Path
    now: Callable[[], datetime] = utc_now

    def __call__(self, run: RunState, effect: Effect, *, idempotency_key: str) -> EffectOutcome:
        """Put a notice into the folder, once per key."""
        path = self.folder / f"{idempotency_key}.json"
        if not path.exists():
            notice = {
                "id": idempotency_key,
                "to": effect.payload.get("to", ""),
                "subject": effect.payload.get("subject", ""),
                "message": effect.payload.get("message", ""),
                "sent_at": self.now().isoformat(),
                "run_id": run.run_id,
                "workflow_id": run.workflow_id,
            }
            write_whole(path, json.dumps(notice, ensure_ascii=False, indent=1).encode())
        kept = json.loads(path.read_bytes())
        return EffectOutcome.completed({"id": kept["id"], "sent_at": kept["sent_at"]})

    def notices(self, most: int = 500) -> list[dict[str, Json]]:
        """Return the newest notices, newest first; a file that is no notice is left out."""
        files = sorted(self.folder.glob("*.json"), key=lambda file: file.stat().st_mtime, reverse=True)
        found = []
        for file in files[:most]:
            try:
                notice = json.loads(file.read_bytes())
            except ValueError:
                continue
            if isinstance(notice, dict) and {"id", "sent_at"} <= set(notice):
                found.append(notice)
        return sorted(found, key=lambda notice: str(notice["sent_at"]), reverse=True)
