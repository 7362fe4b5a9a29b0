"""Demo data for the photographs: the sample flows with runs in every state, a large flow, a broken one."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field

from browser.app import ROOT, App
from browser.documents import (
    EXEC_IN,
    EXEC_OUT,
    Document,
    asking,
    document,
    node,
    pins,
    put,
    start,
    ticking,
    vat,
)

OVER = ("completed", "failed", "cancelled")


@dataclass
class Demo:
    """What was made: ids of runs by the word for their state."""

    runs: dict[str, str] = field(default_factory=dict)


def furnish(app: App) -> Demo:
    """Fill an installation with flows and runs."""
    demo = Demo()
    for file in sorted((ROOT / "flows").glob("*.json")):
        put(app, json.loads(file.read_text("utf-8")))
    for flow in (
        failing(),
        broken(),
        every_widget(),
        marked(),
        tagged(),
        lone(),
        large(400),
        empty(),
        using(),
        listening(),
        old(),
        wording(),
        timing(),
    ):
        put(app, flow)
    connect(app)
    settle(app, start(app, "daily-digest"), "waiting", *OVER)
    change(app, "daily-digest")
    answer(app, start(app, "prepare-one-thing"), "done")
    greeted = start(app, "ask-and-greet")
    answer(app, greeted, "Amélie")
    demo.runs["done"] = greeted
    for who, amount in (("Ben", 1290), ("Chiara", 480.5)):
        answer(app, start(app, "approve-expense", who=who, amount=amount), "Approve")
    start(app, "approve-expense", who="Dora", amount=40)
    start(app, "ask-and-greet")
    demo.runs["waiting"] = start(app, "approve-expense", who="Emil", amount=912.4)
    demo.runs["failed"] = start(app, "import-orders")
    demo.runs["until"] = start(app, "remind-me", seconds=86_400)
    demo.runs["event"] = start(app, "delivery")
    demo.runs["approval"] = start(app, "book-a-call")
    demo.runs["words"] = start(app, "which-way")
    demo.runs["late"] = start(app, "nobody-is-there")
    demo.runs["tested"] = tested(app)
    hold_back(app, demo)
    demo.runs["stopped"] = stop(app)
    settle(app, demo.runs["approval"], "waiting")
    settle(app, demo.runs["words"], "waiting")
    settle(app, demo.runs["failed"], *OVER)
    settle(app, demo.runs["late"], *OVER)
    with app.client() as client:
        wish = {"inputs": {"text": ""}, "reason": "nothing was ordered"}
        forked = client.post(f"/api/runs/{demo.runs['failed']}/fork", json=wish)
    demo.runs["forked"] = forked.raise_for_status().json()["run_id"]
    settle(app, demo.runs["forked"], *OVER)
    settle(app, demo.runs["done"], *OVER)
    settle(app, demo.runs["waiting"], "waiting")
    settle(app, demo.runs["event"], "waiting")
    return demo


def tested(app: App) -> str:
    """Two flows with tests that were changed since: one test of each does not pass. Return a run without a test."""
    put(app, asking("drinks"))
    for drink in ("Tea", "Coffee"):
        answer(app, run := start(app, "drinks"), drink)
        keep_test(app, run, drink)
    answer(app, last := start(app, "drinks"), "Tea")
    fewer = asking("drinks", ("Tea", "Water"))
    fewer["nodes"][1]["data"]["effectConfig"] = {"allowFreeText": False}
    put(app, fewer)
    put(app, ticking("ticks", 3))
    settle(app, run := start(app, "ticks"), *OVER)
    keep_test(app, run, "Three ticks")
    put(app, ticking("ticks", 2))
    with app.client() as client:
        for flow_id in ("drinks", "ticks"):
            client.post(f"/api/flows/{flow_id}/tests/run", json={}).raise_for_status()
    settle(app, last, *OVER)
    return last


def keep_test(app: App, run: str, name: str) -> None:
    """Make a test of a run when it has ended."""
    settle(app, run, *OVER)
    with app.client() as client:
        flow_id = client.get(f"/api/runs/{run}").json()["flow_id"]
        made = client.post(f"/api/flows/{flow_id}/tests", json={"run_id": run, "name": name})
        made.raise_for_status()


def stop(app: App) -> str:
    """Begin a trial run that stops at a breakpoint."""
    put(app, vat("vat", "tax", "end"))
    with app.client() as client:
        body = {"flow_id": "vat", "draft": True, "trial": {"breaks": True}}
        answer = client.post("/api/runs", json=body).raise_for_status()
    run_id = str(answer.json()["run_id"])
    settle(app, run_id, "waiting")
    return run_id


def hold_back(app: App, demo: Demo) -> None:
    """Pause one run and cancel another."""
    demo.runs["paused"] = start(app, "remind-me", seconds=86_400)
    demo.runs["cancelled"] = start(app, "ask-and-greet")
    for word, act, after in (("paused", "pause", "waiting"), ("cancelled", "cancel", "cancelled")):
        settle(app, demo.runs[word], "waiting")
        with app.client() as client:
            client.post(f"/api/runs/{demo.runs[word]}/{act}").raise_for_status()
        settle(app, demo.runs[word], after)


def change(app: App, flow_id: str) -> None:
    """Work on a flow after its first version: a step is moved, one renamed, a wire and a step taken away."""
    with app.client() as client:
        flow = client.get(f"/api/flows/{flow_id}").json()
    gone = flow["nodes"].pop()["id"]
    flow["nodes"][0]["position"]["x"] -= 80
    flow["nodes"][1]["data"]["label"] = "Called otherwise"
    flow["edges"] = [each for each in flow["edges"] if gone not in (each["source"], each["target"])]
    put(app, flow)


def connect(app: App) -> None:
    """Keep a model server, the model in the box and a tool server in the settings."""
    server = {"name": "lmstudio", "kind": "openai", "base_url": "http://127.0.0.1:1234/v1", "model": "small"}
    tools = {"id": "time", "command": "python -m mcp_server_time", "env": "TZ=Europe/Paris"}
    with app.client() as client:
        for address, form in (
            ("/settings/models", {"name": "scripted", "kind": "scripted"}),
            ("/settings/models", server),
            ("/settings/tools", tools),
        ):
            assert client.post(address, data=form).status_code == 303


def answer(app: App, run_id: str, response: str) -> None:
    """Answer the questions of a run until it asks no more."""
    settle(app, run_id, "waiting", *OVER)
    with app.client() as client:
        view = client.get(f"/api/runs/{run_id}").json()
        for prompt in view["prompts"]:
            body = {"wait_key": prompt["wait_key"], "response": response}
            client.post(f"/api/prompts/{prompt['run_id']}", json=body).raise_for_status()


def settle(app: App, run_id: str, *statuses: str) -> None:
    """Wait until a run has one of these states."""
    deadline = time.monotonic() + 20
    with app.client() as client:
        while client.get(f"/api/runs/{run_id}").json()["status"] not in statuses:
            assert time.monotonic() < deadline, f"run {run_id} is not {statuses}"
            time.sleep(0.05)


def failing() -> Document:
    """A flow that stumbles over its input."""
    nodes = [
        node(
            "start",
            "on_flow_start",
            0,
            0,
            label="New file",
            outputs=[EXEC_OUT, *pins(("text", "string"))],
            pinDefaults={"text": '[{"order": 17, "lines": 3}, {"order": 18, "lines": }]'},
        ),
        node("say", "answer_user", 300, 0, label="Announce", pinDefaults={"message": "Reading the orders"}),
        node(
            "read",
            "code",
            640,
            0,
            label="Read the orders",
            functionName="transform",
            codeBody="rows = text.split('},')\nreturn {'orders': [int(row.split(':')[2]) for row in rows]}",
            inputs=[EXEC_IN, *pins(("text", "string"))],
            outputs=[EXEC_OUT, *pins(("orders", "array"))],
        ),
        node("end", "on_flow_end", 960, 0, label="Imported", inputs=[EXEC_IN, *pins(("orders", "any"))]),
    ]
    wires = [
        "start.exec-out > say.exec-in",
        "say.exec-out > read.exec-in",
        "start.text > read.text",
        "read.exec-out > end.exec-in",
        "read.orders > end.orders",
    ]
    return document("import-orders", "Import orders", nodes, wires)


def using(flow_id: str = "book-a-call") -> Document:
    """A flow that asks before it uses a tool."""
    told = {"source_timezone": "Europe/Paris", "time": "16:30", "target_timezone": "America/New_York"}
    call = {"name": "time__convert_time", "arguments": told}
    nodes = [
        node("start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT]),
        node(
            "use",
            "call_tool",
            300,
            0,
            label="Ask their clock",
            pinDefaults={"tool_call": call},
            policy={"key": "tool_call"},
        ),
        node("end", "on_flow_end", 640, 0, label="Known", inputs=[EXEC_IN, *pins(("result", "any"))]),
    ]
    wires = ["start.exec-out > use.exec-in", "use.exec-out > end.exec-in", "use.result > end.result"]
    return document(flow_id, "Book a call", nodes, wires)


def listening() -> Document:
    """A flow that waits for an event, for as long as it takes."""
    nodes = [
        node("start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT]),
        node("wait", "wait_event", 300, 0, label="Wait for the parcel", pinDefaults={"event_key": "parcel"}),
        node("end", "on_flow_end", 640, 0, label="It is here"),
    ]
    wires = ["start.exec-out > wait.exec-in", "wait.exec-out > end.exec-in"]
    return document("delivery", "Wait for a delivery", nodes, wires)


def old() -> Document:
    """A flow in the words of an older version."""
    nodes = [
        node("start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT]),
        node("sub", "subflow", 300, 0, label="Greet", flowId="ask-and-greet"),
    ]
    return document("old", "From an older version", nodes, ["start.exec-out > sub.exec-in"])


def wording() -> Document:
    """A flow that asks somebody by name, with answers to choose from and room for others."""
    asked = {"prompt": "The road is closed. Which way now?", "choices": ["By the river", "Over the hill"]}
    whom = {"allowFreeText": True, "assignee": "drivers"}
    nodes = [
        node("start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT]),
        node("ask", "ask_user", 300, 0, label="Which way?", pinDefaults=asked, effectConfig=whom),
        node("end", "on_flow_end", 640, 0, label="Known"),
    ]
    wires = ["start.exec-out > ask.exec-in", "ask.exec-out > end.exec-in"]
    return document("which-way", "Which way?", nodes, wires)


def timing() -> Document:
    """A flow that asks, and goes on when nobody has answered at once."""
    asked = {"prompt": "Is anybody there?", "deadline": 0.1}
    within = {"deadlineUnit": "seconds"}
    nodes = [
        node("start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT]),
        node(
            "ask",
            "ask_user",
            300,
            0,
            label="Anybody?",
            pinDefaults=asked,
            effectConfig=within,
            onTimeout="continue",
        ),
        node("end", "on_flow_end", 640, 0, label="Nobody"),
    ]
    wires = ["start.exec-out > ask.exec-in", "ask.exec-out > end.exec-in"]
    return document("nobody-is-there", "Is anybody there?", nodes, wires)


def broken() -> Document:
    """A flow with something wrong in several places."""
    nodes = [
        node("start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT]),
        node("odd", "send_fax", 300, 0, label="Send a fax", pinDefaults={"number": "+49 30 1234"}),
        node("wait", "wait_until", 600, 0, label="Give it time", pinDefaults={"duration": -5}),
        node("alone", "answer_user", 600, 200, label="Never reached"),
    ]
    wires = ["start.exec-out > odd.exec-in", "odd.exec-out > wait.exec-in", "odd.result > gone.value"]
    return document("fax", "Send a fax", nodes, wires)


CODE = """total = 0
for row in rows:
    if row['open']:
        total += row['amount']
