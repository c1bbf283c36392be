"""Batches: which slots of a released service go over next, forwards and back. Pure.

    stop-first    a slot goes over in place: its container is replaced under the same name
    start-first   the next set's containers start first; when they are up, those that they replace go
                  while the next batch starts; one more waits until they are gone
    blue-green    the whole next set starts; what it replaces goes when it is confirmed
    a new one     all of it at once

Services go over in the order of their dependencies, and back in reverse.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from coordinator.releases.groups import EVERY, last_slot
from schemas.records import ProjectRecord
from schemas.release import Release, ReleaseKind, ReleaseState, Rollout, ServiceRecord
from schemas.template import UpdatePolicy

#: the slots of a service that have a node, by number and in order
SlotsOf = Callable[[str], Sequence[int]]


@dataclass(frozen=True, slots=True)
class Change:
    """One service of a release: what it was, what it is to be, and how far it is."""

    name: str
    old: ServiceRecord | None
    new: ServiceRecord
    rollout: Rollout
    kind: ReleaseKind

    @property
    def is_in_place(self) -> bool:
        return self.old is not None and self.old.set_name == self.new.set_name

    @property
    def last_new(self) -> int:
        return last_slot(self.new)

    @property
    def last_old(self) -> int:
        return last_slot(self.old) if self.old else 0

    @property
    def is_beside(self) -> bool:
        """Whether old and new containers of a slot exist at once, for the time of a batch."""
        is_standard = self.kind is ReleaseKind.STANDARD
        return is_standard and self.old is not None and not self.is_in_place

    @property
    def is_through(self) -> bool:
        """Whether nothing of it is left to begin."""
        has_begun = self.rollout.begun >= self.last_new
        if self.kind is ReleaseKind.BLUE_GREEN or self.old is None:
            return has_begun
        return has_begun and self.rollout.replaced >= self.last_old

    @property
    def is_back(self) -> bool:
        """Whether nothing of it has gone over."""
        return self.rollout == Rollout()

    def policy(self, *, is_back: bool) -> UpdatePolicy:
        template = self.new.template
        return template.rollback if is_back else template.update


def changes_of(project: ProjectRecord, release: Release) -> dict[str, Change]:
    """What the release changes, by service."""
    return {
        name: Change(
            name, project.services.get(name), release.target.services[name], rollout, release.kind
        )
        for name, rollout in release.rollouts.items()
    }


def is_backwards(release: Release) -> bool:
    """Whether it goes back to the current set."""
    return release.state in {ReleaseState.ROLLING_BACK, ReleaseState.ROLLBACK_PAUSED}


def due(project: ProjectRecord, release: Release, up: Collection[str]) -> dict[str, Change]:
    """The services whose turn it is: what they wait for in this release has gone over, or is back.

    `up`: services whose last batch is up.
    """
    changes = changes_of(project, release)
    if is_backwards(release):
        left = {name: change for name, change in changes.items() if not change.is_back}
        open_ones = [c for name, c in changes.items() if name in left or name not in up]
        held_up = {name for change in open_ones for name in change.new.template.depends_on}
        return {name: change for name, change in left.items() if name not in held_up}
    left = {name: change for name, change in changes.items() if not change.is_through}
    if release.kind is ReleaseKind.BLUE_GREEN:
        return left
    awaited = {name for name in changes if name in left or name not in up}
    return {
        name: change
        for name, change in left.items()
        if awaited.isdisjoint(change.new.template.depends_on)
    }


def advanced(
    project: ProjectRecord, release: Release, up: Collection[str], slots_of: SlotsOf
) -> dict[str, Rollout]:
    """The rollouts after the next batches were begun. `up`: services whose last batch is up."""
    moved = {
        name: forwards(change, slots_of(name))
        for name, change in due(project, release, up).items()
        if name in up or change.is_back
    }
    return {**release.rollouts, **moved}


def retreated(
    project: ProjectRecord, release: Release, up: Collection[str], slots_of: SlotsOf
) -> dict[str, Rollout]:
    """The rollouts after the next batches went back."""
    moved = {
        name: backwards(change, slots_of(name))
        for name, change in due(project, release, up).items()
        if name in up
    }
    return {**release.rollouts, **moved}


def forwards(change: Change, slots: Sequence[int]) -> Rollout:
    """One batch on."""
    begun = change.rollout.begun
    if change.kind is ReleaseKind.BLUE_GREEN or change.old is None:
        # Also those that a scale adds later.
        return Rollout(begun=EVERY)
    size = change.policy(is_back=False).parallelism
    then = _after(begun, size, slots, change.last_new)
    if change.is_in_place:
        # What is beyond the new number of slots goes with the last batch.
        is_last = then >= change.last_new
        return Rollout(begun=then, replaced=max(then, change.last_old) if is_last else then)
    # What the last batch replaces goes while the next one starts.
    is_begun = begun >= change.last_new
    return Rollout(begun=then, replaced=max(begun, change.last_old) if is_begun else begun)


def backwards(change: Change, slots: Sequence[int]) -> Rollout:
    """One batch back."""
    rollout = change.rollout
    if change.old is None:
        return Rollout()
    size = change.policy(is_back=True).parallelism
    if change.is_in_place:
        then = _before(min(rollout.begun, change.last_new), size, slots)
        return Rollout(begun=then, replaced=then)
    # The old containers of the last batch are up: what they stand in for goes.
    then = _before(min(rollout.replaced, change.last_old), size, slots)
    return Rollout(begun=min(rollout.begun, rollout.replaced), replaced=then)


def _after(number: int, size: int, slots: Sequence[int], last: int) -> int:
    """The number up to which slots have gone over after `size` more of them."""
    ahead = [slot for slot in slots if slot > number]
    if not size or len(ahead) <= size:
        return last
    return min(ahead[size - 1], last)


def _before(number: int, size: int, slots: Sequence[int]) -> int:
    """The same, backwards."""
    behind = [slot for slot in slots if slot <= number]
    if not size or len(behind) <= size:
        return 0
    return behind[-size - 1]
