"""Settings: which models and tools there are. Plain forms that work without script.

A key goes in and never comes out: the page only says that there is one.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData

from abstractruntime.integrations.abstractcore.llm_tool_modes import NATIVE, PROMPTED, SCHEMA
from abstractruntime.integrations.mcp import BadMcpServer, McpServer

from ..ai.providers import KINDS, BadProvider, Provider
from ..studio import Studio, TheStudio
from .form import Posted, go, text
from .html import render
from .settings_fields import (
    MODEL_LABELS,
    TOOL_LABELS,
    Refused,
    shown_address,
    shown_again,
    shown_command,
    wrong,
)

router = APIRouter()
PRESETS = {
    "LM Studio": ("lmstudio", "http://127.0.0.1:1234/v1"),
    "Ollama": ("ollama", "http://127.0.0.1:11434/v1"),
    "llama.cpp": ("llamacpp", "http://127.0.0.1:8080/v1"),
    "vLLM": ("vllm", "http://127.0.0.1:8000/v1"),
    "OpenAI": ("openai", "https://api.openai.com/v1"),
    "OpenRouter": ("openrouter", "https://openrouter.ai/api/v1"),
}
_TEXTS = ("name", "kind", "base_url", "model", "embedding_model", "key_variable", "tool_mode")
KIND_WORDS = {
    "openai": "A server with OpenAI's chat protocol",
    "scripted": "The scripted model in the box",
    "recorded": "Answers as they were recorded",
}


TOOL_MODE_WORDS = {
    NATIVE: "The server knows tools",
    SCHEMA: "A JSON schema forces each answer: for small models, and servers without tools",
    PROMPTED: "In words, read from the answer: for servers that know neither",
}


@dataclass(frozen=True)
class Shown:
    """A provider as the page shows it."""

    provider: Provider
    key: str
    models: tuple[str, ...] = ()
    wrong: str = ""
    is_tested: bool = False


@router.get("/settings")
def settings(request: Request, studio: TheStudio) -> HTMLResponse:
    """Show the first page of the settings."""
    return _models(request, studio)


@router.get("/settings/models")
def models(request: Request, studio: TheStudio) -> HTMLResponse:
    """Show the providers of models and the budget."""
    return _models(request, studio)


@router.post("/settings/models")
async def keep(request: Request, studio: TheStudio, form: Posted) -> Response:
    """Keep a provider; its key, when one was entered, apart from it."""
    given = {key: text(form, key) for key in _TEXTS}
    numbers = {key: text(form, key) for key in ("timeout_s", "price_in", "price_out") if text(form, key)}
    try:
        provider = Provider.of(
            {
                **given,
                **numbers,
                "records": text(form, "records") == "on",
                "whole": text(form, "whole") == "on",
            }
        )
    except BadProvider as error:
        refused = Refused(wrong(error, MODEL_LABELS), shown_again({**given, **numbers, **_ticked(form)}))
        return _models(request, studio, refused=refused)
    studio.ai.models.providers.put(provider)
    if text(form, "key"):
        studio.ai.keys.put(f"provider:{provider.name}", text(form, "key"))
    if text(form, "forget_key") == "on":
        studio.ai.keys.drop(f"provider:{provider.name}")
    studio.ai.models.forget(provider.name)
    studio.programs.rebind()
    return go("/settings/models")


@router.post("/settings/models/budget")
async def budget(request: Request, studio: TheStudio, form: Posted) -> Response:
    """Set after how many tokens a run asks."""
    said = text(form, "tokens").replace(",", "").replace(" ", "") or "0"
    if not said.isdecimal() or len(said) > 12:
        refused = Refused(wrong(f"budget: {said!r} is no number of tokens.", MODEL_LABELS))
        return _models(request, studio, refused=refused)
    studio.ai.budget.change(int(said))
    return go("/settings/models")


@router.post("/settings/models/{name}/first")
def first(studio: TheStudio, name: str) -> Response:
    """Make a provider the one for nodes that name none."""
    studio.ai.models.providers.put(studio.ai.models.providers.get(name), first=True)
    studio.programs.rebind()
    return go("/settings/models")


@router.post("/settings/models/{name}/remove")
def remove(studio: TheStudio, name: str) -> Response:
    """Forget a provider and its key."""
    studio.ai.models.providers.remove(name)
    studio.ai.keys.drop(f"provider:{name}")
    studio.ai.models.forget(name)
    studio.programs.rebind()
    return go("/settings/models")


@router.post("/settings/models/{name}/test")
async def test(request: Request, studio: TheStudio, name: str) -> HTMLResponse:
    """Ask a provider for its models, and show what it said."""
    provider = studio.ai.models.providers.get(name)
    studio.ai.models.forget(provider.name)
    await run_in_threadpool(studio.ai.models.listed, provider)
    return _models(request, studio, tested=provider.name)


@router.get("/settings/tools")
def tools(request: Request, studio: TheStudio) -> HTMLResponse:
    """Show the tools that are known and the MCP servers; starts none."""
    return _tools(request, studio)


@router.post("/settings/tools")
async def keep_server(request: Request, studio: TheStudio, form: Posted) -> Response:
    """Keep an MCP server."""
    try:
        server = _server_of(form)
    except (BadMcpServer, ValueError) as error:
        given = {key: text(form, key) for key in ("id", "command", "url", "env", "headers", "timeout_s")}
        return _tools(request, studio, refused=Refused(wrong(error, TOOL_LABELS), shown_again(given)))
    studio.ai.tools.put(server)
    return go("/settings/tools")


@router.post("/settings/tools/approvals")
async def approvals(request: Request, studio: TheStudio, form: Posted) -> Response:
    """Set which tools run without asking."""
    studio.ai.tools.let_run(line.strip() for line in text(form, "names").splitlines() if line.strip())
    return go("/settings/tools")


@router.post("/settings/tools/approvals/again")
async def approve_again(request: Request, studio: TheStudio, form: Posted) -> Response:
    """Let a tool that has changed run without asking again."""
    studio.ai.tools.let_run_as_it_is(text(form, "name"))
    return go("/settings/tools")


@router.post("/settings/tools/list")
async def list_tools(request: Request, studio: TheStudio) -> HTMLResponse:
    """Start the MCP servers and ask them for their tools."""
    offered = await run_in_threadpool(studio.ai.tools.offered, anew=True)
    studio.programs.rebind()
    return _tools(request, studio, failed=offered.failed)


@router.post("/settings/tools/{server_id}/remove")
def remove_server(studio: TheStudio, server_id: str) -> Response:
    """Forget an MCP server and close the session with it."""
    studio.ai.tools.remove(server_id)
    return go("/settings/tools")


def _models(
    request: Request,
    studio: Studio,
    *,
    refused: Refused | None = None,
    tested: str = "",
) -> HTMLResponse:
    shown = []
    for each in studio.ai.models.providers.all():
        models, reason = studio.ai.models.listed(each) if each.name == tested else ((), "")
        shown.append(Shown(each, _key_words(studio, each), models, reason, each.name == tested))
    return render(
        request,
        "settings_models.html",
        422 if refused else 200,
        providers=shown,
        kinds=[(kind, KIND_WORDS[kind]) for kind in KINDS],
        tool_modes=TOOL_MODE_WORDS,
        presets=PRESETS,
        budget=studio.ai.budget.tokens,
        labels=MODEL_LABELS,
        refused=refused or Refused(),
    )


def _ticked(form: FormData) -> dict[str, str]:
    return {key: "on" for key in ("records", "whole", "forget_key") if text(form, key) == "on"}


def _key_words(studio: Studio, provider: Provider) -> str:
    if provider.key_variable:
        return f"from the environment variable {provider.key_variable}"
    return "kept, encrypted" if f"provider:{provider.name}" in studio.ai.keys.names() else "none"


def _tools(
    request: Request,
    studio: Studio,
    *,
    refused: Refused | None = None,
    failed: dict[str, str] | None = None,
) -> HTMLResponse:
    known, changed = studio.ai.tools.known(), studio.ai.tools.changed()
    free = studio.ai.tools.free
    return render(
        request,
        "settings_tools.html",
        422 if refused else 200,
        servers=[
            (each, shown_command(each), shown_address(each.url), each.has_secret_arguments)
            for each in studio.ai.tools.settings.servers
        ],
        tools=[
            {**known[name], "asks": name not in free or name in changed, "changed": name in changed}
            for name in sorted(known)
        ],
        approvals="\n".join(studio.ai.tools.settings.auto_approve),
        failed=failed or {},
        labels=TOOL_LABELS,
        refused=refused or Refused(),
    )


def _server_of(form: FormData) -> McpServer:
    """Return the server that a form describes; raise BadMcpServer or ValueError naming the field."""
    data: dict[str, Any] = {"id": text(form, "id").strip(), "url": text(form, "url").strip()}
    try:
        data["command"] = shlex.split(text(form, "command"))
    except ValueError as error:
        raise BadMcpServer(f"command: {error}") from None
    for key in ("env", "headers"):
        data[key] = _pairs(key, text(form, key))
    if text(form, "timeout_s").strip():
        try:
            data["timeout_s"] = float(text(form, "timeout_s"))
        except ValueError:
            raise BadMcpServer(f"timeout_s: {text(form, 'timeout_s')!r} is no number of seconds") from None
    return McpServer.from_dict(data)


def _pairs(field: str, lines: str) -> dict[str, str]:
    made = {}
    for number, line in enumerate((each.strip() for each in lines.splitlines()), start=1):
        if not line:
            continue
        name, sign, value = line.partition("=")
        if not sign or not name.strip():
            raise BadMcpServer(f"{field}: write one NAME=value on each line; line {number} is none")
        made[name.strip()] = value.strip()
    return made
