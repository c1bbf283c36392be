"""Tracks of a volume at 1000 s, and what a plan does to them."""

from dataclasses import replace

from mountd.domain.outcomes import Operation, Outcome
from mountd.domain.plan import Step, fingerprint, plan
from mountd.domain.track import Pace, Track, Wish, ended
from schemas.states import MountState
from tests.unit.mountd.builders import a_wish

NOW = 1000.0
EVERY_S = 10.0
PATIENCE_S = 600.0
PATH = "nas/media"


def a_track(wish: Wish | None = None, **known: object) -> Track:
    wish = wish or a_wish()
    plain = Track(
        name=wish.volume.name,
        mount_path=wish.volume.mount_path,
        state=MountState.MOUNTED,
        since=NOW,
        wish=wish,
        incarnation="one",
        made_for=fingerprint(wish),
        shown=("nfs4", "files.example:/media"),
        probe_at=NOW + EVERY_S,
    )
    return replace(plain, **known)  # type: ignore[arg-type]


def nothing_mounted(wish: Wish | None = None, **known: object) -> Track:
    return a_track(wish, incarnation="", made_for="", state=MountState.MOUNTING, **known)


def steps(*tracks: Track, now: float = NOW) -> list[Step]:
    return list(plan({track.name: track for track in tracks}, now))


def step(track: Track, now: float = NOW) -> tuple[Operation, bool] | None:
    found = steps(track, now=now)
    return (found[0].operation, found[0].is_forced) if found else None


def after(track: Track, outcome: Outcome, now: float = NOW) -> Track:
    return ended(track, outcome, now, Pace(EVERY_S, PATIENCE_S))
