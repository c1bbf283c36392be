"""Volumes that commands under way are about to use, or to delete.

A command is decided first, then saved, and seen by others only then; and projects take turns with
projects, volumes with volumes. What is decided and not yet seen is noted here, so that no volume is
deleted under a project that is being created. Reads: the table of volumes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from coordinator.errors import Conflict
from coordinator.store.table import Table
from schemas.names import service_id
from schemas.records import VolumeRecord
from schemas.states import State
from schemas.template import ProjectTemplate
from schemas.volume import VolumeSpec


@dataclass(slots=True, eq=False)
class Hold:
    """Of one command, until it is saved or has failed."""

    #: services by id, and the mount paths that they are going to use
    users: dict[str, frozenset[str]] = field(default_factory=dict)
    #: the mount path of the volume that it deletes
    leaving: str = ""


class VolumeHolds:
    """Asked and told without an await between: whoever decides first has decided."""

    def __init__(self, volumes: Table[VolumeRecord]) -> None:
        self._volumes = volumes
        self._holds: set[Hold] = set()

    @contextmanager
    def hold(self) -> Iterator[Hold]:
        """What one command holds; nothing any more afterwards."""
        hold = Hold()
        self._holds.add(hold)
        try:
            yield hold
        finally:
            self._holds.discard(hold)

    def available(self) -> dict[str, str]:
        """The volumes that a new project can use: name to mount path."""
        leaving = {hold.leaving for hold in self._holds}
        return {
            name: each.volume.mount_path
            for name, each in self._volumes.items()
            if each.desired_state is State.RUNNING and each.volume.mount_path not in leaving
        }

    def use(self, hold: Hold, project: str, template: ProjectTemplate) -> None:
        """Use what the template names, from now on.

        Raises:
            Conflict: it has been deleted since the template was read.
        """
        users = {
            service_id(project, service.name): service.spec.shared_mounts
            for service in template.services
        }
        gone = frozenset[str]().union(*users.values()).difference(self.available().values())
        if gone:
            raise Conflict(f"the volume {min(gone)} is being deleted")
        hold.users = users

    def users(self, volume: VolumeSpec) -> tuple[str, ...]:
        """Services that are on their way and use the volume, by id."""
        return tuple(
            name
            for hold in self._holds
            for name, mount_paths in hold.users.items()
            if volume.mount_path in mount_paths
        )
