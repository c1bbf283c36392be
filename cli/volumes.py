"""`troopers volume`: shared volumes through the HTTP API.

Keys are read from the environment or a file, never from the command line, which every user of the
machine can see.
"""

import os
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.client import Client
from cli.errors import ApiError, UsageError
from cli.options import AsJson, connected
from cli.screen import Screen

SECRET_NAMES = ("ak_id", "ak_secret")
_COLUMNS = ("name", "driver", "node", "state", "mountpoint", "containers", "reason")


def add_volumes(app: typer.Typer, screen: Screen) -> None:
    """Make the commands."""

    @app.command("create")
    @connected
    def volume_create(
        client: Client,
        name: str,
        driver: Annotated[str, typer.Option(help="nas or ossfs.")],
        option: Annotated[
            list[str] | None,
            typer.Option(
                "--opt",
                "-o",
                help="An option of the driver, KEY=VALUE. nas: host, path, mode. ossfs: bucket, "
                "url, no_stat_cache, other_opts. Both: read_only=true, and when_stuck=wait, stop "
                "or move: what becomes of its containers while its server is silent.",
            ),
        ] = None,
        secret_file: Annotated[
            Path | None, typer.Option(help="A file with ID:SECRET, for ossfs.")
        ] = None,
    ) -> None:
        """Mount shared storage on every node."""
        created = create(client, name, driver, option or [], secret_file)
        screen.say(f"{created['Name']} is being mounted at {created['Mountpoint']} on every node.")

    @app.command("ls")
    @connected
    def volume_ls(client: Client, as_json: AsJson = False) -> None:
        """Show all volumes, node by node."""
        volumes = client.read("list_volumes")["Volumes"]
        if as_json:
            screen.json(volumes)
        else:
            screen.table("Volumes", _COLUMNS, [_row(volume) for volume in volumes])

    @app.command("inspect")
    @connected
    def volume_inspect(client: Client, name: str) -> None:
        """Show one volume as JSON."""
        screen.json(client.read("inspect_volume", name=name))

    @app.command("rm")
    @connected
    def volume_rm(client: Client, name: str) -> None:
        """Unmount a volume everywhere and forget it. Remote data stays."""
        is_gone = remove(client, name)
        screen.say(f"{name} is gone." if is_gone else f"{name} is being unmounted.")

    @app.command("restore")
    @connected
    def volume_restore(client: Client, name: str) -> None:
        """Make a volume's record again from the nodes' documents, where it is lost or in doubt."""
        client.call("restore_volume", wait=None, name=name)
        screen.say(f"{name} has its record again.")


def create(
    client: Client, name: str, driver: str, options: Sequence[str], secret_file: Path | None
) -> Mapping[str, Any]:
    """Create a volume of `key=value` options. Raises UsageError or ApiError."""
    given: dict[str, str] = {}
    for option in options:
        key, separator, value = option.partition("=")
        if not separator or not key:
            raise UsageError(f"-o {option}: must be KEY=VALUE")
        if key.lower() in SECRET_NAMES:
            raise UsageError(
                f"-o {key}=…: other users see command lines; use --secret-file, or set "
                "TROOPERS_AK_ID and TROOPERS_AK_SECRET"
            )
        given[key] = value
    secret = _secret(secret_file) if driver == "ossfs" else {}
    body = {"name": name, "driver": driver, "driverOpts": {**given, **secret}}
    created: Mapping[str, Any] = client.call("create_volume", body=body, wait=None).body
    return created


def remove(client: Client, name: str) -> bool:
    """Unmount it everywhere; remote data stays. Whether that is done already. Raises ApiError."""
    client.call("delete_volume", wait=None, name=name)
    try:
        client.read("inspect_volume", name=name)
    except ApiError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        return True
    return False


def _row(volume: Mapping[str, Any]) -> tuple[str, ...]:
    before = (str(volume.get(key, "")) for key in ("Name", "Driver", "Node", "State", "Mountpoint"))
    return (*before, str(len(volume.get("Refs") or ())), str(volume.get("Reason", "")))


def _secret(file: Path | None) -> dict[str, str]:
    """From a file with the line ID:SECRET, or from the environment."""
    if file is not None:
        try:
            identity, separator, secret = file.read_text().strip().partition(":")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"--secret-file {file}: can't be read: {error}") from error
        if not separator or len(secret.splitlines()) != 1:
            raise UsageError(f"{file}: must hold one line, ID:SECRET")
        return dict(zip(SECRET_NAMES, (identity, secret), strict=True))
    found = {name: os.environ.get(f"TROOPERS_{name.upper()}", "") for name in SECRET_NAMES}
    return {name: value for name, value in found.items() if value}
