"""Events: what has changed between two status documents, told to people. Pure.

An event's id follows from what happened, so telling the same thing twice (after a restart, say)
can be recognised.
"""

from collections.abc import Iterator
from zlib import crc32

from schemas.current import ContainerCurrent, MountCurrent, NodeCurrent, SlotProblem
from schemas.event import Event, EventKind
from schemas.states import MountState

_MOUNT_KINDS = {
    MountState.MOUNTED: EventKind.MOUNT_OK,
    MountState.STUCK: EventKind.MOUNT_STUCK,
    MountState.FAILED: EventKind.MOUNT_FAILED,
}


def happened(before: NodeCurrent | None, after: NodeCurrent, at: str) -> tuple[Event, ...]:
    """Tell the difference. Without a `before` nothing has happened, only been found."""
    if before is None:
        return ()
    old = {container.id: container for container in before.containers}
    new = {container.id: container for container in after.containers}
    events = [_engine(before, after, at)]
    for container in after.containers:
        events.extend(_container_events(old.get(container.id), container, after.node, at))
    events.extend(
        _about(EventKind.CONTAINER_REMOVED, container, after.node, at, "removed")
        for container in before.containers
        if container.id not in new
    )
    events.extend(_mount_events(before, after, at))
    known = {(problem.key, problem.code) for problem in before.problems}
    events.extend(
        _problem(problem, after.node, at)
        for problem in after.problems
        if (problem.key, problem.code) not in known
    )
    events.extend(_note(note, after.node, at) for note in after.notes if note not in before.notes)
    return tuple(event for event in events if event is not None)


def _container_events(
    old: ContainerCurrent | None, new: ContainerCurrent, node: str, at: str
) -> Iterator[Event]:
    if old is None:
        yield _about(EventKind.CONTAINER_CREATED, new, node, new.created_at, "created")
    if new.started_at and (old is None or old.started_at != new.started_at):
        yield _about(EventKind.CONTAINER_STARTED, new, node, new.started_at, "started")
    if not new.running and new.finished_at and (old is None or old.finished_at != new.finished_at):
        was_asked = old is not None and new.fail_count == old.fail_count
        kind = EventKind.CONTAINER_STOPPED if was_asked else EventKind.CONTAINER_DIED
        yield _about(kind, new, node, new.finished_at, f"exited with code {new.exit_code}")
        if new.oom_killed:
            yield _about(EventKind.CONTAINER_OOM, new, node, new.finished_at, "out of memory")
    if old is not None and new.running and new.health != old.health:
        yield _about(
            EventKind.CONTAINER_HEALTH, new, node, at, f"health is {new.health or 'unknown'}"
        )


def _mount_events(before: NodeCurrent, after: NodeCurrent, at: str) -> Iterator[Event]:
    old = {mount.name: mount for mount in before.mounts}
    new = {mount.name: mount for mount in after.mounts}
    for name, mount in new.items():
        kind = _MOUNT_KINDS.get(mount.state)
        was = old.get(name)
        has_turned = was is None or was.state is not mount.state
        is_new = was is not None and was.incarnation != mount.incarnation
        if kind is not None and (has_turned or is_new):
            why = f": {mount.reason}" if mount.reason else ""
            since = mount.since if has_turned and mount.since else at
            yield _mount(kind, mount, after.node, since, f"{mount.state}{why}")
    for name in old.keys() - new.keys():
        yield _mount(EventKind.MOUNT_REMOVED, old[name], after.node, at, "not here any more")


def _mount(kind: EventKind, mount: MountCurrent, node: str, at: str, what: str) -> Event:
    return Event(
        id=f"{node}.{kind}.{mount.name}.{at}",
        at=at,
        kind=kind,
        node=node,
        message=f"volume {mount.name} is {what}",
        attributes={"volume": mount.name, "state": str(mount.state), "reason": mount.reason},
    )


def _about(kind: EventKind, container: ContainerCurrent, node: str, at: str, what: str) -> Event:
    attributes = {"health": str(container.health)} if container.health else {}
    if kind in {EventKind.CONTAINER_DIED, EventKind.CONTAINER_STOPPED}:
        attributes["exit_code"] = str(container.exit_code)
        attributes["oom_killed"] = str(container.oom_killed).lower()
    return Event(
        id=f"{node}.{kind}.{container.id[:12]}.{at}",
        at=at,
        kind=kind,
        node=node,
        project=container.project,
        service=container.service,
        slot=container.slot,
        container_id=container.id,
        message=f"container {container.name} {what}",
        attributes=attributes,
    )


def _problem(problem: SlotProblem, node: str, at: str) -> Event:
    return Event(
        id=f"{node}.{EventKind.SLOT_PROBLEM}.{problem.key}.{problem.code}.{at}",
        at=at,
        kind=EventKind.SLOT_PROBLEM,
        node=node,
        project=problem.project,
        service=problem.service,
        slot=problem.slot,
        message=problem.message,
        attributes={"code": problem.code, "definite": str(problem.definite).lower()},
    )


def _note(note: str, node: str, at: str) -> Event:
    return Event(
        id=f"{node}.{EventKind.NODE_NOTE}.{crc32(note.encode()):08x}.{at}",
        at=at,
        kind=EventKind.NODE_NOTE,
        node=node,
        message=note,
    )


def _engine(before: NodeCurrent, after: NodeCurrent, at: str) -> Event | None:
    if before.engine.state == after.engine.state:
        return None
    state, reason = after.engine.state, after.engine.reason
    return Event(
        id=f"{after.node}.{EventKind.ENGINE_STATE}.{state}.{at}",
        at=at,
        kind=EventKind.ENGINE_STATE,
        node=after.node,
        message=f"the engine of {after.node} is {state}" + (f": {reason}" if reason else ""),
        attributes={"state": str(state)},
    )
