"""`Deciding`: from a command to a record that is saved. From then on the command is kept.

Reads: the store, views. Writes: KV `projects` and `volumes`, by `RecordWriter`.
"""

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from coordinator.clock import CLOCK, Clock, rfc3339
from coordinator.commands import catalogue, volume_catalogue
from coordinator.commands.catalogue import Decision
from coordinator.commands.compiling import Compiling, Offload
from coordinator.commands.operations import Moment
from coordinator.commands.record_writer import RecordWriter
from coordinator.commands.release_commands import ReleaseCommands, revision_of
from coordinator.commands.volume_catalogue import VolumeDecision
from coordinator.commands.volume_holds import Hold, VolumeHolds
from coordinator.errors import Conflict, DeadlinePassed, NotFound, RecordInDoubt, TooLarge
from coordinator.store.evidence import Doubt, DoubtKind
from coordinator.store.restoring import restored_project, restored_volume
from coordinator.store.store import Store
from coordinator.views.projects import ProjectViews
from coordinator.views.volumes import users_of
from schemas.command import (
    AnyCommand,
    AnyProjectCommand,
    AnyVolumeCommand,
    ConfirmUpdate,
    CreateProject,
    CreateVolume,
    DeleteProject,
    DeleteVolume,
    RestoreProject,
    RestoreVolume,
    RollbackUpdate,
    SetWeights,
    UpdateProject,
    VolumeCommand,
)
from schemas.records import ProjectRecord, RememberedReply, VolumeRecord
from schemas.volume import BASE_DIRECTORY

RecordT = TypeVar("RecordT", ProjectRecord, VolumeRecord)


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a command would make of a project's record."""

    #: as it is; of one in doubt, what is known of it
    before: ProjectRecord | None
    record: ProjectRecord


