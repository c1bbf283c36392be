"""What to do next to each volume: a function of what is wanted, what is there, and the time."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from mountd.domain.outcomes import Found, Operation
from mountd.domain.track import Track, Wish, is_foreign, refused, replaced, vanished
from schemas.current import MountCurrent
from schemas.states import MountState


@dataclass(frozen=True, slots=True)
class Step:
    """One operation on one volume."""

    operation: Operation
    track: Track
    #: don't wait for whoever uses it: it can't be served any more
    is_forced: bool = False


def fingerprint(wish: Wish) -> str:
    """Equal for equal wishes. What only matters to others (`when_stuck`) is left out."""
    volume = wish.volume.model_copy(update={"when_stuck": "wait"})
    secret = wish.secret.model_dump_json() if wish.secret else ""
    return hashlib.sha256(f"{volume.model_dump_json()}\n{secret}".encode()).hexdigest()[:32]


def adopted(found: Iterable[Found], now: float) -> dict[str, Track]:
    """Tracks of what is mounted already. The first probe tells how it is."""
    return {
        one.name: Track(
            name=one.name,
            mount_path=one.mount_path,
            state=MountState.MOUNTING,
            since=now,
            reason="found mounted; its server has not answered yet",
            incarnation=one.incarnation,
            made_for=one.made_for,
            shown=(one.kind, one.source),
            probe_at=now,
        )
        for one in found
    }


def ordered(
    tracks: Mapping[str, Track], wishes: Mapping[str, Wish], now: float
) -> dict[str, Track]:
    """The tracks under new orders. What these don't mention stays, with nothing wanted of it."""
    tracks = _renamed(tracks, wishes)
    holders = _holders(tracks, wishes)
    after: dict[str, Track] = {}
    for name in sorted({*tracks, *wishes}):
        track, wish = tracks.get(name), wishes.get(name)
        if wish is None:
            if track is not None and (track.incarnation or track.running):
                after[name] = replace(track, wish=None)
            continue
        holder = holders[wish.volume.mount_path]
        if holder != name and not wish.is_absent:
            taken = f"{wish.volume.mount_path} belongs to the volume {holder}"
            wish = replace(wish, refusal=wish.refusal or taken)
        if track is None or (not track.incarnation and track.running is None):
            after[name] = _anew(track, name, wish, now)
        else:
            after[name] = _wished(track, wish, now)
    return after


def noticed(
    tracks: Mapping[str, Track], table: Mapping[str, Found], now: float
) -> dict[str, Track]:
    """The tracks after a look at the kernel's table, by mount path.

    Forgotten are those that nobody wants anything of and that have no mount. One that was unmounted
    by order is remembered as long as the order stands, so that it isn't carried out for ever.
    """
    after: dict[str, Track] = {}
    for name, track in tracks.items():
        there = table.get(track.mount_path)
        if track.running is None and not track.is_gone:
            if there is None and track.incarnation:
                track = vanished(track, now)  # noqa: PLW2901 # the same volume, a moment later
            elif there is not None and there.incarnation != track.incarnation:
                track = replaced(track, there, now)  # noqa: PLW2901
        if track.wish is not None or track.incarnation or track.running is not None:
            after[name] = track
    return after


def hurried(tracks: Mapping[str, Track], mount_path: str, now: float) -> dict[str, Track]:
    """The tracks after a hint that something happened to a mount: its probe is due."""
    return {
        name: replace(track, probe_at=now) if track.mount_path == mount_path else track
        for name, track in tracks.items()
    }


def plan(tracks: Mapping[str, Track], now: float) -> tuple[Step, ...]:
    """What is due, in the order of names. A volume has one operation at a time."""
    steps = (_next(tracks[name], now) for name in sorted(tracks))
    return tuple(step for step in steps if step is not None)


def next_due(tracks: Mapping[str, Track], now: float) -> float:
    """When `plan` may have something to do that it hasn't now, if nothing happens before."""
    times = [
        moment
        for track in tracks.values()
        if track.running is None
        for moment in (track.retry_at, track.probe_at)
        if moment > now
    ]
    return min(times, default=now + 3600.0)


