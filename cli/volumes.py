"""`troopers volume`: shared volumes through the HTTP API.

Keys are read from the environment or a file, never from the command line, which every user of the
machine can see.
"""

import json
import os
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cli.api import Api
from cli.errors import ApiError, UsageError
from cli.screen import Screen

SECRET_NAMES = ("ak_id", "ak_secret")


def create(
    api: Api, name: str, driver: str, options: Sequence[str], secret_file: Path | None
) -> dict[str, Any]:
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
    created: dict[str, Any] = api.post("/volumes/create", body)
    return created


def remove(api: Api, name: str) -> bool:
    """Unmount it everywhere; remote data stays. Whether that is done already. Raises ApiError."""
    path = f"/volumes/{quote(name, safe='')}"
    api.delete(path)
    try:
        api.get(path)
    except ApiError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        return True
    return False


def restore(api: Api, name: str) -> None:
    """Make its record again from the nodes' documents. Raises ApiError."""
    api.post(f"/volumes/{quote(name, safe='')}/restore")


def inspect(api: Api, name: str) -> str:
    """The volume as JSON. Raises ApiError."""
    return json.dumps(api.get(f"/volumes/{quote(name, safe='')}"), indent=2)


def show(api: Api, screen: Screen) -> None:
    """Print a table, a row for each volume on each node. Raises ApiError."""
    screen.table(
        "Volumes",
        ("name", "driver", "node", "state", "mountpoint", "containers", "reason"),
        [_row(volume) for volume in api.get("/volumes")["Volumes"]],
    )


def _row(volume: Mapping[str, Any]) -> tuple[str, ...]:
    before = (str(volume.get(key, "")) for key in ("Name", "Driver", "Node", "State", "Mountpoint"))
    return (*before, str(len(volume.get("Refs") or ())), str(volume.get("Reason", "")))


def _secret(file: Path | None) -> dict[str, str]:
    """From a file with the line ID:SECRET, or from the environment."""
    if file is not None:
        identity, separator, secret = file.read_text().strip().partition(":")
        if not separator or len(secret.splitlines()) != 1:
            raise UsageError(f"{file}: must hold one line, ID:SECRET")
        return dict(zip(SECRET_NAMES, (identity, secret), strict=True))
    found = {name: os.environ.get(f"TROOPERS_{name.upper()}", "") for name in SECRET_NAMES}
    return {name: value for name, value in found.items() if value}
