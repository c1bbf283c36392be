"""Shared volumes: what commands do to their records, and what nodes are told of them. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from coordinator.commands.operations import Moment, answered, begun
from coordinator.commands.progress import DONE, RUNNING, Standing
from coordinator.errors import Conflict, NotFound
from coordinator.views.rollup import NodePicture
from coordinator.volumes.render import render_created
from schemas.codec import SchemaError, validate
from schemas.command import CreateVolume, DeleteVolume, Progress
from schemas.current import MountCurrent
from schemas.desired import DesiredMount, NodeDesired
from schemas.errors import InvalidInput
from schemas.records import Operation, RememberedReply, VolumeRecord
from schemas.states import MountState, State, Wanted
from schemas.volume import BASE_DIRECTORY, VolumeSecret, VolumeSpec, folded
from schemas.volume_options import fault

_OPTIONS = {
    "nas": ("diskid", "host", "path", "mode"),
    "ossfs": ("bucket", "url", "no_stat_cache", "other_opts"),
}
_SECRETS = ("ak_id", "ak_secret")
#: ours, beside the reference's
_OWN = ("read_only", "when_stuck")
_BROKEN = frozenset({MountState.FAILED, MountState.STUCK})
#: a volume that can't be mounted for so long is as bad as a stuck one
FAILED_S_MIN = 60.0


@dataclass(frozen=True, slots=True)
class VolumeDecision:
    """The record to write, and the answer."""

    record: VolumeRecord
    reply: RememberedReply


def create(
    held: VolumeRecord | None,
    command: CreateVolume,
    others: Iterable[VolumeRecord],
    moment: Moment,
    mount_base: str = BASE_DIRECTORY,
) -> VolumeDecision:
    """A new volume, wanted on every node, where it is below `mount_base`.

    Raises:
        Conflict: the name is taken, or the place on the nodes is.
        InvalidInput: the driver is unknown, or its options aren't right.
    """
    volume, secret = volume_of(command)
    if held is not None and not held.is_gone:
        is_going = held.desired_state is State.DELETED
        state = "is still being deleted" if is_going else "already exists"
        raise Conflict(f"volume {command.name} {state}")
    for other in others:
        if not other.is_gone and other.volume.mount_path == volume.mount_path:
            raise Conflict(f"volume {other.name} is mounted at {volume.mount_path} already")
    record = VolumeRecord(
        name=command.name,
        volume=volume,
        secret=secret,
        created=moment.now,
        updated=moment.now,
        replies=held.replies if held else (),
    )
    shown = render_created(volume, mount_base)
    return VolumeDecision(*answered(record, command, begun(held, command, moment), result=shown))


def delete(
    held: VolumeRecord | None, command: DeleteVolume, users: Iterable[str], moment: Moment
) -> VolumeDecision:
    """Unmount it everywhere. `users`: the services that use it.

    Raises:
        NotFound: there is none.
        Conflict: it is in use.
    """
    if held is None or held.is_gone:
        raise NotFound("volume", command.name)
    in_use_by = ", ".join(sorted(users))
    if in_use_by:
        raise Conflict(f"volume {command.name} is in use by {in_use_by}")
    record = held.model_copy(update={"desired_state": State.DELETED, "updated": moment.now})
    return VolumeDecision(*answered(record, command, begun(held, command, moment)))


def bury(record: VolumeRecord) -> VolumeRecord:
    """The tombstone of a volume that has left every node; its secret is forgotten."""
    return record.model_copy(update={"is_gone": True, "secret": None})


def volume_of(command: CreateVolume) -> tuple[VolumeSpec, VolumeSecret | None]:
    """The volume that a command describes, and its secret.

    Raises:
        InvalidInput: with the path of what is wrong; never with a secret in it.
    """
    known = _OPTIONS[command.driver]
    options = {key: value for key, value in _texts(command.driver_opts).items() if value != ""}
    secrets = _SECRETS if command.driver == "ossfs" else ()
    unknown = options.keys() - {*known, *secrets, *_OWN}
    if unknown:
        raise InvalidInput("unknown option", where=f"driverOpts.{min(unknown)}")
    missing = [name for name in secrets if name not in options]
    if missing:
        raise InvalidInput("is required", where=f"driverOpts.{missing[0]}")
    plain = {
        "name": command.name,
        "driver": command.driver,
        command.driver: {key: options[key] for key in known if key in options},
        **{key: options[key] for key in _OWN if key in options},
    }
    try:
        volume = validate(VolumeSpec, plain)
        keys = {key: options[key] for key in secrets}
        secret = validate(VolumeSecret, keys) if secrets else None
    except SchemaError as error:
        option = error.where.removeprefix(f"{command.driver}.")
        raise InvalidInput(error.message, where=f"driverOpts.{option}".rstrip(".")) from None
    found = fault(volume, secret)
    if found is not None:
        raise InvalidInput(found.message, where=f"driverOpts.{found.option}")
    return volume, secret


def _texts(options: Mapping[str, object]) -> dict[str, str]:
    keys = folded(dict(options))
    return {
        key: str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in (keys.items() if isinstance(keys, dict) else ())
    }


def mounts_for(
    node: NodePicture, held: NodeDesired, records: Iterable[VolumeRecord], *, has_read: bool
) -> tuple[DesiredMount, ...]:
    """What a node's document must say of volumes: every one, everywhere.

    Only the record of a deleted volume unmounts it. One that the document has and no record knows
    stays as it is: its record may have been lost, or be of a version that can't be read here.
    The order to unmount stays until the node has reported, for a document with it, that it is done.
    `has_read` says whether the node's report is about the document that is held.
    """
    known = {record.name: record for record in records}
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


def progress(
    operation: Operation, record: VolumeRecord | None, nodes: Iterable[NodePicture]
) -> Standing:
    """Where a volume's operation stands: mounted on, or gone from, every node that answers."""
    is_deleted = record is None or record.is_gone or record.desired_state is State.DELETED
    if operation.verb == "volume.delete":
        return RUNNING if record and not record.is_gone and is_deleted else DONE
    if record is None or is_deleted:
        return Standing(Progress.SUPERSEDED, "superseded by volume.delete")
    mounts = [
        (node.name, {mount.name: mount for mount in node.current.mounts}.get(record.name))
        for node in nodes
        if node.is_trusted and node.current
    ]
    failed = [
        f"{m.reason} (node {n})"
        for n, m in mounts
        if m and m.is_known and m.state is MountState.FAILED
    ]
    if failed:
        return Standing(Progress.FAILED, "; ".join(failed))
    done = [m for _, m in mounts if m and m.is_known and m.state is MountState.MOUNTED]
    # With no node that answers, nobody has mounted it.
    return DONE if mounts and len(done) == len(mounts) else RUNNING
