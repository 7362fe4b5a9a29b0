"""A model server that repeats the key it was given wherever it can: in answers, tool calls and refusals."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class LeakyModel:
    """Listens on loopback; `keys` are the keys that it has been shown."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        leaky = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                key = self.headers["Authorization"].removeprefix("Bearer ")
                leaky.keys.append(key)
                if body["model"] == "refuses":
                    self._say({"error": {"message": f"Incorrect API key provided: {key}"}}, 401)
                elif body.get("stream"):
                    self._stream(key)
                else:
                    self._say(_answer(body, key), 200)

            def do_GET(self) -> None:
                key = self.headers.get("Authorization", "").removeprefix("Bearer ")
                self._say({"error": f"{key} may not look here"}, 403)

            def _say(self, answer: Any, status: int) -> None:
                raw = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def _stream(self, key: str) -> None:
                """Tell the key in three pieces, so that no single one holds it."""
                self.send_response(200)
                self.end_headers()
                for piece in ("Your key is ", key[:5], key[5:], "!"):
                    self._event({"choices": [{"delta": {"content": piece}}]})
                self._event({"choices": [{"delta": {}, "finish_reason": "stop"}]})
                self.wfile.write(b"data: [DONE]\n\n")

            def _event(self, event: Any) -> None:
                self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}/v1"
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


def _answer(body: dict[str, Any], key: str) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": f"Your key is {key}."}
    has_acted = any(each["role"] == "tool" for each in body["messages"])
    if body.get("tools") and not has_acted:
        name = body["tools"][0]["function"]["name"]
        arguments = json.dumps({"expression": f"1 + {key}"})
        message["tool_calls"] = [{"id": f"call-{key}", "function": {"name": name, "arguments": arguments}}]
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    return {
        "model": body["model"],
        "choices": [{"message": message, "finish_reason": "stop"}],
        "usage": usage,
    }
