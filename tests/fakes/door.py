"""A door behind which nothing runs: it answers from views, and remembers what it was asked."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence

from coordinator.ports import Answer, nothing
from coordinator.views.queries import Queries
from coordinator.views.rollup import NodePicture, ProjectView
from schemas.command import AnyCommand, CreateProject, ServiceCommand
from schemas.errors import InvalidInput
from schemas.names import split_service_id
from schemas.query import AnyQuery
from schemas.reply import Progress, Reason, ReasonCode, Reply
from tests.fakes.answers import no_revision, no_routing

OPERATION = "op-1"


class Rejection(InvalidInput):
    """What a door raises for a query that it rejects with this reason."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.message, where=reason.where)
        self.code = reason.code


class FakeDoor:
    """Implements `coordinator.ports.Door`. `script` overrides the next answers, first one first."""

    def __init__(
        self, projects: Mapping[str, ProjectView] | None = None, nodes: Sequence[NodePicture] = ()
    ) -> None:
        self.projects = dict(projects or {})
        self.nodes = nodes
        self.submitted: list[AnyCommand] = []
        self.asked: list[AnyQuery] = []
        self.script: deque[Reply | Exception] = deque()
        #: of the next queries
        self.answers: deque[Answer] = deque()
        self.closed_because = ""
        self.doubts: list[str] = []
        self._queries = Queries(
            *(lambda: self.projects, lambda: self.nodes, dict, no_revision, no_routing)
        )

    async def submit(self, command: AnyCommand, decided: Callable[[], None] = nothing) -> Reply:
        self.submitted.append(command)
        decided()
        if self.script:
            return self._scripted()
        fault = self._fault(command)
        if fault:
            return Reply(command_id=command.command_id, outcome="rejected", reason=fault)
        return Reply(
            command_id=command.command_id,
            outcome="accepted",
            operation_id=OPERATION,
            progress=Progress.DONE,
        )

    async def ask(self, query: AnyQuery) -> Answer:
        self.asked.append(query)
        if self.answers:
            return self.answers.popleft()
        if self.script and (reason := self._scripted().reason):
            raise Rejection(reason)
        return await self._queries.ask(query)

    def not_ready_because(self) -> str:
        return self.closed_because

    def in_doubt(self) -> Sequence[str]:
        return self.doubts

    def _scripted(self) -> Reply:
        reply = self.script.popleft()
        if isinstance(reply, Exception):
            raise reply
        return reply

    def _fault(self, command: AnyCommand) -> Reason | None:
        if isinstance(command, CreateProject):
            if command.name not in self.projects:
                return None
            return Reason(code=ReasonCode.CONFLICT, message=f"{command.name} already exists")
        if isinstance(command, ServiceCommand):
            project, service = split_service_id(command.service_id) or ("", "")
            known = project in self.projects and service in self.projects[project].services
        else:
            known = command.name in self.projects
        return None if known else Reason(code=ReasonCode.NOT_FOUND, message="there is no such name")


def rejected(code: ReasonCode, message: str, where: str = "") -> Reply:
    return Reply(outcome="rejected", reason=Reason(code=code, message=message, where=where))
