"""A door behind which nothing runs: it answers from views, and remembers what it was asked."""

from collections import deque
from collections.abc import Mapping, Sequence

from coordinator.errors import NotFound
from coordinator.views.render import answer
from coordinator.views.rollup import NodePicture, ProjectView
from schemas.command import (
    AnyCommand,
    CreateProject,
    Progress,
    Reason,
    ReasonCode,
    Reply,
    ServiceCommand,
)
from schemas.names import split_service_id
from schemas.query import AnyQuery

OPERATION = "op-1"


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
        self.closed_because = ""

    async def submit(self, command: AnyCommand) -> Reply:
        self.submitted.append(command)
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

    async def ask(self, query: AnyQuery) -> Reply:
        self.asked.append(query)
        if self.script:
            return self._scripted()
        try:
            return Reply(outcome="accepted", result=answer(query, self.projects, self.nodes))
        except NotFound as error:
            return rejected(ReasonCode.NOT_FOUND, str(error))

    def not_ready_because(self) -> str:
        return self.closed_because

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
