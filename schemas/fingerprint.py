"""The identity of a spec: a hash that every version of Troopers computes alike.

Fields that still have their default are left out, so that adding a field to the model in a later
version recreates no container.
"""

import hashlib
import json

from schemas.service import ServiceSpec


def fingerprint(spec: ServiceSpec) -> str:
    """64 hex digits; equal exactly for specs that ask for the same container."""
    plain = spec.model_dump(mode="json", exclude_defaults=True)
    canonical = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
