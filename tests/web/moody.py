"""A model server that answers, or refuses, as it is told; it counts what it was asked."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

USAGE = {"prompt_tokens": 30, "completion_tokens": 12, "total_tokens": 42}


class MoodyModel:
    """Listens on loopback. `mood` is what it does to the next calls; `asked` holds the last words of each, `keys` their idempotency keys, `bodies` all that was sent.

    It lists the models that it `offers`; with none, it does not know what is asked.
    """

    def __init__(self) -> None:
        self.mood = "good"
        self.asked: list[str] = []
        self.answered: list[str] = []
        self.models: list[str] = []
        self.offers: list[str] = []
        self.keys: list[str] = []
        self.bodies: list[dict[str, Any]] = []
        self._http = _Server(("127.0.0.1", 0), _Handler)
        self._http.moody = self
        self.url = f"http://127.0.0.1:{self._http.server_port}/v1"
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


class _Server(ThreadingHTTPServer):
    moody: MoodyModel
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        moody = self.server.moody
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        last = str(body["messages"][-1]["content"])
        moody.asked.append(last)
        moody.bodies.append(body)
        moody.models.append(body["model"])
        moody.keys.append(str(self.headers.get("Idempotency-Key")))
        if self.headers.get("Authorization") == "Bearer wrong":
            self._say({"error": {"message": "no such key"}}, 401)
        elif body["model"] == "unknown":
            self._say({"error": {"message": "model 'unknown' not found"}}, 404)
        elif moody.mood == "busy":
            self._say({"error": "overloaded"}, 503)
        elif moody.mood == "limits":
            self._say({"error": {"message": "too many questions"}}, 429, {"Retry-After": "120"})
        elif moody.mood == "slow":
            time.sleep(2)
        else:
            moody.answered.append(last)
            self._answer(body, last)

    def do_GET(self) -> None:
        offers = self.server.moody.offers
        if self.path == "/v1/models" and offers:
            self._say({"object": "list", "data": [{"id": name} for name in offers]}, 200)
        else:
            self.send_error(404)

    def _answer(self, body: dict[str, Any], last: str) -> None:
        message: dict[str, Any] = {"role": "assistant", "content": f"You said {last}."}
        tools = body.get("tools") or []
        acted = [each for each in body["messages"] if each["role"] == "tool"]
        if tools and (self.server.moody.mood == "loops" or not acted):
            function = {
                "name": tools[0]["function"]["name"],
                "arguments": json.dumps({"expression": "1 + 1"}),
            }
            call = {"id": f"c{len(acted)}", "function": function}
            message = {"role": "assistant", "content": "", "tool_calls": [call]}
        if body.get("stream"):
            self._stream(body, message)
        else:
            choice = {"message": message, "finish_reason": "stop"}
            self._say({"model": body["model"], "choices": [choice], "usage": USAGE}, 200)

    def _stream(self, body: dict[str, Any], message: dict[str, Any]) -> None:
        self.send_response(200)
        self.end_headers()
        text = message["content"]
        deltas: list[dict[str, Any]] = [{"content": text[at : at + 6]} for at in range(0, len(text), 6)]
        for index, each in enumerate(message.get("tool_calls", ())):
            deltas.append({"tool_calls": [{"index": index, **each}]})
        for delta in deltas:
            self._event({"choices": [{"delta": delta}]})
            if self.server.moody.mood == "halting":
                time.sleep(0.4)
        if self.server.moody.mood != "breaks off":
            self._event({"choices": [{"delta": {}, "finish_reason": "stop"}]})
        self._event({"choices": [], "usage": USAGE, "model": body["model"]})
        self.wfile.write(b"data: [DONE]\n\n")

    def _event(self, event: Any) -> None:
        self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())

    def _say(self, answer: Any, status: int, headers: dict[str, str] | None = None) -> None:
        raw = json.dumps(answer).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""
