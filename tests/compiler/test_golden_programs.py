"""Every sample flow is good, and compiles to the Program that is kept beside it."""

import json
from pathlib import Path

import pytest

from abstractruntime.visualflow_compiler import Program, bind, check, compile_program, errors_of
from compiler import golden

SAMPLES = golden.sample_flows()
KEPT = sorted(golden.PROGRAMS.glob("*.program.json"))


def test_the_golden_programs_are_those_of_the_sample_flows() -> None:
    stale = golden.generate(check=True)
    assert stale == [], "run: python tests/compiler/golden.py"


@pytest.mark.parametrize("flow", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_flow_has_no_errors(flow: Path) -> None:
    ids = {json.loads(path.read_bytes())["id"] for path in SAMPLES}
    assert errors_of(check(flow, flows=ids)) == []


@pytest.mark.parametrize("kept", KEPT, ids=lambda path: path.stem)
def test_a_kept_program_can_still_be_bound(kept: Path) -> None:
    program = Program.from_json(json.loads(kept.read_bytes()))
    assert program.entry in bind(program).nodes


def test_a_flow_compiles_to_the_same_program_every_time(tmp_path: Path) -> None:
    flow = {
        "id": "f",
        "nodes": [
            {"id": "s", "type": "on_flow_start", "data": {}},
            {"id": "e", "type": "on_flow_end", "data": {}},
        ],
        "edges": [
            {"id": "w", "source": "s", "sourceHandle": "exec-out", "target": "e", "targetHandle": "exec-in"}
        ],
    }
    path = tmp_path / "f.json"
    path.write_text(json.dumps(flow), "utf-8")
    first, second = golden.program_text(path), golden.program_text(path)
    assert first == second
    assert Program.from_json(json.loads(first)).digest == compile_program(flow).digest
