"""`Standing`: how far an accepted command is, and how far those are that are about a release. Pure."""

from dataclasses import dataclass

from schemas.records import ProjectRecord
from schemas.release import Operation, ReleaseState
from schemas.reply import Progress


@dataclass(frozen=True, slots=True)
class Standing:
    """A stage, and the reasons when it is `failed`."""

    progress: Progress
    reason: str = ""


RUNNING = Standing(Progress.RUNNING)
DONE = Standing(Progress.DONE)

#: what is said meanwhile of single services, such as a scale, doesn't supersede these
RELEASE_VERBS = frozenset({"project.update", "project.confirm", "project.rollback"})
WEIGHT_VERB = "project.weight"
#: states in which a release goes on by itself
_GOING = frozenset(
    {
        ReleaseState.PULLING,
        ReleaseState.UPDATING,
        ReleaseState.CONFIRMING,
        ReleaseState.ROLLING_BACK,
    }
)


def release_standing(operation: Operation, project: ProjectRecord) -> Standing | None:
    """Where an operation on a release stands; None: as all others, by what the services are.

    An update is done when its version is the current one, or awaits its confirmation. What ends it
    otherwise is a failure, also where somebody asked for it: the version didn't come.
    """
    match operation.verb:
        case "project.update":
            return _update(operation, project)
        case "project.confirm":
            return _decided(operation, project, wanted=ReleaseState.COMPLETED)
        case "project.rollback":
            # With a revision to go back to, it is an update.
            release, ended = project.release, project.last_release
            own = {release.operation.id if release else "", ended.operation if ended else ""}
            if operation.id in own:
                return _update(operation, project)
            return _decided(operation, project, wanted=ReleaseState.ROLLED_BACK)
        case _:
            return None


def weight_standing(view: object | None, *, is_routed: bool) -> Standing:
    """Weights are there when every router has applied them, or there is none."""
    if view is None:
        return Standing(Progress.SUPERSEDED, "superseded by project.delete")
    return DONE if is_routed else RUNNING


def _update(operation: Operation, project: ProjectRecord) -> Standing | None:
    release, ended = project.release, project.last_release
    if release is not None and release.operation.id == operation.id:
        if release.state is ReleaseState.AWAITING_CONFIRMATION:
            return None
        return RUNNING if release.state in _GOING else Standing(Progress.FAILED, release.message)
    if ended is not None and ended.operation == operation.id:
        if ended.outcome is ReleaseState.COMPLETED:
            return None
        return Standing(Progress.FAILED, ended.message)
    return Standing(Progress.SUPERSEDED, "superseded by another update")


def _decided(
    operation: Operation, project: ProjectRecord, *, wanted: ReleaseState
) -> Standing | None:
    release, ended = project.release, project.last_release
    if release is not None and release.decided_by and release.decided_by.id == operation.id:
        return RUNNING if release.state in _GOING else Standing(Progress.FAILED, release.message)
    if ended is not None and ended.decided_by == operation.id:
        return None if ended.outcome is wanted else Standing(Progress.FAILED, ended.message)
    return Standing(Progress.SUPERSEDED, "superseded by another command on the update")
