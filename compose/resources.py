"""How much of a node a service may use, as far as the scheduler looks at it.

Version 2 says it with keys of the service, version 3 with `deploy`; both may be there if they
agree.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from compose.errors import TemplateError, below
from compose.tree import Tree, integer, number
from compose.units import size_bytes

Limit = TypeVar("Limit", int, float)

_INT32_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Resources:
    """Limits of one container. None: no limit."""

    mem_limit_bytes: int | None = None
    mem_reservation_bytes: int | None = None
    cpus: float | None = None
    cpu_shares: int | None = None


def resources(service: Mapping[str, Tree], where: str, deployed: Resources) -> Resources:
    """The service's limits from its own keys and from `deploy`.

    Raises:
        TemplateError: the two contradict each other, or no limit is above its reservation.
    """
    own = Resources(
        mem_limit_bytes=read_size(service, "mem_limit", where),
        mem_reservation_bytes=read_size(service, "mem_reservation", where),
        cpus=read_cpus(service, where),
        cpu_shares=_shares(service, where),
    )
    both = Resources(
        mem_limit_bytes=_agreed(own.mem_limit_bytes, deployed.mem_limit_bytes, where),
        mem_reservation_bytes=_agreed(
            own.mem_reservation_bytes, deployed.mem_reservation_bytes, where
        ),
        cpus=_agreed(own.cpus, deployed.cpus, where),
        cpu_shares=own.cpu_shares,
    )
    if both.mem_limit_bytes and (both.mem_reservation_bytes or 0) > both.mem_limit_bytes:
        raise TemplateError("reserves more memory than its limit", where=where)
    return both


def _agreed(own: Limit | None, deployed: Limit | None, where: str) -> Limit | None:
    if own is not None and deployed is not None and own != deployed:
        raise TemplateError(f"is limited to {own} and by deploy to {deployed}", where=where)
    return own if own is not None else deployed


def read_size(found: Mapping[str, Tree], key: str, where: str) -> int | None:
    """A size of memory in bytes; None where there is no limit."""
    # Zero is the engine's word for no limit.
    return (size_bytes(found[key], below(where, key)) or None) if key in found else None


def read_cpus(found: Mapping[str, Tree], where: str) -> float | None:
    """`cpus` in cores; None where there is no limit."""
    return (number(found["cpus"], below(where, "cpus")) or None) if "cpus" in found else None


def _shares(found: Mapping[str, Tree], where: str) -> int | None:
    at = below(where, "cpu_shares")
    return integer(found.get("cpu_shares", 0), at, maximum=_INT32_MAX) or None
