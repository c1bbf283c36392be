"""What mountd knows of one volume, and how orders and outcomes change it.

A track is a value. Each function here takes one, and says what it is after something was learnt.
"""

from dataclasses import dataclass, replace
from typing import assert_never

from mountd.domain import nfs, ossfs
from mountd.domain.outcomes import (
    Answered,
    Dead,
    Failed,
    Found,
    Mounted,
    Operation,
    Outcome,
    Silent,
    Unasked,
    Unmounted,
)
from schemas.current import SubPathCurrent
from schemas.states import MountState
from schemas.volume import VolumeSecret, VolumeSpec

#: after 1, 2, 3 ... failures in a row: an operator who repairs an export waits a minute at most
RETRY_DELAYS_S = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
#: One lost answer is a hiccup. Two in a row, the second asked for at once, are a verdict.
MISSES_MAX = 2
#: Somebody waits for a stuck mount to come back, so it is asked more often than one that serves.
STUCK_PROBE_S = 2.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a mount is probed, and when patience with it ends."""

    probe_every_s: float = 10.0
    #: A FUSE program that is silent for so long is ended, and another one started: where it is to
    #: blame, and not its server, it would never answer. 0: never. The kernel's own file systems
    #: come back by themselves.
    program_patience_s: float = 600.0


@dataclass(frozen=True, slots=True)
class Wish:
    """What the orders say of a volume. Two equal wishes need the same mount."""

    volume: VolumeSpec
    secret: VolumeSecret | None
    is_absent: bool = False
    #: why it is not even tried; empty when it is
    refusal: str = ""
    #: what containers get of it instead of the whole
    sub_paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Track:
    """One volume on this node. Times are seconds since the epoch."""

    name: str
    #: relative to the base directory
    mount_path: str
    state: MountState
    since: float
    #: None: the orders don't mention it, and it is left as it is
    wish: Wish | None = None
    reason: str = ""
    incarnation: str = ""
    #: of the wish that the present mount was made for; empty when there is no mount
    made_for: str = ""
    #: kind and source of a mount that was found, as the kernel's table has them
    shown: tuple[str, str] = ("", "")
    answered_at: float | None = None
    #: failed mounts and unmounts in a row, and when to try again
    failures: int = 0
    retry_at: float = 0.0
    #: probes without an answer in a row, and when the next one is due
    misses: int = 0
    probe_at: float = 0.0
    #: what is there can't serve any more and must go before it is mounted anew
    is_dead: bool = False
    #: what is being done to it now
    running: Operation | None = None
    #: of the present mount, as the last probe that was answered found them
    sub_paths: tuple[SubPathCurrent, ...] = ()
    #: an ordered unmount has been carried out
    is_gone: bool = False


def begun(track: Track, operation: Operation, now: float) -> Track:
    """An operation is under way."""
    track = replace(track, running=operation)
    if operation is Operation.UNMOUNT and track.wish is not None and track.wish.is_absent:
        return _turned(track, MountState.UNMOUNTING, track.reason, now)
    return track


def ended(track: Track, outcome: Outcome, now: float, pace: Pace) -> Track:
    """The operation that was under way has ended."""
    return refused(_after(replace(track, running=None), outcome, now, pace), now)


def _after(  # noqa: PLR0911 - one for each outcome
    track: Track, outcome: Outcome, now: float, pace: Pace
) -> Track:
    match outcome:
        case Mounted():
            track = replace(
                track,
                incarnation=outcome.incarnation,
                made_for=outcome.made_for,
                answered_at=now,
                failures=0,
                misses=0,
                is_dead=False,
                sub_paths=(),
            )
            return _turned(_next_probe(track, now, pace), MountState.MOUNTED, "", now)
        case Unmounted():
            return _without_mount(track, now)
        case Failed():
            return _failed(track, outcome.reason, now)
        case Answered():
            sub_paths = _sub_paths(track, outcome)
            track = replace(track, answered_at=now, misses=0, failures=0, sub_paths=sub_paths)
            return _turned(_next_probe(track, now, pace), MountState.MOUNTED, "", now)
        case Silent():
            return _silent(track, outcome.reason, now, pace)
        case Unasked():
            return replace(track, probe_at=now + pace.probe_every_s)
        case Dead():
            track = replace(track, is_dead=True, probe_at=now + pace.probe_every_s)
            return _turned(track, MountState.FAILED, outcome.reason, now)
        case _ as never:
            assert_never(never)


def vanished(track: Track, now: float) -> Track:
    """Its mount is no longer in the kernel's table, and it wasn't us."""
    track = replace(track, incarnation="", made_for="", misses=0, is_dead=False, sub_paths=())
    if track.state is MountState.UNMOUNTING:
        return track
    return _turned(track, MountState.FAILED, "something else unmounted it", now)


def replaced(track: Track, found: Found, now: float) -> Track:
    """Somebody else has mounted something there. If it may be ours, the probe tells how it is."""
    track = replace(
        track,
        incarnation=found.incarnation,
        made_for=found.made_for,
        shown=(found.kind, found.source),
        misses=0,
        is_dead=False,
        sub_paths=(),
        probe_at=now,
    )
    if track.state is MountState.UNMOUNTING:
        return track
    return refused(_turned(track, MountState.MOUNTING, "something else mounted it", now), now)


def refused(track: Track, now: float) -> Track:
    """A wish that can't be fulfilled shows as failed, whatever is mounted; so does a stranger."""
    if track.wish is None or track.wish.is_absent:
        return track
    if track.wish.refusal:
        return _turned(track, MountState.FAILED, track.wish.refusal, now)
    if is_foreign(track):
        reason = f"something else ({track.shown[0]}) is mounted there"
        return _turned(track, MountState.FAILED, reason, now)
    return track


