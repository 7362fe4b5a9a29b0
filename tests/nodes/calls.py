"""Node types by name, run without a run: on top of what the kernel gives every package's tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from abstractruntime.nodes.catalog import catalog
from abstractruntime.nodes.define import Finding, NodeType
from abstractruntime.testing.examples import call_of, told


def node_type(name: str) -> NodeType:
    """Return a declared type that must exist."""
    kind = catalog().get(name)
    assert kind is not None, f"no node type '{name}'"
    return kind


def run(
    name: str, inputs: Mapping[str, Any] | None = None, data: Mapping[str, Any] | None = None, **more: Any
) -> Any:
    """Run a node type by name and return its outputs in the words of examples."""
    kind = node_type(name)
    return told(kind.run(call_of(kind, inputs, data, **more)))


def findings(name: str, data: Mapping[str, Any]) -> list[Finding]:
    """Return what a type's own check finds in a node's data."""
    kind = node_type(name)
    assert kind.check is not None
    return kind.check(data)


def codes(name: str, data: Mapping[str, Any]) -> list[str]:
    """Return the codes of what a type's own check finds."""
    return [found.code for found in findings(name, data)]
