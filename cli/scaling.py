"""`scale`: how many containers services have, as Compose and as Swarm users write it."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from cli.carrying_out import Batch, Patience, carry_out
from cli.client import Client
from cli.errors import UsageError
from cli.names import Name
from cli.options import connected
from cli.pictures import mapping
from cli.requests import Request
from cli.screen import Screen
from schemas.names import service_id

#: of a scale command, by the sign before its number
_TYPES = {"": "scale_to", "+": "scale_out", "-": "scale_in"}


def add_scaling(app: typer.Typer, screen: Screen) -> None:
    """Make the command."""

    @app.command()
    @connected
    def scale(
        client: Client,
        patience: Patience,
        arguments: Annotated[
            list[str],
            typer.Argument(
                metavar="[PROJECT] SERVICE=N...",
                help="`shop web=3 worker=2`, or service ids: `shop_web=3`. +1 and -1 are relative.",
            ),
        ],
    ) -> None:
        """Change how many containers services have."""
        wanted = scales(arguments)
        for name, body in wanted.items():
            # Before the first one is changed, not half-way.
            shown = client.read("inspect_service", service_id=name.text, containers=False)
            _check_decrease(name, body, mapping(shown.get("extensions")).get("scale"))
        requests = tuple(
            Request("scale_service", {"service_id": name.text}, body)
            for name, body in wanted.items()
        )
        projects: dict[str, tuple[str, ...]] = {}
        for name in wanted:
            projects[name.project] = (*projects.get(name.project, ()), name.service)
        title = f"Scaling {' '.join(name.text for name in wanted)}"
        carry_out(client, screen, Batch(title, projects, requests), patience)


def _check_decrease(name: Name, body: Mapping[str, Any], scale: object) -> None:
    """Refuse to take away more than there is: the API would stop the service. Raises UsageError."""
    less = body["value"]
    if body["type"] != _TYPES["-"] or not isinstance(scale, int) or less <= scale:
        return
    what = f"{name.service} has {scale} container{'' if scale == 1 else 's'}"
    raise UsageError(
        f"{name.service}=-{less}: {what}, so there are no {less} to take away; "
        f"`troopers scale {name.project} {name.service}=0` leaves none"
    )


def scales(arguments: Sequence[str]) -> dict[Name, dict[str, Any]]:
    """The bodies of the scale commands, by service. Raises UsageError."""
    project = ""
    if "=" not in arguments[0]:
        project, *arguments = arguments
        if not arguments:
            raise UsageError(f"scale {project}: which service, and how many? SERVICE=N")
    wanted: dict[Name, dict[str, Any]] = {}
    for argument in arguments:
        service, _, number = argument.rpartition("=")
        name = Name.of(service_id(project, service) if project else service)
        if not name.service:
            hint = f"PROJECT_SERVICE=N, or a project first: scale PROJECT {argument}"
            raise UsageError(f"{argument}: {hint}")
        if not (found := re.fullmatch(r"([+-]?)([0-9]{1,9})", number)):
            raise UsageError(f"{argument}: {number!r} is no number of containers")
        if name in wanted:
            raise UsageError(f"{argument}: {service} is named twice")
        wanted[name] = {"type": _TYPES[found[1]], "value": int(found[2])}
    return wanted
