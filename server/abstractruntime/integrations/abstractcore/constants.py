"""Numbers of the integration (source: contract/kernel.md 0.4, 9.1, 9.4, 9.5)."""

from __future__ import annotations

import os

DEFAULT_LLM_TIMEOUT_S = 7200.0
DEFAULT_TOOL_TIMEOUT_S = 7200.0
MAX_INLINE_ATTACHMENT_BYTES = 120_000
MAX_RESULT_BYTES = 16 * 1024 * 1024
_MAX_INLINE_RESULT_BYTES = 256 * 1024
_MAX_ATTACHMENT_BYTES = 25 * 1024 * 1024


def max_inline_result_bytes() -> int:
    """Return how large a tool's output may be to stay where it is; `ABSTRACTRUNTIME_MAX_INLINE_BYTES` sets it."""
    return _positive("ABSTRACTRUNTIME_MAX_INLINE_BYTES", _MAX_INLINE_RESULT_BYTES)


def max_attachment_bytes() -> int:
    """Return how large an attachment may be; `ABSTRACTGATEWAY_MAX_ATTACHMENT_BYTES` sets it."""
    return _positive("ABSTRACTGATEWAY_MAX_ATTACHMENT_BYTES", _MAX_ATTACHMENT_BYTES)


def _positive(variable: str, default: int) -> int:
    text = os.environ.get(variable, "").strip()
    return int(text) if text.isdecimal() and int(text) > 0 else default
