"""Why a model call failed, and whether it is worth another try (source: contract/integrations.md 3.5)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any

from ...core.errors import KernelError
from ..hiding import hidden

RETRYABLE = frozenset({"connection", "timeout", "rate_limit", "server"})
_BY_STATUS = {401: "auth", 403: "auth", 404: "model_not_found", 408: "timeout", 429: "rate_limit"}
_CONTEXT_WORDS = ("context length", "context_length", "maximum context", "too many tokens", "context size")


class LLMCallFailed(KernelError):
    """A model could not be asked, or did not answer as it has to.

    `kind` is one of connection, timeout, rate_limit, server (worth another try) and auth, bad_request,
    model_not_found, content_filter, context_length, schema, config, cancelled (not). `retry_after_s` is in seconds.
    """

    code = "llm.failed"

    def __init__(
        self, kind: str, message: str, *, status: int | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.status = status
        self.retry_after_s = retry_after_s

    @property
    def retryable(self) -> bool:
        """Whether the same call may succeed later."""
        return self.kind in RETRYABLE

    @property
    def facts(self) -> dict[str, Any]:
        """What a record says of it beside the message: `kind`, `retryable`, and what the server told."""
        told = {"status": self.status, "retry_after_s": self.retry_after_s}
        known = {key: value for key, value in told.items() if value is not None}
        return {"kind": self.kind, "retryable": self.retryable, **known}


@contextmanager
def hiding(secrets: tuple[str, ...]) -> Iterator[None]:
    """Cover secrets in what a failure inside says: servers repeat keys in their refusals."""
    try:
        yield
    except LLMCallFailed as error:
        said = hidden(str(error), secrets)
        if said == str(error):
            raise
        again = LLMCallFailed(error.kind, said, status=error.status, retry_after_s=error.retry_after_s)
        raise again from None


def failure_of_status(status: int, said: str, *, asked: str, retry_after: str | None = None) -> LLMCallFailed:
    """Return what an HTTP status of a model server means; `asked` names the server and the model."""
    kind = _BY_STATUS.get(status, "server" if status >= 500 else "bad_request")
    if kind == "bad_request" and any(words in said.lower() for words in _CONTEXT_WORDS):
        kind = "context_length"
    hints = {
        "auth": "check the key",
        "model_not_found": "check the model's name and the address",
        "context_length": "send less, or set max_input_tokens",
        "rate_limit": "wait, or use another model",
    }
    hint = f" ({hints[kind]})" if kind in hints else ""
    wait = _seconds(retry_after or "")
    reason = said.strip()[:500] or "no reason given"
    return LLMCallFailed(
        kind, f"{asked} answered {status}{hint}: {reason}", status=status, retry_after_s=wait
    )


def _seconds(retry_after: str) -> float | None:
    """Return the seconds of a `Retry-After` header, a number or a date (source: RFC 9110, 10.2.3); None for others."""
    try:
        told = float(retry_after)
    except ValueError:
        try:
            told = (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds()
        except (TypeError, ValueError):  # no date, or one without a zone
            return None
    return max(told, 0.0) if isfinite(told) else None
