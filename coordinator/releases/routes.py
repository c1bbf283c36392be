"""The routes of a project: which domains lead to which of its containers, and with what weight. Pure.

Both sets of a service share its routes while it is released. Of a route that several services claim,
the first one by the project's and then by its own name has it; the others are told. Only in a
blue-green release a service that goes and one that comes share a route, as versions of one do.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from coordinator.releases.groups import SlotGroup
from coordinator.releases.shares import Share, shared_out
from coordinator.releases.weights import are_of_versions, weight_of
from schemas.current import PortBinding
from schemas.records import ProjectRecord
from schemas.release import ReleaseKind
from schemas.routing import Backend, ProjectRoutes, Route
from schemas.states import State

#: such domains are reached from inside the cluster only
_INSIDE = ".local"


class Claim(NamedTuple):
    """What a route is for: a whole domain, and a path below it."""

    domain: str
    path: str

    def __str__(self) -> str:
        return f"{self.domain}/{self.path}" if self.path else self.domain


@dataclass(frozen=True, slots=True)
class RoutedContainer:
    """What is to be known of a container to route to it."""

    id: str
    service: str
    set_name: str
    slot: int
    #: what its label says; one that an update left alone has the label of an older version
    version: str
    node: str
    #: of its node
    address: str
    #: its own
    ip: str
    #: "80/tcp" -> where it is published
    ports: Mapping[str, tuple[PortBinding, ...]]
    #: it runs, is not being stopped, is where its slot is, and no check says otherwise
    is_healthy: bool


@dataclass(frozen=True, slots=True)
class _Side:
    """One set's slots of a service, and the healthy containers that fill them."""

    group: SlotGroup
    #: claim -> port of the container
    ports: Mapping[Claim, int]
    containers: tuple[RoutedContainer, ...]

    @property
    def service(self) -> str:
        return self.group.key.service

    @property
    def is_there(self) -> bool:
        """Whether a version counts: it has containers, or should have some."""
        is_wanted = self.group.record.desired_state is State.RUNNING and not self.group.is_empty
        return is_wanted or bool(self.containers)


def claims_of(groups: Iterable[SlotGroup], default_domain: str = "") -> frozenset[Claim]:
    """What a project's services claim, those of a next set from its first container on."""
    return frozenset(
        claim for group in groups if not group.is_held for claim in _ports_of(group, default_domain)
    )


def owners_of_claims(claims: Mapping[str, Iterable[Claim]]) -> dict[Claim, str]:
    """Claim -> the project that has it; `claims`: by project."""
    found: dict[Claim, str] = {}
    for project in sorted(claims):
        for claim in claims[project]:
            found.setdefault(claim, project)
    return found


def routes_of(
    project: ProjectRecord,
    groups: Iterable[SlotGroup],
    containers: Iterable[RoutedContainer],
    *,
    generation: int,
    default_domain: str = "",
    owners: Mapping[Claim, str] = MappingProxyType({}),
) -> ProjectRoutes | None:
    """The project's document; None: it claims nothing.

    `owners`: what `owners_of_claims` says; what isn't in it is this project's.
    """
    begun = [group for group in groups if not group.is_held]
    sides = list(_sides(begun, containers, default_domain))
    claimed = sorted({claim for side in sides for claim in side.ports})
    if not claimed:
        return None
    routes: list[Route] = []
    conflicts = [words for side in sides for words in _second_ports(side, default_domain)]
    for claim in claimed:
        mine = [side for side in sides if claim in side.ports]
        names = sorted({side.service for side in mine})
        owner = owners.get(claim, project.name)
        if owner != project.name:
            conflicts += [f"{name}: {claim} is a route of the project {owner}" for name in names]
            continue
        first, *others = names
        successor = next((name for name in others if _is_handover(project, first, name)), first)
        sharing = [side for side in mine if side.service in {first, successor}]
        routes.append(_route(project, claim, first, sharing, default_domain))
        left_out = [name for name in others if name != successor]
        conflicts += [f"{name}: {claim} is a route of {first}" for name in left_out]
    return ProjectRoutes(
        project=project.name,
        generation=generation,
        routes=tuple(routes),
        conflicts=tuple(sorted(set(conflicts))),
    )


