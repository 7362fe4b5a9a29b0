"""The client of model servers: what it sends, what it reads, and how it fails, over a real socket."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from abstractruntime.core.effects import EffectOutcome
from abstractruntime.integrations.abstractcore import RemoteAbstractCoreLLMClient
from abstractruntime.integrations.abstractcore.effect_handlers import make_llm_call_handler
from abstractruntime.integrations.abstractcore.llm_client import (
    HttpResponse,
    LLMCallFailed,
    subscribe_llm_tokens,
)
from abstractruntime.integrations.abstractcore.llm_schema import model_of
from abstractruntime.integrations.abstractcore.llm_stream import current_key
from integrations.abstractcore.scripted import a_run, llm_effect, result_of

Reply = Callable[[BaseHTTPRequestHandler, dict[str, Any]], None]
USAGE = {
    "prompt_tokens": 5,
    "completion_tokens": 2,
    "total_tokens": 7,
    "prompt_tokens_details": {"cached_tokens": 3},
}


def message(content: str | None = "Hello", finish: str = "stop", **more: Any) -> dict[str, Any]:
    choice = {"message": {"role": "assistant", "content": content, **more}, "finish_reason": finish}
    return {"model": "m-1", "choices": [choice], "usage": USAGE}


class Server:
    """A model server whose replies are written down; it keeps what it was sent."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                send(
                    self,
                    {"data": [{"id": "b"}, {"id": "a"}]} if self.path == "/v1/models" else {"status": "ok"},
                )

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.bodies.append(body)
                outer.headers.append({key.lower(): value for key, value in self.headers.items()})
                outer.replies.pop(0)(self, body)

            def log_message(self, *said: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def says(self, *bodies: Any, status: int = 200, **headers: str) -> None:
        for body in bodies:
            self.replies.append(lambda handler, _, body=body: send(handler, body, status, headers))


def send(
    handler: BaseHTTPRequestHandler, body: Any, status: int = 200, headers: dict[str, str] | None = None
) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    handler.send_response(status)
    for key, value in (headers or {}).items():
        handler.send_header(key.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(raw)))
    handler.end_headers()
    handler.wfile.write(raw)


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


def client(server: Server, **options: Any) -> RemoteAbstractCoreLLMClient:
    return RemoteAbstractCoreLLMClient(server_base_url=f"{server.url}/v1", model="m", **options)


def test_a_chat_is_sent_and_read(server: Server) -> None:
    server.says(message(), X_Trace_Id="t1")
    token = current_key.set("key-1")
    made = client(server, headers={"Authorization": "Bearer secret"}).generate(
        prompt="Hi",
        system_prompt="Be brief",
        params={"temperature": 0, "seed": 1, "max_output_tokens": 9, "trace_metadata": {"run_id": "r"}},
    )
    current_key.reset(token)
    assert server.bodies == [
        {
            "model": "m",
            "messages": [{"role": "system", "content": "Be brief"}, {"role": "user", "content": "Hi"}],
            "stream": False,
            "temperature": 0.0,
            "max_tokens": 9,
            "seed": 1,
        }
    ]
    headers = server.headers[0]
    assert (headers["authorization"], headers["idempotency-key"]) == ("Bearer secret", "key-1")
    assert headers["x-abstractcore-run-id"] == "r"
    assert made["content"] == "Hello"
    assert made["usage"] == {
        "input_tokens": 5,
        "output_tokens": 2,
        "total_tokens": 7,
        "cached_input_tokens": 3,
    }
    assert (made["model"], made["finish_reason"], made["trace_id"]) == ("m-1", "stop", "t1")
    assert made["data"] is made["tool_calls"] is made["raw_response"] is None
    assert "secret" not in json.dumps(made)
    assert len(json.dumps(made)) < 1000


