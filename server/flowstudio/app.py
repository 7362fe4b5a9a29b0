"""create_app: put the studio together, mount the doors, start and stop the worker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import Receive, Scope, Send

from abstractruntime import ObservableLedgerStore, Runtime
from abstractruntime.core.clock import utc_now
from abstractruntime.core.models import EffectType
from abstractruntime.core.spec import DefaultRunContext
from abstractruntime.integrations.hiding import worth_hiding
from abstractruntime.nodes.catalog import Catalog, catalog
from abstractruntime.storage import FileArtifactStore, Stores, open_stores
from abstractruntime.visualflow_compiler.sandbox import shared_sandbox

from . import description
from .access import Access
from .access_gate import Gate
from .ai.wiring import Ai, open_ai
from .api import artifacts as artifact_routes
from .api import bundles as bundle_routes
from .api import catalog as catalog_routes
from .api import edits, events, flows, memory, offers, run_data, runs, session
from .api import tests as test_routes
from .api import versions as version_routes
from .assets import Assets
from .bundles import Bundles
from .code_health import start_testing
from .errors import install
from .flow_tests.shelf import Shelf
from .flow_tests.suite import FlowTests
from .flow_texts import FlowTexts
from .follows import Habits
from .gallery import Gallery, starter_script
from .installed import FOLDER, Installed
from .library import FlowLibrary
from .library_history import FlowHistory
from .library_log import EditLog
from .library_versions import Versions
from .live import routes as live
from .live.bell import Bell
from .outside import practice
from .outside.outbox import Outbox
from .outside.retries import NodesOwnPolicy
from .outside.web import WebRequest
from .outside.workspace import WorkspaceFolder
from .pages import error_page
from .pages import router as pages
from .presence import Presence
from .programs import Programs
from .prompts import routes as prompts
from .runner import Runner
from .runner_artifacts import RunArtifacts
from .runner_drive import TELLING, Drive
from .runner_events import Events
from .runner_fork import Forks
from .runner_nodes import NodeStories
from .runner_schedules import Schedules
from .runner_views import RunReader
from .settings import Settings, packaged
from .studio import Studio
from .worker import Worker


class Squeeze(GZipMiddleware):
    """Compresses answers, but not bytes that can be had in parts: their tag and their parts are of them as they are."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let such bytes pass."""
        is_kept = scope["type"] == "http" and scope["path"].endswith("/content")
        await (self.app if is_kept else super().__call__)(scope, receive, send)


def create_app(settings: Settings) -> FastAPI:
    """Build the app; its worker starts and stops with it."""
    studio, worker = build(settings)

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        studio.bell.open()
        studio.presence.begin()
        present = asyncio.create_task(studio.presence.keep())
        worker.start()
        start_testing(shared_sandbox())
        yield
        present.cancel()
        studio.bell.close()
        worker.stop()
        studio.ai.close()
        studio.stores.close()
        studio.history.close()
        studio.presence.touch()

    app = FastAPI(
        title="FlowStudio", lifespan=running, docs_url=None, redoc_url=None, openapi_url="/api/openapi.json"
    )
    app.state.studio = studio
    studio.ai.models.words.ring = lambda run_id: studio.bell.ring(*studio.reader.line_of(run_id))
    app.state.worker = worker
    app.state.readers = live.Readers(settings.stream_limit, settings.streams_per_session)
    app.state.error_page = error_page
    app.add_route("/static/{name:path}", studio.assets.answer, include_in_schema=False)
    doors = (
        session,
        edits,
        events,
        version_routes,
        test_routes,
        flows,
        catalog_routes,
        offers,
        memory,
        runs,
        run_data,
        artifact_routes,
        bundle_routes,
        live,
        prompts,
    )
    for door in doors:
        app.include_router(door.router)
    app.include_router(pages)
    install(app)
    # Nothing secret stands in a page beside what others choose: no token, no key. Its length tells nothing.
    app.add_middleware(Squeeze, minimum_size=1000, compresslevel=4)
    app.add_middleware(Gate, settings=settings, access=studio.access)
    description.install(app)
    return app


