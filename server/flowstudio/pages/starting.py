"""What a form that starts a run offers beside its fields: examples by name, and the same start as an API call."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Body

from abstractruntime.integrations.hiding import hidden
from abstractruntime.nodes.written_keys import RULE, without_keys

from ..studio import Studio, TheStudio

router = APIRouter(include_in_schema=False)
Json = Any
EXAMPLES = "examples"  # of a flow's document: a list of names with inputs


@router.post("/editor/start")
def start_words(
    studio: TheStudio, flow_id: Annotated[str, Body()], inputs: Annotated[dict[str, Any], Body()]
) -> dict[str, Json]:
    """Return inputs as they may be kept as an example, those that hold a key left out, and the start as an API call."""
    kept, left_out = kept_inputs(studio, inputs)
    return {"inputs": kept, "left_out": left_out, "call": api_call(studio, flow_id, inputs)}


def examples_of(document: Mapping[str, Json]) -> dict[str, dict[str, Json]]:
    """Return the examples of a flow by name; what cannot be read as one is passed over."""
    given = document.get(EXAMPLES)
    found = {}
    for each in given if isinstance(given, list) else []:
        name, inputs = (each.get("name"), each.get("inputs")) if isinstance(each, Mapping) else (None, None)
        if isinstance(name, str) and name and isinstance(inputs, dict):
            found[name] = inputs
    return found


def kept_inputs(studio: Studio, inputs: Mapping[str, Json]) -> tuple[dict[str, Json], list[str]]:
    """Return the inputs that hold no key and no secret of the server, and the names of the others."""
    secrets = studio.tests.secrets()
    left_out = [name for name, value in inputs.items() if _covered(name, value, secrets) != value]
    return {name: value for name, value in inputs.items() if name not in left_out}, left_out


def api_call(studio: Studio, flow_id: str, inputs: Mapping[str, Json]) -> str:
    """Write the start of a run as a line for a shell. Keys are left out, and the token is a variable of the shell's."""
    secrets = studio.tests.secrets()
    covered = {name: _covered(name, value, secrets) for name, value in inputs.items()}
    body = json.dumps({"flow_id": flow_id, "inputs": covered}, ensure_ascii=False)
    return " \\\n  ".join(
        (
            f"curl -X POST {shlex.quote(f'{studio.settings.address}/api/runs')}",
            '-H "Authorization: Bearer $FLOWSTUDIO_TOKEN"',
            "-H 'Content-Type: application/json'",
            f"--data-raw {shlex.quote(body)}",
        )
    )


def _covered(name: str, value: Json, secrets: tuple[str, ...]) -> Json:
    place = RULE["values"][
        0
    ]  # where the values of people stand in a node: keys are told by their names there
    return hidden(without_keys({place: {name: value}})[0][place][name], secrets)
