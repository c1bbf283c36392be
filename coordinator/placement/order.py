"""In what order services are placed: `Ranks`.

A service comes after those it depends on, must sit with, or wants to be near to, so that it finds
them placed; between others, global services come first, because they have no choice of node.

Projects that name each other are ranked together, and apart from all others. So a change of one
project ranks anew only those that it is connected with.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from heapq import heapify, heappop, heappush
from typing import Protocol

from schemas.names import ServiceKey, age_of_set, split_service_id
from schemas.template import ServiceTemplate

#: whether it goes with the global services (0) or after them (1), its component's first project,
#: its place there
Rank = tuple[int, str, int]


class Ranked(Protocol):
    """A service to be ranked."""

    @property
    def key(self) -> ServiceKey: ...
    @property
    def template(self) -> ServiceTemplate: ...


class Ranks:
    """Which projects name each other, and the ranks of their services."""

    def __init__(self) -> None:
        self._named_by: dict[str, set[str]] = {}
        self._names: dict[str, set[str]] = {}

    def refer(self, project: str, template: ServiceTemplate) -> None:
        """The project has such a service."""
        names = self._names.setdefault(project, set())
        for other in _projects_named(template):
            names.add(other)
            self._named_by.setdefault(other, set()).add(project)

    def forget(self, project: str) -> None:
        """The project has no service any more."""
        for other in self._names.pop(project, ()):
            self._named_by[other].discard(project)
            if not self._named_by[other]:
                del self._named_by[other]

    def component(self, project: str) -> set[str]:
        """The projects that are connected with this one, itself among them."""
        found, edge = {project}, [project]
        while edge:
            name = edge.pop()
            near = self._names.get(name, set()) | self._named_by.get(name, set())
            new = {each for each in near if each in self._names} - found
            found |= new
            edge += new
        return found

    def first_of_components(self) -> list[str]:
        """One project of each component: the first by name."""
        firsts, seen = [], set[str]()
        for name in sorted(self._names):
            if name not in seen:
                firsts.append(name)
                seen |= self.component(name)
        return firsts

    def of_component(
        self, project: str, services_of: Callable[[str], Iterable[Ranked]]
    ) -> dict[ServiceKey, Rank]:
        """The ranks of all services of the project's component."""
        names = self.component(project)
        return rank({each.key: each for name in names for each in services_of(name)})


def rank(services: Mapping[ServiceKey, Ranked]) -> dict[ServiceKey, Rank]:
    """The ranks of the services of one component."""
    if not services:
        return {}
    by_name: dict[tuple[str, str], list[ServiceKey]] = {}
    for key in services:
        by_name.setdefault((key.project, key.service), []).append(key)
    leaders = {key: set(_leaders(each, by_name)) - {key} for key, each in services.items()}
    first = min(services)[0]
    globals_ = [key for key, each in services.items() if each.template.is_global]
    early = _with_leaders(globals_, leaders)
    return {
        key: (int(key not in early), first, place)
        for place, key in enumerate(_in_order(services, leaders))
    }


def _with_leaders(
    keys: Iterable[ServiceKey], leaders: Mapping[ServiceKey, Collection[ServiceKey]]
) -> set[ServiceKey]:
    """These services and all that they wait for."""
    edge = list(keys)
    found = set(edge)
    while edge:
        new = set(leaders[edge.pop()]) - found
        found |= new
        edge += new
    return found


def _in_order(
    services: Mapping[ServiceKey, Ranked], leaders: Mapping[ServiceKey, Collection[ServiceKey]]
) -> list[ServiceKey]:
    """Topological order; the first name goes ahead where services wait for each other."""
    waits_for = {key: set(those) for key, those in leaders.items()}
    followers: dict[ServiceKey, list[ServiceKey]] = {key: [] for key in services}
    for key, those in leaders.items():
        for leader in those:
            followers[leader].append(key)
    place = {key: (not each.template.is_global, key) for key, each in services.items()}
    waiting = sorted(place.values())
    ready = [place[key] for key, those in waits_for.items() if not those]
    heapify(ready)
    # A dict, for its order.
    done: dict[ServiceKey, None] = {}
    while len(done) < len(services):
        if not ready:
            # A circle: an affinity may point back. Someone has to be first.
            waiting = [each for each in waiting if each[1] not in done]
            ready.append(waiting[0])
        _, key = heappop(ready)
        done[key] = None
        for follower in followers[key]:
            waits_for[follower].discard(key)
            if not waits_for[follower] and follower not in done:
                heappush(ready, place[follower])
    return list(done)


def _leaders(
    service: Ranked, by_name: Mapping[tuple[str, str], Collection[ServiceKey]]
) -> Iterator[ServiceKey]:
    """What is placed before it; of what has two sets, both, and its own older set as well."""
    project, own = service.key.project, service.key
    template = service.template
    yield from (
        key
        for key in by_name[project, own.service]
        if age_of_set(key.set_name) < age_of_set(own.set_name)
    )
    names = [*template.depends_on, *template.placement.together_with]
    for each in template.placement.expressions:
        if each.kind == "affinity" and each.key == "service" and not each.negated:
            names.append(each.value)
            other = split_service_id(each.value)
            if other is not None:
                yield from by_name.get(other, ())
    for name in names:
        yield from by_name.get((project, name), ())


def _projects_named(template: ServiceTemplate) -> Iterator[str]:
    """The projects whose services this one wants to be near to, if there are such."""
    for each in template.placement.expressions:
        if each.kind == "affinity" and each.key == "service" and not each.negated:
            other = split_service_id(each.value)
            if other is not None:
                yield other[0]
