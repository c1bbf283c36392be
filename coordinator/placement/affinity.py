"""Affinities: staying near to, or away from, containers that are on a node already.

They see what has been placed so far, so a service is placed after those it wants to be near to.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from coordinator.placement.expressions import Matcher, matcher
from coordinator.placement.filters import Constraint, Filter, Reason, refusal
from coordinator.placement.occupancy import Fleet, NodeLoad
from schemas.names import ServiceKey, service_id, split_service_id
from schemas.template import Expression, ServiceTemplate


@dataclass(frozen=True, slots=True)
class ServiceAffinity:
    """`affinity:service==x`, or any container label: containers of these services are there.

    A service that wants to be near itself may put its first container anywhere; it could never
    start otherwise.
    """

    matcher: Matcher
    own: ServiceKey
    services: frozenset[ServiceKey]
    fleet: Fleet

    def check(self, load: NodeLoad) -> bool:
        if self.matcher.problem:
            return False
        # A view of keys looks at the smaller side only, whichever that is.
        is_there = not load.services.keys().isdisjoint(self.services)
        if self.matcher.expression.negated:
            return not is_there
        return is_there or (self.own in self.services and self._is_nowhere())

    def explain(self, refused: Sequence[NodeLoad]) -> list[Reason]:
        text = refusal(self.matcher)
        is_lost = not self.matcher.expression.negated and self._is_nowhere()
        return [(len(refused), f"{text} (placed nowhere)" if is_lost else text)]

    def _is_nowhere(self) -> bool:
        return self.fleet.placed.keys().isdisjoint(self.services)


@dataclass(frozen=True, slots=True)
class ContainerAffinity:
    """`affinity:container==name`: a container of that name is there."""

    matcher: Matcher

    def check(self, load: NodeLoad) -> bool:
        return self.matcher.holds([str(slot) for slot in load.slots])

    def explain(self, refused: Sequence[NodeLoad]) -> list[Reason]:
        return [(len(refused), refusal(self.matcher))]


@dataclass(frozen=True, slots=True)
class ImageAffinity:
    """`affinity:image==name`: a container of that image is there.

    As in classic Swarm, a name without a tag matches every tag. Unlike there, an image that is only
    stored on a node doesn't count: nodes don't tell of theirs.
    """

    matcher: Matcher
    fleet: Fleet

    def check(self, load: NodeLoad) -> bool:
        images = {self.fleet.services[key].spec.image for key in load.services}
        return self.matcher.holds(images | {_without_tag(image) for image in images})

    def explain(self, refused: Sequence[NodeLoad]) -> list[Reason]:
        return [(len(refused), refusal(self.matcher))]


def _without_tag(image: str) -> str:
    name, _, rest = image.partition("@")[0].rpartition(":")
    # A colon before a slash belongs to the registry's port.
    return name if name and "/" not in rest else image.partition("@")[0]


def expression_filters(
    expressions: Iterable[Expression], own: ServiceKey, fleet: Fleet
) -> list[Filter]:
    """The filters of a service's constraints and affinities, in their order."""
    makers: dict[str, Callable[[Matcher], Filter]] = {
        "container": ContainerAffinity,
        "image": lambda found: ImageAffinity(found, fleet),
    }

    def affinity(found: Matcher) -> Filter:
        services = frozenset(_matching(found, own, fleet))
        return ServiceAffinity(found, own, services, fleet)

    made: list[Filter] = []
    for expression in expressions:
        found = matcher(expression)
        if expression.kind == "constraint":
            made.append(Constraint(found))
        else:
            made.append(makers.get(expression.key, affinity)(found))
    return made


def _matching(found: Matcher, own: ServiceKey, fleet: Fleet) -> Iterable[ServiceKey]:
    """The services that an affinity is about; of one that has two sets, both.

    Of its own name a service sees its own set only: two sets of one that keeps its containers apart
    would find no room beside each other.
    """
    return (k for k in _named(found, own, fleet) if k == own or k[:2] != own[:2])


def _named(found: Matcher, own: ServiceKey, fleet: Fleet) -> Iterable[ServiceKey]:
    key, services = found.expression.key, fleet.services
    if key != "service":
        return (k for k, template in services.items() if found.finds(_label(template, key)))
    if found.literal is not None:
        # Plain names are by far the most frequent; nothing needs to be searched for them.
        named = ((own.project, found.literal), split_service_id(found.literal))
        return (k for name in named if name is not None for k in fleet.named(*name))
    return (k for k in services if found.finds(_names(k, own.project)))


def _label(template: ServiceTemplate, key: str) -> tuple[str, ...]:
    label = template.spec.labels.get(key)
    return () if label is None else (label,)


def _names(key: ServiceKey, project: str) -> tuple[str, ...]:
    """What a service may be called from inside a project: its short name only at home."""
    name = service_id(key.project, key.service)
    return (name, key.service) if key.project == project else (name,)