def build(settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> tuple[Studio, Worker]:
    """Put the services together; nothing moves yet. Runs go by the `clock`."""
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    stores, bell, types = open_stores(settings.stores), Bell(), catalog()
    ledger = ObservableLedgerStore(stores.ledger)
    library, history, versions = open_library(settings)
    shelf = Shelf(library, settings.data / "tests")
    artifacts, shop = FileArtifactStore(settings.data), practice.Practice(settings.data / "practice.json")
    ai = open_ai(settings.data, artifacts, shop, starter_script(packaged("flows")))
    programs = open_programs(settings, library, versions, types, ai)
    bundles = Bundles(library, types, versions.bound, shelf)
    presence, outbox = Presence(settings.data), Outbox(settings.data / "outbox", now=clock)
    gallery = Gallery(packaged("flows"), library, settings.files, shelf)
    reader = RunReader(stores, programs, library, presence, gallery.holds)
    handlers = _handlers(settings, ai, artifacts, stores, outbox, shop)
    runtime = _runtime(stores, ledger, programs, artifacts, handlers, clock, reader.spent)
    worker = Worker(lambda: drive, settings.threads)
    drive = Drive(runtime, programs, reader, submit=worker.submit, remind=worker.remind)
    runtime.subscribe_runnable(worker.submit)
    runtime.subscribe_ledger(lambda record: bell.ring(*reader.line_of(str(record["run_id"]))))
    studio = Studio(
        settings=settings,
        access=Access(settings),
        ai=ai,
        artifacts=artifacts,
        assets=Assets(packaged("static")),
        bell=bell,
        bundles=bundles,
        catalog=types,
        effects=tuple(sorted(each.value for each in handlers)),
        forks=Forks(runtime, programs, reader, types),
        events=Events(runtime=runtime, programs=programs, submit=worker.submit),
        gallery=gallery,
        habits=Habits(library),
        texts=FlowTexts(library, types),
        history=history,
        installed=Installed(settings.data / FOLDER, programs, types, bundles),
        library=library,
        outbox=outbox,
        presence=presence,
        programs=programs,
        reader=reader,
        run_artifacts=RunArtifacts(reader, artifacts),
        runner=Runner(
            runtime=runtime,
            programs=programs,
            reader=reader,
            submit=worker.submit,
            ring=bell.ring,
            versions=versions,
            misfits=ai.tools.misfits,
        ),
        standstill=lambda: worker.standstill,
        stories=NodeStories(reader, programs),
        schedules=Schedules(stores, programs, reader, library, runtime=runtime, submit=worker.submit),
        stores=stores,
        tests=_tests(settings, ai, stores, shelf, versions, programs, reader),
        versions=versions,
    )
    return studio, worker


def _runtime(
    stores: Stores,
    ledger: ObservableLedgerStore,
    programs: Programs,
    artifacts: FileArtifactStore,
    handlers: dict[EffectType, Any],
    clock: Callable[[], datetime],
    spent: Callable[[str], float],
) -> Runtime:
    """Return the kernel as the studio uses it."""
    context = DefaultRunContext(clock)
    context.spending = spent
    return Runtime(
        run_store=stores.runs,
        ledger_store=ledger,
        workflow_registry=programs,
        effect_policy=NodesOwnPolicy(),
        effect_handlers=handlers,
        artifact_store=artifacts,
        config=TELLING,
        clock=clock,
        context=context,
    )


def _tests(
    settings: Settings,
    ai: Ai,
    stores: Stores,
    shelf: Shelf,
    versions: Versions,
    programs: Programs,
    reader: RunReader,
) -> FlowTests:
    """Open the tests of flows; every secret that this server knows is kept out of them."""

    def secrets() -> tuple[str, ...]:
        kept = (ai.keys.get(name) or "" for name in ai.keys.names())
        return worth_hiding([*(each.value for each in settings.secrets.values()), *kept])

    return FlowTests(shelf, shelf.library, versions, programs, reader, stores, catalog(), ai.offers, secrets)


def open_library(settings: Settings) -> tuple[FlowLibrary, FlowHistory, Versions]:
    """Open the flows with their edit log and their versions."""
    edit_log = EditLog(settings.data / "edits.sqlite")
    library = FlowLibrary(settings.flows, edit_log)
    return library, FlowHistory(library, edit_log), Versions(library, edit_log)


def open_programs(
    settings: Settings, library: FlowLibrary, versions: Versions, types: Catalog, ai: Ai
) -> Programs:
    """Open what runs execute; it asks the library and its versions when a run starts."""
    return Programs(
        settings.data / "programs",
        library,
        types,
        offers=ai.offers,
        agents=ai.agent,
        published=versions.published_document,
        version=versions.bound,
    )


def _handlers(
    settings: Settings,
    ai: Ai,
    artifacts: FileArtifactStore,
    stores: Stores,
    outbox: Outbox,
    shop: practice.Practice,
) -> dict[EffectType, Any]:
    """Return who carries out which effect."""
    return {
        EffectType.WEB_REQUEST: WebRequest(
            settings.reachable, settings.secrets, inside={practice.HOST: lambda: shop}
        ),
        EffectType.NOTIFY: outbox,
        **ai.handlers(artifacts, stores.runs, stores.ledger),
        **WorkspaceFolder(settings.files, artifacts).handlers(),
    }
