"""The `troopers` command: reads arguments, calls one function, turns errors into exit codes.

Exit codes: 0 done, 1 it failed (one line on standard error says what and where), 2 wrong usage.
"""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from docker.errors import DockerException
from requests.exceptions import RequestException

from cli import projects, volumes
from cli.api import Api
from cli.cluster import ClusterSettings
from cli.config import add_config
from cli.embedded import Embedded
from cli.errors import UsageError
from cli.home import home, only_one
from cli.lab import Lab
from cli.screen import Screen
from cli.status import default_url, show
from schemas.errors import TroopersError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Runs Compose projects on many Docker hosts.",
)
lab_app = typer.Typer(no_args_is_help=True, help="Several nodes on this machine, to play with.")
app.add_typer(lab_app, name="lab")
volume_app = typer.Typer(no_args_is_help=True, help="Storage that every node mounts.")
app.add_typer(volume_app, name="volume")
project_app = typer.Typer(no_args_is_help=True, help="Projects whose records are in doubt.")
app.add_typer(project_app, name="project")
screen = Screen()

NatsPort = Annotated[int, typer.Option(envvar="TROOPERS_NATS_PORT", min=1, max=65535)]
HttpPort = Annotated[int, typer.Option(envvar="TROOPERS_HTTP_PORT", min=1, max=65535)]
AgentPort = Annotated[int, typer.Option(envvar="TROOPERS_AGENT_PORT", min=1, max=65535)]
EngineUrl = Annotated[
    str | None,
    typer.Option(envvar="TROOPERS_ENGINE_URL", help="unix://PATH of the engine to use."),
]
#: More would need more addresses than the lab's network has, and far more memory than sense.
NodeCount = Annotated[int, typer.Option(envvar="NODES", min=1, max=50)]
LabHttpPort = Annotated[int, typer.Option(envvar="TROOPERS_LAB_HTTP_PORT", min=1, max=65535)]
LabNetworkNumber = Annotated[
    int | None,
    typer.Option(
        envvar="TROOPERS_LAB_NETWORK", min=0, max=254, help="N of 10.213.N.0/24; else a free one."
    ),
]
ApiUrl = Annotated[str | None, typer.Option(help="Where the HTTP API is.")]
LiveRestore = Annotated[bool, typer.Option(help="Containers outlive their engine's restarts.")]


@app.command()
def up(
    nats_port: NatsPort = 4222,
    http_port: HttpPort = 4280,
    agent_port: AgentPort = 4290,
    engine_url: EngineUrl = None,
) -> None:
    """Start a cluster on this machine, with an example project in it."""
    settings = ClusterSettings(http_port=http_port, nats_port=nats_port, agent_port=agent_port)
    with only_one(home()):
        Embedded(screen).up(settings, engine_url)


@app.command()
def down() -> None:
    """Stop what `up` started and leave nothing behind."""
    with only_one(home()):
        was_there = Embedded(screen).down()
    screen.say("All is gone." if was_there else "Nothing runs here.")


@lab_app.command("up")
def lab_up(
    nodes: NodeCount = 3,
    http_port: LabHttpPort = 4380,
    network: LabNetworkNumber = None,
    live_restore: LiveRestore = False,
) -> None:
    """Start engines in network namespaces, and a cluster on them."""
    with only_one(home()):
        Lab(screen).up(nodes, http_port=http_port, live_restore=live_restore, number=network)


@lab_app.command("down")
def lab_down() -> None:
    """Stop the lab and leave nothing behind."""
    with only_one(home()):
        was_there = Lab(screen).down()
    screen.say("All is gone." if was_there else "No lab runs here.")


@app.command()
def status(url: ApiUrl = None) -> None:
    """Show nodes, projects and services."""
    show(Api(url or default_url()), screen)


@volume_app.command("create")
def volume_create(
    name: str,
    driver: Annotated[str, typer.Option(help="nas or ossfs.")],
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--opt",
            "-o",
            help="An option of the driver, KEY=VALUE. nas: host, path, mode. ossfs: bucket, url, "
            "no_stat_cache, other_opts. Both: read_only=true, and when_stuck=wait, stop or move: "
            "what becomes of its containers while its server is silent.",
        ),
    ] = None,
    secret_file: Annotated[
        Path | None, typer.Option(help="A file with ID:SECRET, for ossfs.")
    ] = None,
    url: ApiUrl = None,
) -> None:
    """Mount shared storage on every node."""
    created = volumes.create(Api(url or default_url()), name, driver, option or [], secret_file)
    screen.say(f"{created['Name']} is being mounted at {created['Mountpoint']} on every node.")


@volume_app.command("ls")
def volume_ls(url: ApiUrl = None) -> None:
    """Show all volumes, node by node."""
    volumes.show(Api(url or default_url()), screen)


@volume_app.command("inspect")
def volume_inspect(name: str, url: ApiUrl = None) -> None:
    """Show one volume as JSON."""
    screen.say(volumes.inspect(Api(url or default_url()), name))


@volume_app.command("rm")
def volume_rm(name: str, url: ApiUrl = None) -> None:
    """Unmount a volume everywhere and forget it. Remote data stays."""
    is_gone = volumes.remove(Api(url or default_url()), name)
    screen.say(f"{name} is gone." if is_gone else f"{name} is being unmounted.")


@volume_app.command("restore")
def volume_restore(name: str, url: ApiUrl = None) -> None:
    """Make a volume's record again from the nodes' documents, where it is lost or in doubt."""
    volumes.restore(Api(url or default_url()), name)
    screen.say(f"{name} has its record again.")


@project_app.command("restore")
def project_restore(name: str, url: ApiUrl = None) -> None:
    """Make a project's record again from the nodes' documents, where it is lost or in doubt."""
    projects.restore(Api(url or default_url()), name)
    screen.say(f"{name} has its record again. What only the old one knew is among its warnings.")


add_config(app, screen)


def main() -> None:
    """Run the command line; never returns."""
    # `su` keeps the PATH of an ordinary user, on which Debian has no dockerd, ip or iptables.
    os.environ["PATH"] = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    try:
        app()
    except UsageError as error:
        screen.fail(error)
        sys.exit(2)
    except (TroopersError, DockerException, RequestException, OSError) as error:
        screen.fail(error)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
