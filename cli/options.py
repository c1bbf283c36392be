"""The options that many commands have; `connected` makes a client and a patience of them."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.carrying_out import Patience
from cli.client import Client
from cli.status import default_url
from cli.transport import Tls, Transport

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
#: long enough to pull large images on a slow line, short enough for a script that nobody watches
TIMEOUT_S = 600.0

Options = dict[str, tuple[Any, Any]]

PATIENCE: Options = {
    "detach": (
        Annotated[
            bool, typer.Option("--detach", "-d", help="Don't wait: end as soon as it is accepted.")
        ],
        False,
    ),
    "timeout": (
        Annotated[
            float,
            typer.Option(min=0, help="Seconds to wait at most, then exit with 124; 0: no limit."),
        ],
        TIMEOUT_S,
    ),
    "as_json": (AsJson, False),
}

_PANEL = "Connection"


def _file(help_text: str, variable: str) -> Any:
    return typer.Option(
        envvar=variable, help=help_text, dir_okay=False, rich_help_panel=_PANEL, metavar="FILE"
    )


CONNECTION: Options = {
    "url": (
        Annotated[
            str | None,
            typer.Option(
                help="Where the HTTP API is; else TROOPERS_URL, or the cluster of `up`.",
                rich_help_panel=_PANEL,
            ),
        ],
        None,
    ),
    "cacert": (
        Annotated[
            Path | None,
            _file("The authority of an https:// URL; else those of the system.", "TROOPERS_CACERT"),
        ],
        None,
    ),
    "cert": (
        Annotated[Path | None, _file("The certificate to show to the API.", "TROOPERS_CERT")],
        None,
    ),
    "key": (
        Annotated[Path | None, _file("Its key, if not in the same file.", "TROOPERS_KEY")],
        None,
    ),
    "insecure": (
        Annotated[
            bool,
            typer.Option(
                "--insecure", help="Accept any certificate of the API.", rich_help_panel=_PANEL
            ),
        ],
        False,
    ),
}


def connected(command: Callable[..., None]) -> Callable[..., None]:
    """The command with options instead of its parameters `client` and, if it waits, `patience`."""
    own = inspect.signature(command).parameters
    is_patient = "patience" in own

    def run(**given: Any) -> None:
        connection = {name: given.pop(name) for name in CONNECTION}
        if is_patient:
            detach, timeout, as_json = (given.pop(name) for name in PATIENCE)
            given["patience"] = Patience(detach, timeout, as_json)
        command(client=_client(**connection), **given)

    options = {**(PATIENCE if is_patient else {}), **CONNECTION}
    parameters = [each for each in own.values() if each.name not in ("client", "patience")]
    parameters += [
        parameter(name, annotation, default) for name, (annotation, default) in options.items()
    ]
    return as_command(run, command.__name__, command.__doc__ or "", parameters)


def as_command(
    run: Callable[..., None], name: str, about: str, parameters: list[inspect.Parameter]
) -> Callable[..., None]:
    """`run` as typer shall see it: it reads names, help and options from a function's signature."""
    run.__name__ = name
    run.__doc__ = about
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run


def parameter(
    name: str, annotation: Any, default: Any = inspect.Parameter.empty
) -> inspect.Parameter:
    """One that is given by its name. Without a default it must be."""
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
    )


def _client(
    url: str | None, cacert: Path | None, cert: Path | None, key: Path | None, insecure: bool
) -> Client:
    tls = Tls(cacert, cert, key, is_verified=not insecure)
    return Client(Transport.to(url or default_url(), tls))
