"""Flow documents that the journeys run, and how to put them into an installation."""

from __future__ import annotations

from typing import Any

from browser.app import App

Document = dict[str, Any]


def node(node_id: str, kind: str, x: float, y: float, **data: Any) -> Document:
    """Return a node of a type at a place."""
    data = {"nodeType": kind, **data}
    return {"id": node_id, "type": kind, "position": {"x": x, "y": y}, "data": data}


def pins(*named: tuple[str, str]) -> list[Document]:
    """Return pins as the document keeps them, after the one that leads on."""
    return [{"id": name, "label": name, "type": kind} for name, kind in named]


def document(flow_id: str, name: str, nodes: list[Document], wires: list[str]) -> Document:
    """Return a flow; a wire is written `node.pin > node.pin`."""
    edges = []
    for number, wire in enumerate(wires):
        source, target = (end.strip().split(".", 1) for end in wire.split(">"))
        ends = {
            "source": source[0],
            "sourceHandle": source[1],
            "target": target[0],
            "targetHandle": target[1],
        }
        edges.append({"id": f"e{number}", **ends})
    return {"id": flow_id, "name": name, "nodes": nodes, "edges": edges, "entryNode": nodes[0]["id"]}


EXEC_IN = {"id": "exec-in", "label": "", "type": "execution"}
EXEC_OUT = {"id": "exec-out", "label": "", "type": "execution"}


def asking(flow_id: str, choices: tuple[str, ...] = ("Tea", "Coffee")) -> Document:
    """A flow that asks and says what was answered."""
    nodes = [
        node("start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT]),
        node(
            "ask",
            "ask_user",
            280,
            0,
            label="Ask",
            pinDefaults={"prompt": "Tea or coffee?", "choices": [*choices]},
            onTimeout="wait",  # its author says that it may stand for ever
        ),
        node("say", "answer_user", 600, 0, label="Say"),
        node("end", "on_flow_end", 900, 0, label="End", inputs=[EXEC_IN, *pins(("drink", "string"))]),
    ]
    wires = [
        "start.exec-out > ask.exec-in",
        "ask.exec-out > say.exec-in",
        "ask.response > say.message",
        "say.exec-out > end.exec-in",
        "ask.response > end.drink",
    ]
    return document(flow_id, f"Ask {flow_id}", nodes, wires)


def vat(flow_id: str, *breaks: str) -> Document:
    """A tax in three steps; the price is doubled by a value node first. `breaks` have breakpoints."""
    nodes = [
        node("start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT]),
        node("twice", "multiply", 0, 160, label="Twice", pinDefaults={"a": 21, "b": 2}),
        node("tax", "set_var", 320, 0, label="Compute VAT", pinDefaults={"name": "tax"}),
        node("note", "set_var", 640, 0, label="Take note", pinDefaults={"name": "seen", "value": 1}),
        node("end", "on_flow_end", 960, 0, label="End", inputs=[EXEC_IN, *pins(("tax", "number"))]),
    ]
    for each in nodes:
        if each["id"] in breaks:
            each["data"]["canvas"] = {"breakpoint": True}
    wires = [
        "start.exec-out > tax.exec-in",
        "tax.exec-out > note.exec-in",
        "note.exec-out > end.exec-in",
        "twice.result > tax.value",
        "tax.value > end.tax",
    ]
    return document(flow_id, "VAT", nodes, wires)


def ticking(flow_id: str, turns: int, pause: float = 0) -> Document:
    """A flow that says `tick 0`, `tick 1`, ... and waits after each when `pause` (seconds) is given."""
    nodes = [
        node("start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT]),
        node("for", "for", 260, 0, label="Turns", pinDefaults={"start": 0, "end": turns, "step": 1}),
        node("text", "concat", 260, 240, label="Text", pinDefaults={"a": "tick"}),
        node("say", "answer_user", 560, 0, label="Tick"),
        node("end", "on_flow_end", 860, 200, label="End", inputs=[EXEC_IN, *pins(("last", "any"))]),
    ]
    wires = [
        "start.exec-out > for.exec-in",
        "for.i > text.b",
        "text.result > say.message",
        "for.loop > say.exec-in",
        "for.done > end.exec-in",
        "for.i > end.last",
    ]
    if pause:
        nodes.append(node("wait", "wait_until", 860, 0, label="Pause", pinDefaults={"duration": pause}))
        wires.append("say.exec-out > wait.exec-in")
    return document(flow_id, f"Ticks {flow_id}", nodes, wires)


def put(app: App, flow: Document) -> str:
    """Save a flow over the API, whatever was there; return its id."""
    with app.client() as client:
        known = client.get(f"/api/flows/{flow['id']}")
        condition = (
            {"If-Match": known.headers["ETag"]} if known.status_code == 200 else {"If-None-Match": "*"}
        )
        answer = client.put(f"/api/flows/{flow['id']}", json=flow, headers=condition)
        assert answer.status_code in (200, 201), answer.text
    return str(flow["id"])


def start(app: App, flow_id: str, **inputs: Any) -> str:
    """Start a run over the API; return its id."""
    with app.client() as client:
        answer = client.post("/api/runs", json={"flow_id": flow_id, "inputs": inputs})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["run_id"])


def ledger(app: App, run_id: str) -> list[Document]:
    """Return all records of a run, in order."""
    records: list[Document] = []
    after = 0
    with app.client() as client:
        while True:
            page = client.get(f"/api/runs/{run_id}/ledger", params={"after": after}).json()
            if not page["records"]:
                return records
            records += page["records"]
            after = page["next"]


def thinking(provider: str) -> Document:
    """A flow that asks a model, and says what it answered."""
    asked = {"prompt": "What is the capital of Norway?", "provider": provider}
    nodes = [
        node("start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT]),
        node("think", "llm_call", 280, 0, label="Think", pinDefaults=asked),
        node("end", "on_flow_end", 640, 0, label="End", inputs=[EXEC_IN, *pins(("said", "string"))]),
    ]
    wires = ["start.exec-out > think.exec-in", "think.exec-out > end.exec-in", "think.response > end.said"]
    return document("thinking", "Thinking", nodes, wires)


def answer_first(app: App, response: str) -> None:
    """Answer the oldest open question, as somebody does elsewhere."""
    with app.client() as client:
        asked = client.get("/api/prompts").json()["prompts"][0]
        answer = {"wait_key": asked["wait_key"], "response": response}
        assert client.post(f"/api/prompts/{asked['run_id']}", json=answer).status_code == 200
