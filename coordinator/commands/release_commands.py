"""`ReleaseCommands`: updates and what is said about them, from a command to a decision.

Reads: the store, views, KV `revisions`. Writes nothing but the revisions of a decision, when it is
told to; those that it leaves behind are dropped once the record is saved.
"""

import structlog

from compose.redaction import HIDDEN
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
from schemas.errors import Transient
from schemas.records import ProjectRecord
from schemas.release import ReleaseState, RevisionNote
from schemas.revision import RevisionRecord
from schemas.states import State
from schemas.versions import counted_up

log = structlog.get_logger()

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

    async def tidy(self, decision: Decision) -> None:
        """Drop what the record that is saved doesn't name any more, or never did.

        Where the bus can't be asked now, the next update does it.
        """
        record = decision.record
        if not decision.revisions:
            return
        try:
            await self._revisions.drop_others(record.name, record.history)
        except Transient as error:
            log.warning("old revisions can't be dropped yet", project=record.name, error=str(error))

    def _asked(self, held: ProjectRecord, command: UpdateProject, moment: Moment) -> RevisionRecord:
        """The revision that an update asks for. Raises InvalidInput."""
        return RevisionRecord(
            project=held.name,
            number=self._next_revision(held),
            version=releasing.version_of(held, command),
            # The reference's clients send an empty one where they were given none.
            description=command.description or held.description,
            template=command.template,
            environment=_environment(held, command),
            created=moment.now,
            operation=moment.operation_id,
        )

    def _next_revision(self, held: ProjectRecord) -> int:
        """Higher than all that any node has or is told of."""
        store = self._store
        reports = store.reported.of(held.name).values()
        sets = {each.set_name for report in reports for each in report.containers}
        for node in store.documented.nodes_of(held.name):
            slots = store.documents[node].slots
            sets.update(slot.set_name for slot in slots if slot.project == held.name)
        return releasing.next_revision(held, sets)

    async def _update(
        self, held: ProjectRecord, command: UpdateProject, moment: Moment, hold: Hold
    ) -> Decision:
        releasing.check_no_release(held, "update")
        revision = self._asked(held, command, moment)
        text = await self._compiling.with_kept_secrets(revision.template, held.template)
        asked = revision.model_copy(update={"template": text})
        return await self._released(held, command, asked, moment, hold)

    async def _back_to(
        self, held: ProjectRecord, command: RollbackUpdate, moment: Moment, hold: Hold
    ) -> Decision:
        releasing.check_no_release(held, "roll back")
        number = command.to or 0
        if number == held.revision:
            raise Conflict(f"project {held.name} is at revision {number} already")
        note = next((each for each in held.history if each.number == number), None)
        if note is None:
            raise NoRevision(held.name, number)
        old = await self._revisions.get(held.name, note)
        is_other = old.version != held.version
        again = old.model_copy(
            update={
                "number": self._next_revision(held),
                "version": old.version if is_other else counted_up(held.version),
                "created": moment.now,
                "of_revision": number,
                "operation": moment.operation_id,
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
            current = revision_of(held, moment.operation_id)
            revisions = (current, kept)
            held = noted(held, _note_of(current))
        return Decision(
            *releasing.update(held, command, template, kept, moment),
            revisions=revisions,
        )


def _environment(held: ProjectRecord, command: UpdateProject) -> dict[str, str]:
    """As it is asked for; what was read back with its value hidden has the value that it had."""
    if command.environment is None:
        return held.environment
    hidden = held.environment.keys() & set(held.hidden_variables)
    return {
        name: held.environment[name] if value == HIDDEN and name in hidden else value
        for name, value in command.environment.items()
    }


def revision_of(record: ProjectRecord, operation: str) -> RevisionRecord:
    """The revision that a project's current set is, as an operation writes it down."""
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
        operation=operation,
    )


def _note_of(current: RevisionRecord) -> RevisionNote:
    return RevisionNote(
        number=current.number,
        version=current.version,
        description=current.description,
        created=current.created,
        outcome=ReleaseState.COMPLETED,
        operation=current.operation,
    )


def _existing(held: ProjectRecord | None, command: ReleaseCommand) -> ProjectRecord:
    if held is None or held.is_gone:
        raise NotFound("project", command.name)
    if held.desired_state is State.DELETED:
        raise Conflict(f"project {held.name} is being deleted")
    return held
