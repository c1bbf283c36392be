"""What update, confirm, rollback and weights do to a project's record. Pure."""

from collections.abc import Iterable

from coordinator.commands.operations import Moment, answered, begun
from coordinator.errors import Conflict
from coordinator.releases.networks import every_service
from coordinator.releases.planning import Asked, planned
from coordinator.releases.rollouts import SlotsOf
from coordinator.releases.steps import Happening, is_possible, noted, step
from coordinator.releases.table import Signal
from coordinator.releases.weights import checked_weights
from schemas.command import ConfirmUpdate, RollbackUpdate, SetWeights, UpdateProject
from schemas.errors import InvalidInput
from schemas.names import age_of_set
from schemas.records import ProjectRecord, RememberedReply
from schemas.release import Release, ReleaseKind, ReleaseState, RevisionNote
from schemas.revision import RevisionRecord
from schemas.template import ProjectTemplate
from schemas.versions import counted_up

#: The reference's clients look for these words, and roll back before they try again.
UNCONFIRMED = "Conflicts with unconfirmed updates for operation"

Decided = tuple[ProjectRecord, RememberedReply]


def next_revision(project: ProjectRecord, sets: Iterable[str] = ()) -> int:
    """The number of the project's next revision; none is ever given twice.

    `sets`: those that are on nodes. A record that was lost and made again may know less than they.
    """
    found = {each for one in every_service(project) for each in (one.set_name, one.network_set)}
    newest = max((note.number for note in project.history), default=0)
    return max(newest, project.revision, *map(age_of_set, found.union(sets, [""]))) + 1


def check_no_release(project: ProjectRecord, verb: str) -> None:
    """Refuse what can't be done while another update is under way.

    Raises:
        Conflict: one is, or awaits its confirmation.
    """
    release = project.release
    if release is None:
        return
    version = release.target.version
    if release.state is ReleaseState.AWAITING_CONFIRMATION:
        what = f"version {version} awaits its confirmation: confirm it or roll it back first"
    elif release.state in {ReleaseState.ROLLING_BACK, ReleaseState.ROLLBACK_PAUSED}:
        what = f"the update to version {version} is being rolled back"
    else:
        what = (
            f"the update to version {version} is {release.state.replace('_', ' ')}: wait for its "
            "end, or roll it back"
        )
    raise Conflict(f"{UNCONFIRMED}: project {project.name} can't {verb} now, {what}")


def version_of(project: ProjectRecord, command: UpdateProject) -> str:
    """The version that an update makes.

    Raises:
        InvalidInput: a blue-green update without one.
        Conflict: it is the current one.
    """
    if not command.version:
        if command.update_method == "blue-green":
            raise InvalidInput("a blue-green update needs a version", where="version")
        return counted_up(project.version)
    if command.version == project.version:
        raise Conflict(
            f"project {project.name} has version {command.version} already: an update needs another"
        )
    return command.version


def update(
    held: ProjectRecord,
    command: UpdateProject | RollbackUpdate,
    template: ProjectTemplate,
    revision: RevisionRecord,
    moment: Moment,
) -> Decided:
    """Begin the release of a revision, which is checked already."""
    operation = begun(held, command, moment)
    is_beside = isinstance(command, UpdateProject) and command.update_method == "blue-green"
    asked = Asked(
        kind=ReleaseKind.BLUE_GREEN if is_beside else ReleaseKind.STANDARD,
        revision=revision.number,
        version=revision.version,
        text=revision.template,
        description=revision.description,
        environment=revision.environment,
        latest_image=isinstance(command, UpdateProject) and command.latest_image,
        now=moment.now,
        operation=operation,
    )
    note = RevisionNote(
        number=revision.number,
        version=revision.version,
        description=revision.description,
        created=moment.now,
        of_revision=revision.of_revision,
        operation=revision.operation,
    )
    record = noted(held, note).model_copy(
        update={
            "release": planned(held, template, asked),
            "desired_state": held.desired_state.RUNNING,
            "updated": moment.now,
        }
    )
    return answered(_begun(record, moment), command, operation, warnings=template.warnings)


def _begun(project: ProjectRecord, moment: Moment) -> ProjectRecord:
    """The record as it is at once: what replaces no container needs no images first."""
    release = project.release
    if release is None or release.rollouts:
        return project
    done = release.model_copy(update={"state": ReleaseState.UPDATING})
    # Nothing is left to do: a standard one is completed, a blue-green one awaits its confirmation.
    return step(
        project.model_copy(update={"release": done}),
        Signal.ALL_UP,
        Happening(now=moment.now),
        lambda _: (),
    )


def confirm(
    held: ProjectRecord, command: ConfirmUpdate, moment: Moment, slots_of: SlotsOf
) -> Decided:
    """Confirm the release that is under way. Raises Conflict: there is nothing to confirm."""
    release = _release(held, "confirm")
    if not is_possible(release, Signal.CONFIRM):
        raise Conflict(f"project {held.name} can't confirm now: {_standing(release)}")
    operation = begun(held, command, moment)
    happening = Happening(now=moment.now, operation=operation, is_smooth=command.force)
    record = step(held, Signal.CONFIRM, happening, slots_of)
    return answered(_touched(record, moment), command, operation)


def roll_back(
    held: ProjectRecord, command: RollbackUpdate, moment: Moment, slots_of: SlotsOf
) -> Decided:
    """Undo the release that is under way. Raises Conflict: there is none."""
    release = _release(held, "roll back")
    if not is_possible(release, Signal.ROLLBACK):
        raise Conflict(f"project {held.name} can't roll back now: {_standing(release)}")
    operation = begun(held, command, moment)
    happening = Happening(now=moment.now, operation=operation, message="somebody asked for it")
    record = step(held, Signal.ROLLBACK, happening, slots_of)
    return answered(_touched(record, moment), command, operation)


def weigh(
    held: ProjectRecord, command: SetWeights, moment: Moment, notes: tuple[str, ...] = ()
) -> Decided:
    """Set the weights of some versions; all others stay. Raises InvalidInput."""
    weights = checked_weights(held, command.weights)
    operation = begun(held, command, moment)
    record = held.model_copy(update={"weights": weights})
    return answered(_touched(record, moment), command, operation, warnings=notes)


def _touched(record: ProjectRecord, moment: Moment) -> ProjectRecord:
    return record.model_copy(update={"updated": moment.now})


def _release(held: ProjectRecord, verb: str) -> Release:
    if held.release is None:
        raise Conflict(f"project {held.name} has no update to {verb}")
    return held.release


def _standing(release: Release) -> str:
    return release.message or f"its update is {release.state.replace('_', ' ')}"