class Deciding:
    """Decides commands with pure functions, and saves what they have decided."""

    def __init__(
        self,
        store: Store,
        views: ProjectViews,
        projects: RecordWriter[ProjectRecord],
        reread: Callable[[], None],
        *,
        default_domain: str = "",
        mount_base: str = BASE_DIRECTORY,
        clock: Clock = CLOCK,
        offload: Offload = asyncio.to_thread,
    ) -> None:
        """`reread`: called when a record may have been written without our knowing.

        `offload` runs what takes long elsewhere than on the loop.
        """
        self._store = store
        self._views = views
        self._projects = projects
        self._volumes: RecordWriter[VolumeRecord] = RecordWriter(store.volumes, reread)
        self._mount_base = mount_base
        self._clock = clock
        self._holds = VolumeHolds(store.volumes)
        self._compiling = Compiling(
            *(store, self._holds),
            default_domain=default_domain,
            mount_base=mount_base,
            offload=offload,
        )
        self._releases = ReleaseCommands(store, self._compiling)

    async def take(self, command: AnyCommand) -> RememberedReply | Decision | VolumeDecision:
        """Decide and save; the first answer, where the command was seen before.

        Raises InvalidInput where the command is refused, and Transient where it could not be saved.
        """
        with self._holds.hold() as hold:
            if isinstance(command, VolumeCommand):
                return await self._volumes.take(
                    command.name, command, lambda held: self._on_volume(held, command, hold)
                )

            async def decided(held: ProjectRecord | None) -> Decision:
                decision = await self._on_project(held, command, hold)
                await self._releases.write_down(decision)
                return decision

            try:
                return await self._projects.take(
                    command.project, command, decided, self._releases.tidy
                )
            except TooLarge as error:
                raise _too_large(command, error) from error

    async def foresee(self, command: CreateProject | UpdateProject) -> Foreseen:
        """What `take` would save. Nothing is, nor is any volume held for it. Raises as `take` does."""
        held, doubt = self._store.projects.get(command.project), self._doubt(command)
        before = self._known(command.project, self._moment(command), doubt) if doubt else held
        # A hold that is noted nowhere: it is checked like any other, and keeps nobody waiting.
        decision = await self._on_project(held, command, Hold())
        return Foreseen(before, decision.record)

    async def remember(self, command: AnyProjectCommand, decision: Decision) -> None:
        """The signals of a decision are delivered. Raises as `take` does."""

        async def remembered(held: ProjectRecord | None) -> Decision:
            return catalogue.remember(held, decision)

        await self._projects.take(command.project, command, remembered)

    async def _on_project(
        self, held: ProjectRecord | None, command: AnyProjectCommand, hold: Hold
    ) -> Decision:
        moment, doubt = self._moment(command), self._doubt(command)
        if doubt is not None:
            if isinstance(command, RestoreProject):
                known = self._known(command.name, moment, doubt)
                self._check_whole(known)
                return catalogue.restore(known, command, moment)
            if isinstance(command, DeleteProject) and command.force:
                held = _accepting(held or self._known(command.name, moment, doubt), doubt)
            elif isinstance(command, CreateProject) and _may_take_over(command, doubt):
                # As over a tombstone: nothing of it is kept.
                held = _accepting(catalogue.bury(self._known(command.name, moment, doubt)), doubt)
            else:
                raise RecordInDoubt(doubt.words)
        if isinstance(command, CreateProject):
            catalogue.check_new_name(held, command)
            # What was read from another project has none of its secrets.
            await self._compiling.with_kept_secrets(command.template)
            template = await self._compiling.compile(
                *(command.name, command.version, command.template, command.environment, hold)
            )
            decision = catalogue.create(held, command, template, moment)
            return replace(decision, revisions=(revision_of(decision.record, moment.operation_id),))
        if isinstance(command, UpdateProject | ConfirmUpdate | RollbackUpdate | SetWeights):
            return await self._releases.decide(held, command, moment, hold)
        view = self._views.of(command.project)
        services = view.services if view else {}
        # Also on a node that is silent: unknown is not absent.
        running = any(
            each.current.running for service in services.values() for each in service.containers
        )
        unsettled = {name for name, each in services.items() if not each.is_settled}
        return catalogue.apply(held, command, moment, running=running, unsettled=unsettled)

    async def _on_volume(
        self, held: VolumeRecord | None, command: AnyVolumeCommand, hold: Hold
    ) -> VolumeDecision:
        moment = self._moment(command)
        doubt = self._store.doubt_about_volume(command.name)
        if doubt is not None:
            known = restored_volume(command.name, self._store.documents, moment.now) or held
            known = known and _accepting(known, doubt)
            if isinstance(command, RestoreVolume) and known is not None:
                return volume_catalogue.restore(known, command, moment)
            if isinstance(command, DeleteVolume) and known is not None:
                held = known
            elif isinstance(command, CreateVolume) and _may_take_over(command, doubt):
                held = known and volume_catalogue.bury(known)
            else:
                raise RecordInDoubt(doubt.words)
        if isinstance(command, RestoreVolume):
            if held is None or held.is_gone:
                raise NotFound("volume", command.name)
            raise Conflict(f"volume {command.name} has its record: there is nothing to restore")
        if isinstance(command, CreateVolume):
            others = self._store.volumes.values()
            return volume_catalogue.create(held, command, others, moment, self._mount_base)
        users: tuple[str, ...] = ()
        if held is not None:
            doubted = (each.known for each in self._store.doubts.values())
            records = (*self._store.projects.values(), *(each for each in doubted if each))
            users = (*users_of(held.volume, records), *self._holds.users(held.volume))
        decision = volume_catalogue.delete(held, command, users, moment)
        hold.leaving = decision.record.volume.mount_path
        return decision

    def _doubt(self, command: AnyProjectCommand) -> Doubt | None:
        # Looked at now: the control loop may not have seen yet what was read a moment ago.
        return self._store.doubt_about(command.project)

    def _check_whole(self, known: ProjectRecord) -> None:
        """Refuse a record that would order away what runs: its documents are lost as well."""
        reported = self._store.reported.of(known.name).values()
        services = {each.service for report in reported for each in report.containers}
        missing = ", ".join(sorted(services - known.services.keys()))
        if missing:
            raise RecordInDoubt(
                f"project {known.name} can't be restored: no document has {missing}, of which "
                "containers run; create it again to take them over, or delete it with force"
            )
        if not known.services:
            raise RecordInDoubt(
                f"project {known.name} can't be restored: no document describes it; create it "
                "again, or delete it with force"
            )

    def _known(self, project: str, moment: Moment, doubt: Doubt) -> ProjectRecord:
        """The project as the documents show it, with what an old copy of its record still says."""
        store = self._store
        documents = {node: store.documents[node] for node in store.documented.nodes_of(project)}
        old = store.projects.get(project)
        return _accepting(restored_project(project, documents, moment.now, old), doubt)

    def _moment(self, command: AnyCommand) -> Moment:
        """When and as what it is carried out. Raises DeadlinePassed when that is too late."""
        now = self._clock.now()
        if command.expired(now):
            raise DeadlinePassed(f"the deadline {command.deadline} has passed")
        return Moment(now=rfc3339(now), operation_id=uuid.uuid4().hex)


def _accepting(record: RecordT, doubt: Doubt) -> RecordT:
    """The record that is written in place of one in doubt: what proved that is proof no longer."""
    return record.model_copy(update={"accepts": max(record.accepts, doubt.made_from)})


def _too_large(command: AnyProjectCommand, error: TooLarge) -> TooLarge:
    """The refusal of what doesn't fit into the project's record, in words."""
    if not isinstance(command, UpdateProject | RollbackUpdate):
        return error
    return TooLarge(
        f"project {command.project} can't be updated: until an update ends, its record has the "
        "template that is current and the next one, and both together are larger than a message "
        "of NATS may be; make the templates smaller, or raise the servers' max_payload"
    )


def _may_take_over(command: CreateProject | CreateVolume, doubt: Doubt) -> bool:
    """What is lost, anybody may create again; what is there in some form, only on purpose."""
    return doubt.kind is DoubtKind.LOST or command.take_over
