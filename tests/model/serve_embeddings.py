"""Serves all-MiniLM-L6-v2 on loopback with OpenAI's protocol: python serve_embeddings.py FOLDER. Prints its address.

A BERT of six layers in numpy: the sentence's vector is the mean of its tokens', made one long.
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

_KINDS = {"F32": np.float32, "F16": np.float16, "I64": np.int64}
_ERF = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)


class MiniLM:
    """Turns texts into vectors of 384 numbers."""

    def __init__(self, folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        self.heads, self.layers = config["num_attention_heads"], config["num_hidden_layers"]
        self.epsilon = config["layer_norm_eps"]
        self.tokens = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokens.enable_truncation(256)
        self.tokens.no_padding()
        raw = (folder / "model.safetensors").read_bytes()
        size = int.from_bytes(raw[:8], "little")
        self.weights: dict[str, Any] = {}
        for name, told in json.loads(raw[8 : 8 + size]).items():
            if name != "__metadata__":
                begin, end = (8 + size + place for place in told["data_offsets"])
                flat = np.frombuffer(raw[begin:end], _KINDS[told["dtype"]])
                self.weights[name] = flat.reshape(told["shape"])

    def embed(self, text: str) -> list[float]:
        ids = self.tokens.encode(text).ids
        word, at, kind = (
            self.weights[f"embeddings.{name}_embeddings.weight"]
            for name in ("word", "position", "token_type")
        )
        state = self._level(word[ids] + at[: len(ids)] + kind[0], "embeddings.LayerNorm")
        for number in range(self.layers):
            state = self._layer(state, f"encoder.layer.{number}.")
        mean = state.mean(axis=0)
        return [float(each) for each in mean / np.linalg.norm(mean)]

    def _layer(self, state: Any, at: str) -> Any:
        length, width = state.shape
        size = width // self.heads
        query, key, value = (
            self._line(state, f"{at}attention.self.{name}").reshape(length, self.heads, size).swapaxes(0, 1)
            for name in ("query", "key", "value")
        )
        near = query @ key.swapaxes(1, 2) / sqrt(size)
        near = np.exp(near - near.max(axis=-1, keepdims=True))
        heard = (near / near.sum(axis=-1, keepdims=True)) @ value
        heard = self._line(heard.swapaxes(0, 1).reshape(length, width), f"{at}attention.output.dense")
        state = self._level(state + heard, f"{at}attention.output.LayerNorm")
        wide = self._line(state, f"{at}intermediate.dense")
        wide = 0.5 * wide * (1 + _erf(wide / sqrt(2)))
        return self._level(state + self._line(wide, f"{at}output.dense"), f"{at}output.LayerNorm")

    def _line(self, state: Any, name: str) -> Any:
        return state @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def _level(self, state: Any, name: str) -> Any:
        middle = state - state.mean(axis=-1, keepdims=True)
        spread = np.sqrt((middle**2).mean(axis=-1, keepdims=True) + self.epsilon)
        return middle / spread * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]


def _erf(values: Any) -> Any:
    """Abramowitz and Stegun 7.1.26; wrong by less than 1.5e-7."""
    step = 1 / (1 + 0.3275911 * np.abs(values))
    sum_of = sum(factor * step ** (power + 1) for power, factor in enumerate(_ERF))
    return np.sign(values) * (1 - sum_of * np.exp(-(values**2)))


def main() -> None:
    model = MiniLM(Path(sys.argv[1]))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            texts = [asked["input"]] if isinstance(asked["input"], str) else asked["input"]
            rows = [{"index": n, "embedding": model.embed(text)} for n, text in enumerate(texts)]
            raw = json.dumps({"model": asked["model"], "data": rows}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
