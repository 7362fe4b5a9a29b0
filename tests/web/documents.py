"""Small flows for the tests of the web app."""

from __future__ import annotations

from typing import Any

Document = dict[str, Any]


def pin(name: str, kind: str = "string") -> dict[str, str]:
    return {"id": name, "label": name, "type": kind}


def node(node_id: str, kind: str, **data: Any) -> dict[str, Any]:
    return {
        "id": node_id,
        "type": kind,
        "position": {"x": 0, "y": 0},
        "data": {"nodeType": kind, "label": node_id, **data},
    }


def wire(source: str, target: str) -> dict[str, Any]:
    """Return an edge; `"a.out"` and `"b.in"` name node and pin, a bare name means control."""
    start, _, out = source.partition(".")
    end, _, into = target.partition(".")
    handles = {"sourceHandle": out or "exec-out", "targetHandle": into or "exec-in"}
    return {"id": f"{source}>{target}", "source": start, "target": end, **handles}


def flow(flow_id: str, nodes: list[Any], wires: list[tuple[str, str]], **more: Any) -> Document:
    edges = [wire(source, target) for source, target in wires]
    return {"id": flow_id, "name": more.pop("name", flow_id), "nodes": nodes, "edges": edges, **more}


def start(*parameters: str, **defaults: Any) -> dict[str, Any]:
    outputs = [pin("exec-out", "execution"), *(pin(name) for name in parameters)]
    return node("start", "on_flow_start", outputs=outputs, pinDefaults=defaults)


def end(*results: str) -> dict[str, Any]:
    return node("end", "on_flow_end", inputs=[pin("exec-in", "execution"), *(pin(name) for name in results)])


def hello(flow_id: str = "hello") -> Document:
    """Greet by name and end at once."""
    return flow(
        flow_id,
        [
            start("who", who="world"),
            node("greet", "concat", inputs=[pin("a"), pin("b")], pinDefaults={"a": "Hello"}),
            end("text"),
        ],
        [("start", "end"), ("start.who", "greet.b"), ("greet.result", "end.text")],
    )


def asking(flow_id: str = "asking", takes_words: bool = True, **more: Any) -> Document:
    """Ask one question and hand over its answer."""
    settings = {} if takes_words else {"effectConfig": {"allowFreeText": False}}
    ask = node("ask", "ask_user", pinDefaults={"prompt": "Your name?", **more}, **settings)
    return flow(
        flow_id,
        [start(), ask, end("name")],
        [("start", "ask"), ("ask", "end"), ("ask.response", "end.name")],
    )


def asking_often(times: int = 3, flow_id: str = "often") -> Document:
    """Ask the same question again and again."""
    return flow(
        flow_id,
        [
            start(),
            node("loop", "for", pinDefaults={"start": 0, "end": times, "step": 1}),
            node("ask", "ask_user", pinDefaults={"prompt": "Again?"}),
            end(),
        ],
        [("start", "loop"), ("loop.loop", "ask"), ("loop.done", "end")],
    )


def calling(child: str, flow_id: str = "parent") -> Document:
    """Run another flow and hand over its output."""
    return flow(
        flow_id,
        [start(), node("call", "subflow", subflowId=child), end("output")],
        [("start", "call"), ("call", "end"), ("call.output", "end.output")],
    )


def sleeping(seconds: float, flow_id: str = "sleeping") -> Document:
    """Wait for a while, then end."""
    return flow(
        flow_id,
        [
            start(),
            node(
                "nap",
                "wait_until",
                effectConfig={"durationType": "seconds"},
                pinDefaults={"duration": seconds},
            ),
            end(),
        ],
        [("start", "nap"), ("nap", "end")],
    )


def counting(turns: int, flow_id: str = "counting") -> Document:
    """Set a variable many times: a run of many small steps."""
    return flow(
        flow_id,
        [
            start(),
            node("loop", "for", pinDefaults={"start": 0, "end": turns, "step": 1}),
            node("set", "set_var", pinDefaults={"name": "count"}),
            node("get", "get_var", pinDefaults={"name": "count"}),
            end("count"),
        ],
        [
            ("start", "loop"),
            ("loop.loop", "set"),
            ("loop.i", "set.value"),
            ("loop.done", "end"),
            ("get.value", "end.count"),
        ],
    )


def listening(flow_id: str = "listening") -> Document:
    """Emit an event that a listener of the same flow answers, then ask."""
    return flow(
        flow_id,
        [
            start(),
            node("emit", "emit_event", pinDefaults={"name": "ping"}),
            node("ask", "ask_user", pinDefaults={"prompt": "Go on?"}),
            end(),
            node("on", "on_event", eventConfig={"name": "ping", "scope": "session"}),
            node("say", "answer_user", pinDefaults={"message": "heard"}),
        ],
        [("start", "emit"), ("emit", "ask"), ("ask", "end"), ("on", "say")],
        entryNode="start",
    )


def asking_at_once(*prompts: str) -> Document:
    """A flow that asks each of these in a branch of its own, all at once."""
    branches = [pin(f"then:{number}", "execution") for number in range(len(prompts))]
    outs = [*branches, pin("completed", "execution")]
    nodes = [
        start(),
        node("fork", "parallel", inputs=[pin("exec-in", "execution")], outputs=outs),
        end(*prompts),
    ]
    wires = [("start", "fork"), ("fork.completed", "end")]
    for number, prompt in enumerate(prompts):
        nodes.append(node(f"ask{number}", "ask_user", pinDefaults={"prompt": prompt}))
        wires += [(f"fork.then:{number}", f"ask{number}"), (f"ask{number}.response", f"end.{prompt}")]
    return flow("at-once", nodes, wires)
