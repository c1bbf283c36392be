"""`Intake`: the one door for commands and queries, from every face.

A command is decided by pure functions (`domain.catalogue`), becomes real with one compare-and-set
of its project's record, and is carried out by the control loop. Reads: the picture. Writes: KV
`projects`, the audit stream.
"""

import asyncio
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol
from weakref import WeakValueDictionary

import structlog

from compose.template import compile_template
from coordinator.domain import catalogue
from coordinator.domain.catalogue import Decision, Moment
from coordinator.domain.progress import Standing, progress
from coordinator.domain.render import answer
from coordinator.errors import BusUnavailable, DeadlinePassed, NotActive, RevisionConflict
from coordinator.failpoints import failpoint
from coordinator.picture import Held, Picture
from coordinator.ports import Bucket, NodeRequests
from schemas.codec import decode
from schemas.command import (
    AnyCommand,
    AnyQuery,
    CreateProject,
    Progress,
    ProjectCommand,
    Reason,
    ReasonCode,
    Reply,
)
from schemas.errors import InvalidInput, Transient
from schemas.records import ProjectRecord

log = structlog.get_logger()

#: told of every command and its first answer
Journal = Callable[[AnyCommand, Reply], None]

#: A lost race is read and decided again; only a bus gone mad loses more often.
ATTEMPTS_MAX = 5


class Follower(Protocol):
    """Who carries out what was decided."""

    def wake(self) -> None:
        """A record has changed."""
        ...

    def reread_and_wake(self) -> None:
        """A record may have changed without our knowing."""
        ...


