"""What the editor offers while somebody writes is there when it runs."""

from __future__ import annotations

import pytest

from abstractruntime.visualflow_compiler.sandbox_names import (
    CONSTANTS,
    ERRORS,
    FUNCTIONS,
    MEMBERS,
    WORDS,
    offered,
)
from sandbox.conftest import Run


def test_every_offered_name_is_known_to_the_sandbox(run: Run) -> None:
    names = [
        *FUNCTIONS,
        *CONSTANTS,
        *ERRORS,
        *(f"{module}.{name}" for module in MEMBERS for name in MEMBERS[module]),
    ]
    body = "\n".join(f"    x = {name}" for name in names)
    assert run(f"def transform(_input):\n{body}\n    return {len(names)}\n").value == len(names)


@pytest.mark.parametrize("name", ["nothing_of_this_name", "math.nothing"])
def test_a_name_that_is_not_there_would_be_noticed(refused: Run, name: str) -> None:
    assert "nothing" in str(refused(f"def transform(_input):\n    return {name}\n"))


def test_what_is_offered_is_plain_data_in_order() -> None:
    told = offered()
    assert set(told) == {"functions", "constants", "errors", "words", "modules"}
    assert sorted(FUNCTIONS) == list(FUNCTIONS)
    assert "return" in WORDS
