"""`troopers project`: what an operator does about a project whose record is in doubt."""

from urllib.parse import quote

from cli.api import Api


def restore(api: Api, name: str) -> None:
    """Make its record again from the nodes' documents. Raises ApiError."""
    api.post(f"/projects/{quote(name, safe='')}/restore")
