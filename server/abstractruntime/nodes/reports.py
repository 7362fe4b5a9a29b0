"""Reports for people: what tools answered, what an agent did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..rendering import render_agent_trace_markdown
from .define import Call, Example, Pin, pure
from .values import clipped, items, json_text, text

Json = Any

_MOST_ARGUMENT = 160
_MOST_OBSERVATION = 420


def _primary(name: str, arguments: Json, output: Json, tools: Mapping[str, Mapping[str, Json]]) -> str:
    """Return the argument that tells most: the first required, else the first declared, else the first."""
    given = arguments if isinstance(arguments, Mapping) else {}
    shown = output if isinstance(output, Mapping) else {}
    schema = tools.get(name, {}).get("parameters")
    declared = schema if isinstance(schema, Mapping) else {}
    properties = declared.get("properties")
    order = [*items(declared.get("required")), *(properties if isinstance(properties, Mapping) else ())]
    for key in [each for each in order if isinstance(each, str)] or list(given):
        for source in (given, shown):
            if source.get(key) not in (None, ""):
                return clipped(text(source[key]), _MOST_ARGUMENT)
    return ""


def _observation(result: Mapping[str, Json]) -> str:
    error, output = result.get("error"), result.get("output")
    if text(error).strip():
        said = text(error)
    elif isinstance(output, Mapping) and text(output.get("rendered")).strip():
        said = text(output["rendered"])
    else:
        said = (
            output if isinstance(output, str) else "" if output is None else json_text(output, compact=True)
        )
    return clipped(said, _MOST_OBSERVATION) or "(no output)"


def tool_line(result: Mapping[str, Json], tools: Mapping[str, Mapping[str, Json]]) -> str:
    """Return one line about what a tool answered."""
    name = text(result.get("name")).strip() or "tool"
    success = result.get("success")
    how = "DONE" if not isinstance(success, bool) else "SUCCESS" if success else "FAILURE"
    primary = _primary(name, result.get("arguments"), result.get("output"), tools)
    return f"- {name}({primary}) [{how}] : {_observation(result)}"


@pure(
    "format_tool_results",
    family="tools",
    label="Format Tool Results",
    inputs=(Pin("tool_results", "array", description="What the tools answered.", was=("results",)),),
    outputs=(
        Pin("result", "string", description="One line per answer: tool, main argument, how it went, answer."),
    ),
    keywords=("observation", "agent", "summary", "report", "render"),
    examples=(
        Example(
            {
                "tool_results": [
                    {
                        "name": "search",
                        "arguments": {"query": "tea"},
                        "success": True,
                        "output": {"hits": [1, 2]},
                    },
                    {"name": "fetch", "success": False, "error": "no such\nhost"},
                    {"name": "wait", "output": None},
                ]
            },
            {
                "result": '- search(tea) [SUCCESS] : {"hits":[1,2]}\n'
                "- fetch() [FAILURE] : no such host\n"
                "- wait() [DONE] : (no output)"
            },
        ),
        Example({}, {"result": ""}),
        Example(
            {"tool_results": [{"name": "f", "success": True, "output": {"rendered": "All good."}}]},
            {"result": "- f() [SUCCESS] : All good."},
            note="A tool may say itself how its answer reads.",
        ),
    ),
)
def format_tool_results(call: Call) -> dict[str, Json]:
    """Write one short line for each answer of a tool."""
    results = [each for each in items(call.get("tool_results")) if isinstance(each, Mapping)]
    return {"result": "\n".join(tool_line(each, call.offers.tools) for each in results)}


@pure(
    "agent_trace_report",
    family="ai",
    label="Agent Trace Report",
    inputs=(Pin("scratchpad", "object", description="The scratchpad of an agent."),),
    outputs=(Pin("result", "string", description="The report, as Markdown."),),
    keywords=("markdown", "timeline", "steps", "explain", "log"),
    examples=(
        Example(
            {
                "scratchpad": {
                    "sub_run_id": "r2",
                    "workflow_id": "w",
                    "node_traces": {
                        "think": {
                            "node_id": "think",
                            "steps": [
                                {
                                    "ts": "2030-01-01T00:00:00Z",
                                    "status": "completed",
                                    "effect": {"type": "llm_call", "payload": {}},
                                    "result": {"model": "m", "content": "Hello", "tool_calls": []},
                                }
                            ],
                        }
                    },
                }
            },
            {
                "result": "# Agent Trace Report\n- **sub_run_id**: `r2`\n- **workflow_id**: `w`\n\n"
                "## Timeline\n\n### 1. `think` — `llm_call` (completed)\n\n"
                "- **ts**: 2030-01-01T00:00:00Z\n- **model**: m\n"
                "- **tool_calls_requested**: none\n\n#### Content\n\n```\nHello\n```\n"
            },
        ),
        Example({}, {"result": "# Agent Trace Report\n\n_No trace steps found._\n"}),
    ),
)
def agent_trace_report(call: Call) -> dict[str, Json]:
    """Write what an agent did as a report for people: each call of a model and of a tool."""
    return {"result": render_agent_trace_markdown(call.get("scratchpad"))}
