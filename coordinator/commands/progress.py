"""How far an accepted command is: `progress`, pure.

An operation is done when what it is about is settled *and* everybody concerned has seen what it
changed: the control loop its record, the nodes their documents. Without that second half a stop
would look done before any agent has heard of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from coordinator.commands.standings import (
    DONE,
    RELEASE_VERBS,
    RUNNING,
    Standing,
    release_standing,
)
from coordinator.releases.sensing import PROOF_S
from coordinator.store.nodes import has_taken
from coordinator.views.rollup import NodePicture, ProjectView, ServiceView
from schemas.desired import NodeDesired
from schemas.release import Operation
from schemas.reply import Progress
from schemas.states import State


@dataclass(frozen=True, slots=True)
class Lag:
    """Whether a node that answers, and has a part in a project, still has to do something."""

    #: it has not seen its document
    is_unseen: bool = False
    #: it is in the middle of its work
    is_unsettled: bool = False


def lag(nodes: Iterable[tuple[NodeDesired, NodePicture]]) -> Lag:
    """How far the nodes of one project are, with their documents."""
    is_unseen = is_unsettled = False
    for document, node in nodes:
        if node.current is not None and node.is_trusted:
            is_unseen |= not has_taken(node.current, document)
            is_unsettled |= not node.current.settled
    return Lag(is_unseen, is_unsettled)


def progress(  # noqa: PLR0911 - one for each standing
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
    standing = release_standing(operation, view.record)
    if standing is not None:
        return standing
    services = _concerned(operation, view)
    newer = _newest_wish(services)
    is_release = operation.verb in RELEASE_VERBS
    if newer is not None and newer.number > operation.number and not is_release:
        return Standing(Progress.SUPERSEDED, f"superseded by {newer.verb}")
    if not is_applied or lag.is_unseen:
        return RUNNING
    definite = [reason for service in services for reason in service.definite]
    if definite:
        return Standing(Progress.FAILED, "; ".join(definite))
    # A redeploy may recreate a container that looks settled, so for it a report made in the middle
    # of the node's work is not enough.
    is_settled = operation.verb != "project.redeploy" or not lag.is_unsettled
    return DONE if is_settled and all(service.is_settled for service in services) else RUNNING


def proof_s(operation: Operation, view: ProjectView | None, *, is_news: bool) -> float:
    """Seconds for which an operation must look done before it is.

    What crashes as it starts was running for a moment. `is_news`: it did not look done at first.
    What an update started was proved by its release.
    """
    if view is None:
        return 0.0
    found = max((service.proof_s for service in _concerned(operation, view)), default=0.0)
    is_proved = operation.verb in RELEASE_VERBS or not is_news
    return found if found > PROOF_S or not is_proved else 0.0


def _newest_wish(services: Iterable[ServiceView]) -> Operation | None:
    changes = [view.record.changed_by for view in services if view.record.changed_by]
    return max(changes, key=lambda operation: operation.number, default=None)


def _concerned(operation: Operation, view: ProjectView) -> tuple[ServiceView, ...]:
    if not operation.service:
        return tuple(view.services.values())
    service = view.services.get(operation.service)
    return (service,) if service else ()
