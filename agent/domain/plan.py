"""`plan(desired, observed) -> Plan`: what to do now, and when to look again. Pure.

Order is fixed and meaningful. Removals come first, because they free names, ports and volumes:

    stop containers -> remove containers -> disconnect -> remove networks -> remove volumes
    create networks -> create volumes -> connect -> pull images -> create, connect -> start

What can't be read is unknown, not absent: nothing is planned that depends on it. A container that
the document doesn't mention is left alone.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from agent.domain.actions import (
    Action,
    Addition,
    Removal,
    RemoveNetwork,
    RemoveVolume,
    slot_of,
)
from agent.domain.additions import additions
from agent.domain.backoff import failure_due
from agent.domain.belongings import difference, differences, unused_networks, unwanted_volumes
from agent.domain.joins import with_joins
from agent.domain.observation import NO_ATTEMPTS, Observation, SeenContainer, resource_key
from agent.domain.preparing import due_pulls
from agent.domain.pulls import pulled_for
from agent.domain.shares import shares
from agent.domain.slot_order import SlotOrder, slot_orders
from agent.domain.slot_view import Decision, SlotView
from agent.domain.slots import decide, overtake
from schemas.current import SlotProblem
from schemas.desired import NodeDesired
from schemas.states import Wanted

SomeAction = TypeVar("SomeAction", bound=Action)


@dataclass(frozen=True, slots=True)
class Plan:
    """Actions in the order in which they may begin. Data: leaves no choice to who executes it."""

    generation: int = 0
    removals: tuple[Removal, ...] = ()
    additions: tuple[Addition, ...] = ()
    #: what was left undone on purpose, in words
    notes: tuple[str, ...] = ()
    #: something could not be read, so more may be left to do than is known
    is_blind: bool = False
    problems: tuple[SlotProblem, ...] = ()
    #: a slot waits for a pull, planned or under way
    awaits_pull: bool = False
    #: when the earliest thing that has to wait becomes due
    retry_at: float | None = None
    #: the same of preparations, which are no part of what a slot must be now
    prepare_at: float | None = None

    @property
    def due_at(self) -> float | None:
        """When the earliest of all becomes due."""
        return min((at for at in (self.retry_at, self.prepare_at) if at is not None), default=None)

    @property
    def actions(self) -> tuple[Action, ...]:
        return self.removals + self.additions

    @property
    def is_empty(self) -> bool:
        return not self.actions


def plan(desired: NodeDesired, observed: Observation) -> Plan:
    """Bring the node closer to what is desired. Call again after any change."""
    if observed.containers is None:
        note = "the engine can't be read: nothing is planned"
        return Plan(desired.generation, notes=(note,), is_blind=True)
    views = slot_views(desired, observed)
    busy = {slot_of(action) for action in observed.in_flight}
    decisions = [
        overtake(view, observed.in_flight) if view.key in busy else with_joins(view, decide(view))
        for view in views
    ]
    unknown = [
        name for name in ("networks", "volumes", "images") if getattr(observed, name) is None
    ]
    if unknown:
        decisions = [_unless_guessed(v, d) for v, d in zip(views, decisions, strict=True)]
    removed = {action.container_id for decision in decisions for action in decision.removes}
    left = [seen for seen in observed.containers if seen.id not in removed]
    parted = [each for decision in decisions for each in decision.disconnects]
    networks = unused_networks(desired, observed, left, parted)
    volumes = unwanted_volumes(desired, observed, left)
    told = differences(desired, observed)
    ahead = due_pulls(desired, observed)
    return Plan(
        generation=desired.generation,
        removals=(
            *_fresh((stop for decision in decisions for stop in decision.stops), observed),
            *_fresh((remove for decision in decisions for remove in decision.removes), observed),
            *parted,
            *_fresh(networks, observed),
            *_fresh(volumes, observed),
        ),
        additions=additions(
            desired,
            observed,
            list(zip(views, decisions, strict=True)),
            ahead.images,
            {action.name for action in networks},
        ),
        notes=(
            *(f"{name} can't be read: nothing is created" for name in unknown),
            *(decision.note for decision in decisions if decision.note),
            *(view.excuse for view in views if view.excuse),
        ),
        is_blind=bool(unknown),
        problems=tuple(
            problem
            for view, decision in zip(views, decisions, strict=True)
            if (problem := decision.problem or difference(view, told))
        ),
        retry_at=_retry_at(decisions, [*networks, *volumes], observed),
        awaits_pull=any(decision.image for decision in decisions),
        prepare_at=ahead.retry_at,
    )


def slot_views(desired: NodeDesired, observed: Observation) -> list[SlotView]:
    """One view per slot, in the order of their keys."""
    by_slot = observed.by_slot()
    networks = _networks(observed)
    return [
        _view(
            *(desired, observed, order, by_slot.get(order.key, ())),
            networks=None if networks is None else networks.get(order.key.project, frozenset()),
        )
        for order in slot_orders(desired)
    ]


def _networks(observed: Observation) -> dict[str, frozenset[str]] | None:
    """The names of each project's."""
    if observed.networks is None:
        return None
    found: dict[str, set[str]] = {}
    for seen in observed.networks:
        found.setdefault(seen.project, set()).add(seen.name)
    return {project: frozenset(names) for project, names in found.items()}


