"""What a command does to its volume's record, and how far it has come. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from coordinator.commands.operations import Moment, answered, begun
from coordinator.commands.standings import DONE, RUNNING, Standing
from coordinator.errors import Conflict, NotFound
from coordinator.views.render_volumes import render_created
from coordinator.views.rollup import NodePicture
from schemas.codec import SchemaError, validate
from schemas.command import CreateVolume, DeleteVolume, RestoreVolume
from schemas.errors import InvalidInput
from schemas.records import RememberedReply, VolumeRecord
from schemas.release import Operation
from schemas.reply import Progress
from schemas.states import MountState, State
from schemas.volume import BASE_DIRECTORY, VolumeSecret, VolumeSpec, folded
from schemas.volume_options import fault

_OPTIONS = {
    "nas": ("diskid", "host", "path", "mode"),
    "ossfs": ("bucket", "url", "no_stat_cache", "other_opts"),
}
_SECRETS = ("ak_id", "ak_secret")
#: ours, beside the reference's
_OWN = ("read_only", "when_stuck")


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
        accepts=held.accepts if held else 0,
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


def restore(known: VolumeRecord, command: RestoreVolume, moment: Moment) -> VolumeDecision:
    """Write down what is known of a volume, as its record."""
    record = known.model_copy(update={"created": moment.now, "updated": moment.now})
    return VolumeDecision(*answered(record, command, begun(known, command, moment)))


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
