"""Reaching out: a request to the web, a notice to somebody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.models import Effect, EffectType
from .authored import pin_value, setting
from .define import EXEC_IN, EXEC_OUT, UNSET, Call, Example, Field, Finding, NodeError, Pin, effect
from .values import described, number, text, truth

Json = Any

_SAFE = ("GET", "HEAD")
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")


def _headers(call: Call) -> dict[str, Json]:
    """Return the headers: those of the pin, and those whose values are secrets of the server."""
    given = call.get("headers")
    if given is not None and not isinstance(given, Mapping):
        raise NodeError(
            f'\'headers\' needs an object such as {{"Accept": "text/csv"}}, but got {described(given)}.',
            code="web.headers",
            pin="headers",
        )
    headers: dict[str, Json] = {
        str(name): dict(value) if isinstance(value, Mapping) else text(value)
        for name, value in (given or {}).items()
    }
    for header, secret, before in secret_headers(call.data):
        headers[header] = {"$secret": secret, **({"before": before} if before else {})}
    return headers


def secret_headers(data: Mapping[str, Json]) -> list[tuple[str, str, str]]:
    """Read lines such as `Authorization: Bearer API_TOKEN`: header, name of the secret, text before it."""
    found = []
    for line in text(setting(data, "webConfig.secretHeaders")).splitlines():
        header, colon, rest = line.partition(":")
        before, _, name = rest.strip().rpartition(" ")
        if colon and header.strip() and name:
            found.append((header.strip(), name, f"{before.strip()} " if before.strip() else ""))
    return found


def _check_web(data: Mapping[str, Json]) -> list[Finding]:
    findings = []
    for line in text(setting(data, "webConfig.secretHeaders")).splitlines():
        if line.strip() and not secret_headers({"webConfig": {"secretHeaders": line}}):
            message = (
                f"'{line.strip()}' is no secret header. Write it as Authorization: Bearer NAME_OF_SECRET."
            )
            findings.append(Finding("error", "web.secret_header", message))
    headers = pin_value(data, "headers")
    names = {str(name).lower() for name in headers} if isinstance(headers, Mapping) else set()
    if names & {"authorization", "cookie", "x-api-key"}:
        message = "A key written into a header is kept in the flow. Use 'Secret headers' instead."
        findings.append(Finding("risk", "web.written_secret", message, pin="headers"))
    return findings


def _only_reads(data: Mapping[str, Json]) -> bool:
    return pin_value(data, "method") in (UNSET, *_SAFE)


@effect(
    "web_request",
    family="web",
    gives=_only_reads,
    label="Web Request",
    sentence="{method|name} {url|name}[ with {body}]",
    seldom=("headers", "timeout"),
    leaves=True,
    inputs=(
        EXEC_IN,
        Pin("url", "string", description="The address, beginning with https:// or http://.", required=True),
        Pin("method", "string", "GET", "What is asked for.", choices=_METHODS),
        Pin("headers", "object", None, "Further headers, by name."),
        Pin("body", "any", None, "What is sent: text as it is, all else as JSON. Not with GET and HEAD."),
        Pin("timeout", "number", 30, "Seconds for all of it, at most 30."),
        Pin(
            "key",
            "string",
            "",
            "The same key means the same request to the other side; empty: one per visit.",
        ),
    ),
    outputs=(
        EXEC_OUT,
        Pin("status", "number", description="The status code, such as 200."),
        Pin("body", "any", description="What came: JSON as a value, all else as text."),
        Pin("ok", "boolean", description="Whether the status says success."),
        Pin("text", "string", hidden=True),
        Pin("headers", "object", hidden=True),
        Pin("url", "string", hidden=True),
    ),
    fields=(
        Field(
            "webConfig.retries",
            "number",
            0,
            "Try again",
            "How often, when it fails: after 0.5, 1, 2... seconds.",
        ),
        Field(
            "webConfig.failOnStatus",
            "boolean",
            True,
            "Other status is failure",
            "Whether an answer such as 404 or 503 counts as a failure of the step.",
        ),
        Field(
            "webConfig.secretHeaders",
            "string",
            "",
            "Secret headers",
            "One a line, as Authorization: Bearer API_TOKEN. API_TOKEN names a secret of the server "
            "(FLOWSTUDIO_SECRET_API_TOKEN); its value is never in the flow or in the record.",
            widget="secrets",
        ),
    ),
    settle=lambda reply, call: dict(reply) if isinstance(reply, Mapping) else {},
    check=_check_web,
    main="body",
    key="key",
    safe=_only_reads,
    keywords=(
        "http",
        "https",
        "api",
        "rest",
        "call",
        "get",
        "post",
        "download",
        "webhook",
        "internet",
        "fetch",
    ),
    examples=(
        Example(
            {"url": "https://example.org/orders/7"},
            {
                "effect": {
                    "type": "web_request",
                    "payload": {
                        "url": "https://example.org/orders/7",
                        "method": "GET",
                        "headers": {},
                        "body": None,
                        "timeout": 30,
                        "key": "",
                        "retries": 0,
                        "fail_on_status": True,
                    },
                },
                "settled": {"status": 200, "body": {"id": 7}, "ok": True},
            },
            reply={"status": 200, "body": {"id": 7}, "ok": True},
        ),
        Example(
            {
                "url": "https://example.org",
                "method": "post",
                "body": {"a": 1},
                "headers": {"X-Try": 2},
                "key": "o-7",
            },
            {
                "effect": {
                    "type": "web_request",
                    "payload": {
                        "url": "https://example.org",
                        "method": "POST",
                        "headers": {"X-Try": "2", "Authorization": {"$secret": "SHOP", "before": "Bearer "}},
                        "body": {"a": 1},
                        "timeout": 30,
                        "key": "o-7",
                        "retries": 3,
                        "fail_on_status": True,
                    },
                }
            },
            data={"webConfig": {"retries": 3, "secretHeaders": "Authorization: Bearer SHOP\n"}},
            note="Of a secret only the name is recorded.",
        ),
        Example({"url": " "}, error="needs an address"),
        Example({"url": "https://example.org", "method": "BREW"}, error="takes one of"),
    ),
)
def web_request(call: Call) -> Effect:
    """Ask a web address for something, or send something there.

    Only public addresses can be reached, unless the server's settings allow others. Give it an error
    output for when the other side does not answer.
    """
    url, method = text(call.get("url")).strip(), text(call.get("method")).strip().upper() or "GET"
    if not url:
        raise NodeError("'url' needs an address such as https://example.org.", code="web.no_url", pin="url")
    if method not in _METHODS:
        raise NodeError(
            f"'method' takes one of {', '.join(_METHODS)}, but got {described(method)}.",
            code="web.method",
            pin="method",
        )
    retries = setting(call.data, "webConfig.retries", 0)
    return Effect(
        EffectType.WEB_REQUEST,
        {
            "url": url,
            "method": method,
            "headers": _headers(call),
            "body": call.get("body"),
            "timeout": number(call.get("timeout", 30), "timeout"),
            "key": text(call.get("key")),
            "retries": int(number(retries if retries not in (None, "") else 0)),
            "fail_on_status": truth(setting(call.data, "webConfig.failOnStatus", True)),
        },
    )


@effect(
    "notify",
    family="web",
    label="Notify",
    sentence="Tell {to|name} {subject}: {message}",
    inputs=(
        EXEC_IN,
        Pin("to", "string", "", "Who is told: a name or an address."),
        Pin("subject", "string", "", "What it is about."),
        Pin("message", "string", "", "What they are told.", widget="text"),
    ),
    outputs=(
        EXEC_OUT,
        Pin("id", "string", description="The notice's own key."),
        Pin("sent_at", "string", description="When it was put into the outbox."),
    ),
    settle=lambda reply, call: dict(reply) if isinstance(reply, Mapping) else {},
    keywords=("mail", "email", "message", "send", "outbox", "alert", "tell", "notice"),
    examples=(
        Example(
            {"to": "ana@example.org", "subject": "Paid", "message": "Invoice 7 is paid."},
            {
                "effect": {
                    "type": "notify",
                    "payload": {"to": "ana@example.org", "subject": "Paid", "message": "Invoice 7 is paid."},
                },
                "settled": {"id": "k1", "sent_at": "2030-01-01T00:00:00+00:00"},
            },
            reply={"id": "k1", "sent_at": "2030-01-01T00:00:00+00:00"},
        ),
        Example(
            {"message": {"count": 2}},
            {"effect": {"type": "notify", "payload": {"to": "", "subject": "", "message": '{"count": 2}'}}},
            note="What is not text is written as JSON.",
        ),
        Example({"message": ""}, error="nothing to say"),
    ),
)
def notify(call: Call) -> Effect:
    """Send somebody a notice: it goes into the outbox, once, whatever happens.

    The outbox is a folder of the server, shown on the page Outbox; nothing leaves the machine by itself.
    """
    told = {name: text(call.get(name)) for name in ("to", "subject", "message")}
    if not (told["subject"] + told["message"]).strip():
        raise NodeError("There is nothing to say: give 'message' a text.", code="notify.empty", pin="message")
    return Effect(EffectType.NOTIFY, told)
