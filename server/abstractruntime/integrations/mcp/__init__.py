"""Tools of MCP servers, by the official SDK (either of its lines, 1.x and 2.x), where it is installed."""

from .connections import McpConnections, McpFailed, not_carried_out
from .listing import tool_hash
from .servers import BadMcpServer, McpServer
from .written_secrets import without_secrets

__all__ = [
    "BadMcpServer",
    "McpConnections",
    "McpFailed",
    "McpServer",
    "not_carried_out",
    "tool_hash",
    "without_secrets",
]
