"""Serves a model on loopback with llama.cpp's own server: python serve.py WEIGHTS. Prints its address."""

from __future__ import annotations

import signal
import sys
import threading

import xllamacpp


def main() -> None:
    options = xllamacpp.CommonParams()
    options.model.path = sys.argv[1]
    # By the second name AbstractCore takes it for a model whose server is told the schema of an answer.
    options.model_alias = {"smollm2-135m-instruct", "qwen3-4b"}
    options.hostnames = ["127.0.0.1"]
    options.port = 0
    options.n_ctx = 4096
    options.n_parallel = 2
    options.n_gpu_layers = 0
    options.offline = True
    options.ui = False
    options.use_jinja = True
    options.warmup = False
    options.verbosity = 0
    # One thread: with as many as there are cores, they wait for each other whenever anything else runs.
    options.cpuparams.n_threads = options.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(options)
    print(server.listening_address, flush=True)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    stop.wait()
    del server


if __name__ == "__main__":
    main()