class Sender:
    """A host's own way to post."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.sent: list[Any] = []

    def post(self, url: str, *, headers: Any, json: Any, timeout: Any) -> Any:
        self.sent.append((url, headers, json, timeout))
        return self.answer


@pytest.mark.parametrize("answer", [message(), HttpResponse(message(), {"X-AbstractCore-Trace-Id": "t"})])
def test_a_host_may_bring_its_sender(answer: Any) -> None:
    sender = Sender(answer)
    made = RemoteAbstractCoreLLMClient(
        server_base_url="http://x/", model="m", request_sender=sender
    ).generate(prompt="Hi", params={"base_url": "http://y/v1", "_provider": "p", "_model": "n"})
    [(url, _, body, timeout)] = sender.sent
    assert (url, timeout) == ("http://x/v1/chat/completions", 7200.0)
    assert (body["model"], body["timeout_s"], body["base_url"]) == ("p/n", 7200.0, "http://y/v1")
    assert made["content"] == "Hello"


@pytest.mark.parametrize(
    ("said", "effort"),
    [
        ("high", "high"),
        ("off", "none"),
        (False, "none"),
        ("on", "medium"),
        (True, "medium"),
        *((nothing, None) for nothing in ("auto", "", None)),
    ],
)
def test_how_much_to_think_is_said_in_the_servers_words(server: Server, said: object, effort: object) -> None:
    server.says(message())
    client(server).generate(prompt="Hi", params={"thinking": said})
    [body] = server.bodies
    assert (body.get("reasoning_effort"), "thinking" in body) == (effort, False)
    sender = Sender(message())
    core = RemoteAbstractCoreLLMClient(server_base_url="http://x", model="m", request_sender=sender)
    core.generate(prompt="Hi", params={"thinking": said})
    [(_, _, body, _)] = sender.sent
    assert (body.get("thinking"), "reasoning_effort" in body) == (said if effort else None, False)


def test_tools_are_sent_in_the_shape_that_servers_read(server: Server) -> None:
    calls = [
        {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}},
        {"id": "c2", "type": "function", "function": {"name": "add", "arguments": "{oops"}},
    ]
    server.says(message(None, "stop", tool_calls=calls))
    tools = [
        {
            "name": "add",
            "description": "Adds",
            "parameters": {"a": {"type": "integer"}, "b": {"type": "integer", "default": 2}},
        },
        {"name": "mcp", "inputSchema": {"type": "object", "properties": {"x": {}}}},
    ]
    made = client(server).generate(prompt="1+2", tools=tools)
    sent = [each["function"] for each in server.bodies[0]["tools"]]
    assert sent[0]["parameters"]["required"] == ["a"]
    assert sent[1]["parameters"]["properties"] == {"x": {}}
    assert made["finish_reason"] == "tool_calls"
    assert made["tool_calls"] == [
        {"name": "add", "arguments": {"a": 1}, "call_id": "c1"},
        {"name": "add", "arguments": {"_raw": "{oops"}, "call_id": "c2", "invalid_arguments": True},
    ]
    with pytest.raises(LLMCallFailed, match="Two tools are called 'add'"):
        client(server).generate(prompt="x", tools=[tools[0], tools[0]])


def test_a_server_that_knows_no_tools_is_made_to_call_them(server: Server) -> None:
    tool = {"name": "add", "parameters": {"a": {"type": "integer"}}}
    server.says(message('{"name": "add", "arguments": {"a": 1}}'), message('{"answer": "three"}'))
    server.says(message('Well <tool_call>{"name": "add", "arguments": {"a": 2}}</tool_call>'))
    forced = client(server).generate(prompt="x", tools=[tool], params={"tool_mode": "schema"})
    assert forced["tool_calls"][0]["arguments"] == {"a": 1}
    assert (forced["content"], forced["finish_reason"]) == ("", "tool_calls")
    assert "anyOf" in server.bodies[0]["response_format"]["json_schema"]["schema"]
    assert "tools" not in server.bodies[0]
    text = client(server).generate(prompt="x", tools=[tool], params={"tool_mode": "schema"})
    assert (text["tool_calls"], text["content"], text["finish_reason"]) == (None, "three", "stop")
    prompted = client(server).generate(prompt="x", tools=[tool], params={"tool_mode": "prompted"})
    assert (prompted["tool_calls"][0]["arguments"], prompted["content"]) == ({"a": 2}, "Well")
    with pytest.raises(LLMCallFailed, match="tool_mode"):
        client(server).generate(prompt="x", tools=[tool], params={"tool_mode": "magic"})


def test_an_answer_that_does_not_fit_is_asked_for_again(server: Server) -> None:
    server.says(message('{"n": "x"}'), message("no JSON"), message('{"n": 3}'))
    model = model_of({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})
    made = client(server).generate(prompt="x", params={"response_model": model})
    assert made["data"] == {"n": 3}
    assert made["usage"]["total_tokens"] == 21
    assert made["metadata"] == {"schema_attempts": 3}
    assert "n: Input should be a valid integer" in server.bodies[1]["messages"][-1]["content"]
    server.says(*[message("{}")] * 3)
    with pytest.raises(LLMCallFailed, match="did not fit the schema in 3 tries: n: Field required"):
        client(server).generate(prompt="x", params={"response_model": model})


def test_an_answer_of_no_use_is_paid_for_all_the_same(server: Server) -> None:
    """Three that do not fit their schema, the plain one that is asked for then, and one that broke off."""
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}

    def asked(**payload: Any) -> EffectOutcome:
        handler = make_llm_call_handler(llm=client(server))
        return handler(a_run(), llm_effect(prompt="x", **payload), "next")

    server.says(*[message("{}")] * 3)
    failed = asked(response_schema=schema)
    assert (failed.status, failed.result["usage"]["total_tokens"]) == ("failed", 21)
    server.says(*[message("{}")] * 3, message('{"n": 3}'))
    result = result_of(asked(response_schema=schema, structured_output_fallback=True))
    assert result["data"] == {"n": 3}
    assert result["usage"]["total_tokens"] == 28
    assert [each["usage"]["total_tokens"] for each in result["metadata"]["attempts"]] == [7] * 4
    server.says(chunks({"delta": {"content": "It"}}, end=None))
    broken = asked(params={"stream": True})
    assert broken.status == "failed"
    [attempt] = broken.result["metadata"]["attempts"]
    assert (attempt["usage"], broken.result["usage"]) == (None, None)
    server.says({"choices": [], "usage": USAGE})
    unread = asked()
    assert (unread.status, unread.result["usage"]["total_tokens"]) == ("failed", 7)


def chunks(*deltas: dict[str, Any], end: str | None = "[DONE]") -> bytes:
    rows = [
        json.dumps({"model": "m-1", "choices": [delta]} if "delta" in delta else delta) for delta in deltas
    ]
    return "".join(f"data: {row}\n\n" for row in [*rows, *([end] if end else [])]).encode()


def test_a_streamed_answer_is_whole_and_told_as_it_comes(server: Server) -> None:
    call = {"index": 0, "id": "c1", "function": {"name": "add", "arguments": '{"a"'}}
    server.says(
        chunks(
            {"delta": {"content": "Hel"}},
            {"delta": {"content": "lo"}},
            {"delta": {"tool_calls": [call]}},
            {"delta": {"tool_calls": [{"index": 0, "function": {"arguments": ": 1}"}}]}},
            {"delta": {}, "finish_reason": "tool_calls"},
            {"choices": [], "usage": USAGE},
        )
    )
    heard: list[Any] = []

    def broken(run_id: str, delta: dict[str, Any]) -> None:
        raise RuntimeError("I cannot listen")

    ends = [
        subscribe_llm_tokens("r", lambda run, delta: heard.append(delta)),
        subscribe_llm_tokens(None, broken),
    ]
    made = client(server).generate(prompt="x", params={"stream": True, "trace_metadata": {"run_id": "r"}})
    for end in ends:
        end()
    assert heard == [{"content": "Hel"}, {"content": "lo"}]
    assert made["content"] == "Hello"
    assert made["tool_calls"] == [{"name": "add", "arguments": {"a": 1}, "call_id": "c1"}]
    assert made["usage"]["total_tokens"] == 7
    assert made["finish_reason"] == "tool_calls"
    assert made["ttft_ms"] >= 0
    assert server.bodies[0]["stream_options"] == {"include_usage": True}


def test_a_key_that_the_server_repeats_is_covered_however_it_comes(server: Server) -> None:
    """In pieces, none of which holds it; and in a refusal."""
    key = "sk-0123456789"
    server.says(
        chunks(
            *({"delta": {"content": piece}} for piece in ("It is ", "sk-0", "1234", "56789", ", sk-0"))
        ).removesuffix(b"data: [DONE]\n\n")
        + chunks({"delta": {}, "finish_reason": "stop"})
    )
    server.says({"error": f"{key} is wrong"}, status=401)
    asks = client(server, headers={"Authorization": f"Bearer {key}"})
    heard: list[Any] = []
    end = subscribe_llm_tokens("r", lambda run, delta: heard.append(delta["content"]))
    params = {"stream": True, "trace_metadata": {"run_id": "r"}}
    assert asks.generate(prompt="x", params=params)["content"] == "It is [secret], sk-0"
    end()
    assert "".join(heard) == "It is [secret], sk-0"
    with pytest.raises(LLMCallFailed, match=r"\[secret\] is wrong") as caught:
        asks.generate(prompt="x")
    assert key not in str(caught.value)
    assert caught.value.kind == "auth"


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        ((chunks({"delta": {"content": "x"}}, end=None), 200), "connection", "stopped in the middle"),
        ((b"data: {oops\n\n", 200), "server", "no JSON object"),
        ((chunks({"error": {"message": "overloaded"}}), 200), "server", "overloaded"),
    ],
)
def test_a_stream_that_breaks_is_a_failure(server: Server, reply: Any, kind: str, words: str) -> None:
    server.says(reply[0], status=reply[1])
    with pytest.raises(LLMCallFailed, match=words) as caught:
        client(server).generate(prompt="x", params={"stream": True})
    assert caught.value.kind == kind


@pytest.mark.parametrize(
    ("status", "body", "kind", "retryable"),
    [
        (401, {"error": {"message": "bad key"}}, "auth", False),
        (404, {"error": "no such model"}, "model_not_found", False),
        (429, {"detail": "slow down"}, "rate_limit", True),
        (400, {"error": {"message": "maximum context length is 4096"}}, "context_length", False),
        (400, b"what?", "bad_request", False),
        (503, b"", "server", True),
        (200, b"<html>", "server", True),
        (200, {"choices": []}, "server", True),
        (302, b"", "bad_request", False),
    ],
)
def test_each_failure_says_what_it_is(
    server: Server, status: int, body: Any, kind: str, retryable: bool
) -> None:
    server.says(body, status=status, Retry_After="7")
    with pytest.raises(LLMCallFailed) as caught:
        client(server).generate(prompt="x")
    assert (caught.value.kind, caught.value.retryable) == (kind, retryable)
    assert server.url in str(caught.value) or "no message" in str(caught.value)
    if status == 429:
        assert caught.value.retry_after_s == 7


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("2.5", 2.5, 2.5),
        (format_datetime(datetime.now(UTC) + timedelta(hours=2), usegmt=True), 3600, 7200),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0),
        ("soon", None, None),
        ("inf", None, None),
    ],
    ids=["seconds", "date", "past", "words", "for-ever"],
)
def test_how_long_a_server_asks_to_be_left_alone(
    server: Server, header: str, least: float | None, most: float | None
) -> None:
    server.says({"error": {"message": "too many"}}, status=429, Retry_After=header)
    with pytest.raises(LLMCallFailed) as caught:
        client(server).generate(prompt="x")
    told = caught.value.retry_after_s
    assert (told is None) == (least is None)
    assert told is None or (least or 0) <= told <= (most or 0)


def test_a_server_that_is_slow_or_away_is_told(server: Server) -> None:
    server.replies.append(lambda handler, _: time.sleep(1))
    with pytest.raises(LLMCallFailed, match=r"did not answer within 0\.1s") as slow:
        client(server, timeout_s=0.1).generate(prompt="x")
    assert slow.value.kind == "timeout"
    away = RemoteAbstractCoreLLMClient(server_base_url="http://127.0.0.1:9", model="m")
    with pytest.raises(LLMCallFailed, match="is the model server running there") as gone:
        away.generate(prompt="x")
    assert gone.value.kind == "connection"


def test_pictures_go_as_data_and_other_files_are_refused(server: Server, tmp_path: Any) -> None:
    picture, other = tmp_path / "p.png", tmp_path / "a.zip"
    picture.write_bytes(b"\x89PNG")
    server.says(message())
    client(server).generate(prompt="Look", media=[str(picture)])
    parts = server.bodies[0]["messages"][0]["content"]
    assert parts[0] == {"type": "text", "text": "Look"}
    assert parts[1]["image_url"]["url"] == "data:image/png;base64,iVBORw=="
    with pytest.raises(LLMCallFailed, match=r"a\.zip is application/zip"):
        client(server).generate(prompt="Look", media=[str(other)])


def test_the_models_of_a_server_are_listed(server: Server) -> None:
    assert client(server).models() == ["a", "b"]


def test_history_is_sent_with_its_tool_calls(server: Server) -> None:
    server.says(message())
    history = [
        {"role": "user", "content": "1+2"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"name": "add", "arguments": {"a": 1}, "call_id": "c"}],
        },
        {"role": "tool", "content": {"sum": 3}, "tool_call_id": "c", "name": "add"},
    ]
    client(server).generate(prompt="", messages=history)
    sent = server.bodies[0]["messages"]
    assert sent[1]["tool_calls"][0] == {
        "id": "c",
        "type": "function",
        "function": {"name": "add", "arguments": '{"a": 1}'},
    }
    assert sent[2] == {"role": "tool", "content": '{"sum": 3}', "tool_call_id": "c", "name": "add"}


def test_history_is_told_in_words_to_a_server_that_knows_no_tools(server: Server) -> None:
    """By the client's own way, also when no tool is offered any more; the call may still say another."""
    history = [
        {"role": "user", "content": "1+2"},
        {
            "role": "assistant",
            "content": "Let me see.",
            "tool_calls": [{"name": "add", "arguments": {"a": 1}, "call_id": "c"}],
        },
        {"role": "tool", "content": "3", "tool_call_id": "c"},
        {"role": "user", "content": "Well?"},
    ]
    schema = client(server, tool_mode="schema")
    server.says(*[message()] * 3)
    schema.generate(prompt="", messages=history)
    sent = server.bodies[-1]["messages"]
    assert [each["role"] for each in sent] == ["user", "assistant", "user"]
    assert sent[1]["content"] == 'Let me see.\n{"name": "add", "arguments": {"a": 1}}'
    assert sent[2]["content"].startswith("Result of add:\n3\n")
    assert sent[2]["content"].endswith("\n\nWell?")
    assert not any("tool_calls" in each or "tool_call_id" in each for each in sent)
    schema.generate(prompt="", messages=history, params={"tool_mode": "prompted"})
    written = server.bodies[-1]["messages"][1]["content"]
    assert written.endswith('<tool_call>{"name": "add", "arguments": {"a": 1}}</tool_call>')
    schema.generate(prompt="", messages=history, params={"tool_mode": "native"})
    assert [each["role"] for each in server.bodies[-1]["messages"]] == ["user", "assistant", "tool", "user"]
