"""Counts what goes wrong with each slot, from what was seen and how actions ended.

An exit is counted once, and only if nobody asked for it. The counts end when something else is
wanted, failures also with the first success, exits also after ten healthy minutes.
"""

from collections.abc import Iterable
from dataclasses import replace

from agent.domain.actions import (
    Action,
    ConnectNetwork,
    DisconnectNetwork,
    PullImage,
    RemoveContainer,
    RemoveNetwork,
    RemoveVolume,
    StartContainer,
    StopContainer,
    slot_of,
)
from agent.domain.backoff import HEALTHY_AFTER_S, until_now
from agent.domain.failures import clear_failures, clear_words, count_failure
from agent.domain.observation import (
    NO_ATTEMPTS,
    Attempts,
    Observation,
    SeenContainer,
    resource_key,
)
from agent.domain.outcomes import Blocked, Failed, Outcome, Succeeded
from agent.domain.pulls import is_excused
from agent.domain.slot_order import SlotOrder, slot_orders
from agent.errors import EngineFailed
from schemas.desired import DesiredSlot, NodeDesired
from schemas.names import SlotKey
from schemas.service import Restart
from schemas.states import Health, Wanted


def fold(
    desired: NodeDesired, observed: Observation, outcomes: Iterable[Outcome]
) -> dict[SlotKey, Attempts]:
    """The attempts after `outcomes`, which ended before `observed` was seen.

    `observed.attempts` are the ones before. What the document no longer mentions is forgotten.
    """
    ended = [_judge(outcome, observed) for outcome in outcomes]
    failures = _failures_by_key(ended)
    stopped, started = _stopped_and_started(ended, observed)
    by_slot = observed.by_slot()
    folded: dict[SlotKey, Attempts] = {}
    for order in slot_orders(desired):
        slot = order.slot
        before = until_now(observed.attempts.get(order.key, NO_ATTEMPTS), observed.now)
        attempts = _with_stops(_of_same_basis(before, order.basis), stopped, started)
        failure = failures.get(order.key)
        if failure and is_excused(failure, slot.pull, observed):
            attempts = clear_failures(attempts) if attempts.is_pull else attempts
        elif failure:
            attempts = count_failure(attempts, failure, desired.node, observed)
        elif attempts.failures and any(_ends_well(each, order, attempts) for each in ended):
            attempts = clear_failures(attempts)
        if observed.containers is not None:
            attempts = _look(attempts, order, by_slot.get(order.key, ()), observed.now)
        folded[order.key] = attempts
    for key in _resource_keys(observed):
        attempts = until_now(observed.attempts.get(key, NO_ATTEMPTS), observed.now)
        if failure := failures.get(key):
            attempts = count_failure(attempts, failure, desired.node, observed)
        if attempts != NO_ATTEMPTS:
            folded[key] = attempts
    return folded


def _judge(outcome: Outcome, observed: Observation) -> Outcome:
    """A success that can't be seen is a failure, or it would be repeated without a pause."""
    if not isinstance(outcome, Succeeded) or outcome.action in observed.in_flight:
        return outcome
    status = {seen.id: seen.status for seen in observed.containers or ()}
    match outcome.action:
        case RemoveContainer(container_id=container_id) if container_id in status:
            what = "removed"
        case StartContainer(container_id=container_id) if status.get(container_id) == "created":
            what = "started"
        case _:
            return outcome
    shown = status[container_id]
    message = f"the engine says that it has {what} the container, and shows it as {shown}"
    return Failed(outcome.action, EngineFailed(message))


def _of_same_basis(attempts: Attempts, basis: str) -> Attempts:
    if attempts.basis == basis:
        return attempts
    return Attempts(
        basis=basis, counted=attempts.counted, asked=attempts.asked, stopped=attempts.stopped
    )


def _with_stops(attempts: Attempts, stopped: frozenset[str], started: frozenset[str]) -> Attempts:
    now_stopped = (attempts.stopped | stopped) - started
    return attempts if now_stopped == attempts.stopped else replace(attempts, stopped=now_stopped)


def _look(
    attempts: Attempts, order: SlotOrder, containers: tuple[SeenContainer, ...], now: float
) -> Attempts:
    """Count what the slot's containers show, and forget what is over."""
    slot, restart = order.slot, order.spec.restart if order.spec else Restart()
    if attempts.are_of_outdated and any(seen.fingerprint == slot.spec for seen in containers):
        # What its predecessor suffered is no trouble of the container that has replaced it.
        attempts = replace(attempts, exits=0, last_exit_at=0.0, are_of_outdated=False)
    for seen in containers:
        if seen.is_vague:
            # Without the time of its exit the same exit would be counted twice.
            continue
        attempts = _count_exit(attempts, slot, restart, seen, now)
        is_healthy_since = seen.started_at if seen.is_running else None
        if seen.health is Health.FAILURE:
            attempts = _count_bad_health(attempts, slot, seen, now)
        elif is_healthy_since and now - is_healthy_since >= HEALTHY_AFTER_S and attempts.exits:
            attempts = replace(attempts, exits=0, last_exit_at=0.0)
            attempts = attempts if attempts.failures else clear_words(attempts)
    if not (attempts.counted or attempts.asked or attempts.stopped):
        return attempts
    ids = {seen.id for seen in containers}
    return replace(
        attempts,
        counted=frozenset(mark for mark in attempts.counted if mark[0] in ids),
        asked=frozenset(mark for mark in attempts.asked if mark[0] in ids),
        stopped=attempts.stopped & ids,
    )


