"""The networks and local volumes of projects in a node's document. Pure."""

from collections.abc import Collection, Iterable, Mapping

from coordinator.releases.networks import networks_of, volumes_of
from schemas.desired import DesiredNetwork, DesiredVolume, NodeDesired
from schemas.records import ProjectRecord
from schemas.states import State, Wanted


def networks_for(
    projects: Mapping[str, ProjectRecord], held: NodeDesired, kept: Iterable[str]
) -> tuple[DesiredNetwork, ...]:
    """The networks of the projects here; of one without a record, those that the document has."""
    return tuple(
        network
        for name in sorted(kept)
        for network in (
            networks_of(projects[name])
            if name in projects
            else [each for each in held.networks if each.project == name]
        )
    )


def volumes_for(
    projects: Mapping[str, ProjectRecord],
    held: NodeDesired,
    there: Collection[str],
    *,
    kept: set[str],
    doomed: Mapping[str, DesiredVolume],
    has_read: bool,
) -> tuple[DesiredVolume, ...]:
    """Volumes of the projects here, and the orders to remove those of deleted ones.

    `there`: the volumes that the node reports. `doomed`: those to remove wherever they are.
    """
    volumes = [
        volume for name in sorted(kept & projects.keys()) for volume in volumes_of(projects[name])
    ]
    volumes += [volume for volume in held.volumes if volume.project not in projects]
    taken = {volume.name for volume in volumes}
    ordered = {volume.name for volume in held.volumes if volume.wanted is Wanted.ABSENT}
    # A project may have left this node long before it was deleted, and left its volumes behind.
    leaving = {name: doomed[name] for name in there if name in doomed}
    for volume in held.volumes:
        project = projects.get(volume.project)
        if volume.name in ordered or (project is not None and loses_volumes(project)):
            leaving.setdefault(volume.name, volume)
    for name, volume in sorted(leaving.items()):
        is_done = name in ordered and name not in there and has_read
        if name not in taken and not is_done:
            volumes.append(volume.model_copy(update={"wanted": Wanted.ABSENT}))
    return tuple(volumes)


def loses_volumes(project: ProjectRecord) -> bool:
    """Whether the project is deleted together with its local volumes."""
    return project.desired_state is State.DELETED and project.remove_volumes
