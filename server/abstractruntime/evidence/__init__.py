"""What tools bring in from outside, kept whole, so that anybody can check it later."""

from .recorder import DEFAULT_EVIDENCE_TOOL_NAMES, EvidenceRecorder, EvidenceStats

__all__ = ["DEFAULT_EVIDENCE_TOOL_NAMES", "EvidenceRecorder", "EvidenceStats"]