def report(tracks: Mapping[str, Track], directory: str) -> tuple[MountCurrent, ...]:
    """What the agent is told."""
    return tuple(
        MountCurrent(
            name=track.name,
            state=track.state,
            mountpoint=f"{directory}/{track.mount_path}",
            since=_rfc3339(track.since),
            reason=track.reason,
            incarnation=track.incarnation,
            answered_at="" if track.answered_at is None else _rfc3339(track.answered_at),
            sub_paths=track.sub_paths,
        )
        for _, track in sorted(tracks.items())
        if not track.is_gone
    )


def _next(track: Track, now: float) -> Step | None:
    if track.running is not None or track.is_gone:
        return None
    if track.wish is None:
        step = Step(Operation.PROBE, track) if track.incarnation else None
    elif track.wish.is_absent:
        is_unserved = track.is_dead or track.state is MountState.STUCK or track.misses > 0
        step = Step(Operation.UNMOUNT, track, is_forced=is_unserved)
    else:
        step = None if track.wish.refusal else _toward(track, track.wish)
    if step is None:
        return None
    due = track.probe_at if step.operation is Operation.PROBE else track.retry_at
    return step if due <= now else None


def _toward(track: Track, wish: Wish) -> Step:
    """The next step to a mount that serves, and then for ever the probe."""
    if not track.incarnation:
        return Step(Operation.MOUNT, track)
    if track.is_dead:
        return Step(Operation.UNMOUNT, track, is_forced=True)
    if not _serves(track, wish):
        return Step(Operation.UNMOUNT, track)
    return Step(Operation.PROBE, track)


def _serves(track: Track, wish: Wish) -> bool:
    """Whether its mount is the one that is wished for, or looks like it and nobody remembers."""
    if track.mount_path != wish.volume.mount_path or is_foreign(track):
        return False
    return not track.made_for or track.made_for == fingerprint(wish)


def _renamed(tracks: Mapping[str, Track], wishes: Mapping[str, Wish]) -> dict[str, Track]:
    """A mount that nobody asks for by its name goes to the volume that wants it under another."""
    wanted = {
        wishes[name].volume.mount_path: name
        for name in sorted(wishes, reverse=True)
        if not wishes[name].is_absent and name not in tracks
    }
    after: dict[str, Track] = {}
    for name, track in tracks.items():
        heir = None if name in wishes or track.running else wanted.get(track.mount_path)
        after[heir or name] = replace(track, name=heir or name)
    return after


def _holders(tracks: Mapping[str, Track], wishes: Mapping[str, Wish]) -> dict[str, str]:
    """Who a mount path belongs to, where several want it: who has it, else the first by name."""
    holders: dict[str, str] = {}
    for name in sorted(tracks):
        if tracks[name].incarnation:
            holders.setdefault(tracks[name].mount_path, name)
    for name in sorted(wishes):
        if not wishes[name].is_absent:
            holders.setdefault(wishes[name].volume.mount_path, name)
    for name in sorted(wishes):
        holders.setdefault(wishes[name].volume.mount_path, name)
    return holders


def _anew(track: Track | None, name: str, wish: Wish, now: float) -> Track:
    """A volume without a mount. An unchanged wish keeps its failures and its back-off."""
    if track is not None and track.wish == wish:
        return track
    state = MountState.MOUNTING
    if wish.is_absent:
        state = MountState.UNMOUNTING
    elif wish.refusal:
        state = MountState.FAILED
    return Track(
        name=name,
        mount_path=wish.volume.mount_path,
        state=state,
        since=track.since if track is not None and track.state is state else now,
        wish=wish,
        reason=wish.refusal,
    )


def _wished(track: Track, wish: Wish, now: float) -> Track:
    """A volume with a mount. What changed its wish is tried at once."""
    if track.wish == wish:
        return track
    has_others = track.wish is None or track.wish.sub_paths != wish.sub_paths
    probe_at = now if has_others else track.probe_at
    return refused(replace(track, wish=wish, retry_at=0.0, failures=0, probe_at=probe_at), now)


def _rfc3339(moment: float) -> str:
    return (
        datetime.fromtimestamp(moment, UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )
