"""start, stop, kill, redeploy, rm: commands that are made from the route table.

A verb names the operations that it stands for; its options, their help and their defaults are those
of the routes' parameters.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer

from cli.carrying_out import Batch, Patience, carry_out
from cli.client import Client
from cli.errors import ApiError, UsageError
from cli.names import Name
from cli.operations import find
from cli.options import as_command, connected, parameter
from cli.requests import Request
from cli.screen import Screen
from schemas.routes import Kind, Parameter

_TYPES: dict[Kind, type] = {
    Kind.TEXT: str,
    Kind.FLAG: bool,
    Kind.SWITCH: bool,
    Kind.TIMEOUT: int,
    Kind.SIGNAL: str,
    Kind.WAIT: float,
}


@dataclass(frozen=True, slots=True)
class Verb:
    """A word of the command line, and the operations behind it."""

    name: str
    #: in words, while it is under way
    title: str
    project: str
    #: none: it is about whole projects only
    service: str = ""
    #: how a parameter is written as an option; those that are not here are `--name`
    flags: dict[str, tuple[str, ...]] = field(default_factory=dict)


VERBS = (
    Verb("start", "Starting", "start_project", "start_service"),
    Verb("stop", "Stopping", "stop_project", "stop_service", {"t": ("-t", "--time")}),
    Verb("kill", "Signalling", "kill_project", "kill_service", {"signal": ("-s", "--signal")}),
    Verb("redeploy", "Redeploying", "redeploy_project"),
    Verb(
        "rm", "Removing", "delete_project",
        flags={"force": ("-f", "--force"), "v": ("-v", "--volumes")},
    ),
)  # fmt: skip


def add_verbs(app: typer.Typer, screen: Screen) -> None:
    """Make a command of every verb."""
    for verb in VERBS:
        app.command(verb.name)(connected(_command(verb, screen)))


def _command(verb: Verb, screen: Screen) -> Callable[..., None]:
    def run(client: Client, name: str, patience: Patience, **given: Any) -> None:
        chosen = Name.of(name)
        request = _request(verb, chosen, given)
        batch = Batch(f"{verb.title} {name}", {chosen.project: chosen.services}, (request,))
        try:
            carry_out(client, screen, batch, patience)
        except ApiError as error:
            # The API's parameter, as it is called here.
            words = str(error).replace("use force", "use --force")
            raise ApiError(words, status=error.status) from error

    parameters = [
        parameter("client", Client),
        parameter("name", Annotated[str, typer.Argument(help=_what(verb))]),
        *(_option(each, verb) for each in find(verb.project).parameters),
        parameter("patience", Patience),
    ]
    return as_command(run, verb.name, _summary(verb), parameters)


def _summary(verb: Verb) -> str:
    of_project = find(verb.project).summary
    if not verb.service:
        return of_project
    of_service = find(verb.service).summary
    return f"{of_project} Of one service: {of_service[0].lower()}{of_service[1:]}"


def _request(verb: Verb, chosen: Name, given: dict[str, Any]) -> Request:
    if not chosen.service:
        return Request(verb.project, {"name": chosen.project, **given})
    if not verb.service:
        raise UsageError(
            f"{verb.name} is about whole projects, and {chosen.text} is a service of one"
        )
    return Request(verb.service, {"service_id": chosen.text, **given})


def _what(verb: Verb) -> str:
    return "A project, or a service such as shop_web." if verb.service else "A project."


def _option(of: Parameter, verb: Verb) -> inspect.Parameter:
    """The option that becomes this parameter."""
    names = verb.flags.get(of.name, (f"--{of.name.replace('_', '-')}",))
    option = typer.Option(*names, help=of.about)
    return parameter(of.name, Annotated[_TYPES[of.kind], option], of.default)
