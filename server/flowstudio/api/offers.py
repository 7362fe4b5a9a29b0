"""What nodes may choose from and how the server is set: for clients that draw, check or run flows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from fastapi import APIRouter

from abstractruntime.integrations.abstractmemory.predicates import is_installed, semantics
from abstractruntime.visualflow_compiler.interfaces import INTERFACES
from abstractruntime.visualflow_compiler.sandbox import shared_sandbox

from ..code_health import switched_off
from ..errors import problems
from ..json_body import JsonRoute
from ..settings import Settings, installed_version
from ..studio import TheStudio
from .launch_models import MOST_WAIT_SECONDS
from .offers_models import (
    Config,
    Features,
    InterfaceList,
    InterfaceRow,
    Limits,
    ModelList,
    PinNeed,
    ProviderList,
    ProviderRow,
    Semantics,
    TimeZone,
    ToolList,
    ToolRow,
)

router = APIRouter(route_class=JsonRoute, prefix="/api", tags=["catalog"])
PATHS = {"api": "/api", "description": "/api/openapi.json", "health": "/healthz", "sign_in": "/login"}


@router.get("/tools", responses=problems())
def list_tools(studio: TheStudio, ask: bool = False) -> ToolList:
    """List the tools that are known by now; with `ask` the tool servers that have told none yet are asked."""
    tools = studio.ai.tools
    offered = tools.offered() if ask else None
    known, may_run = tools.known(), tools.free - tools.changed()
    rows = [
        ToolRow(
            name=name,
            description=str(spec.get("description") or ""),
            parameters=spec["parameters"],
            toolset=str(spec.get("toolset") or ""),
            asks=name not in may_run,
        )
        for name, spec in sorted(known.items())
    ]
    return ToolList(tools=rows, failed=offered.failed if offered else {})


@router.get("/providers", responses=problems())
def list_providers(studio: TheStudio) -> ProviderList:
    """List the providers of models; nobody is asked for it."""
    models = studio.ai.models
    rows = [
        ProviderRow(
            name=each.name,
            kind=each.kind,
            is_default=place == 0,
            model=models.default_model(each),
            embedding_model=each.embedding_model,
            tool_mode=each.tool_mode,
            models=[*models.known(each.name)],
        )
        for place, each in enumerate(models.providers.all())
    ]
    return ProviderList(providers=rows)


@router.get("/providers/{provider}/models", responses=problems("provider.not_found"))
def list_models(provider: str, studio: TheStudio) -> ModelList:
    """Ask a provider which models it offers, at most every half minute."""
    found = studio.ai.models.providers.get(provider)
    names, reason = studio.ai.models.listed(found)
    return ModelList(provider=found.name, models=[*names], reason=reason)


@router.get("/interfaces", responses=problems())
def list_interfaces() -> InterfaceList:
    """List the interfaces that a flow may name: shapes that programs rely on."""
    rows = [
        InterfaceRow(
            id=each.id,
            label=each.label,
            description=each.description,
            required_start=_pins(each.required_start),
            recommended_start=_pins(each.recommended_start),
            required_end=_pins(each.required_end),
            recommended_end=_pins(each.recommended_end),
        )
        for each in INTERFACES
    ]
    return InterfaceList(interfaces=rows)


@router.get("/semantics", responses=problems("integration.not_installed"))
def get_semantics() -> Semantics:
    """Return the words of which facts are made: predicates and types, as the node KG Assert takes them."""
    return Semantics.model_validate(semantics())


@router.get("/config", responses=problems())
def get_config(studio: TheStudio) -> Config:
    """Return what a client needs to know of the server: its version, limits, and what it can do."""
    ai, here = studio.ai, datetime.now(UTC).astimezone()
    offset = here.utcoffset()
    return Config(
        version=installed_version(),
        paths=PATHS,
        time_zone=TimeZone(
            name=here.tzname() or "", utc_offset_minutes=int(offset.total_seconds() // 60) if offset else 0
        ),
        features=Features(
            facts=ai.facts.is_installed,
            semantics=is_installed(),
            recall_by_meaning=bool(ai.models.embedding_model()),
            code=switched_off(shared_sandbox()),
        ),
        effects=[*studio.effects],
        providers=[each.name for each in ai.models.providers.all()],
        tool_servers=[each.server_id for each in ai.tools.settings.servers],
        budget_tokens=ai.budget.tokens,
        limits=_limits(studio.settings),
    )


def _limits(settings: Settings) -> Limits:
    return Limits(
        json_bytes=settings.json_limit,
        flow_bytes=settings.document_limit,
        bundle_bytes=settings.bundle_limit,
        body_seconds=settings.body_seconds,
        wait_seconds=MOST_WAIT_SECONDS,
        streams=settings.stream_limit,
        streams_per_session=settings.streams_per_session,
        heartbeat_seconds=settings.heartbeat_seconds,
    )


def _pins(pins: Mapping[str, str]) -> list[PinNeed]:
    return [PinNeed(id=name, type=kind) for name, kind in pins.items()]
