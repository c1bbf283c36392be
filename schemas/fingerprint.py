"""The identity of a spec: a hash that every version of Troopers computes alike.

Fields that still have their default are left out, so that adding a field to the model in a later
version recreates no container.
"""

import hashlib
import json
from collections.abc import Collection

from schemas.consequences import CONSEQUENCES, Consequence
from schemas.service import ServiceSpec

_NOT_IN_A_CONTAINER = frozenset(
    name for name, follows in CONSEQUENCES.items() if follows is Consequence.UP_TO_DATE
)


def fingerprint(spec: ServiceSpec) -> str:
    """64 hex digits; equal exactly for specs that ask the engine for the same container."""
    return _hash(spec, _NOT_IN_A_CONTAINER)


def spec_key(spec: ServiceSpec) -> str:
    """64 hex digits; equal exactly for equal specs. What a document stores a spec under."""
    return _hash(spec, frozenset())


def _hash(spec: ServiceSpec, without: Collection[str]) -> str:
    plain = spec.model_dump(mode="json", exclude_defaults=True, exclude=set(without))
    canonical = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
