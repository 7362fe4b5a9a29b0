"""Waking runs when their moment has come, and driving on what a crash has left behind."""

from .convenience import ScheduledRuntime, create_scheduled_runtime
from .driver import Driver
from .pool import Pool
from .registry import WorkflowRegistry
from .scheduler import Scheduler, SchedulerStats

__all__ = [
    "Driver",
    "Pool",
    "ScheduledRuntime",
    "Scheduler",
    "SchedulerStats",
    "WorkflowRegistry",
    "create_scheduled_runtime",
]
