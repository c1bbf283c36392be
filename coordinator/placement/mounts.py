"""What nodes are told of shared volumes, and where those don't work. Pure."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from coordinator.store.nodes import NodePicture
from schemas.current import MountCurrent
from schemas.desired import DesiredMount, NodeDesired
from schemas.records import VolumeRecord
from schemas.states import MountState, State, Wanted

_BROKEN = frozenset({MountState.FAILED, MountState.STUCK})
#: a volume that can't be mounted for so long is as bad as a stuck one
FAILED_S_MIN = 60.0


def mounts_for(
    node: NodePicture,
    held: NodeDesired,
    records: Iterable[VolumeRecord],
    *,
    has_read: bool,
    doubted: Collection[str] = (),
) -> tuple[DesiredMount, ...]:
    """What a node's document must say of volumes: every one, everywhere.

    Only the record of a deleted volume unmounts it. One that the document has and no record knows
    stays as it is: its record may have been lost, or be of a version that can't be read here.
    The order to unmount stays until the node has reported, for a document with it, that it is done.
    `has_read` says whether the node's report is about the document that is held.
    """
    known = {record.name: record for record in records if record.name not in doubted}
    wanted = [
        DesiredMount(volume=record.volume, secret=record.secret)
        for _, record in sorted(known.items())
        if record.desired_state is State.RUNNING
    ]
    there = {mount.name for mount in node.current.mounts} if node.current else set()
    for mount in sorted(held.mounts, key=lambda each: each.name):
        record = known.get(mount.name)
        if record is not None and record.desired_state is State.RUNNING:
            continue
        is_ordered = mount.wanted is Wanted.ABSENT
        if is_ordered and has_read and mount.name not in there:
            continue
        is_leaving = is_ordered or record is not None
        leaving = {"wanted": Wanted.ABSENT, "secret": None} if is_leaving else {}
        wanted.append(mount.model_copy(update=leaving))
    return tuple(wanted)


def unfit_mounts(node: NodePicture, records: Mapping[str, VolumeRecord]) -> frozenset[str]:
    """The mount paths of the volumes that don't work on a node, as far as anybody knows."""
    return frozenset(
        records[mount.name].volume.mount_path
        for mount in (node.current.mounts if node.current else ())
        if (mount.state in _BROKEN or not mount.is_known) and mount.name in records
    )


def deserted_mounts(node: NodePicture, records: Mapping[str, VolumeRecord]) -> frozenset[str]:
    """The mount paths of those that are out of order, and whose containers are to move then."""
    if node.current is None:
        return frozenset()
    return frozenset(
        records[mount.name].volume.mount_path
        for mount in node.current.mounts
        if mount.name in records
        and records[mount.name].volume.when_stuck == "move"
        and mount.is_known
        and _is_out_of_order(mount, node.current.observed_at)
    )


def _is_out_of_order(mount: MountCurrent, observed_at: str) -> bool:
    if mount.state is not MountState.FAILED:
        return mount.state is MountState.STUCK
    # Both are the node's own times. What fails may be mounted by the next try.
    return _seconds_between(mount.since, observed_at) >= FAILED_S_MIN


def _seconds_between(earlier: str, later: str) -> float:
    """Of two RFC 3339 times; 0 where one of them is none."""
    try:
        return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()
    except (ValueError, TypeError):
        return 0.0
