"""Events: sent and heard in every scope, and listeners that listen again."""

import pytest

from abstractruntime.visualflow_compiler import lower_tree
from drive import Host, end, flow, node, start

SCOPES = ("session", "workflow", "run", "global")


def waiting_and_telling(scope: str) -> tuple[dict[str, object], dict[str, object]]:
    waiter = flow(
        "waiter",
        {
            "start": start(),
            "wait": node("wait_event", pins={"event_key": "paid"}, effectConfig={"scope": scope}),
            "end": end("got"),
        },
        "start -> wait, wait -> end, wait.event_data -> end.got",
    )
    teller = flow(
        "teller",
        {
            "start": start(),
            "tell": node("emit_event", pins={"name": "paid", "scope": scope, "payload": {"order": 7}}),
            "end": end("delivered"),
        },
        "start -> tell, tell -> end, tell.delivered -> end.delivered",
    )
    return waiter, teller


@pytest.mark.parametrize("scope", SCOPES)
def test_an_event_is_heard_where_its_scope_reaches(scope: str, store: str) -> None:
    waiter, teller = waiting_and_telling(scope)
    host = Host(waiter, store=store)
    waiting = host.start(session_id="one")
    host.drive(waiting)
    other = Host(teller, store=host.stores)
    other.registry.specs.update(host.registry.specs)
    host.registry.specs.update(other.registry.specs)
    same, stranger = other.start(session_id="one"), other.start(session_id="two")
    delivered = [other.drive(run_id).output["delivered"] for run_id in (stranger, same)]  # type: ignore[index]
    # Another flow is another workflow and another run; the second of two finds nobody waiting.
    assert delivered == {"session": [0, 1], "workflow": [0, 0], "run": [0, 0], "global": [1, 0]}[scope]
    after = host.drive(waiting)
    if sum(delivered):
        assert after.output is not None
        assert after.output["got"]["payload"] == {"order": 7}
    else:
        assert after.status.value == "waiting"


@pytest.mark.parametrize("scope", SCOPES)
def test_a_branch_hears_another_branch_of_its_own_run_in_every_scope(scope: str, store: str) -> None:
    document = flow(
        "both",
        {
            "start": start(),
            "all": node("parallel", outs=["then:0", "then:1", "completed"]),
            "wait": node("wait_event", pins={"event_key": "paid"}, effectConfig={"scope": scope}),
            "later": node("wait_until", pins={"duration": 60}),
            "tell": node("emit_event", pins={"name": "paid", "scope": scope, "payload": {"order": 7}}),
            "end": end("got", "delivered"),
        },
        """start -> all, all:then:0 -> wait, all:then:1 -> later, later -> tell, all:completed -> end
        wait.event_data -> end.got, tell.delivered -> end.delivered""",
    )
    host = Host(document, store=store)
    root = host.start(session_id="one")
    host.drive(root)
    for branch in host.stores.runs.list_children(parent_run_id=root):  # type: ignore[attr-defined]
        host.drive(branch.run_id)
    host.restart()
    host.clock.move(seconds=61)
    for branch in host.stores.runs.list_children(parent_run_id=root):  # type: ignore[attr-defined]
        host.drive(branch.run_id)
    output = host.drive(root).output
    assert output is not None
    assert (output["delivered"], output["got"]["payload"]) == (1, {"order": 7})


@pytest.mark.parametrize("scope", SCOPES)
def test_a_listener_hears_the_flow_in_its_session_and_anywhere_and_itself_in_workflow(
    scope: str, store: str
) -> None:
    document = flow(
        "bells",
        {
            "start": start(),
            "ring": node("emit_event", pins={"name": "bell", "scope": scope}),
            "end": end("heard"),
            "hear": node("on_event", eventConfig={"name": "bell", "scope": scope}),
            "again": node("emit_event", pins={"name": "bell", "scope": scope}),
        },
        "start -> ring, ring -> end, ring.delivered -> end.heard, hear -> again",
    )
    host = Host(document, store=store, listeners=True)
    roots = [host.start(session_id=session) for session in ("one", "two")]
    ears = [listener_of(host, root) for root in roots]
    for ear in ears:
        host.drive(ear)
    output = host.drive(roots[0]).output
    assert output is not None
    assert output["heard"] == {"session": 1, "workflow": 0, "run": 0, "global": 2}[scope]
    if scope in ("workflow", "run"):
        host.answer(host.runtime.get_state(ears[0]), {"name": "bell", "payload": {}})
        host.drive(ears[0])
        told = [
            record["result"]["delivered_to"]
            for record in host.runtime.get_ledger(ears[0])
            if (record.get("effect") or {}).get("type") == "emit_event" and record["status"] == "completed"
        ]
        assert told == [[ears[1]] if scope == "workflow" else []]