def is_foreign(track: Track) -> bool:
    """Whether what is mounted there is certainly not what is wished for.

    Of a mount that nobody remembers making, only the kernel's table says what it is.
    """
    wish = track.wish
    if wish is None or wish.is_absent or not track.incarnation or track.made_for:
        return False
    kind, source = track.shown
    if wish.volume.nas is not None:
        return kind not in {"nfs", "nfs4"} or source != nfs.source(wish.volume.nas)
    return kind.partition(".")[0] != "fuse" or source != ossfs.shown_as(wish.volume)


def _without_mount(track: Track, now: float) -> Track:
    track = replace(
        track,
        incarnation="",
        made_for="",
        failures=0,
        misses=0,
        is_dead=False,
        sub_paths=(),
    )
    if track.wish is None or track.wish.is_absent:
        return replace(track, is_gone=True)
    track = replace(track, mount_path=track.wish.volume.mount_path)
    # What made it go stays to be read until the new mount is there.
    return _turned(track, MountState.MOUNTING, track.reason, now)


def _failed(track: Track, reason: str, now: float) -> Track:
    delay_s = RETRY_DELAYS_S[min(track.failures, len(RETRY_DELAYS_S) - 1)]
    track = replace(track, failures=track.failures + 1, retry_at=now + delay_s)
    if track.state is MountState.UNMOUNTING:
        return replace(track, reason=reason)
    return _turned(track, MountState.FAILED, reason, now)


def _silent(track: Track, reason: str, now: float, pace: Pace) -> Track:
    misses = track.misses + 1
    is_verdict = misses >= MISSES_MAX
    wait_s = min(STUCK_PROBE_S, pace.probe_every_s) if is_verdict else 0.0
    track = replace(track, misses=misses, probe_at=now + wait_s)
    if not is_verdict:
        return track
    track = _turned(track, MountState.STUCK, reason, now)
    if track.mount_path.startswith("ossfs/") and 0 < pace.program_patience_s <= now - track.since:
        hung = f"its program didn't answer for {pace.program_patience_s:g} s"
        return _turned(replace(track, is_dead=True), MountState.FAILED, hung, now)
    return track


def _sub_paths(track: Track, answered: Answered) -> tuple[SubPathCurrent, ...]:
    """One that has never been found says why, so that it makes no probe due at once."""
    if not answered.hindrance:
        return answered.sub_paths
    found = {one.path: one for one in track.sub_paths}
    for path in track.wish.sub_paths if track.wish else ():
        found.setdefault(path, SubPathCurrent(path=path, reason=f"{path}: {answered.hindrance}"))
    return tuple(found[path] for path in sorted(found))


def _next_probe(track: Track, now: float, pace: Pace) -> Track:
    """The probe also looks for sub paths, so one that nobody has looked for makes it due."""
    looked_for = {one.path for one in track.sub_paths}
    is_behind = track.wish is not None and not looked_for.issuperset(track.wish.sub_paths)
    return replace(track, probe_at=now if is_behind else now + pace.probe_every_s)


def _turned(track: Track, state: MountState, reason: str, now: float) -> Track:
    """`since` is of the state: a reason that is worded anew doesn't make it younger."""
    return replace(
        track,
        state=state,
        reason=reason,
        since=track.since if state is track.state else now,
    )
