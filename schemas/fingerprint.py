"""The identity of what is made on an engine: a hash that every version of Troopers computes alike.

Fields that still have their default are left out, so that adding a field to a model in a later
version makes nothing anew.
"""

import hashlib
import json
import weakref
from collections.abc import Mapping

from schemas.consequences import (
    CONSEQUENCES,
    NETWORK_CONSEQUENCES,
    VOLUME_CONSEQUENCES,
    Consequence,
)
from schemas.desired import DesiredNetwork, DesiredVolume
from schemas.document import Part
from schemas.service import ServiceSpec


def _left_out(table: Mapping[str, Consequence]) -> frozenset[str]:
    return frozenset(name for name, follows in table.items() if follows is Consequence.UP_TO_DATE)


#: A hash takes some 20 µs, a coordinator needs the same thousands again in every pass, and a part
#: never changes: kept by identity for as long as the part lives.
_known: dict[tuple[int, frozenset[str]], tuple[weakref.ref[Part], str]] = {}

_NOT_IN_A_CONTAINER = _left_out(CONSEQUENCES)
_NOT_IN_A_NETWORK = _left_out(NETWORK_CONSEQUENCES)
_NOT_IN_A_VOLUME = _left_out(VOLUME_CONSEQUENCES)


def fingerprint(spec: ServiceSpec) -> str:
    """64 hex digits; equal exactly for specs that ask the engine for the same container."""
    return _hash(spec, _NOT_IN_A_CONTAINER)


def spec_key(spec: ServiceSpec) -> str:
    """64 hex digits; equal exactly for equal specs. What a document stores a spec under."""
    return _hash(spec, frozenset())


def network_fingerprint(network: DesiredNetwork) -> str:
    """64 hex digits; equal exactly for networks that are made alike, whatever they are called."""
    return _hash(network, _NOT_IN_A_NETWORK)


def volume_fingerprint(volume: DesiredVolume) -> str:
    """64 hex digits; equal exactly for volumes that are made alike, whatever they are called."""
    return _hash(volume, _NOT_IN_A_VOLUME)


def _hash(part: Part, without: frozenset[str]) -> str:
    key = (id(part), without)
    known = _known.get(key)
    # An id is given away again after its part's death, when the entry is gone already.
    if known is not None and known[0]() is part:
        return known[1]
    plain = part.model_dump(mode="json", exclude_defaults=True, exclude=set(without))
    canonical = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    found = hashlib.sha256(canonical.encode()).hexdigest()
    _known[key] = weakref.ref(part, lambda _: _known.pop(key, None)), found
    return found
