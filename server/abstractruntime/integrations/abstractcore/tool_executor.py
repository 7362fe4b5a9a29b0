"""Who carries out tool calls, and who decides whether they may be."""

from .tool_approval import ApprovalToolExecutor, ToolApprovalPolicy
from .tool_executors import (
    AbstractCoreToolExecutor,
    MappingToolExecutor,
    PassthroughToolExecutor,
    ToolExecutor,
)
from .tool_mcp import DelegatingMcpToolExecutor, McpToolExecutor

__all__ = [
    "AbstractCoreToolExecutor",
    "ApprovalToolExecutor",
    "DelegatingMcpToolExecutor",
    "MappingToolExecutor",
    "McpToolExecutor",
    "PassthroughToolExecutor",
    "ToolApprovalPolicy",
    "ToolExecutor",
]
