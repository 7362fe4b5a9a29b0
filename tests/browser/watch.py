"""Listens to a page: script errors, refused content, and errors in its console."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from playwright.sync_api import ConsoleMessage, Page

STATUS = re.compile(r"status of (\d+)")
NO_LINE = ("net::ERR_", "Failed to fetch", "htmx:sendError", "htmx:afterRequest")


@dataclass
class Watch:
    """What pages complained of. A journey that provokes a refusal says so before."""

    faults: list[str] = field(default_factory=list)
    expected_statuses: set[int] = field(default_factory=set)
    is_line_cut: bool = False

    def over(self, page: Page) -> Page:
        """Listen to a page and give it back."""
        page.on("pageerror", lambda error: self.faults.append(f"script error on {page.url}: {error}"))
        page.on("console", lambda message: self.hear(page, message))
        return page

    def hear(self, page: Page, message: ConsoleMessage) -> None:
        """Keep an error or a warning of the console, unless the journey expects it."""
        if message.type not in ("error", "warning"):
            return
        status = STATUS.search(message.text)
        if status and int(status.group(1)) in self.expected_statuses:
            return
        if self.is_line_cut and any(words in message.text for words in NO_LINE):
            return
        self.faults.append(f"{message.type} in the console of {page.url}: {message.text}")
