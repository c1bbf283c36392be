"""up, down and lab: clusters on this machine."""

from typing import Annotated

import typer

from cli.cluster import ClusterSettings
from cli.embedded import Embedded
from cli.home import home, only_one
from cli.lab import Lab
from cli.screen import Screen

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
LiveRestore = Annotated[bool, typer.Option(help="Containers outlive their engine's restarts.")]


def add_local(app: typer.Typer, screen: Screen) -> None:
    """Make the commands of the machine's own cluster."""

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


def add_lab(app: typer.Typer, screen: Screen) -> None:
    """Make the commands of the lab."""

    @app.command("up")
    def lab_up(
        nodes: NodeCount = 3,
        http_port: LabHttpPort = 4380,
        network: LabNetworkNumber = None,
        live_restore: LiveRestore = False,
    ) -> None:
        """Start engines in network namespaces, and a cluster on them."""
        with only_one(home()):
            Lab(screen).up(nodes, http_port=http_port, live_restore=live_restore, number=network)

    @app.command("down")
    def lab_down() -> None:
        """Stop the lab and leave nothing behind."""
        with only_one(home()):
            was_there = Lab(screen).down()
        screen.say("All is gone." if was_there else "No lab runs here.")
