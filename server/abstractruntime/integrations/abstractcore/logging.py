"""Logging of the integration: our log, and what keeps AbstractCore from changing that of the host."""

from __future__ import annotations

import logging

from .guard import quiet_logging

__all__ = ["get_logger", "quiet_logging"]


def get_logger(name: str = "abstractruntime") -> logging.Logger:
    """Return a log of this package; whoever runs the process decides where it goes."""
    return logging.getLogger(name)
