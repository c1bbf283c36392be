"""Which services must run before which: `depends_on`, `links` and `aliyun.depends` together."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from compose.errors import TemplateError, below, clipped, shown
from compose.extends import PROFILES_VARIABLE
from compose.nested_keys import DEPENDENCY_KEYS, allowed
from compose.networks import alias
from compose.notes import Notes
from compose.tree import Tree, boolean, is_extension, mapping, text, texts

Condition = Literal["started", "healthy", "completed"]

_CONDITIONS: Mapping[str, Condition] = {
    "service_started": "started",
    "service_healthy": "healthy",
    "service_completed_successfully": "completed",
}
#: A longer cycle is shown by its beginning.
_CYCLE_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Dependency:
    """A service that must run first, and more than run if the condition says so."""

    service: str
    where: str
    condition: Condition = "started"
    #: whether the template must have that service
    is_required: bool = True


@dataclass(frozen=True, slots=True)
class Link:
    """A service that must run first and answers to one more name."""

    service: str
    alias: str
    where: str


def dependencies(value: Tree, where: str, notes: Notes) -> tuple[Dependency, ...]:
    """`depends_on`, as a list or as a map with conditions."""
    if isinstance(value, list):
        names = dict.fromkeys(texts(value, where))
        return tuple(Dependency(name, where) for name in names)
    return tuple(
        _conditional(name, options, below(where, name), notes)
        for name, options in mapping(value, where).items()
        if not is_extension(name)
    )


def links(value: Tree, where: str) -> tuple[Link, ...]:
    """`links`: `service` or `service:alias`."""
    found: dict[Link, None] = {}
    for index, written in enumerate(texts(value, where)):
        at = below(where, index)
        service, _, other = written.partition(":")
        found[Link(service, alias(other or service, at), at)] = None
    return tuple(found)


def _conditional(name: str, options: Tree, where: str, notes: Notes) -> Dependency:
    found = allowed(options or {}, where, DEPENDENCY_KEYS)
    if boolean(found.get("restart", False), below(where, "restart")):
        notes.warn(DEPENDENCY_KEYS["restart"].advice, where=below(where, "restart"))
    written = text(found.get("condition", "service_started"), below(where, "condition"))
    if written not in _CONDITIONS:
        raise TemplateError(
            f"must be one of {', '.join(_CONDITIONS)}, not {shown(written)}",
            where=below(where, "condition"),
        )
    is_required = boolean(found.get("required", True), below(where, "required"))
    return Dependency(name, where, _CONDITIONS[written], is_required)


def check_graph(graph: Mapping[str, Sequence[Dependency]], left_out: Collection[str]) -> None:
    """Make sure that an order of start exists. No profile chooses those that are `left_out`.

    Raises:
        TemplateError: a service depends on one that isn't there, or on itself, or in a circle.
    """
    for name, needed in graph.items():
        for dependency in needed:
            if dependency.service in left_out:
                raise TemplateError(
                    f"{name} depends on {clipped(dependency.service)}, which is left out: "
                    f"{PROFILES_VARIABLE} has none of its profiles",
                    where=dependency.where,
                )
            if dependency.service not in graph:
                raise TemplateError(
                    f"{name} depends on {clipped(dependency.service)}, which the template "
                    "doesn't have",
                    where=dependency.where,
                )
    cycle = _cycle(graph)
    if cycle:
        path = [one.service for one in cycle]
        first = [path[-1], *path][:_CYCLE_SHOWN]
        rest = " -> ..." if len(path) >= _CYCLE_SHOWN else ""
        raise TemplateError(
            f"services depend on each other in a circle: {' -> '.join(first)}{rest}",
            where=cycle[0].where,
        )


def _cycle(graph: Mapping[str, Sequence[Dependency]]) -> list[Dependency]:
    """The edges of one cycle, or none. Depth first, without recursion: chains may be long."""
    done: set[str] = set()
    for start in graph:
        trail: list[Dependency] = []
        ahead: list[tuple[str, Iterator[Dependency]]] = []
        on_trail: set[str] = set()
        if start not in done:
            ahead.append((start, iter(graph[start])))
            on_trail.add(start)
        while ahead:
            name, rest = ahead[-1]
            edge = next(rest, None)
            if edge is None:
                ahead.pop()
                on_trail.discard(name)
                done.add(name)
                trail = trail[:-1]
            elif edge.service in on_trail:
                names = [one for one, _ in ahead]
                return [*trail[names.index(edge.service) :], edge]
            elif edge.service not in done:
                trail.append(edge)
                ahead.append((edge.service, iter(graph[edge.service])))
                on_trail.add(edge.service)
    return []
