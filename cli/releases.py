"""confirm, rollback and weight: what somebody decides about a release."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from cli.carrying_out import Batch, Patience, carry_out
from cli.client import Client, warnings_of
from cli.errors import UsageError
from cli.following import Judge, Watch
from cli.operations import about, find
from cli.options import AsJson, connected
from cli.release_end import ReleaseEnd, Wish
from cli.requests import Request
from cli.screen import Screen
from schemas.versions import WEIGHT_MAX, WEIGHT_WORDS

ProjectName = Annotated[str, typer.Argument(help="A project.")]
_REVISION = re.compile(r"[rR]?([0-9]{1,9})")
_TITLES = {
    Wish.CONFIRM: "Confirming",
    Wish.ROLL_BACK: "Rolling back",
    Wish.RETURN: "Rolling back",
}
#: as many digits as are sane
_WEIGHT = re.compile("[0-9]{1,9}")


def add_releases(app: typer.Typer, screen: Screen) -> None:
    """Make the commands."""
    _add_decisions(app, screen)
    _add_weight(app, screen)


def _add_decisions(app: typer.Typer, screen: Screen) -> None:

    @app.command(help=find("confirm_project").summary)
    @connected
    def confirm(
        client: Client,
        patience: Patience,
        name: ProjectName,
        keep_weights: Annotated[
            bool,
            typer.Option(
                "--keep-weights",
                help="Leave the weights as they were set until the old version is gone.",
            ),
        ] = False,
    ) -> None:
        request = Request("confirm_project", {"name": name, "force": not keep_weights})
        _decide(client, screen, patience, Wish.CONFIRM, request)

    @app.command(help=find("rollback_project").summary)
    @connected
    def rollback(
        client: Client,
        patience: Patience,
        name: ProjectName,
        to: Annotated[
            str | None,
            typer.Option("--to", metavar="REVISION", help=about("rollback_project", "to")),
        ] = None,
    ) -> None:
        number = None if to is None else revision_number(to)
        wish = Wish.ROLL_BACK if number is None else Wish.RETURN
        request = Request("rollback_project", {"name": name, "force": True, "to": number})
        _decide(client, screen, patience, wish, request)


def _add_weight(app: typer.Typer, screen: Screen) -> None:
    @app.command(help=find("weight_project").summary)
    @connected
    def weight(
        client: Client,
        name: ProjectName,
        weights: Annotated[
            list[str],
            typer.Argument(
                metavar="SERVICE=VERSION:WEIGHT,...",
                help="Such as `web=1.0:90,2.0:10`: weights are relative to each other. Several "
                "services are several of these.",
            ),
        ],
        as_json: AsJson = False,
    ) -> None:
        body = shares(weights)
        # Until every router has them, as long as the API sees fit.
        answer = client.call("weight_project", body=body, wait=None, name=name)
        screen.warn(*warnings_of(answer))
        if as_json:
            screen.json(body)
            return
        for service, of in body.items():
            words = ", ".join(f"{version} {part}" for version, part in of.items())
            screen.say(f"{service}: {words}")


def revision_number(text: str) -> int:
    """Of `17` or `r17`. Raises UsageError."""
    if not (found := _REVISION.fullmatch(text)):
        raise UsageError(f"{text!r} is no revision: they are numbers, such as 17 or r17")
    return int(found[1])


def shares(arguments: Sequence[str]) -> dict[str, dict[str, int]]:
    """The weights by service and version. Raises UsageError."""
    weights: dict[str, dict[str, int]] = {}
    for argument in arguments:
        service, separator, listed = argument.partition("=")
        if not service or not separator or service in weights:
            must = "must be SERVICE=VERSION:WEIGHT,..., each service once"
            raise UsageError(f"{argument or repr(argument)}: {must}")
        weights[service] = {}
        for each in listed.split(","):
            version, _, weight = each.rpartition(":")
            if not version or version in weights[service]:
                raise UsageError(f"{argument}: {each!r} must be VERSION:WEIGHT, each version once")
            if not _WEIGHT.fullmatch(weight) or int(weight) > WEIGHT_MAX:
                raise UsageError(f"{argument}: the weight of {version} {WEIGHT_WORDS}")
            weights[service][version] = int(weight)
    return weights


def _decide(
    client: Client, screen: Screen, patience: Patience, wish: Wish, request: Request
) -> None:
    name = str(request.values["name"])
    before: Mapping[str, Any] = client.read("view_project", name=name)

    def judging(watch: Watch) -> Judge:
        return ReleaseEnd(watch, name, wish, before).judge

    batch = Batch(f"{_TITLES[wish]} {name}", {name: ()}, (request,))
    carry_out(client, screen, batch, patience, judging)
