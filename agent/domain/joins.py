"""The networks that a container is in besides those of its spec, for as long as its slot says so. Pure.

A container keeps running while it joins and leaves. What goes wrong at that is counted apart from
the slot's other trouble: it holds up no start, stop or replacement.
"""

from collections.abc import Iterable
from dataclasses import replace

from agent.domain.actions import ConnectNetwork, DisconnectNetwork, slot_of
from agent.domain.backoff import failure_due, until_now
from agent.domain.failures import count_failure
from agent.domain.observation import NO_ATTEMPTS, Attempts, Observation, SeenContainer
from agent.domain.outcomes import Blocked, Failed, Outcome, Succeeded
from agent.domain.problems import failed
from agent.domain.slot_order import slot_orders
from agent.domain.slot_view import Decision, SlotView
from agent.domain.slots import keep_one
from agent.errors import EngineFailed
from schemas.desired import NodeDesired
from schemas.names import SlotKey
from schemas.service import NetworkAttachment
from schemas.states import Wanted

_WANTED = "its slot says so"


def with_joins(view: SlotView, decision: Decision) -> Decision:
    """The decision, and what is to be done about the networks of the slot's container."""
    ours = view.networks
    if ours is None or view.spec is None or any(seen.is_vague for seen in view.seen):
        return decision
    if not view.slot.joins and all(seen.networks <= view.named for seen in view.seen):
        return decision
    if decision.creates:
        made = tuple(ConnectNetwork(view.key, "", each, _WANTED) for each in _joins(view))
        return replace(decision, connects=made)
    kept, others = keep_one(view)
    if kept is None or others or decision.removes:
        return decision
    connects = tuple(
        ConnectNetwork(view.key, kept.id, each, _WANTED)
        for each in _joins(view)
        if each.name not in kept.networks
    )
    disconnects = tuple(
        DisconnectNetwork(view.key, kept.id, name, "nothing says that it is in it")
        for name in _strange(view, kept, ours)
    )
    if not (connects or disconnects):
        return decision
    return _unless_waiting(
        view, decision, replace(decision, connects=connects, disconnects=disconnects)
    )


def fold_joining(
    desired: NodeDesired, observed: Observation, outcomes: Iterable[Outcome]
) -> dict[SlotKey, Attempts]:
    """What failed of joining and leaving, by slot, after `outcomes`.

    `observed.joining` is what was before. It is forgotten when another container is in the slot, or
    other networks are.
    """
    ended = [
        _judge(outcome, observed)
        for outcome in outcomes
        if _is_join(outcome) and not _is_anothers(outcome)
    ]
    if not (ended or observed.joining):
        return {}
    by_slot = observed.by_slot()
    folded: dict[SlotKey, Attempts] = {}
    for order in slot_orders(desired):
        mine = [each for each in ended if slot_of(each.action) == order.key]
        attempts = until_now(observed.joining.get(order.key, NO_ATTEMPTS), observed.now)
        if not (mine or attempts.failures):
            continue
        if observed.containers is not None:
            ids = sorted(seen.id for seen in by_slot.get(order.key, ()))
            basis = " ".join([*sorted(order.networks), *ids])
            attempts = attempts if attempts.basis == basis else Attempts(basis=basis)
        failures = [_cause(each) for each in mine if not isinstance(each, Succeeded)]
        if failures:
            attempts = count_failure(attempts, failures[0], desired.node, observed)
        elif mine:
            attempts = NO_ATTEMPTS
        if attempts.failures:
            folded[order.key] = attempts
    return folded


def _joins(view: SlotView) -> tuple[NetworkAttachment, ...]:
    """What its container is to join; one that has another's network, or the node's, joins none."""
    is_wanted = view.slot.wanted is Wanted.RUNNING
    return view.slot.joins if is_wanted and view.spec and not view.spec.network_mode else ()


def _strange(view: SlotView, kept: SeenContainer, ours: frozenset[str]) -> list[str]:
    """Networks of its project that nothing names. Those of one that is outdated are its own."""
    is_current = kept.fingerprint == view.labels.fingerprint
    return sorted((kept.networks & ours) - view.named) if is_current else []


def _unless_waiting(view: SlotView, without: Decision, joining: Decision) -> Decision:
    """Try again when it is due. The slot's own trouble is the worse news."""
    if not view.joining.failures:
        return joining
    due = failure_due(view.joining)
    if due <= view.now:
        return replace(
            joining, problem=without.problem or failed(view.slot, view.joining, view.now)
        )
    retry_at = due if without.retry_at is None else min(due, without.retry_at)
    problem = without.problem or failed(view.slot, view.joining, due)
    return replace(without, retry_at=retry_at, problem=problem)


def _judge(outcome: Outcome, observed: Observation) -> Outcome:
    """A success that can't be seen is a failure, or it would be repeated without a pause."""
    action = outcome.action
    if not isinstance(outcome, Succeeded) or action in observed.in_flight:
        return outcome
    for seen in observed.containers or ():
        match action:
            case ConnectNetwork(key=key, container_id=container_id, attachment=attachment):
                is_it = seen.id == container_id or (not container_id and seen.key == key)
                is_so = attachment.name in seen.networks
            case DisconnectNetwork(container_id=container_id, network=name):
                is_it, is_so = seen.id == container_id, name not in seen.networks
            case _:
                return outcome
        if is_it and not seen.is_vague and not is_so:
            message = f"the engine says that it did, and shows otherwise: {action.describe()}"
            return Failed(action, EngineFailed(message))
    return outcome


def _is_join(outcome: Outcome) -> bool:
    return isinstance(outcome.action, ConnectNetwork | DisconnectNetwork)


def _is_anothers(outcome: Outcome) -> bool:
    """Whether only another container's connect failed before it: it is tried without that one."""
    return isinstance(outcome, Blocked) and _is_join(outcome.by)


def _cause(outcome: Failed | Blocked) -> Failed:
    return outcome.by if isinstance(outcome, Blocked) else outcome