def _sides(
    groups: list[SlotGroup], containers: Iterable[RoutedContainer], default_domain: str
) -> Iterator[_Side]:
    ordered = sorted(groups, key=lambda group: (group.key, group.is_next))
    by_set: dict[tuple[str, str], list[int]] = {}
    for index, group in enumerate(ordered):
        by_set.setdefault((group.key.service, group.key.set_name), []).append(index)
    healthy = [one for one in containers if one.is_healthy]
    healthy.sort(key=lambda one: (one.service, one.set_name, one.slot, one.node, one.id))
    by_group: dict[int, list[RoutedContainer]] = {}
    for one in healthy:
        alike = by_set.get((one.service, one.set_name), [])
        # What no set wants any more is about to be stopped: it gets nothing new.
        if any(ordered[index].has(one.slot) for index in alike):
            by_label = [index for index in alike if ordered[index].version == one.version]
            by_group.setdefault((by_label or alike)[0], []).append(one)
    for index, group in enumerate(ordered):
        yield _Side(group, _ports_of(group, default_domain), tuple(by_group.get(index, ())))


def _ports_of(group: SlotGroup, default_domain: str) -> dict[Claim, int]:
    found: dict[Claim, int] = {}
    for rule in group.record.template.routes:
        found.setdefault(Claim(_whole(rule.domain, default_domain), rule.path), rule.port)
    return found


def _second_ports(side: _Side, default_domain: str) -> Iterator[str]:
    for rule in side.group.record.template.routes:
        claim = Claim(_whole(rule.domain, default_domain), rule.path)
        if (port := side.ports[claim]) != rule.port:
            yield f"{side.service}: {claim} leads to port {port}, and not to {rule.port} as well"


def _whole(domain: str, default_domain: str) -> str:
    """A prefix with the cluster's domain behind it. Where there is none, it is a host's name."""
    rest = default_domain.strip(".").lower()
    return f"{domain}.{rest}" if rest and "." not in domain else domain


def _is_inside(domain: str, default_domain: str) -> bool:
    # What a cluster calls its own domain says nothing about single routes.
    rest = default_domain.strip(".").lower()
    is_own = bool(rest) and domain.endswith(f".{rest}")
    return domain.endswith(_INSIDE) and not is_own


def _is_handover(project: ProjectRecord, one: str, other: str) -> bool:
    """Whether one of two services takes the other's place, as a version with a name of its own."""
    release = project.release
    if release is None or release.kind is not ReleaseKind.BLUE_GREEN:
        return False
    goes = {name for name in (one, other) if name not in release.target.services}
    comes = {name for name in (one, other) if name not in project.services}
    return len(goes) == len(comes) == 1


def _route(
    project: ProjectRecord, claim: Claim, service: str, sides: list[_Side], default_domain: str
) -> Route:
    """A route of these sides. What nobody can reach from outside of its node is a back-end there."""
    found: dict[int, list[Backend]] = {}
    for index, side in enumerate(sides):
        if side.is_there:
            port = side.ports[claim]
            reached = ((one, _reached(one, port, side.group)) for one in side.containers)
            found[index] = [
                _backend(one, place, port, side.group.version) for one, place in reached if place
            ]
    versions = {index: (sides[index].service, sides[index].group.version) for index in found}
    are_together = are_of_versions(project, versions.values())
    weights = shared_out(
        {
            index: Share(
                weight_of(project, *versions[index]) * (1 if are_together else len(backends)),
                len(backends),
            )
            for index, backends in found.items()
        }
    )
    return Route(
        domain=claim.domain,
        path=claim.path,
        internal=_is_inside(claim.domain, default_domain),
        # While a release runs that changes it, whoever is to be moved must not be held.
        sticky=all(side.group.record.template.is_sticky for side in sides),
        service=service,
        backends=tuple(
            backend.model_copy(update={"weight": weight})
            for index, backends in found.items()
            for backend, weight in zip(backends, weights[index], strict=True)
        ),
    )


def _backend(one: RoutedContainer, place: tuple[str, int], port: int, version: str) -> Backend:
    address, reached_at = place
    return Backend(
        container=one.id,
        node=one.node,
        address=address,
        port=reached_at,
        ip=one.ip,
        container_port=port,
        version=version,
        weight=0,
    )


def _reached(one: RoutedContainer, port: int, group: SlotGroup) -> tuple[str, int] | None:
    """Address and port; None: it has no address that a connection could be made to."""
    bindings = sorted(
        (
            each
            for each in one.ports.get(f"{port}/tcp", ())
            if not _is_loopback(each.host_ip) and each.address_on(one.address)
        ),
        key=lambda each: (
            each.address_on(one.address) != one.address,
            each.host_ip,
            each.host_port,
        ),
    )
    if bindings:
        return bindings[0].address_on(one.address), bindings[0].host_port
    if group.spec.network_mode == "host":
        return one.address, port
    return (one.ip, port) if one.ip else None


def _is_loopback(host_ip: str) -> bool:
    return host_ip.startswith("127.") or host_ip == "::1"
