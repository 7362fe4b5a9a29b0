"""`verify` finds each kind of damage: a check that cannot fail proves nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from abstractruntime import RunStatus, WaitReason, WaitState
from abstractruntime.core.jsonsafe import decode, encode
from abstractruntime.storage import Stores, open_stores
from abstractruntime.storage.codec import encode_run
from abstractruntime.testing.verify import Witness, verify

from .world import World, live

Damage = Callable[[Stores, Witness], None]


def lived() -> tuple[Stores, Witness]:
    """Return the stores of a story that is over, and one who has seen it all."""
    stores, world, witness = open_stores("memory:"), World(), Witness()
    live(stores, world, 1)
    for run in stores.runs.list_runs():  # type: ignore[attr-defined]
        for record in stores.ledger.list(run.run_id):
            witness.saw(record)
    witness.acts = [key for key, _ in world.acts]
    witness.answers = [("root", encode({"response": "name!"}))]
    return stores, witness


def pages(stores: Stores, run_id: str = "root") -> Any:
    return stores.ledger._pages[run_id]  # type: ignore[attr-defined]


def text_of(stores: Stores, wanted: Callable[[dict[str, Any]], bool]) -> int:
    """Return the place of the first record of the root like this."""
    records = stores.ledger.list("root")
    return next(number for number, record in enumerate(records) if wanted(record))


def repeat(stores: Stores, wanted: Callable[[dict[str, Any]], bool], **changes: Any) -> None:
    """Append a record of the root once more, a little changed."""
    found = pages(stores)
    record = {**decode(found.texts[text_of(stores, wanted)]), **changes}
    found.texts.append(encode(record))
    found.positions.append(found.positions[-1] + 1000)
    found.revisions.append(found.revisions[-1])


def state(stores: Stores, run_id: str = "root", **changes: Any) -> None:
    """Change a stored state behind the ledger's back."""
    run = stores.runs.load(run_id)
    assert run is not None
    for name, value in changes.items():
        setattr(run, name, value)
    stores.runs.save(run)


def lose_last(stores: Stores, witness: Witness) -> None:
    for column in (pages(stores).texts, pages(stores).positions, pages(stores).revisions):
        column.pop()


def lose_answer(stores: Stores, witness: Witness) -> None:
    found = pages(stores)
    del found.texts[text_of(stores, lambda record: (record["effect"] or {}).get("type") == "resume")]
    found.positions.pop()
    found.revisions.pop()


def twin_position(stores: Stores, witness: Witness) -> None:
    pages(stores).positions[3] = pages(stores).positions[-1] + 5


def change_whole(stores: Stores, witness: Witness) -> None:
    kept = stores.runs._kept["root"]  # type: ignore[attr-defined]
    kept.history[-1].whole = encode_run(kept.state()).replace('"name!"', '"game!"')
    kept.base = len(kept.history) - 1


def unchain(stores: Stores, witness: Witness) -> None:
    texts = pages(stores).texts
    texts[0] = encode({**decode(texts[0]), "record_hash": "a"})


def done(record: dict[str, Any]) -> bool:
    return record["status"] == "completed" and (record["effect"] or {}).get("type") == "llm_call"


DAMAGES: dict[str, tuple[str, Damage]] = {
    "a lost record": ("I1", lose_last),
    "a record twice": ("I1", lambda stores, witness: repeat(stores, done)),
    "an acknowledged step that never was": (
        "I1",
        lambda stores, witness: witness.steps.append(("root", "s", "completed")),
    ),
    "a number out of turn": ("I2", twin_position),
    "a broken chain": ("I3", unchain),
    "a whole state that its changes do not lead to": ("I4", change_whole),
    "another output than told": ("I4", lambda stores, witness: state(stores, output={"x": 1})),
    "an end that was not told": ("I4", lambda stores, witness: state(stores, status=RunStatus.FAILED)),
    "a run set back": ("I4", lambda stores, witness: state(stores, status=RunStatus.RUNNING)),
    "a lost answer": ("I5", lose_answer),
    "an answer to nothing": (
        "I5",
        lambda stores, witness: repeat(
            stores, lambda record: (record["effect"] or {}).get("type") == "resume", step_id="new"
        ),
    ),
    "two results of one visit": ("I6", lambda stores, witness: repeat(stores, done, step_id="new")),
    "an effect begun after its success": (
        "I7",
        lambda stores, witness: repeat(stores, done, step_id="new", status="started", result=None),
    ),
    "an act that was not begun": ("I7", lambda stores, witness: witness.acts.append(witness.acts[0])),
    "a run that nobody drives": ("I8", lambda stores, witness: state(stores, status=RunStatus.RUNNING)),
    "a wait for nothing": (
        "I8",
        lambda stores, witness: state(
            stores, status=RunStatus.WAITING, output=None, waiting=WaitState(WaitReason.EVENT)
        ),
    ),
    "a parent without its child": (
        "I8",
        lambda stores, witness: state(
            stores,
            status=RunStatus.WAITING,
            waiting=WaitState(WaitReason.SUBWORKFLOW, wait_key="subworkflow:x", details={"sub_run_id": "x"}),
        ),
    ),
    "a child whose parent was not told": (
        "I8",
        lambda stores, witness: state(
            stores,
            status=RunStatus.WAITING,
            waiting=WaitState(WaitReason.SUBWORKFLOW, wait_key="k", details={"sub_run_id": "ear"}),
        ),
    ),
}


def test_a_story_that_went_well_has_no_breach() -> None:
    stores, witness = lived()
    assert verify(stores, witness, at_rest=True) == []
    assert verify(stores) == []


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_found(name: str) -> None:
    invariant, damage = DAMAGES[name]
    stores, witness = lived()
    damage(stores, witness)
    found = verify(stores, witness, at_rest=True)
    assert any(f"{invariant}:" in what for what in found), found
