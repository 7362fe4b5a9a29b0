"""An effect with a key of its author's: within a run the same key is done once, and other runs tell the same."""

from __future__ import annotations

import json
from typing import Any

import pytest

from abstractruntime.core.effects import EffectOutcome
from abstractruntime.core.models import EffectType
from abstractruntime.testing.verify import verify
from abstractruntime.visualflow_compiler import Program
from cases.test_parallel import Town
from drive import Document, Host, Played, end, flow, node, start


class FarSide:
    """Somebody who does what is asked, and notes what for and under which key."""

    def __init__(self, fails: int = 0) -> None:
        self.did: list[str] = []
        self.keys: list[str] = []
        self.fails = fails

    def __call__(self, run: Any, effect: Any, *, idempotency_key: str) -> EffectOutcome:
        if len(self.did) < self.fails:
            self.did.append("failed")
            return EffectOutcome.failed("busy")
        self.did.append(str(effect.payload["message"]))
        self.keys.append(idempotency_key)
        return EffectOutcome.completed({"id": f"n{len(self.did)}", "sent_at": "2030"})


def tells(key: str | None, items: list[Any], kind: str = "notify", name: str = "telling") -> Document:
    """A flow that tells each of several things, and gives back what the last of them was called."""
    policy = {} if key is None else {"policy": {"key": key}}
    nodes = {
        "start": start(),
        "each": node("loop", pins={"items": items}),
        "note": node("set_var", pins={"name": "turn"}),
        "tell": node(kind, onError="continue", **policy),
        "end": end("id"),
    }
    wires = """
    start -> each, each:loop -> note, note -> tell, each:done -> end
    each.index -> note.value, each.item -> tell.message, tell.id -> end.id
    """
    return flow(name, nodes, wires)


def stepwise(host: Host, root: str) -> Played:
    """Take one step at a time, and forget all but the store between any two."""
    for _ in range(200):
        run = host.runtime.tick(host.spec_of(host.runtime.get_state(root)), root, 1)
        host.restart()
        if run.status.is_over:
            break
    assert verify(host.stores, at_rest=True) == []
    return Played(host, root, host.runtime.get_state(root))


ORDERS = ["o-1", "o-2", "o-1", "o-1"]


@pytest.mark.parametrize(
    ("key", "did"),
    [
        (None, ["o-1", "o-2", "o-1", "o-1"]),
        ("message", ["o-1", "o-2"]),
        ('f"{message}-paid"', ["o-1", "o-2"]),
        ("pins", ["o-1", "o-2"]),
        ("turn // 2", ["o-1", "o-1"]),
        ("'once'", ["o-1"]),
    ],
)
@pytest.mark.parametrize("in_steps", [False, True])
def test_in_a_run_the_same_key_is_done_once(
    store: str, key: str | None, did: list[str], in_steps: bool
) -> None:
    far = FarSide()
    host = Host(tells(key, ORDERS), store=store, handlers={EffectType.NOTIFY: far})
    root = host.start()
    done = stepwise(host, root) if in_steps else host.go(Played(host, root))
    assert done.status == "completed", done.error
    assert far.did == did
    first = {order: number for number, order in reversed(list(enumerate(did, 1)))}
    if key == "message":
        assert done.output["id"] == f"n{first['o-1']}", "the first result counts again"
    assert done.visits.count("tell") == 4


def test_other_runs_tell_the_same_key_and_other_steps_and_flows_another() -> None:
    keys: dict[str, list[str]] = {}
    for name, run in (("a", 1), ("a", 2), ("b", 1)):
        far = FarSide()
        Host(tells("message", ["o-1"], name=name), handlers={EffectType.NOTIFY: far}).play()
        keys[f"{name}{run}"] = far.keys
    assert keys["a1"] == keys["a2"]
    assert keys["a1"] != keys["b1"]
    unnamed = [FarSide(), FarSide()]
    for far in unnamed:
        Host(tells(None, ["o-1"]), handlers={EffectType.NOTIFY: far}).play()
    assert unnamed[0].keys != unnamed[1].keys


def test_what_has_failed_is_not_done_and_the_next_turn_does_it() -> None:
    far = FarSide(fails=1)
    done = Host(tells("message", ["o-1", "o-1", "o-1"]), handlers={EffectType.NOTIFY: far}).play()
    assert done.status == "completed"
    assert far.did == ["failed", "o-1"]


@pytest.mark.parametrize("key", ["''", "None", "nothing_of_that_name", "1/0"])
def test_a_key_that_names_nothing_fails_the_step_and_nothing_is_done(key: str) -> None:
    far = FarSide()
    document = tells(key, ["o-1"])
    next(each for each in document["nodes"] if each["id"] == "tell")["data"].pop("onError")
    done = Host(document, handlers={EffectType.NOTIFY: far}).play()
    assert (done.status, done.failure["node_id"]) == ("failed", "tell")
    assert done.failure["pin"] == "policy.key"
    assert far.did == []


def test_the_ledger_says_under_which_key() -> None:
    done = Host(tells("message", ["o-1"]), handlers={EffectType.NOTIFY: FarSide()}).play()
    begun = [
        record["result"]["visit"]["key"]
        for record in done.records()
        if record["node_id"] == "tell" and record["status"] == "started"
    ]
    assert begun == ["o-1"]


def test_what_the_kernel_does_itself_is_done_once_too(store: str) -> None:
    """An event that is emitted under a key is heard once."""
    nodes = {
        "start": start(),
        "each": node("loop", pins={"items": ["a", "b", "a"]}),
        "emit": node("emit_event", pins={"name": "seen"}, policy={"key": "payload"}),
        "end": end(),
        "on": node("on_event", eventConfig={"name": "seen", "scope": "session"}),
        "said": node("answer_user", pins={"message": "heard"}),
    }
    wires = """
    start -> each, each:loop -> emit, each:done -> end, on -> said
    each.item -> emit.payload
    """
    town = Town(flow("f", nodes, wires), store=store, listeners=True)
    root = town.start()
    town.settle()
    done = Played(town, root, town.runtime.get_state(root))
    assert done.status == "completed", done.error
    assert done.messages == ["heard", "heard"]


def test_a_program_with_keys_has_a_format_of_its_own_and_comes_back() -> None:
    host = Host(tells("message", ["o-1"]))
    [text] = host.programs.values()
    assert json.loads(text)["format"] == 3
    assert Program.from_json(json.loads(text)).ops["tell"].key == "message"
    plain = Host(tells(None, ["o-1"]))
    assert json.loads(next(iter(plain.programs.values())))["format"] == 1
