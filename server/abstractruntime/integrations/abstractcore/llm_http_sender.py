"""Requests to model servers: one connection pool, limits of time and size, clear failures.

Redirects are not followed, and a proxy of the environment is not used for addresses of this machine.
"""

from __future__ import annotations

import json
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx

from .llm_errors import LLMCallFailed, failure_of_status

MAX_ANSWER_BYTES = 32 * 1024 * 1024
CONNECT_TIMEOUT_S = 10.0
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class HttpResponse:
    """An answer: its JSON body and its headers."""

    body: dict[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


class RequestSender(Protocol):
    """Posts JSON and returns the answer: a dict, an `HttpResponse`, or anything with `.json()`."""

    def post(self, url: str, *, headers: Mapping[str, str], json: Any, timeout: float | None) -> Any:
        """Return the answer; raise when there is none."""
        ...


class HttpxSender:
    """Posts through httpx; raises LLMCallFailed with the cause and what to do.

    Its connections are closed by `close`, or when nobody holds it any more: a call under way still does.
    """

    def __init__(self, base_url: str) -> None:
        host = urlsplit(base_url).hostname or ""
        self._client = httpx.Client(follow_redirects=False, trust_env=host not in _LOOPBACK)
        self._end = weakref.finalize(self, self._client.close)

    def close(self) -> None:
        """Close the connections."""
        self._end()

    def post(self, url: str, *, headers: Mapping[str, str], json: Any, timeout: float | None) -> HttpResponse:
        """Return the answer to a request; at most `MAX_ANSWER_BYTES` of it."""
        with self.stream(url, headers=headers, body=json, timeout=timeout) as answer:
            raw = bytearray()
            for piece in answer.iter_bytes():
                raw += piece
                if len(raw) > MAX_ANSWER_BYTES:
                    raise LLMCallFailed("server", f"{url} answered with more than {MAX_ANSWER_BYTES:,} bytes")
        return HttpResponse(_object(url, bytes(raw)), dict(answer.headers))

    def get(self, url: str, *, headers: Mapping[str, str], timeout: float) -> dict[str, Any]:
        """Return a JSON object; raise LLMCallFailed."""
        with _told(url, timeout):
            answer = self._client.get(url, headers=dict(headers), timeout=_limits(timeout))
        if answer.status_code >= 400:
            raise failure_of_status(answer.status_code, answer.text, asked=url)
        return _object(url, answer.content)

    @contextmanager
    def stream(
        self, url: str, *, headers: Mapping[str, str], body: Any, timeout: float | None
    ) -> Iterator[httpx.Response]:
        """Give an answer while it comes; raise LLMCallFailed for a refusal or a broken line."""
        with (
            _told(url, timeout),
            self._client.stream(
                "POST", url, headers=dict(headers), json=body, timeout=_limits(timeout)
            ) as answer,
        ):
            if answer.status_code >= 300:
                answer.read()
                raise failure_of_status(
                    answer.status_code,
                    _reason(answer.text),
                    asked=f"{url} (model {body.get('model')!r})",
                    retry_after=answer.headers.get("retry-after"),
                )
            yield answer


@contextmanager
def _told(url: str, timeout: float | None) -> Iterator[None]:
    try:
        yield
    except httpx.TimeoutException:
        within = f"within {timeout:g}s" if timeout else "in time"
        raise LLMCallFailed("timeout", f"{url} did not answer {within}") from None
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise LLMCallFailed("config", f"{url} is not an address: {error}") from None
    except httpx.HTTPError as error:
        reason = str(error) or type(error).__name__
        raise LLMCallFailed(
            "connection", f"{url} cannot be reached ({reason}): is the model server running there?"
        ) from None


def _limits(timeout: float | None) -> httpx.Timeout:
    return httpx.Timeout(timeout, connect=min(timeout or CONNECT_TIMEOUT_S, CONNECT_TIMEOUT_S))


def _object(url: str, raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise LLMCallFailed("server", f"{url} answered what is no JSON object: {raw[:200]!r}")
    return value


def _reason(text: str) -> str:
    """Return the words of a server's error, whichever shape it has."""
    try:
        body = json.loads(text)
    except ValueError:
        return text
    error = body.get("error", body) if isinstance(body, dict) else body
    if isinstance(error, dict):
        return str(error.get("message") or error.get("detail") or error)
    return str(error)


def events(answer: httpx.Response) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects of a server-sent stream up to `[DONE]`; raise LLMCallFailed for other data."""
    size = 0
    for line in answer.iter_lines():
        size += len(line)
        if size > MAX_ANSWER_BYTES:
            raise LLMCallFailed("server", f"{answer.url} streamed more than {MAX_ANSWER_BYTES:,} bytes")
        if not line.startswith("data:"):
            continue
        data = line.removeprefix("data:").strip()
        if data == "[DONE]":
            return
        event = _object(str(answer.url), data.encode())
        if event.get("error"):
            raise LLMCallFailed("server", f"{answer.url} broke off: {_reason(data)}")
        yield event
