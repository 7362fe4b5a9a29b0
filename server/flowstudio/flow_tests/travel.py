"""Tests on the road: a flow that is brought in under another id takes its tests along."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from .reading import Deeds
from .recording import Place
from .shelf import FlowTest


def under_new_flow_ids(test: FlowTest, renamed: Mapping[str, str]) -> FlowTest:
    """Return a test whose flow, and the flows in its recording, follow the new ids."""
    if not renamed:
        return test
    recording, expected = test.recording, test.expected
    root, _, digest = recording.workflow.rpartition("@")
    moved = replace(
        recording,
        workflow=f"{_key(root, renamed)}@{digest}",
        replies=tuple(replace(each, place=_place(each.place, renamed)) for each in recording.replies),
        answers=tuple(replace(each, place=_place(each.place, renamed)) for each in recording.answers),
    )
    ways = tuple(replace(each, flow=_key(each.flow, renamed)) for each in expected.ways)
    deeds: Deeds = replace(expected, ways=ways)
    return replace(
        test, flow_id=renamed.get(test.flow_id, test.flow_id), recording=moved, expected=deeds, version=None
    )


def _place(place: Place, renamed: Mapping[str, str]) -> Place:
    return replace(place, flow=_key(place.flow, renamed))


def _key(key: str, renamed: Mapping[str, str]) -> str:
    """Return what a flow, or what was made of one of its nodes, is called in the kernel under the new ids."""
    if key in renamed:
        return renamed[key]
    if key.startswith("visual_"):  # a listener or an agent: it is called after its flow
        for old, new in renamed.items():
            key = key.replace(f"_{old}_", f"_{new}_")
    return key
