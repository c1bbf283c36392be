"""How shared volumes stand: their mounts and their users, by node. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from coordinator.releases.networks import every_service
from coordinator.store.evidence import Doubt
from coordinator.views.rollup import NodePicture, ProjectView
from schemas.current import MountCurrent
from schemas.names import service_id
from schemas.records import ProjectRecord, VolumeRecord
from schemas.states import State
from schemas.volume import VolumeSpec


@dataclass(frozen=True, slots=True)
class VolumeView:
    """A volume, its mounts by node, and the containers that use it there, as (name, id)."""

    volume: VolumeSpec
    mounts: Mapping[str, MountCurrent]
    users: Mapping[str, tuple[tuple[str, str], ...]]
    is_deleting: bool = False
    #: what is wrong with its record; empty: nothing
    record_state: str = ""


def users_of(volume: VolumeSpec, projects: Iterable[ProjectRecord]) -> tuple[str, ...]:
    """The services whose containers use the volume, by id."""
    found = (
        service_id(project.name, service.template.name)
        for project in projects
        for service in every_service(project)
        if volume.mount_path in service.template.spec.shared_mounts
    )
    return tuple(dict.fromkeys(found))


def volume_views(
    records: Iterable[VolumeRecord],
    nodes: Iterable[NodePicture],
    projects: Iterable[ProjectView],
    doubts: Mapping[str, Doubt] = MappingProxyType({}),
) -> dict[str, VolumeView]:
    """Every volume that is not gone, by name."""
    known, views = tuple(nodes), tuple(projects)
    found = {}
    for record in sorted(records, key=lambda each: each.name):
        if record.is_gone:
            continue
        users: dict[str, list[tuple[str, str]]] = {}
        for project in views:
            for service in (*project.current.values(), *project.next.values()):
                if record.volume.mount_path in service.record.template.spec.shared_mounts:
                    for container in service.containers:
                        pair = (container.current.name, container.current.id)
                        users.setdefault(container.node, []).append(pair)
        found[record.name] = VolumeView(
            volume=record.volume,
            mounts={
                node.name: mount
                for node in known
                for mount in (node.current.mounts if node.current else ())
                if mount.name == record.name
            },
            users={node: tuple(sorted(pairs)) for node, pairs in users.items()},
            is_deleting=record.desired_state is State.DELETED,
            record_state=doubts[record.name].kind.value if record.name in doubts else "",
        )
    return found
