"""`extends`: a service that starts from another one of the same template, and `profiles`.

`merge` says how the two become one.
"""

from collections.abc import Mapping

from compose.errors import TemplateError, below, clipped
from compose.limits import NODES_MAX
from compose.merge import Merger
from compose.nested_keys import EXTENDS_KEYS, allowed
from compose.notes import Notes
from compose.tree import Tree, text, texts

#: Which of a project's profiles are wanted; Compose's own variable.
PROFILES_VARIABLE = "COMPOSE_PROFILES"

Services = Mapping[str, dict[str, Tree]]


def extended(services: Services, where: str) -> dict[str, dict[str, Tree]]:
    """Every service with what it extends.

    Raises:
        TemplateError: a service that isn't there or can't be extended, or a circle.
    """
    done: dict[str, dict[str, Tree]] = {}
    room = [NODES_MAX]
    for name in services:
        _extend(name, services, where, done, room)
    return {name: done[name] for name in services}


def wanted(
    services: Services, where: str, environment: Mapping[str, str], notes: Notes
) -> dict[str, dict[str, Tree]]:
    """The services without those whose profiles nobody asked for."""
    active = {word.strip() for word in environment.get(PROFILES_VARIABLE, "").split(",")}
    kept: dict[str, dict[str, Tree]] = {}
    for name, service in services.items():
        at = below(below(where, name), "profiles")
        profiles = texts(service.get("profiles") or [], at)
        if not profiles or "*" in active or active & set(profiles):
            kept[name] = service
        else:
            shown = clipped(", ".join(profiles))
            notes.warn(f"left out: {PROFILES_VARIABLE} has none of {shown}", where=at)
    if services and not kept:
        raise TemplateError(f"{PROFILES_VARIABLE} leaves no service", where=where)
    return kept


def _extend(
    name: str,
    services: Services,
    where: str,
    done: dict[str, dict[str, Tree]],
    room: list[int],
) -> None:
    """Extend one service and those that it comes from, the first of them first."""
    chain = [name]
    while chain:
        current = chain[-1]
        own = services[current]
        at = below(below(where, current), "extends")
        if current in done:
            chain.pop()
        elif own.get("extends") is None:
            done[current] = own
        else:
            parent = extended_service(own["extends"], at)
            if parent not in services:
                raise TemplateError(f"there is no service {clipped(parent)}", where=at)
            if parent in chain:
                raise TemplateError("services extend each other in a circle", where=at)
            if parent in done:
                done[current] = _merged(current, done[parent], own)
                room[0] -= _size(done[current])
                if room[0] < 0:
                    raise TemplateError("the template is too large when extended", where=at)
            else:
                chain.append(parent)


def extended_service(value: Tree, where: str) -> str:
    """The name of the service that another one starts from.

    Raises:
        TemplateError: there is none.
    """
    if isinstance(value, str):
        return value
    found = allowed(value, where, EXTENDS_KEYS)
    if "service" not in found:
        raise TemplateError("needs the name of a service", where=where)
    return text(found["service"], below(where, "service"))


def _merged(name: str, parent: Mapping[str, Tree], own: Mapping[str, Tree]) -> dict[str, Tree]:
    rest = {key: value for key, value in own.items() if key != "extends"}
    merged: dict[str, Tree] = Merger().laid_over(dict(parent), rest, ("services", name))
    return merged


def _size(value: Tree) -> int:
    if isinstance(value, dict):
        return 1 + sum(map(_size, value.values()))
    if isinstance(value, list):
        return 1 + sum(map(_size, value))
    return 1
