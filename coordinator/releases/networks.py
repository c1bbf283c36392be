"""Networks of sets: which there are, and whose containers are in which. Pure.

Two sets that run side by side must not answer to each other's names. So the next set of a
blue-green release has networks of its own, made like the project's; a service that both sets share
is joined to them, and finds whoever answers there once nobody does in the older network.

    service of                       is in the networks of
    the current set, to be replaced  its own set, and of later releases' sets that it outlived
    both sets                        the same, and of the next set
    the next set                     its own set
"""

from collections.abc import Iterable

from coordinator.releases.specs import in_set
from schemas.desired import DesiredNetwork, DesiredVolume
from schemas.names import age_of_set, network_of_set, set_name
from schemas.records import ProjectRecord
from schemas.release import ReleaseKind, ServiceRecord
from schemas.service import NetworkAttachment


def networks_of(project: ProjectRecord) -> tuple[DesiredNetwork, ...]:
    """The project's networks, those of every set that a service lives in."""
    sets = network_sets(project)
    if sets in ([], [""]) and project.release is None:
        return project.networks
    return tuple(
        _in_set(network, each) for network in _own(project).values() for each in sets or [""]
    )


def volumes_of(project: ProjectRecord) -> tuple[DesiredVolume, ...]:
    """The project's local volumes, those of a next set too; sets share them."""
    if project.release is None:
        return project.volumes
    both = (*project.volumes, *project.release.target.volumes)
    return tuple({volume.name: volume for volume in both}.values())


def network_sets(project: ProjectRecord) -> list[str]:
    """The sets whose networks a service lives in, older ones first."""
    return sorted({service.network_set for service in every_service(project)}, key=age_of_set)


def joins_of(
    project: ProjectRecord, service: ServiceRecord, *, is_next: bool
) -> tuple[NetworkAttachment, ...]:
    """The networks of younger sets that a service's containers are joined to."""
    release, name = project.release, service.template.name
    younger = [
        each for each in network_sets(project) if age_of_set(each) > age_of_set(service.network_set)
    ]
    if (
        release
        and release.kind is ReleaseKind.BLUE_GREEN
        and name in release.rollouts
        and not is_next
    ):
        next_set = set_name(release.target.revision)
        younger = [each for each in younger if each != next_set]
    if not younger:
        return ()
    own = _own(project)
    return tuple(
        in_set(attachment, each)
        for each in younger
        for attachment in service.template.spec.networks
        if attachment.name in own and attachment.name in _joined_by(project, each)
    )


def _own(project: ProjectRecord) -> dict[str, DesiredNetwork]:
    target = project.release.target.networks if project.release else ()
    return {network.name: network for network in (*project.networks, *target)}


def every_service(project: ProjectRecord) -> Iterable[ServiceRecord]:
    """The services of the current set, and those that a release changes or adds."""
    yield from project.services.values()
    if project.release is not None:
        yield from (project.release.target.services[name] for name in project.release.rollouts)


def _joined_by(project: ProjectRecord, in_set_name: str) -> set[str]:
    return {
        attachment.name
        for service in every_service(project)
        if service.network_set == in_set_name
        for attachment in service.template.spec.networks
    }


def _in_set(network: DesiredNetwork, in_set_name: str) -> DesiredNetwork:
    """The same network of a set; addresses can't be had twice, so those are the engine's choice."""
    if not in_set_name:
        return network
    name = network_of_set(network.name, in_set_name)
    return network.model_copy(update={"name": name, "addresses": None})
