"""AbstractCore's own summarizer over a model server whose answers are written down."""

from __future__ import annotations

import gc
import json

import pytest

from abstractruntime.integrations.abstractcore import create_local_runtime
from integrations.abstractcore.optional import core
from integrations.abstractcore.test_llm_remote import Server, message, server

__all__ = ["server"]
SUMMARY = {
    "summary": "They planned a trip to Oslo.",
    "key_points": ["a trip", "to Oslo"],
    "confidence": 0.9,
    "focus_alignment": 0.8,
}


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_conversation_is_summarized(server: Server) -> None:
    core()
    said = [
        {"role": "user" if n % 2 == 0 else "assistant", "content": f"About the trip to Oslo, part {n}."}
        for n in range(8)
    ]
    server.says(*[message(json.dumps(SUMMARY))] * 3)
    options = {"base_url": f"{server.url}/v1", "timeout": 20, "api_key": "none", "validate_model": False}
    runtime = create_local_runtime(provider="openai-compatible", model="m", llm_kwargs=options)
    found = runtime._chat_summarizer.summarize_chat_history(said, preserve_recent=2)
    assert "Oslo" in found["summary"]
    assert found["key_points"]
    assert found["word_count_original"] > 0
    sent = json.dumps(server.bodies)
    assert "part 0" in sent, "the old turns are what is summarized"
    with pytest.raises(ValueError, match="sideways"):
        runtime._chat_summarizer.summarize_chat_history(said, compression_mode="sideways")
    del runtime
    gc.collect()
