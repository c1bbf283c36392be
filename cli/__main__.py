"""The `troopers` command: puts all commands together, turns errors into exit codes.

Exit codes: 0 done, 1 it failed (one line on standard error says what and where), 2 wrong usage,
or a file that can't be used, 124 not done in time, 130 interrupted.
"""

import os
import sys
from importlib.metadata import version
from typing import Annotated

import typer
from docker.errors import DockerException
from requests.exceptions import RequestException

from cli.bundle import BundleError
from cli.client import Client
from cli.config import add_config
from cli.deploying import add_deploying
from cli.errors import UsageError
from cli.listing import add_listing
from cli.local import add_lab, add_local
from cli.options import AsJson, connected
from cli.projects import add_projects
from cli.releases import add_releases
from cli.revisions import add_revisions
from cli.scaling import add_scaling
from cli.screen import Screen
from cli.status import show
from cli.verbs import add_verbs
from cli.volumes import add_volumes
from schemas.errors import TroopersError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Runs Compose projects on many Docker hosts.",
)
screen = Screen()


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        screen.say(f"troopers {version('troopers')}")
        raise typer.Exit


@app.callback()
def program(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show this program's version."
        ),
    ] = False,
) -> None:
    """Runs Compose projects on many Docker hosts."""


add_deploying(app, screen)
add_listing(app, screen)
add_verbs(app, screen)
add_scaling(app, screen)
add_releases(app, screen)
add_revisions(app, screen)


@app.command()
@connected
def status(client: Client, as_json: AsJson = False) -> None:
    """Show nodes, projects and services."""
    show(client, screen, as_json=as_json)


add_config(app, screen)


volume_app = typer.Typer(no_args_is_help=True, help="Storage that every node mounts.")
add_volumes(volume_app, screen)
app.add_typer(volume_app, name="volume")
project_app = typer.Typer(no_args_is_help=True, help="Projects whose records are in doubt.")
add_projects(project_app, screen)
app.add_typer(project_app, name="project")
add_local(app, screen)
lab_app = typer.Typer(no_args_is_help=True, help="Several nodes on this machine, to play with.")
add_lab(lab_app, screen)
app.add_typer(lab_app, name="lab")


def main() -> None:
    """Run the command line; never returns."""
    # `su` keeps the PATH of an ordinary user, on which Debian has no dockerd, ip or iptables.
    os.environ["PATH"] = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    try:
        app()
    except (UsageError, BundleError) as error:
        # Files that can't be read or sent are no more than wrong words: nothing was asked for.
        screen.fail(error)
        sys.exit(2)
    except (TroopersError, DockerException, RequestException, OSError) as error:
        screen.fail(error)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
