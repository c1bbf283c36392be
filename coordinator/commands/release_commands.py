"""`ReleaseCommands`: updates and what is said about them, from a command to a decision.

Reads: the store, views, KV `revisions`. Writes nothing but the revisions of a decision, when it is
told to.
"""

from coordinator.commands import releasing
from coordinator.commands.catalogue import Decision
from coordinator.commands.compiling import Compiling
from coordinator.commands.operations import Moment
from coordinator.commands.volume_holds import Hold
from coordinator.errors import Conflict, NoRevision, NotFound
from coordinator.releases.steps import noted
from coordinator.store.placements import NOWHERE
from coordinator.store.store import Store
from coordinator.views.releases import slots_of
from schemas.command import ConfirmUpdate, RollbackUpdate, SetWeights, UpdateProject
from schemas.records import ProjectRecord
from schemas.release import ReleaseState, RevisionNote
from schemas.revision import RevisionRecord
from schemas.states import State
from schemas.versions import counted_up

NO_ROUTER = "no router has registered: the weights are kept, and nothing routes by them yet"

ReleaseCommand = UpdateProject | ConfirmUpdate | RollbackUpdate | SetWeights


class ReleaseCommands:
    """Decides what update, confirm, rollback and weights do to a project that exists."""

    def __init__(self, store: Store, compiling: Compiling) -> None:
        self._store = store
        self._compiling = compiling
        self._revisions = store.revisions

    async def decide(
        self, held: ProjectRecord | None, command: ReleaseCommand, moment: Moment, hold: Hold
    ) -> Decision:
        """The decision, to be written.

        Raises InvalidInput where the command is refused, and Transient where the bus can't be asked.
        """
        project = _existing(held, command)
        slots = slots_of(project, self._store.placements.get(project.name, NOWHERE))
        match command:
            case UpdateProject():
                return await self._update(project, command, moment, hold)
            case RollbackUpdate() if command.to is not None:
                return await self._back_to(project, command, moment, hold)
            case RollbackUpdate():
                return Decision(*releasing.roll_back(project, command, moment, slots))
            case ConfirmUpdate():
                return Decision(*releasing.confirm(project, command, moment, slots))
            case SetWeights():
                notes = () if self._store.routers else (NO_ROUTER,)
                return Decision(*releasing.weigh(project, command, moment, notes))

    async def write_down(self, decision: Decision) -> None:
        """Keep the revisions of a decision: what the record names can be looked up. Raises Transient."""
        for revision in decision.revisions:
            await self._revisions.keep(revision)
        if decision.forgotten:
            await self._revisions.drop(decision.record.name, decision.forgotten)

    def asked(self, held: ProjectRecord, command: UpdateProject, now: str) -> RevisionRecord:
        """The revision that an update asks for. Raises InvalidInput."""
        return RevisionRecord(
            project=held.name,
            number=releasing.next_revision(held),
            version=releasing.version_of(held, command),
            description=held.description if command.description is None else command.description,
            template=command.template,
            environment=held.environment if command.environment is None else command.environment,
            created=now,
        )

    async def _update(
        self, held: ProjectRecord, command: UpdateProject, moment: Moment, hold: Hold
    ) -> Decision:
        releasing.check_no_release(held, "update")
        return await self._released(
            held, command, self.asked(held, command, moment.now), moment, hold
        )

    async def _back_to(
        self, held: ProjectRecord, command: RollbackUpdate, moment: Moment, hold: Hold
    ) -> Decision:
        releasing.check_no_release(held, "roll back")
        number = command.to or 0
        if number == held.revision:
            raise Conflict(f"project {held.name} is at revision {number} already")
        if not any(note.number == number for note in held.history):
            raise NoRevision(held.name, number)
        old = await self._revisions.get(held.name, number)
        is_other = old.version != held.version
        again = old.model_copy(
            update={
                "number": releasing.next_revision(held),
                "version": old.version if is_other else counted_up(held.version),
                "created": moment.now,
                "of_revision": number,
            }
        )
        return await self._released(held, command, again, moment, hold)

    async def _released(
        self,
        held: ProjectRecord,
        command: UpdateProject | RollbackUpdate,
        revision: RevisionRecord,
        moment: Moment,
        hold: Hold,
    ) -> Decision:
        """Begin a release. What comes before a project's history is of a version without one."""
        template = await self._compiling.compile(
            *(held.name, revision.version, revision.template, revision.environment, hold)
        )
        kept = revision.model_copy(
            update={
                "shown_template": template.shown_text,
                "hidden_variables": template.hidden_variables,
            }
        )
        revisions: tuple[RevisionRecord, ...] = (kept,)
        if not any(note.number == held.revision for note in held.history):
            revisions = (revision_of(held), kept)
            held = noted(held, _note_of(held))
        oldest = held.history[0].number
        return Decision(
            *releasing.update(held, command, template, kept, moment),
            revisions=revisions,
            # What fell out of the history with the last update.
            forgotten=range(max(1, oldest - 1), oldest),
        )


def revision_of(record: ProjectRecord) -> RevisionRecord:
    """The revision that a project's current set is."""
    return RevisionRecord(
        project=record.name,
        number=record.revision,
        version=record.version,
        description=record.description,
        template=record.template,
        shown_template=record.shown_template,
        hidden_variables=record.hidden_variables,
        environment=record.environment,
        created=record.created,
    )


def _note_of(record: ProjectRecord) -> RevisionNote:
    return RevisionNote(
        number=record.revision,
        version=record.version,
        description=record.description,
        created=record.created,
        outcome=ReleaseState.COMPLETED,
    )


def _existing(held: ProjectRecord | None, command: ReleaseCommand) -> ProjectRecord:
    if held is None or held.is_gone:
        raise NotFound("project", command.name)
    if held.desired_state is State.DELETED:
        raise Conflict(f"project {held.name} is being deleted")
    return held
