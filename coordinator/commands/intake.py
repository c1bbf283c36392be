"""`Intake`: the one door for commands and queries, from every face.

A command is decided by pure functions (`domain.catalogue`), becomes real with one compare-and-set
of its record, and is carried out by the control loop. Reads: the picture. Writes: KV `projects` and
`volumes`, the audit stream.
"""

import asyncio
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

import structlog

from compose.template import compile_template
from coordinator.commands import catalogue
from coordinator.commands.catalogue import Decision
from coordinator.commands.operations import Moment
from coordinator.commands.progress import Standing, progress
from coordinator.commands.record_writer import Desk, Follower
from coordinator.commands.signalling import Signalling
from coordinator.errors import DeadlinePassed, NotActive
from coordinator.ports import Answer, Bucket, NodeRequests, nothing
from coordinator.store.picture import Picture
from coordinator.views.queries import Queries
from coordinator.views.render import reserved_variables
from coordinator.volumes import lifecycle as volumes
from coordinator.volumes.holds import Hold, VolumeHolds
from coordinator.volumes.lifecycle import VolumeDecision
from coordinator.volumes.views import users_of
from schemas.command import (
    AnyCommand,
    AnyProjectCommand,
    AnyVolumeCommand,
    CreateProject,
    CreateVolume,
    Progress,
    Reason,
    ReasonCode,
    Reply,
    VolumeCommand,
)
from schemas.errors import InvalidInput, Transient
from schemas.query import AnyQuery
from schemas.records import Operation, ProjectRecord, RememberedReply, VolumeRecord
from schemas.volume import BASE_DIRECTORY

log = structlog.get_logger()

#: More would only wait for each other: it is all processor time.
TEMPLATES_AT_ONCE = 2

#: told of every command and its first answer
Journal = Callable[[AnyCommand, Reply], None]


class RecordBuckets(Protocol):
    """Where records are kept."""

    @property
    def projects(self) -> Bucket: ...
    @property
    def volumes(self) -> Bucket: ...


@dataclass(frozen=True, slots=True)
class _Taken:
    """A command that was decided, now or before."""

    reply: Reply
    operation: Operation | None
    is_new: bool
    delivery: "asyncio.Task[Reply] | None" = None


