"""From what is seen of a release to the signal that follows: `sense`, pure.

Durations are how long something has been seen so by the coordinator that looks: they begin anew
with another one, which makes a release slower and never hastier.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from coordinator.releases.rollouts import Change, changes_of, due, is_backwards
from coordinator.releases.table import TABLE, Signal
from schemas.records import ProjectRecord
from schemas.release import Release, ReleaseKind, ReleaseState

#: A container that hasn't come up by then won't, as far as a release is concerned.
DEADLINE_S = 300.0
#: What crashes as it starts was running for a moment. A container that no check says to be well must
#: have run for so long before others are given up for its like, and before anything counts as done.
PROOF_S = 0.5
#: The same for one that has ended before, and was started again.
STEADY_S = 10.0
#: A router that lives and has not applied new routes by then is one to be looked at.
ROUTERS_S = 30.0
#: What routers have applied is read so often while a release waits for them.
ROUTERS_LOOK_S = 0.2


class Pulls(StrEnum):
    """How far the nodes are with the images of a release."""

    GOING = "going"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Batch:
    """The slots of one service that have gone over so far (or are back), as they are seen."""

    #: of the whole service
    total: int
    #: not up yet
    missing: int = 0
    #: those that failed, whether or not they are up again
    failed: int = 0
    #: those of the missing ones that failed
    failed_missing: int = 0
    #: those that others have replaced, and that still run
    leaving: int = 0
    #: what is wrong, in words
    why: str = ""
    #: slots that are left behind, because their nodes are down
    left_behind: int = 0
    #: containers that are up
    up: int = 0
    #: seconds for which its containers have to run before that proves something
    proof_s: float = 0.0
    #: seconds for which nothing of this batch has been waited for
    up_for_s: float = 0.0
    #: seconds for which something has been missing
    missing_for_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Seen:
    """All that is seen of one release."""

    pulls: Pulls = Pulls.GOING
    pull_message: str = ""
    #: by service
    batches: Mapping[str, Batch] = field(default_factory=dict)
    is_routed: bool = False
    #: routers that have not applied the newest routes
    routers: str = ""
    #: seconds for which it has been in its state
    waiting_for_s: float = 0.0
    #: False: its nodes can't all know yet how far it is
    is_applied: bool = True
    deadline_s: float = DEADLINE_S


@dataclass(frozen=True, slots=True)
class Sense:
    """The signal that follows, if one does."""

    signal: Signal | None = None
    #: services whose last batch is up
    up: frozenset[str] = frozenset()
    message: str = ""
    #: seconds after which another look may find more
    look_in_s: float | None = None


def sense(project: ProjectRecord, release: Release, seen: Seen) -> Sense:
    """What has happened to a release, most urgent first."""
    match release.state:
        case ReleaseState.PULLING | ReleaseState.PULL_FAILED:
            return _pulling(release, seen)
        case ReleaseState.ROLLING_BACK if release.kind is ReleaseKind.BLUE_GREEN:
            # The set that it goes back to runs anyway: no router can hold that up for ever.
            is_over = seen.is_routed or seen.waiting_for_s >= ROUTERS_S
            return Sense(Signal.ROUTED if is_over else None, look_in_s=ROUTERS_LOOK_S)
        case _ if not seen.is_applied:
            return Sense()
        case ReleaseState.CONFIRMING:
            return _confirming(_going(project, release, seen), seen)
        case _:
            return _going(project, release, seen)


def _confirming(found: Sense, seen: Seen) -> Sense:
    """What waits for routers, unless something else has happened to it."""
    if found.signal is not None or found.up != seen.batches.keys():
        # What was scaled out meanwhile comes up first.
        return found
    if seen.is_routed:
        return Sense(Signal.ROUTED)
    if seen.waiting_for_s >= ROUTERS_S:
        return Sense(Signal.FAILED, message=f"{seen.routers} does not apply the new routes")
    return found


def _pulling(release: Release, seen: Seen) -> Sense:
    if seen.pulls is Pulls.READY:
        return Sense(Signal.PULLED)
    if seen.pulls is not Pulls.FAILED:
        return Sense(message=seen.pull_message)
    if release.state is ReleaseState.PULL_FAILED:
        return Sense(message=seen.pull_message)
    policies = [release.target.services[name].template.update for name in release.rollouts]
    goes_back = release.kind is ReleaseKind.STANDARD and any(
        policy.failure_action == "rollback" for policy in policies
    )
    signal = Signal.FAILED_BACK if goes_back else Signal.PULL_FAILED
    return Sense(signal, message=seen.pull_message)


def _going(project: ProjectRecord, release: Release, seen: Seen) -> Sense:
    changes = changes_of(project, release)
    failed = {
        name: change
        for name, change in changes.items()
        if name in seen.batches and _fails(release, change, seen.batches[name], seen.deadline_s)
    }
    if failed:
        why = "; ".join(f"{name}: {seen.batches[name].why}" for name in sorted(failed))
        found = _failure(release, failed, why)
        if found.signal is not None:
            return found
    waits: list[float] = []
    up = set[str]()
    for name, change in changes.items():
        batch = seen.batches.get(name)
        if batch is None or _is_missing(release, change, batch, seen.deadline_s):
            if batch is not None:
                waits.append(seen.deadline_s - batch.missing_for_s)
            continue
        up.add(name)
    return _progress(project, release, seen, frozenset(up) - failed.keys(), waits)


def _progress(
    project: ProjectRecord, release: Release, seen: Seen, up: frozenset[str], waits: list[float]
) -> Sense:
    """The signal of a release of which nothing fails."""
    is_back = is_backwards(release)
    rested = set[str]()
    ended = set[str]()
    for name, change in changes_of(project, release).items():
        if name not in up:
            continue
        batch = seen.batches[name]
        is_over = change.is_back if is_back else change.is_through
        pause = _pause_s(release, change, batch, is_over=is_over)
        if batch.up_for_s >= pause or (not is_over and change.is_back):
            (ended if is_over else rested).add(name)
            # Those that depend on it need not wait until it was watched.
        else:
            waits.append(pause - batch.up_for_s)
            if is_over:
                rested.add(name)
    if release.state is ReleaseState.CONFIRMING:
        # What it waits for is no node's to say.
        waits.append(ROUTERS_LOOK_S)
    look_in_s = min((each for each in waits if each > 0), default=None)
    if ended == release.rollouts.keys():
        return Sense(_all_up(release), up=frozenset(ended), look_in_s=look_in_s)
    ready = frozenset(rested | ended)
    if (release.kind, release.state, Signal.BATCH_UP) in TABLE and any(
        name in ready or (not is_back and change.is_back)
        for name, change in due(project, release, ready).items()
    ):
        return Sense(Signal.BATCH_UP, up=ready)
    return Sense(look_in_s=look_in_s)


def _all_up(release: Release) -> Signal | None:
    if release.kind is ReleaseKind.STANDARD:
        return None if release.state is ReleaseState.PAUSED else Signal.ALL_UP
    if release.state is ReleaseState.UPDATING and release.confirmed:
        return Signal.CONFIRMED_UP
    is_news = release.state in {ReleaseState.UPDATING, ReleaseState.PAUSED}
    return Signal.ALL_UP if is_news else None


def _failure(release: Release, failed: Mapping[str, Change], why: str) -> Sense:
    if release.state in {ReleaseState.PAUSED, ReleaseState.ROLLBACK_PAUSED}:
        return Sense(message=why)
    goes_back = (
        release.kind is ReleaseKind.STANDARD
        and release.state is ReleaseState.UPDATING
        and any(c.policy(is_back=False).failure_action == "rollback" for c in failed.values())
    )
    return Sense(Signal.FAILED_BACK if goes_back else Signal.FAILED, message=why)


def _fails(release: Release, change: Change, batch: Batch, deadline_s: float) -> bool:
    """Whether more containers have failed than the template allows."""
    if _is_tolerant(release, change):
        return False
    failed = batch.failed
    if batch.missing_for_s >= deadline_s:
        failed += batch.missing - batch.failed_missing
    allowed = change.policy(is_back=is_backwards(release)).max_failure_ratio
    return failed > allowed * max(batch.total, 1)


def _is_missing(release: Release, change: Change, batch: Batch, deadline_s: float) -> bool:
    """Whether something is to be waited for; where failures are allowed, for those no more."""
    if batch.leaving and batch.missing_for_s < deadline_s:
        return True
    if batch.left_behind and not batch.up:
        # Nothing proves that any of it works.
        return True
    allowed = change.policy(is_back=is_backwards(release)).max_failure_ratio
    if _is_tolerant(release, change) or allowed:
        return batch.missing > batch.failed_missing and batch.missing_for_s < deadline_s
    return batch.missing > 0


def _is_tolerant(release: Release, change: Change) -> bool:
    """Whether it goes on whatever fails."""
    if release.kind is ReleaseKind.BLUE_GREEN:
        return False
    policy = change.policy(is_back=is_backwards(release))
    return bool(release.confirmed) or policy.failure_action == "continue"


def _pause_s(release: Release, change: Change, batch: Batch, *, is_over: bool) -> float:
    """How long a batch has to be up before the next one is begun, or, after the last, the end."""
    is_back = is_backwards(release)
    policy = change.policy(is_back=is_back)
    proof_s = 0.0 if _is_tolerant(release, change) else batch.proof_s
    if is_over:
        # Both sets of a blue-green release run on.
        is_watched = release.kind is ReleaseKind.STANDARD and policy.parallelism > 0
        return max(proof_s, policy.monitor_s if is_watched else 0.0)
    is_first = not is_back and change.rollout.begun <= policy.parallelism
    if proof_s <= PROOF_S and not is_first:
        # What follows is of the same definition, and what it goes back to has run before.
        return policy.delay_s
    return max(proof_s, policy.delay_s)
