"""The networks and local volumes of projects in a node's document. Pure."""

from collections.abc import Collection, Iterable, Mapping

from coordinator.releases.networks import networks_of, volumes_of
from schemas.current import NodeCurrent
from schemas.desired import DesiredNetwork, DesiredVolume, NodeDesired
from schemas.records import ProjectRecord
from schemas.states import State, Wanted


class LocalVolumes:
    """The local volumes that a node reports."""

    def __init__(self, report: NodeCurrent | None) -> None:
        self._names = frozenset(report.volumes if report else ())
        self._by_project = report.volumes_of if report else {}
        self._owners = {name: of for of, names in self._by_project.items() for name in names}

    @property
    def projects(self) -> Collection[str]:
        return self._by_project.keys()

    def of(self, project: str) -> Collection[str]:
        """Those that were made for the project."""
        return self._by_project.get(project, ())

    def has(self, volume: DesiredVolume) -> bool:
        """Whether it is there, and not another project's under its name."""
        owner = self._owners.get(volume.name, volume.project)
        return volume.name in self._names and owner == volume.project


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
    there: LocalVolumes,
    *,
    kept: set[str],
    has_read: bool,
) -> tuple[DesiredVolume, ...]:
    """Volumes of the projects here, and the orders to remove those of deleted ones.

    A project may have left this node long before it was deleted, and earlier revisions of it may
    have had other volumes: so all that the node has of it go, and not those of the record alone.
    """
    volumes = [
        volume for name in sorted(kept & projects.keys()) for volume in volumes_of(projects[name])
    ]
    volumes += [
        volume
        for volume in held.volumes
        if volume.project not in projects and volume.wanted is not Wanted.ABSENT
    ]
    taken = {volume.name for volume in volumes}
    ordered = {volume.name for volume in held.volumes if volume.wanted is Wanted.ABSENT}
    leaving = {
        volume.name: volume
        for volume in held.volumes
        if volume.name in ordered or _is_losing(projects, volume.project)
    }
    for project in there.projects:
        for name in there.of(project) if _is_losing(projects, project) else ():
            leaving.setdefault(name, DesiredVolume(project=project, name=name))
    for name, volume in sorted(leaving.items()):
        is_done = name in ordered and has_read and not there.has(volume)
        if name not in taken and not is_done:
            volumes.append(volume.model_copy(update={"wanted": Wanted.ABSENT}))
    return tuple(volumes)


def _is_losing(projects: Mapping[str, ProjectRecord], name: str) -> bool:
    return name in projects and loses_volumes(projects[name])


def loses_volumes(project: ProjectRecord) -> bool:
    """Whether the project is deleted together with its local volumes."""
    return project.desired_state is State.DELETED and project.remove_volumes
