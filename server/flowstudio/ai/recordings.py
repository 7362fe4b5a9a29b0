"""Answers of models, kept as they came, to be given again: for tests, and for work without a network.

A call is known by a digest of what decides its answer: model, messages, tools, schema, files and the parameters
of sampling. Each is one file, so that recordings can be read, compared and kept beside a flow.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from abstractruntime.integrations.abstractcore.llm_errors import LLMCallFailed
from abstractruntime.integrations.abstractcore.llm_protocol import LLMClient
from abstractruntime.integrations.abstractcore.llm_schema import schema_of
from abstractruntime.integrations.abstractcore.tool_results import json_safe

from ..staging import write_whole

_DECIDING = (
    *("_model", "temperature", "seed", "thinking", "top_p", "stop"),
    *("max_tokens", "max_output_tokens", "tool_mode"),
)


def call_digest(asked: dict[str, Any]) -> str:
    """Return what a call is known by: 32 hex digits."""
    params = asked.get("params") or {}
    wanted = params.get("response_model")
    known = {
        "prompt": asked.get("prompt") or "",
        "messages": asked.get("messages") or [],
        "system_prompt": asked.get("system_prompt") or "",
        "tools": asked.get("tools") or [],
        "params": {key: params[key] for key in _DECIDING if params.get(key) is not None},
        "schema": schema_of(wanted) if isinstance(wanted, type) else None,
        **({"media": [_seen(each) for each in asked["media"]]} if asked.get("media") else {}),
    }
    text = json.dumps(json_safe(known), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _seen(item: Any) -> Any:
    """Return what a file is known by: its content, for its path is another at each call."""
    path = Path(item) if isinstance(item, str) else None
    return hashlib.sha256(path.read_bytes()).hexdigest() if path is not None and path.is_file() else item


class RecordingModel:
    """Asks another model and keeps what it said."""

    def __init__(self, model: LLMClient, folder: Path) -> None:
        self._model = model
        self._folder = folder

    def generate(self, **asked: Any) -> dict[str, Any]:
        """Return the other model's answer, kept first."""
        answer = self._model.generate(**asked)
        kept = json.dumps(json_safe(answer), ensure_ascii=False, indent=1, sort_keys=True)
        write_whole(self._folder / f"{call_digest(asked)}.json", kept.encode())
        return answer


class RecordedModel:
    """Gives the answers that were recorded, and no others."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def generate(self, **asked: Any) -> dict[str, Any]:
        """Return the recorded answer; raise LLMCallFailed when this was never asked."""
        name = f"{call_digest(asked)}.json"
        try:
            answer: dict[str, Any] = json.loads((self._folder / name).read_bytes())
        except FileNotFoundError:
            raise LLMCallFailed(
                "config",
                f"There is no recording of this call ({name}): ask a provider that records first, "
                "with the same model, words and parameters.",
            ) from None
        except ValueError:
            raise LLMCallFailed("config", f"The recording {name} cannot be read: record it again.") from None
        return {**answer, "gen_time": 0.0}