def _count_exit(
    attempts: Attempts, slot: DesiredSlot, restart: Restart, seen: SeenContainer, now: float
) -> Attempts:
    mark = (seen.id, seen.finished_at or 0.0)
    if seen.status not in {"exited", "dead"} or mark in attempts.counted | attempts.asked:
        return attempts
    if slot.wanted is not Wanted.RUNNING or seen.id in attempts.stopped:
        return replace(attempts, asked=attempts.asked | {mark})
    if restart.policy in {"no", "on-failure"} and seen.exit_code == 0:
        # It has done its work.
        return replace(attempts, counted=attempts.counted | {mark})
    ended_at = min(seen.finished_at or now, now)
    why = ", out of memory" if seen.oom_killed else ""
    message = f"container {slot.key} exited with code {seen.exit_code}{why}"
    words = ("crashed", message) if seen.fingerprint == slot.spec else None
    return _count_trouble(attempts, words, mark, ended_at)


def _count_bad_health(
    attempts: Attempts, slot: DesiredSlot, seen: SeenContainer, now: float
) -> Attempts:
    mark = (seen.id, seen.started_at or 0.0)
    if not seen.is_running or slot.wanted is not Wanted.RUNNING or mark in attempts.counted:
        return attempts
    message = f"container {slot.key} fails its health check"
    words = ("unhealthy", message) if seen.fingerprint == slot.spec else None
    return _count_trouble(attempts, words, mark, now)


def _count_trouble(
    attempts: Attempts, words: tuple[str, str] | None, mark: tuple[str, float], at: float
) -> Attempts:
    """`words`: a code and a message; None: the container is to be replaced, so nobody is told."""
    counted = replace(
        attempts,
        exits=attempts.exits + 1,
        last_exit_at=at,
        are_of_outdated=words is None,
        counted=attempts.counted | {mark},
    )
    if words is None:
        return counted
    since = attempts.since or at
    if attempts.is_pull:
        # What its successor waits for is the worse news.
        return replace(counted, since=since)
    code, message = words
    return replace(counted, since=since, code=code, message=message)


def _ends_well(outcome: Outcome, order: SlotOrder, attempts: Attempts) -> bool:
    """Whether this success brought the slot where it is wanted, or what its last try failed at.

    To start an old container again is not it, where what failed is the pull for its successor.
    """
    if not isinstance(outcome, Succeeded):
        return False
    action = outcome.action
    if attempts.is_pull and isinstance(action, PullImage):
        return order.key in action.keys
    if attempts.is_pull and isinstance(action, StartContainer) and action.container_id:
        return False
    match order.slot.wanted:
        case Wanted.RUNNING:
            last: type = StartContainer
        case Wanted.STOPPED:
            last = StopContainer
        case Wanted.ABSENT:
            last = RemoveContainer
    return isinstance(action, last) and slot_of(action) == order.key


def _failures_by_key(outcomes: list[Outcome]) -> dict[SlotKey, Failed]:
    """The first failure that each slot, network or volume suffered, its own or another's."""
    failures: dict[SlotKey, Failed] = {}
    for outcome in outcomes:
        match outcome:
            case Failed():
                cause = outcome
            case Blocked(by=by):
                cause = by
            case Succeeded():
                continue
        for key in _keys(outcome):
            failures.setdefault(key, cause)
    return failures


def _keys(outcome: Failed | Blocked) -> tuple[SlotKey, ...]:
    action: Action = outcome.action
    if isinstance(action, PullImage):
        return action.keys
    if isinstance(action, RemoveNetwork | RemoveVolume):
        return (resource_key(action.project, action.name),)
    if isinstance(action, ConnectNetwork | DisconnectNetwork):
        # Counted apart: it holds up nothing else.
        return ()
    key = slot_of(action)
    return (key,) if key else ()


def _stopped_and_started(
    outcomes: list[Outcome], observed: Observation
) -> tuple[frozenset[str], frozenset[str]]:
    done = [outcome.action for outcome in outcomes if isinstance(outcome, Succeeded)]
    stops = [a.container_id for a in (*done, *observed.in_flight) if isinstance(a, StopContainer)]
    starts = [a.container_id for a in done if isinstance(a, StartContainer)]
    return frozenset(stops), frozenset(starts)


def _resource_keys(observed: Observation) -> list[SlotKey]:
    """Networks and volumes that are still there; trouble with one that is gone is over."""
    networks = [resource_key(seen.project, seen.name) for seen in observed.networks or ()]
    return networks + [resource_key(seen.project, seen.name) for seen in observed.volumes or ()]