class Intake:
    """Implements `coordinator.ports.Door`."""

    def __init__(
        self,
        picture: Picture,
        buckets: RecordBuckets,
        requests: NodeRequests,
        journal: Journal,
        follower: Follower,
        *,
        default_domain: str = "",
        mount_base: str = BASE_DIRECTORY,
    ) -> None:
        self._picture = picture
        self._projects = Desk(
            ProjectRecord, buckets.projects, lambda: picture.projects, picture, follower
        )
        self._volumes = Desk(
            VolumeRecord, buckets.volumes, lambda: picture.volumes, picture, follower
        )
        self._signalling = Signalling(picture, requests)
        self._deliveries: dict[tuple[str, str], asyncio.Task[Reply]] = {}
        self._journal = journal
        self._queries = Queries(
            lambda: picture.views(time.monotonic()),
            lambda: picture.node_pictures(time.monotonic()),
            lambda: picture.volume_views(time.monotonic()),
            default_domain=default_domain,
            mount_base=mount_base,
        )
        self._default_domain = default_domain
        self._mount_base = mount_base
        self._holds = VolumeHolds(picture)
        self._compilers = asyncio.Semaphore(TEMPLATES_AT_ONCE)
        #: of the operations that somebody waits for, by id, and the picture's version then
        self._standings: dict[str, Standing] = {}
        self._standings_at = -1
        self._closed_because = "the coordinator is starting"

    def open(self) -> None:
        """Commands are taken from now on."""
        self._closed_because = ""

    def close(self, reason: str) -> None:
        """Refuse commands, saying why; queries are still answered."""
        self._closed_because = reason

    def not_ready_because(self) -> str:
        return self._picture.halted_because or self._closed_because

    async def ask(self, query: AnyQuery) -> Answer:
        return await self._queries.ask(query)

    async def submit(self, command: AnyCommand, decided: Callable[[], None] = nothing) -> Reply:
        try:
            taken = await self._take(command)
        except (InvalidInput, Transient) as error:
            reply = Reply.rejecting(error, command_id=command.command_id)
            self._journal(command, reply)
            return reply
        decided()
        if taken.is_new and taken.delivery is None:
            self._journal(command, taken.reply)
        if taken.reply.progress is None and command.wait > 0:
            return await self._wait(command, taken)
        return taken.reply

    async def _take(self, command: AnyCommand) -> _Taken:
        """Decide, save, and begin to deliver signals."""
        if why := self.not_ready_because():
            raise NotActive(why)
        with self._holds.hold() as hold:
            if isinstance(command, VolumeCommand):
                decision = await self._volumes.take(
                    command.name, command, lambda held: self._decide_on_volume(held, command, hold)
                )
                return _taken(decision)
            decided = await self._projects.take(
                command.project, command, lambda held: self._decide_on_project(held, command, hold)
            )
        taken = _taken(decided)
        if isinstance(decided, RememberedReply) or not decided.signalled:
            return taken
        begun = taken.reply.model_copy(update={"progress": None})
        return replace(taken, reply=begun, delivery=self._begin_delivery(command, decided))

    def _begin_delivery(
        self, command: AnyProjectCommand, decision: Decision
    ) -> "asyncio.Task[Reply]":
        """Deliver; sent again meanwhile, the command waits for the same delivery."""
        key = (command.project, command.command_id)
        if key not in self._deliveries:
            task = asyncio.create_task(self._deliver(command, decision))
            self._deliveries[key] = task
            task.add_done_callback(lambda _: self._deliveries.pop(key))
        return self._deliveries[key]

    async def _deliver(self, command: AnyProjectCommand, decision: Decision) -> Reply:
        reply = decision.reply.plain
        fault = await self._signalling.deliver(command.project, decision.signalled, decision.signal)
        if fault:
            reason = Reason(code=ReasonCode.FAILED, message=fault)
            reply = reply.model_copy(update={"progress": Progress.FAILED, "reason": reason})
        else:
            try:
                await self._projects.take(
                    command.project, command, lambda held: _remembered(held, decision)
                )
            except (InvalidInput, Transient) as error:
                # Delivered it is. Sent again, the command would signal again, and that is all.
                log.warning("a delivered signal is not remembered", error=str(error))
        self._journal(command, reply)
        return reply

    async def _decide_on_project(
        self, held: ProjectRecord | None, command: AnyProjectCommand, hold: Hold
    ) -> Decision:
        moment = _moment(command)
        if isinstance(command, CreateProject):
            catalogue.check_new_name(held, command)
            reserved = reserved_variables(command.name, command.version, self._default_domain)
            # A template may be a megabyte of hostile YAML; the loop has heartbeats to count.
            async with self._compilers:
                template = await asyncio.to_thread(
                    compile_template,
                    command.name,
                    command.template,
                    {**command.environment, **reserved},
                    self._holds.available(),
                    mount_base=self._mount_base,
                )
            self._holds.use(hold, command.name, template)
            return catalogue.create(held, command, template, moment)
        view = self._picture.views(time.monotonic()).get(command.project)
        services = view.services if view else {}
        # Also on a node that is silent: unknown is not absent.
        running = any(
            each.current.running for service in services.values() for each in service.containers
        )
        unsettled = {name for name, each in services.items() if not each.is_settled}
        return catalogue.apply(held, command, moment, running=running, unsettled=unsettled)

    async def _decide_on_volume(
        self, held: VolumeRecord | None, command: AnyVolumeCommand, hold: Hold
    ) -> VolumeDecision:
        moment = _moment(command)
        if isinstance(command, CreateVolume):
            others = (each.value for each in self._picture.volumes.values())
            return volumes.create(held, command, others, moment, self._mount_base)
        views = self._picture.views(time.monotonic()).values()
        users = (*users_of(held.volume, views), *self._holds.users(held.volume)) if held else ()
        decision = volumes.delete(held, command, users, moment)
        hold.leaving = decision.record.volume.mount_path
        return decision

    async def _wait(self, command: AnyCommand, taken: _Taken) -> Reply:
        """The reply with how far the operation came within the command's wait."""
        reply, operation = taken.reply, taken.operation
        try:
            async with asyncio.timeout(command.wait):
                if taken.delivery is not None:
                    delivered = await asyncio.shield(taken.delivery)
                    if delivered.progress is not None:
                        return delivered
                while operation is not None:
                    standing = self._standing(command, operation)
                    if standing.progress is not Progress.RUNNING:
                        break
                    await self._picture.change()
                else:
                    return reply
        except TimeoutError:
            return reply.model_copy(update={"progress": Progress.RUNNING})
        reason = None
        if standing.progress is Progress.FAILED:
            reason = Reason(code=ReasonCode.FAILED, message=standing.reason)
        elif standing.progress is Progress.SUPERSEDED:
            reason = Reason(code=ReasonCode.CONFLICT, message=standing.reason)
        return reply.model_copy(update={"progress": standing.progress, "reason": reason})

    def _standing(self, command: AnyCommand, operation: Operation) -> Standing:
        """Where it stands. Looked at once per change: all who wait are woken in the same turn."""
        if self._standings_at != self._picture.version:
            self._standings, self._standings_at = {}, self._picture.version
        standing = self._standings.get(operation.id)
        if standing is None:
            standing = self._standings[operation.id] = self._look(command, operation)
        return standing

    def _look(self, command: AnyCommand, operation: Operation) -> Standing:
        now = time.monotonic()
        if isinstance(command, VolumeCommand):
            held = self._picture.volumes.get(command.name)
            nodes = self._picture.nodes_at_change(now)
            return volumes.progress(operation, held.value if held else None, nodes)
        record = self._picture.projects.get(command.project)
        applied = self._picture.applied.get(command.project)
        view = self._picture.views(now).get(command.project)
        is_applied = record is not None and applied == record.revision
        return progress(operation, view, self._picture.lag_at_change(now), is_applied=is_applied)


def _taken(found: RememberedReply | Decision | VolumeDecision) -> _Taken:
    if isinstance(found, RememberedReply):
        return _Taken(found.plain, found.operation, is_new=False)
    return _Taken(found.reply.plain, found.reply.operation, is_new=True)


async def _remembered(held: ProjectRecord | None, decision: Decision) -> Decision:
    return catalogue.remember(held, decision)


def _moment(command: AnyCommand) -> Moment:
    """When and as what the command is carried out. Raises DeadlinePassed when that is too late."""
    now = datetime.now(UTC)
    if command.expired(now):
        raise DeadlinePassed(f"the deadline {command.deadline} has passed")
    stamp = now.isoformat().replace("+00:00", "Z")
    return Moment(now=stamp, operation_id=uuid.uuid4().hex)