return {'total': total, 'count': len(rows)}"""


def every_widget() -> Document:
    """A flow whose nodes need every kind of field."""
    wires = [
        "start.exec-out > code.exec-in",
        "start.rows > code.rows",
        "code.exec-out > switch.exec-in",
        "start.urgency > switch.value",
        "switch.case:a > call.exec-in",
        "switch.default > if.exec-in",
        "json.value > pick.object",
        "start.notify > if.condition",
    ]
    settings = {"retries": 3, "channels": ["mail", "chat"], "quiet": {"from": 22, "to": 7}}
    paths = {"selectedPaths": ["quiet.from", "retries"]}
    nodes = [
        ticket(),
        adding_up(),
        deciding(),
        node("json", "literal_json", 300, 260, label="Settings", literalValue=settings),
        node("call", "subflow", 960, 0, label="Ask and greet", subflowId="ask-and-greet"),
        node("pick", "break_object", 640, 260, label="Pick", breakConfig=paths),
        node("if", "if", 960, 260, label="Loud?"),
    ]
    return document("triage", "Triage a ticket", nodes, wires)


def ticket() -> Document:
    """A start with a parameter of every type."""
    named = pins(("rows", "array"), ("urgency", "string"), ("notify", "boolean"), ("limit", "number"))
    rows = [{"amount": 3, "open": True}]
    values = {"rows": rows, "urgency": "normal", "notify": True, "limit": 250}
    return node(
        "start", "on_flow_start", 0, 0, label="Ticket", outputs=[EXEC_OUT, *named], pinDefaults=values
    )


def adding_up() -> Document:
    """A code node with inputs and outputs of its own."""
    inputs = [EXEC_IN, *pins(("rows", "array"), ("rate", "number"))]
    outputs = [EXEC_OUT, *pins(("total", "number"), ("count", "number"))]
    own = {"codeBody": CODE, "functionName": "transform", "pinDefaults": {"rate": 1.19}}
    return node("code", "code", 300, 0, label="Add up", inputs=inputs, outputs=outputs, **own)


def deciding() -> Document:
    """A switch with three cases."""
    cases = [{"id": "a", "value": "urgent"}, {"id": "b", "value": "normal"}, {"id": "c", "value": "can wait"}]
    exits = [{"id": f"case:{each['id']}", "label": each["value"], "type": "execution"} for each in cases]
    exits.append({"id": "default", "label": "default", "type": "execution"})
    inputs = [EXEC_IN, *pins(("value", "string"))]
    config = {"cases": cases}
    return node(
        "switch", "switch", 640, 0, label="How urgent?", switchConfig=config, inputs=inputs, outputs=exits
    )


def marked() -> Document:
    """A flow with notes and groups, one of them folded, a bookmark and a locked place."""
    words = "**First** the limit is read.\n\n- small amounts pass\n- others are asked about"
    note = {"x": 0, "y": -190, "w": 260, "h": 136, "text": words, "tone": "amber"}
    groups = {"g1": {"title": "Ask a person", "tone": "blue"}}
    folded = {"g2": {"title": "Tell everybody", "tone": "green", "folded": True}}
    nodes = [
        node(
            "start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT], canvas={"notes": {"n1": note}}
        ),
        node(
            "ask", "ask_user", 320, 0, label="Ask", canvas={"group": "g1", "groups": groups, "locked": True}
        ),
        node("say", "answer_user", 640, 0, label="Say", canvas={"group": "g1", "bookmark": True}),
        node("mail", "notify", 1000, 0, label="Tell", canvas={"group": "g2", "groups": folded}),
        node("end", "on_flow_end", 1280, 0, label="End", canvas={"group": "g2"}),
    ]
    wires = [
        "start.exec-out > ask.exec-in",
        "ask.exec-out > say.exec-in",
        "ask.response > say.message",
        "say.exec-out > mail.exec-in",
        "ask.response > mail.message",
        "mail.exec-out > end.exec-in",
    ]
    return document("marked", "A flow with marks", nodes, wires)


def tagged() -> Document:
    """A flow with wires behind names and with signs in its headers."""
    named = {"tags": {'["ask","response","message"]': "response", '["ask","response","url"]': "response"}}
    nodes = [
        node("start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT]),
        node("ask", "ask_user", 280, 0, label="Which page?", pinDefaults={"prompt": "Which page?"}),
        node(
            "web",
            "web_request",
            640,
            0,
            label="Fetch it",
            webConfig={"retries": 3},
            onError="branch",
            canvas=named,
        ),
        node("say", "answer_user", 1060, 0, label="Say it", canvas=named),
    ]
    wires = [
        "start.exec-out > ask.exec-in",
        "ask.exec-out > web.exec-in",
        "web.exec-out > say.exec-in",
        "ask.response > web.url",
        "ask.response > say.message",
    ]
    return document("tagged", "A flow with names and signs", nodes, wires)


def lone() -> Document:
    return document(
        "one-node", "Untitled flow 2", [node("start", "on_flow_start", 96, 160, label="Start")], []
    )


def large(count: int) -> Document:
    """A long flow, in rows."""
    nodes = [node("start", "on_flow_start", 0, 0, label="Start", outputs=[EXEC_OUT])]
    wires = []
    kinds = ("answer_user", "set_var", "if", "ask_user", "wait_until")
    for number in range(1, count):
        kind = kinds[number % len(kinds)]
        row, column = divmod(number, 20)
        nodes.append(node(f"n{number}", kind, 320 * column, 220 * row, label=f"Step {number}"))
        before = nodes[-2]
        leaves = "true" if before["type"] == "if" else "exec-out"
        wires.append(f"{before['id']}.{leaves} > n{number}.exec-in")
    return document("large", "A long procedure", nodes, wires)


def empty() -> Document:
    return {"id": "empty", "name": "Untitled flow", "nodes": [], "edges": []}
