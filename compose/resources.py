"""How much of a node a service may use, and how many containers it has.

Version 2 says it with keys of the service, version 3 with `deploy`; both may be there if they
agree.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from compose.errors import TemplateError, below, shown
from compose.notes import Notes
from compose.tree import Tree, integer, number, only_keys, text
from compose.units import size_bytes
from schemas.command import SCALE_MAX

Limit = TypeVar("Limit", int, float)

_INT32_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Resources:
    """Limits of one container. None: no limit."""

    mem_limit_bytes: int | None = None
    mem_reservation_bytes: int | None = None
    cpus: float | None = None
    cpu_shares: int | None = None


@dataclass(frozen=True, slots=True)
class Deploy:
    """What `deploy` says."""

    replicas: int | None = None
    is_global: bool | None = None
    limits: Resources = Resources()


def deploy(value: Tree, where: str, notes: Notes) -> Deploy:
    """Read the section; what nobody acts on yet is refused."""
    found = only_keys(value, where, ("mode", "replicas", "resources"))
    is_global: bool | None = None
    if "mode" in found:
        mode = text(found["mode"], below(where, "mode"))
        if mode not in {"global", "replicated"}:
            raise TemplateError(
                f"must be replicated or global, not {shown(mode)}", where=below(where, "mode")
            )
        is_global = mode == "global"
    replicas: int | None = None
    if "replicas" in found:
        at = below(where, "replicas")
        replicas = integer(found["replicas"], at, maximum=SCALE_MAX)
        if is_global:
            raise TemplateError("a global service has one container on every node", where=at)
    limits = _resources(found.get("resources", {}), below(where, "resources"), notes)
    return Deploy(replicas, is_global, limits)


def _resources(value: Tree, where: str, notes: Notes) -> Resources:
    found = only_keys(value, where, ("limits", "reservations"))
    limits_at, reservations_at = below(where, "limits"), below(where, "reservations")
    limits = only_keys(found.get("limits", {}), limits_at, ("cpus", "memory"))
    reservations = only_keys(found.get("reservations", {}), reservations_at, ("cpus", "memory"))
    if number(reservations.get("cpus", 0), below(reservations_at, "cpus")):
        notes.warn("cores are not reserved yet: no effect", where=below(reservations_at, "cpus"))
    return Resources(
        mem_limit_bytes=_size(limits, "memory", limits_at),
        mem_reservation_bytes=_size(reservations, "memory", reservations_at),
        cpus=_cpus(limits, limits_at),
    )


def resources(service: Mapping[str, Tree], where: str, deployed: Resources) -> Resources:
    """The service's limits from its own keys and from `deploy`.

    Raises:
        TemplateError: the two contradict each other, or no limit is above its reservation.
    """
    own = Resources(
        mem_limit_bytes=_size(service, "mem_limit", where),
        mem_reservation_bytes=_size(service, "mem_reservation", where),
        cpus=_cpus(service, where),
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


def _size(found: Mapping[str, Tree], key: str, where: str) -> int | None:
    # Zero is the engine's word for no limit.
    return (size_bytes(found[key], below(where, key)) or None) if key in found else None


def _cpus(found: Mapping[str, Tree], where: str) -> float | None:
    return (number(found["cpus"], below(where, "cpus")) or None) if "cpus" in found else None


def _shares(found: Mapping[str, Tree], where: str) -> int | None:
    at = below(where, "cpu_shares")
    return integer(found.get("cpu_shares", 0), at, maximum=_INT32_MAX) or None
