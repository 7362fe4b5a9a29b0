"""The second door of a case: what it plays in the kernel is played again over HTTP, and must come to the same."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from typing import Any

from abstractruntime.visualflow_compiler.validate import check
from drive import Document, Played
from web.conftest import Client

_OVER = ("completed", "failed", "cancelled")


@dataclass
class Kept:
    """A play in the kernel: the flows, what it was started with, what people answered, what came of it."""

    flows: tuple[Document, ...]
    inputs: dict[str, Any]
    answers: list[Any]
    played: Played
    listens: bool
    is_special: bool  # with handlers, types or policies that only the kernel's door can be given

    @property
    def in_order(self) -> bool:
        """Whether no two branches wait at once."""
        return not any(node["type"] == "parallel" for each in self.flows for node in each["nodes"])

    @property
    def is_refused(self) -> bool:
        """Whether the flow has errors that keep an app from starting it."""
        flows = {each["id"]: each for each in self.flows}
        problems = [problem for each in self.flows for problem in check(each, flows=flows)]
        return any(problem.severity == "error" for problem in problems)

    @property
    def why_not(self) -> str:
        """Why this play cannot be played over HTTP; blank when it can."""
        if self.is_special:
            return "handlers, types or policies of the test's own"
        if any(reason != "user" for _, reason in self.played.waits) or len(self.played.asked) > len(
            self.answers
        ):
            return "waits for an hour that must pass, for an event, or for good"
        if not all(isinstance(each, str) for each in self.answers):
            return "an answer that is no text"
        if "No effect handler" in str(self.played.error):
            return "an effect that the app carries out and the bare kernel does not"
        kinds = {str(node["type"]) for each in self.flows for node in each["nodes"]}
        if any("random" in kind for kind in kinds):
            return "draws by lot, and each run its own"
        if any(name.startswith("_") for name in self.inputs):
            return "inputs with reserved names, which the app refuses"
        if len(json.dumps(self.inputs)) > 500_000:
            return "more than one request may carry"
        if "on_event" in kinds and not self.listens:
            return "listeners that the play leaves out"
        return ""


def outcome(status: str, output: Any, asked: list[str], visits: list[str], *, in_order: bool) -> Any:
    """Return what both doors have to agree on; branches that wait at once go on in any order."""
    plain = json.loads(re.sub(r"@[0-9a-f]{20}\b", "", json.dumps(output)))  # the app runs versions of a flow
    return status, plain, asked, visits if in_order else sorted(visits)


@dataclass
class Seen:
    """What a run showed over HTTP."""

    visits: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    state: dict[str, Any] = field(default_factory=dict)


def play_over_http(client: Client, kept: Kept) -> Seen | None:
    """Save the flows, start the run, answer its questions, read its stream; None where the app refuses the flow."""
    for document in kept.flows:
        client.save(document)
    try:
        begun = client.post("/api/runs", json={"flow_id": kept.flows[0]["id"], "inputs": kept.inputs})
        if begun.status_code == 422:
            return None
        assert begun.status_code == 201, begun.text
        return _followed(client, begun.json()["run_id"], kept)
    finally:
        for document in kept.flows:
            client.delete(f"/api/flows/{document['id']}")


def _followed(client: Client, run_id: str, kept: Kept) -> Seen:
    seen, left, done = Seen(), list(zip(kept.played.asked, kept.answers, strict=False)), set()
    deadline = time.monotonic() + 20
    while True:
        page = client.run(run_id)
        if page["status"] in _OVER:
            break
        for prompt in page["prompts"]:
            place = (prompt["run_id"], prompt["wait_key"])
            if (
                place not in done and left and left[0][0] == prompt["prompt"]
            ):  # in parallel several ask at once
                done.add(place)
                seen.asked.append(prompt["prompt"])
                said = {"wait_key": prompt["wait_key"], "response": left.pop(0)[1]}
                told = client.post(f"/api/prompts/{prompt['run_id']}", json=said)
                assert told.status_code == 200, told.text
        assert time.monotonic() < deadline, f"the run does not end over HTTP: {page}"
        time.sleep(0.005)
    seen.state = page
    for event in client.get(f"/api/runs/{run_id}/events").text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in event.splitlines() if ": " in line)
        if fields.get("event") == "step":
            step = json.loads(fields["data"])
            if step["run_id"] == run_id and step.get("visit") is not None and step.get("effect") is None:
                seen.visits.append(step["node_id"])
    return seen
