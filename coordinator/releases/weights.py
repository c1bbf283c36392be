"""The weights of a service's versions: which there are, what they are by default, and what may be set.

Weights are relative: 100 and 100 is one half each. Nothing reads the clock or the nodes here. Pure.
"""

from collections.abc import Iterable, Mapping

from schemas.errors import InvalidInput
from schemas.records import ProjectRecord
from schemas.release import ReleaseKind
from schemas.versions import WEIGHT_MAX, WEIGHT_WORDS

#: of a version that nobody has set a weight for
WEIGHT_BY_DEFAULT = 100
_EXAMPLE = 'such as {"web": {"1.0": 90, "2.0": 10}}'


def versions_of(project: ProjectRecord, service: str) -> tuple[str, ...]:
    """The versions of a service that exist: the current one, and during its release the next."""
    release = project.release
    found = [project.version] if service in project.services else []
    if release is not None and service in release.rollouts:
        found.append(release.target.version)
    return tuple(dict.fromkeys(found))


def has_routes(project: ProjectRecord, service: str) -> bool:
    """Whether requests are led to one of its versions."""
    target = project.release.target.services if project.release else {}
    return any(
        held.template.routes
        for held in (project.services.get(service), target.get(service))
        if held is not None
    )


def weights_of(project: ProjectRecord, service: str) -> dict[str, int]:
    """What each version of it has; nothing of a service without routes, which has no traffic to divide."""
    if not has_routes(project, service):
        return {}
    return {one: weight_of(project, service, one) for one in versions_of(project, service)}


def weight_of(project: ProjectRecord, service: str, version: str) -> int:
    """As it was set, or by default: the next version of a blue-green release begins with nothing."""
    set_to = project.weights.get(service, {}).get(version)
    if set_to is not None:
        return set_to
    release = project.release
    is_next = (
        release is not None
        and release.kind is ReleaseKind.BLUE_GREEN
        and service in release.rollouts
        and version == release.target.version != project.version
    )
    return 0 if is_next else WEIGHT_BY_DEFAULT


def are_of_versions(project: ProjectRecord, versions: Iterable[tuple[str, str]]) -> bool:
    """Whether a weight is what all containers of a version have together, or each one of them.

    They have it together in a blue-green release, and wherever somebody has said so for each of these
    services' versions. Otherwise, in a rolling update, the first new container would have half of the
    traffic beside nine old ones.
    """
    release = project.release
    if release is not None and release.kind is ReleaseKind.BLUE_GREEN:
        return True
    return all(version in project.weights.get(service, {}) for service, version in versions)


def checked_weights(
    project: ProjectRecord, asked: Mapping[str, Mapping[str, int]], *, where: str = "weights"
) -> dict[str, dict[str, int]]:
    """All weights that the record is to hold: those asked for, and the others as they are.

    What is asked for changes these versions only. Versions that don't exist any more are dropped.

    Raises:
        InvalidInput: nothing, a service or version that isn't there, a service without routes, no
            whole number, one that is out of range, or nothing but zeros for a service.
    """
    if not asked:
        raise InvalidInput(f"must name a service, {_EXAMPLE}", where=where)
    known = {*project.services, *(project.release.rollouts if project.release else ())}
    found = {
        service: kept
        for service, weights in project.weights.items()
        if (kept := _existing(project, service, weights))
    }
    for service, weights in asked.items():
        at = f"{where}.{service}"
        if service not in known:
            there = ", ".join(sorted(known)) or "none"
            raise InvalidInput(f"the project has no such service; there are: {there}", where=at)
        if not weights:
            raise InvalidInput(f"must name a version, {_EXAMPLE}", where=at)
        if not has_routes(project, service):
            raise InvalidInput(
                "has no routes, so it has no traffic to divide: routes are its labels "
                "aliyun.routing.port_N",
                where=at,
            )
        versions = versions_of(project, service)
        for version, weight in weights.items():
            _check(version, weight, versions, f"{at}.{version}")
        merged = {**found.get(service, {}), **weights}
        if not any(merged.get(one, weight_of(project, service, one)) for one in versions):
            one = versions[0] if len(versions) == 1 else f"one of {', '.join(versions)}"
            raise InvalidInput(f"{one} must be above 0: stop the service to serve nobody", where=at)
        if merged:
            found[service] = {one: merged[one] for one in versions if one in merged}
    return found


def _existing(project: ProjectRecord, service: str, weights: Mapping[str, int]) -> dict[str, int]:
    return {one: weights[one] for one in versions_of(project, service) if one in weights}


def _check(version: str, weight: object, versions: tuple[str, ...], where: str) -> None:
    if version not in versions:
        raise InvalidInput(f"no such version; there is {' and '.join(versions)}", where=where)
    if not isinstance(weight, int) or isinstance(weight, bool) or not 0 <= weight <= WEIGHT_MAX:
        raise InvalidInput(WEIGHT_WORDS, where=where)
