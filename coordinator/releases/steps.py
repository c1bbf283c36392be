"""`step`: a project's record after a signal, by the table. Pure.

The record that a release began with comes back whole when it is rolled back, but for what commands
have said of its services since, and for the numbers of its revisions.
"""

from collections.abc import Collection
from dataclasses import dataclass

from coordinator.releases.rollouts import SlotsOf, advanced, retreated
from coordinator.releases.table import ENDS, TABLE, Intent, Signal
from schemas.records import ProjectRecord
from schemas.release import (
    Operation,
    Release,
    ReleaseOutcome,
    ReleaseState,
    RevisionNote,
    ServiceRecord,
    ServiceSet,
)
from schemas.states import State

#: Enough to go back to last month's; each is kept whole under a key of its own.
REVISIONS_KEPT = 20
#: Entering a way back, or going on in spite of failures, waits for no batch.
_AT_ONCE = frozenset({Signal.FAILED_BACK, Signal.ROLLBACK, Signal.CONFIRM, Signal.PULLED})


@dataclass(frozen=True, slots=True)
class Happening:
    """What a signal comes with."""

    now: str
    #: services whose last batch is up
    up: Collection[str] = ()
    #: of what is seen, in words
    message: str = ""
    #: of the command, where somebody asked for it
    operation: Operation | None = None
    #: with a confirmation: move all weight to the next set first
    is_smooth: bool = True


def is_possible(release: Release, signal: Signal) -> bool:
    """Whether the release can take this signal as it is."""
    return (release.kind, release.state, signal) in TABLE


def step(
    project: ProjectRecord, signal: Signal, happening: Happening, slots_of: SlotsOf
) -> ProjectRecord:
    """The record after the signal, which must be possible.

    Raises:
        KeyError: the table has no such transition.
    """
    release = project.release
    if release is None:
        raise KeyError(signal)
    state, intents = TABLE[release.kind, release.state, signal]
    changed = release.model_copy(
        update={
            "state": state,
            "message": _message(release, state, happening),
            "decided_by": happening.operation or release.decided_by,
        }
    )
    up = changed.rollouts.keys() if signal in _AT_ONCE else happening.up
    record = project.model_copy(update={"release": changed})
    for intent in intents:
        record = _carried_out(record, intent, up, slots_of, happening)
    return record


def _carried_out(  # noqa: C901, PLR0911 - one line per intent
    project: ProjectRecord,
    intent: Intent,
    up: Collection[str],
    slots_of: SlotsOf,
    happening: Happening,
) -> ProjectRecord:
    release = project.release
    if release is None:
        return project
    match intent:
        case Intent.ADVANCE:
            return _with(project, rollouts=advanced(project, release, up, slots_of))
        case Intent.RETREAT:
            return _with(project, rollouts=retreated(project, release, up, slots_of))
        case Intent.TRY_AGAIN:
            return _tried_again(project, release)
        case Intent.NOTE_CONFIRMATION:
            return _with(project, confirmed="smooth" if happening.is_smooth else "keep")
        case Intent.FORGET_CONFIRMATION:
            return _with(project, confirmed="")
        case Intent.MOVE_WEIGHTS:
            return project if release.confirmed == "keep" else _moved(project, release)
        case Intent.RETURN_WEIGHTS:
            return _without_weights(project, release)
        case Intent.FINISH:
            return _ended(finished(project, release), release, happening)
        case Intent.RESTORE:
            return _ended(_restored(project, release), release, happening)


def finished(project: ProjectRecord, release: Release) -> ProjectRecord:
    """The record whose current set is the release's next one."""
    target = release.target
    services = {
        name: service
        if name in release.rollouts or name not in project.services
        else _shared(project.services[name], service)
        for name, service in target.services.items()
    }
    kept = {name: getattr(target, name) for name in ServiceSet.model_fields}
    # The version that had weights beside this one is gone: what is left has all the traffic.
    weights = {
        name: shares
        for name, shares in project.weights.items()
        if name in services and name not in release.rollouts
    }
    return project.model_copy(update={**kept, "services": services, "weights": weights})


