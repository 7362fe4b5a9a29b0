"""Who acts: a name that follows from what is known about an actor."""

from .fingerprint import ActorFingerprint

__all__ = ["ActorFingerprint"]