DOORBELL = flow(
    "house",
    {
        "start": start(),
        "ask": node("ask_user", pins={"prompt": "Ring?"}),
        "ring": node("emit_event", pins={"name": "bell", "payload": {"who": "Ada"}}),
        "again": node("ask_user", pins={"prompt": "Again?"}),
        "ring2": node("emit_event", pins={"name": "bell", "payload": {"who": "Bob"}}),
        "end": end(),
        "hear": node("on_event", eventConfig={"name": "bell", "scope": "session"}),
        "who": node("get", pins={"key": "who"}),
        "say": node("answer_user"),
    },
    """
    start -> ask, ask -> ring, ring -> again, again -> ring2, ring2 -> end
    hear -> say, hear.payload -> who.object, who.value -> say.message
    """,
)


def test_a_listener_runs_its_branch_for_every_event_and_listens_again(store: str) -> None:
    host = Host(DOORBELL, store=store, listeners=True)
    assert host.listeners == ["visual_event_listener_house_hear"]
    root = host.start()
    told = []
    for _ in range(2):
        asking = host.drive(root)
        host.restart()
        host.answer(asking, {"response": "yes"})
        host.drive(root)
        for listener in host.stores.runs.list_children(parent_run_id=root):  # type: ignore[attr-defined]
            state = host.drive(listener.run_id)
            assert (state.status.value, state.current_node) == ("waiting", "hear")
            told = [
                record["result"]["message"]
                for record in host.runtime.get_ledger(listener.run_id)
                if (record.get("effect") or {}).get("type") == "answer_user"
                and record["status"] == "completed"
            ]
    assert told == ["Ada", "Bob"]


def test_the_entry_is_not_a_listener_of_its_own() -> None:
    alone = flow(
        "alone",
        {"hear": node("on_event", eventConfig={"name": "x"}), "say": node("answer_user")},
        "hear -> say",
    )
    tree = lower_tree("alone", {"alone": alone})
    assert tree.programs["alone"].entry == "hear"
    assert tree.listeners == {}


def test_listeners_of_subflows_are_found_too() -> None:
    parent = flow("p", {"start": start(), "call": node("subflow", subflowId="house")}, "start -> call")
    tree = lower_tree("p", {"p": parent, "house": DOORBELL}, rename=lambda flow_id: f"b@1:{flow_id}")
    assert list(tree.listeners) == ["visual_event_listener_b_1_house_hear"]
    assert tree.listeners["visual_event_listener_b_1_house_hear"].entry == "hear"


def rung_in_a_loop(branch: str, **more: dict[str, object]) -> dict[str, object]:
    """Ring five times without a pause; each ring is told to the user by the listener's branch."""
    nodes = {
        "start": start(),
        "each": node("for", pins={"start": 1, "end": 6, "step": 1}),
        "ring": node("emit_event", pins={"name": "bell"}),
        "end": end(),
        "hear": node("on_event", eventConfig={"name": "bell", "scope": "session"}),
        "value": node("get", pins={"key": "value"}),
        "say": node("answer_user"),
        **more,
    }
    wires = "start -> each, each:loop -> ring, each.i -> ring.payload, each:done -> end"
    return flow(
        "rings", nodes, f"{wires}, {branch}, hear.payload -> value.object, value.value -> say.message"
    )


def told_by(host: Host, run_id: str) -> list[object]:
    return [
        record["result"]["message"]
        for record in host.runtime.get_ledger(run_id)
        if (record.get("effect") or {}).get("type") == "answer_user" and record["status"] == "completed"
    ]


def listener_of(host: Host, root: str) -> str:
    (child,) = host.stores.runs.list_children(parent_run_id=root)  # type: ignore[attr-defined]
    found: str = child.run_id
    return found