def _shared(held: ServiceRecord, target: ServiceRecord) -> ServiceRecord:
    """A service that both sets have: its slots stay, and what the template says else is new."""
    names = ("template", "scale", "desired_state", "stop_signal", "stop_timeout_s")
    changed = {
        name: value for name in names if getattr(held, name) != (value := getattr(target, name))
    }
    return held.model_copy(update=changed) if changed else held


def _tried_again(project: ProjectRecord, release: Release) -> ProjectRecord:
    """Nodes forget what failed when a slot is tried anew, and the release judges by what they say."""
    again = {
        name: service.model_copy(update={"tries": service.tries + 1})
        for name, service in project.services.items()
        if name in release.rollouts
    }
    return project.model_copy(update={"services": {**project.services, **again}})


def _with(project: ProjectRecord, **changed: object) -> ProjectRecord:
    release = project.release
    if release is None:
        return project
    return project.model_copy(update={"release": release.model_copy(update=changed)})


def _moved(project: ProjectRecord, release: Release) -> ProjectRecord:
    moved = {name: {project.version: 0, release.target.version: 100} for name in release.rollouts}
    return project.model_copy(update={"weights": {**project.weights, **moved}})


def _without_weights(project: ProjectRecord, release: Release) -> ProjectRecord:
    """By default all the traffic is the current version's."""
    kept = {name: w for name, w in project.weights.items() if name not in release.rollouts}
    return project.model_copy(update={"weights": kept})


def _restored(project: ProjectRecord, release: Release) -> ProjectRecord:
    """The record as it was before; an update starts a stopped project, and its services didn't."""
    record = _without_weights(project, release)
    is_stopped = all(each.desired_state is State.STOPPED for each in record.services.values())
    if is_stopped and record.desired_state is State.RUNNING:
        return record.model_copy(update={"desired_state": State.STOPPED})
    return record


def _ended(project: ProjectRecord, release: Release, happening: Happening) -> ProjectRecord:
    """The record without the release, which is told of as the newest one."""
    if release.state not in ENDS:
        raise KeyError(release.state)
    outcome = ReleaseOutcome(
        kind=release.kind,
        outcome=release.state,
        version=release.target.version,
        revision=release.target.revision,
        message=release.message,
        ended=happening.now,
        operation=release.operation.id,
        decided_by=release.decided_by.id if release.decided_by else "",
    )
    history = tuple(
        note.model_copy(update={"outcome": release.state})
        if note.number == release.target.revision
        else note
        for note in project.history
    )
    return project.model_copy(
        update={
            "release": None,
            "last_release": outcome,
            "history": history,
            "updated": happening.now,
        }
    )


def noted(project: ProjectRecord, note: RevisionNote) -> ProjectRecord:
    """The record with a line more in its history, and without those that are too old.

    The current revision stays, however many have failed since: it is what they go back to.
    """
    notes = (*project.history, note)
    spare = len(notes) - REVISIONS_KEPT
    old = [each.number for each in notes[:-1] if each.number != project.revision]
    dropped = set(old[: max(spare, 0)])
    kept = tuple(each for each in notes if each.number not in dropped)
    return project.model_copy(update={"history": kept})


def _message(  # noqa: PLR0911 - one line per state
    release: Release, state: ReleaseState, happening: Happening
) -> str:
    """What people are told of its state; of one that goes on, why it went back stays told."""
    version, why = release.target.version, happening.message
    match state:
        case ReleaseState.PULLING | ReleaseState.UPDATING | ReleaseState.COMPLETED:
            return ""
        case ReleaseState.PULL_FAILED:
            return f"the update to {version} waits, no container was touched: {why}"
        case ReleaseState.PAUSED:
            return f"the update to {version} is paused: {why}"
        case ReleaseState.ROLLBACK_PAUSED:
            return f"the way back from {version} is paused: {why}"
        case ReleaseState.AWAITING_CONFIRMATION:
            return f"version {version} is up and awaits its confirmation"
        case ReleaseState.CONFIRMING:
            return f"version {version} takes over"
        case ReleaseState.ROLLING_BACK | ReleaseState.ROLLED_BACK:
            said = f"the update to {version} is rolled back"
            if why:
                return f"{said}: {why}"
            # Of a step on the way.
            return release.message if release.message.startswith(said) else said
