"""`Graveyard`: what is deleted and has left every node becomes a tombstone, and later nothing.

A tombstone remembers the commands of its former life, so that one sent again gets its answer.
Writes: KV `projects`, `volumes`.
"""

from collections.abc import Iterable, Mapping

from coordinator.bus.publisher import event
from coordinator.commands import catalogue
from coordinator.placement.assignments import has_left
from coordinator.ports import Bucket, EventSink
from coordinator.store.picture import Held, Picture
from coordinator.views.rollup import NodePicture
from coordinator.volumes import lifecycle as volumes
from schemas.desired import NodeDesired
from schemas.event import EventKind
from schemas.states import State, Wanted

#: How long the commands of what is deleted are remembered.
TOMBSTONE_S = 600.0


class Graveyard:
    """Ends the lives of records."""

    def __init__(
        self, picture: Picture, projects: Bucket, volumes: Bucket, events: EventSink
    ) -> None:
        self._picture = picture
        self._projects = projects
        self._volumes = volumes
        self._events = events
        self._buried_at: dict[tuple[str, str], float] = {}

    async def bury(self, nodes: Iterable[NodePicture]) -> None:
        """Turn what has left every node into tombstones."""
        picture = self._picture
        documents = picture.held_documents()
        known = tuple(nodes)
        for name, held in list(picture.projects.items()):
            record = held.value
            if (
                record.desired_state is State.DELETED
                and not record.is_gone
                and picture.applied.get(name) == held.revision
                and has_left(name, known, documents, force=record.force)
            ):
                buried = catalogue.bury(record)
                revision = await self._projects.put(name, buried, held.revision)
                picture.projects[name] = Held(buried, revision)
                self._told(f"project {name} is deleted", project=name)
        for name, volume in list(picture.volumes.items()):
            if (
                volume.value.desired_state is State.DELETED
                and not volume.value.is_gone
                and _is_unmounted(name, known, documents)
            ):
                gone = volumes.bury(volume.value)
                revision = await self._volumes.put(name, gone, volume.revision)
                picture.volumes[name] = Held(gone, revision)
                self._told(f"volume {name} is deleted")

    async def drop(self, now: float) -> None:
        """Forget the tombstones that are old; `now` in monotonic seconds.

        One that a document must still follow stays: without it nobody would ever order to remove
        what is on that node.
        """
        picture = self._picture
        gone = {("project", n) for n, held in picture.projects.items() if held.value.is_gone}
        gone |= {("volume", n) for n, held in picture.volumes.items() if held.value.is_gone}
        gone -= _unordered(picture.held_documents().values())
        self._buried_at = {key: self._buried_at.get(key, now) for key in gone}
        for kind, name in sorted(gone):
            if now - self._buried_at[kind, name] <= TOMBSTONE_S:
                continue
            if kind == "project":
                await self._projects.delete(name, picture.projects[name].revision)
                del picture.projects[name]
            else:
                await self._volumes.delete(name, picture.volumes[name].revision)
                del picture.volumes[name]

    def _told(self, message: str, **about: str) -> None:
        self._picture.touch()
        self._events.tell(event(EventKind.OPERATION_ENDED, message, **about))


def _unordered(documents: Iterable[NodeDesired]) -> set[tuple[str, str]]:
    """What documents still want to be there, by kind and name."""
    found = set()
    for document in documents:
        found |= {("project", s.project) for s in document.slots if s.wanted is not Wanted.ABSENT}
        found |= {("volume", m.name) for m in document.mounts if m.wanted is not Wanted.ABSENT}
    return found


def _is_unmounted(
    name: str, nodes: Iterable[NodePicture], documents: Mapping[str, NodeDesired]
) -> bool:
    """Whether no node that answers has the volume, or still has to be told of it."""
    return not any(
        mount.name == name
        for node in nodes
        if node.is_trusted and node.name in documents
        for mount in documents[node.name].mounts
    )
