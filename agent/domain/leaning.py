"""Containers that live in another one's namespaces or volumes, and what binds them to it. Pure.

An engine binds by id, and to the namespaces of one run: when the owner is made or started anew,
whoever leans on it is left with a network that leads nowhere, and must be made anew as well.
"""

from collections.abc import Iterable

from agent.domain.observation import SeenContainer
from schemas.service import ServiceSpec

_CONTAINER = "container:"


def namespace_owners(spec: ServiceSpec) -> frozenset[str]:
    """The containers whose network, processes or memory it shares, by name."""
    modes = (spec.network_mode, spec.pid_mode, spec.ipc_mode)
    return frozenset(mode.removeprefix(_CONTAINER) for mode in modes if mode.startswith(_CONTAINER))


def leans_on(spec: ServiceSpec) -> frozenset[str]:
    """Every container that must be there before it is created, by name."""
    return namespace_owners(spec) | {one.rpartition(":")[0] for one in spec.volumes_from}


def is_left_behind(seen: SeenContainer, owners: Iterable[SeenContainer]) -> bool:
    """Whether one of the owners is another container, or runs anew, since this one was bound."""
    return any(
        owner.created_at > seen.created_at
        if seen.started_at is None
        else owner.is_running and (owner.started_at or 0.0) > seen.started_at
        for owner in owners
    )