@pytest.mark.parametrize("steps", [2_000, 9])
def test_events_that_come_while_the_branch_runs_are_heard_in_order(store: str, steps: int) -> None:
    host = Host(rung_in_a_loop("hear -> say"), store=store, listeners=True)
    root = host.start()
    host.drive(root, max_steps=steps)
    host.restart()
    ear = listener_of(host, root)
    host.drive(ear, max_steps=3)
    host.restart()
    assert host.drive(root).status.value == "completed"
    host.restart()
    after = host.drive(ear)
    assert (after.status.value, after.current_node) == ("waiting", "hear")
    assert [str(one) for one in told_by(host, ear)] == ["1", "2", "3", "4", "5"]
    assert after.vars["_runtime"]["inbox"] == []


def test_events_that_come_while_the_branch_asks_are_heard_afterwards(store: str) -> None:
    asking = rung_in_a_loop("hear -> ask, ask -> say", ask=node("ask_user", pins={"prompt": "Open?"}))
    host = Host(asking, store=store, listeners=True)
    root = host.start()
    host.drive(root, max_steps=5)
    ear = listener_of(host, root)
    seen = host.drive(ear)
    assert seen.waiting is not None
    assert seen.waiting.prompt == "Open?"
    assert host.drive(root).status.value == "completed"
    host.restart()
    for turn in range(5):
        asked = host.drive(ear)
        assert asked.waiting is not None
        # Mail that came meanwhile does not make the question another one.
        at = seen.updated_at if turn == 0 else asked.updated_at
        host.runtime.resume(
            host.spec_of(asked), ear, asked.waiting.wait_key, {"response": "yes"}, 0, asked_at=at
        )
    host.drive(ear)
    assert [str(one) for one in told_by(host, ear)] == ["1", "2", "3", "4", "5"]


def test_a_wait_for_one_event_keeps_none_afterwards(store: str) -> None:
    waiter, teller = waiting_and_telling("session")
    host = Host(waiter, store=store)
    waiting = host.start(session_id="one")
    host.drive(waiting)
    other = Host(teller, store=host.stores)
    other.registry.specs.update(host.registry.specs)
    delivered = [other.drive(other.start(session_id="one")).output["delivered"] for _ in range(3)]  # type: ignore[index]
    assert delivered == [1, 0, 0]
    assert "inbox" not in host.runtime.get_state(waiting).vars["_runtime"]


def test_a_listener_does_not_hear_itself(store: str) -> None:
    echo = node("emit_event", pins={"name": "bell"})
    host = Host(rung_in_a_loop("hear -> say, say -> echo", echo=echo), store=store, listeners=True)
    root = host.start()
    host.drive(root)
    ear = listener_of(host, root)
    assert host.drive(ear).status.value == "waiting"
    assert len(told_by(host, ear)) == 5


def test_two_listeners_hear_one_event_and_one_hears_all(store: str) -> None:
    def hearing(name: str, says: str) -> dict[str, dict[str, object]]:
        return {
            f"hear {says}": node("on_event", eventConfig={"name": name, "scope": "session"}),
            f"text {says}": node("string_template", pins={"template": f"{says}: {{{{name}}}}"}),
            f"say {says}": node("answer_user"),
        }

    def wiring(says: str) -> str:
        return f"""hear {says} -> say {says}, hear {says}.event -> text {says}.vars
        text {says}.result -> say {says}.message"""

    document = flow(
        "ears",
        {
            "start": start(),
            "ring": node("emit_event", pins={"name": "bell"}),
            "knock": node("emit_event", pins={"name": "knock"}),
            "end": end("rang", "knocked"),
            **hearing("bell", "one"),
            **hearing("bell", "two"),
            **hearing("*", "all"),
        },
        f"""start -> ring, ring -> knock, knock -> end
        ring.delivered -> end.rang, knock.delivered -> end.knocked
        {wiring("one")}
        {wiring("two")}
        {wiring("all")}""",
    )
    host = Host(document, store=store, listeners=True)
    root = host.start()
    host.drive(root)
    for child in host.stores.runs.list_children(parent_run_id=root):
        host.drive(child.run_id)
    told = sorted(
        placed.record["result"]["message"]
        for placed in host.runtime.journal.tree_after(root, 0, 10_000)
        if (placed.record.get("effect") or {}).get("type") == "answer_user"
        and placed.record["status"] == "completed"
    )
    assert told == ["all: bell", "all: knock", "one: bell", "two: bell"]
    output = host.runtime.get_state(root).output or {}
    assert (output["rang"], output["knocked"]) == (3, 0)  # busy with the bell, it finds the knock later