class Intake:
    """Implements `coordinator.ports.Door`."""

    def __init__(
        self,
        picture: Picture,
        projects: Bucket,
        requests: NodeRequests,
        journal: Journal,
        follower: Follower,
        *,
        default_domain: str = "",
    ) -> None:
        self._picture = picture
        self._projects = projects
        self._requests = requests
        self._journal = journal
        self._follower = follower
        self._default_domain = default_domain
        # A lock lives as long as somebody holds or awaits it: names are the callers' to invent.
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._closed_because = "the coordinator is starting"

    def open(self) -> None:
        """Commands are taken from now on."""
        self._closed_because = ""

    def close(self, reason: str) -> None:
        """Refuse commands, saying why; queries are still answered."""
        self._closed_because = reason

    def not_ready_because(self) -> str:
        return self._closed_because

    async def ask(self, query: AnyQuery) -> Reply:
        now = time.monotonic()
        try:
            body = answer(
                query,
                self._picture.views(now),
                self._picture.node_pictures(now),
                default_domain=self._default_domain,
            )
        except InvalidInput as error:
            return _rejected("", error)
        return Reply(outcome="accepted", result=body)

    async def submit(self, command: AnyCommand) -> Reply:
        try:
            reply, is_new = await self._take(command)
        except (InvalidInput, Transient) as error:
            reply, is_new = _rejected(command.command_id, error), True
        if is_new:
            self._journal(command, reply)
        if reply.outcome == "accepted" and reply.progress is None and command.wait > 0:
            return await self._wait(command, reply)
        return reply

    async def _take(self, command: AnyCommand) -> tuple[Reply, bool]:
        """Decide and save. Second: whether this is the first time the command is seen."""
        if self._closed_because:
            raise NotActive(self._closed_because)
        name = _project_of(command)
        # One project's commands take turns, so that the record a decision was made on is the one it
        # is written over. Different projects don't wait for each other.
        turn = self._turns.setdefault(name, asyncio.Lock())
        async with turn:
            for attempt in range(ATTEMPTS_MAX):
                held = self._picture.projects.get(name)
                record = held.value if held else None
                known = catalogue.remembered(record, command)
                if known is not None:
                    return known, False
                decision = await self._decide(record, command)
                try:
                    await self._save(decision.record, held.revision if held else 0)
                except RevisionConflict:
                    if attempt == ATTEMPTS_MAX - 1:
                        raise
                    await self._reread(name)
                else:
                    fault = await self._send_signals(decision)
                    return _with_fault(decision.reply, fault), True
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _decide(self, record: ProjectRecord | None, command: AnyCommand) -> Decision:
        now = datetime.now(UTC)
        if command.expired(now):
            raise DeadlinePassed(f"the deadline {command.deadline} has passed")
        moment = Moment(now=_rfc3339(now), operation_id=uuid.uuid4().hex)
        if isinstance(command, CreateProject):
            catalogue.check_new_name(record, command)
            # A template may be a megabyte of hostile YAML; the loop has heartbeats to count.
            template = await asyncio.to_thread(
                compile_template, command.name, command.template, command.environment
            )
            return catalogue.create(record, command, template, moment)
        view = self._picture.views(time.monotonic()).get(_project_of(command))
        running = view is not None and any(
            container.runs for service in view.services.values() for container in service.containers
        )
        return catalogue.apply(record, command, moment, running=running)

    async def _save(self, record: ProjectRecord, revision: int) -> None:
        failpoint("before_record_put")
        try:
            new_revision = await self._projects.put(record.name, record, revision)
        except (BusUnavailable, asyncio.CancelledError):
            # It may have been written all the same, and must not lie there until someone stumbles
            # over it.
            self._follower.reread_and_wake()
            raise
        failpoint("after_record_put")
        self._picture.projects[record.name] = Held(record, new_revision)
        self._picture.touch()
        self._follower.wake()

    async def _reread(self, name: str) -> None:
        found = (await self._projects.snapshot()).get(name)
        if found is None:
            self._picture.projects.pop(name, None)
        else:
            self._picture.projects[name] = Held(decode(ProjectRecord, found[0]), found[1])

    async def _send_signals(self, decision: Decision) -> str:
        """Deliver a signal that doesn't change what is wanted. Returns what went wrong, if any."""
        view = self._picture.views(time.monotonic()).get(decision.record.name)
        faults = []
        for name in decision.signalled if view else ():
            by_node: defaultdict[str, list[str]] = defaultdict(list)
            for container in view.services[name].containers if view else ():
                if container.runs:
                    by_node[container.node].append(container.current.id)
            for node, containers in sorted(by_node.items()):
                fault = await self._requests.signal(node, tuple(containers), decision.signal)
                if fault:
                    faults.append(f"signal {decision.signal} to {name} on node {node}: {fault}")
        return "; ".join(faults)

    async def _wait(self, command: AnyCommand, reply: Reply) -> Reply:
        """The reply with how far the operation came within the command's wait."""
        try:
            async with asyncio.timeout(command.wait):
                while (standing := self._standing(command, reply)).progress is Progress.RUNNING:
                    await self._picture.change()
        except TimeoutError:
            return reply.model_copy(update={"progress": Progress.RUNNING})
        reason = None
        if standing.progress is Progress.FAILED:
            reason = Reason(code=ReasonCode.FAILED, message=standing.reason)
        elif standing.progress is Progress.SUPERSEDED:
            reason = Reason(code=ReasonCode.CONFLICT, message=standing.reason)
        return reply.model_copy(update={"progress": standing.progress, "reason": reason})

    def _standing(self, command: AnyCommand, reply: Reply) -> Standing:
        now = time.monotonic()
        name = _project_of(command)
        held = self._picture.projects.get(name)
        return progress(
            reply.operation_id,
            self._picture.views(now).get(name),
            self._picture.held_documents(),
            self._picture.node_pictures(now),
            is_applied=held is not None and self._picture.applied.get(name) == held.revision,
        )


def _project_of(command: AnyCommand) -> str:
    if isinstance(command, ProjectCommand):
        return command.name
    return command.service_id.partition("_")[0]


def _rejected(command_id: str, error: Exception) -> Reply:
    code = getattr(error, "code", ReasonCode.INVALID)
    where = getattr(error, "where", "")
    reason = Reason(code=code, message=str(error), where=where)
    return Reply(command_id=command_id, outcome="rejected", reason=reason)


def _with_fault(reply: Reply, fault: str) -> Reply:
    if not fault:
        return reply
    reason = Reason(code=ReasonCode.FAILED, message=fault)
    return reply.model_copy(update={"progress": Progress.FAILED, "reason": reason})


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
