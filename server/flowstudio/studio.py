"""Studio: all that routes may use, in one hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from abstractruntime.nodes.catalog import Catalog
from abstractruntime.storage.artifacts import ArtifactStore
from abstractruntime.storage.base import Stores

from .access import Access
from .ai.wiring import Ai
from .assets import Assets
from .bundles import Bundles
from .flow_tests.suite import FlowTests
from .flow_texts import FlowTexts
from .follows import Habits
from .gallery import Gallery
from .installed import Installed
from .library import FlowLibrary
from .library_history import FlowHistory
from .library_versions import Versions
from .live.bell import Bell
from .outside.outbox import Outbox
from .presence import Presence
from .programs import Programs
from .recorded import RecordedRuns
from .runner import Runner
from .runner_artifacts import RunArtifacts
from .runner_events import Events
from .runner_fork import Forks
from .runner_nodes import NodeStories
from .runner_schedules import Schedules
from .runner_views import RunReader
from .settings import Settings


@dataclass(frozen=True)
class Studio:
    """The services of one server. Routes call them; they never render."""

    settings: Settings
    access: Access
    ai: Ai
    artifacts: ArtifactStore
    assets: Assets
    bell: Bell
    bundles: Bundles
    catalog: Catalog
    effects: tuple[str, ...]  # that the server carries out, beside those of the kernel
    forks: Forks
    events: Events
    gallery: Gallery
    habits: Habits
    history: FlowHistory
    installed: Installed
    library: FlowLibrary
    outbox: Outbox
    presence: Presence
    programs: Programs
    reader: RunReader
    run_artifacts: RunArtifacts
    runner: Runner
    schedules: Schedules
    standstill: Callable[[], str | None]  # why no run goes on just now
    stories: NodeStories
    stores: Stores
    tests: FlowTests
    texts: FlowTexts
    versions: Versions

    @property
    def recorded(self) -> RecordedRuns:
        """The recordings of the starter flows."""
        return RecordedRuns(self.gallery, self.tests, self.programs, self.stores)


def studio_of(request: Request) -> Studio:
    """Return the studio of the app that serves a request."""
    return cast(Studio, request.app.state.studio)


TheStudio = Annotated[Studio, Depends(studio_of)]
