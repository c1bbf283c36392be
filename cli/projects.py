"""`troopers project`: what an operator does about a project whose record is in doubt."""

import typer

from cli.client import Client
from cli.options import connected
from cli.screen import Screen


def add_projects(app: typer.Typer, screen: Screen) -> None:
    """Make the command."""

    @app.command("restore")
    @connected
    def project_restore(client: Client, name: str) -> None:
        """Make a project's record again from the nodes' documents, where it is lost or in doubt."""
        client.call("restore_project", wait=None, name=name)
        screen.say(
            f"{name} has its record again. What only the old one knew is among its warnings."
        )

    @app.callback()
    def projects() -> None:
        """Projects whose records are in doubt."""
