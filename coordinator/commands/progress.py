"""How far an accepted command is: `progress`, pure.

An operation is done when what it is about is settled *and* everybody concerned has seen what it
changed: the control loop its record, the nodes their documents. Without that second half a stop
would look done before any agent has heard of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from coordinator.views.rollup import NodePicture, ProjectView, ServiceView
from coordinator.views.sightings import has_taken
from schemas.command import Progress
from schemas.desired import NodeDesired
from schemas.records import Operation
from schemas.states import State


@dataclass(frozen=True, slots=True)
class Standing:
    """A stage, and the reasons when it is `failed`."""

    progress: Progress
    reason: str = ""


RUNNING = Standing(Progress.RUNNING)
DONE = Standing(Progress.DONE)


@dataclass(frozen=True, slots=True)
class Lag:
    """The projects for which a node that answers, and has a part in them, still has to do something."""

    #: it has not seen its document
    unseen: frozenset[str] = frozenset()
    #: it is in the middle of its work
    unsettled: frozenset[str] = frozenset()


def lag(documents: Mapping[str, NodeDesired], nodes: Iterable[NodePicture]) -> Lag:
    """How far the nodes are, for all projects at once: thousands may be waited for."""
    unseen: set[str] = set()
    unsettled: set[str] = set()
    for node in nodes:
        document, current = documents.get(node.name), node.current
        if document is None or current is None or not node.is_trusted:
            continue
        has_seen = has_taken(current, document)
        if has_seen and current.settled:
            continue
        projects = {slot.project for slot in document.slots}
        if not has_seen:
            unseen |= projects
        if not current.settled:
            unsettled |= projects
    return Lag(frozenset(unseen), frozenset(unsettled))


def progress(
    operation: Operation, view: ProjectView | None, lag: Lag, *, is_applied: bool
) -> Standing:
    """Where the operation stands.

    Only one that wants something else of a service that it is about supersedes it. `view` is None
    when the project is gone; `is_applied` says whether the control loop has written every document
    that follows from the project's record.
    """
    is_going = view is not None and view.desired_state is State.DELETED
    if operation.verb == "project.delete":
        # Another one of its name may have been created since.
        return RUNNING if is_going else DONE
    if view is None or is_going:
        return Standing(Progress.SUPERSEDED, "superseded by project.delete")
    services = _concerned(operation, view)
    newer = _newest_wish(services)
    if newer is not None and newer.number > operation.number:
        return Standing(Progress.SUPERSEDED, f"superseded by {newer.verb}")
    name = view.record.name
    if not is_applied or name in lag.unseen:
        return RUNNING
    definite = [reason for service in services for reason in service.definite]
    if definite:
        return Standing(Progress.FAILED, "; ".join(definite))
    # A redeploy may recreate a container that looks settled, so for it a report made in the middle
    # of the node's work is not enough.
    is_settled = operation.verb != "project.redeploy" or name not in lag.unsettled
    return DONE if is_settled and all(service.is_settled for service in services) else RUNNING


def _newest_wish(services: Iterable[ServiceView]) -> Operation | None:
    changes = [view.record.changed_by for view in services if view.record.changed_by]
    return max(changes, key=lambda operation: operation.number, default=None)


def _concerned(operation: Operation, view: ProjectView) -> tuple[ServiceView, ...]:
    if not operation.service:
        return tuple(view.services.values())
    service = view.services.get(operation.service)
    return (service,) if service else ()