def _view(
    desired: NodeDesired,
    observed: Observation,
    order: SlotOrder,
    seen: tuple[SeenContainer, ...],
    *,
    networks: frozenset[str] | None,
) -> SlotView:
    spec, labels = order.spec, order.labels
    needed = shares(desired, order.places, observed.mounts)
    if needed:
        mounts = tuple((share.path, share.incarnation) for share in needed)
        labels = replace(labels, mounts=mounts)
    return SlotView(
        now=observed.now,
        slot=order.slot,
        spec=spec,
        labels=labels,
        seen=seen,
        attempts=observed.attempts.get(order.key, NO_ATTEMPTS),
        image_id=(observed.images or {}).get(spec.image) if spec else None,
        pulled=pulled_for(order, observed),
        has_images=observed.images is not None,
        node=desired.node,
        shares=needed,
        owners=_owners(order.owners, observed),
        networks=networks,
        named=order.networks,
        joining=observed.joining.get(order.key, NO_ATTEMPTS),
    )


def _owners(names: Collection[str], observed: Observation) -> tuple[SeenContainer, ...]:
    if not names:
        return ()
    return tuple(seen for seen in observed.containers or () if seen.name in names)


def _unless_guessed(view: SlotView, decision: Decision) -> Decision:
    """Leave out what rests on a part that is unknown.

    That is everything made of nothing, and every removal for a slot that is wanted running: it
    only makes room for a successor, or chooses between containers by their images.
    """
    is_replacing = view.slot.wanted is Wanted.RUNNING and decision.removes
    if decision.creates or decision.image or is_replacing:
        return Decision(problem=decision.problem)
    return decision


def _retry_at(
    decisions: Iterable[Decision],
    waiting: Iterable[RemoveNetwork | RemoveVolume],
    observed: Observation,
) -> float | None:
    dues = [
        *(decision.retry_at for decision in decisions if decision.retry_at is not None),
        *(due for action in waiting if (due := _due(action, observed)) > observed.now),
    ]
    return min(dues, default=None)


def _due(action: RemoveNetwork | RemoveVolume, observed: Observation) -> float:
    key = resource_key(action.project, action.name)
    return failure_due(observed.attempts.get(key, NO_ATTEMPTS))


def _fresh(actions: Iterable[SomeAction], observed: Observation) -> tuple[SomeAction, ...]:
    """Those that are not under way already, and don't wait for their back-off."""
    return tuple(
        dict.fromkeys(
            action
            for action in actions
            if action not in observed.in_flight
            and not (
                isinstance(action, RemoveNetwork | RemoveVolume)
                and _due(action, observed) > observed.now
            )
        )
    )
