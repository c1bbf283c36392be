"""`external:` services: a name for an address outside of the cluster, without a container.

The reference's own addition to Compose. Services that link to one, or depend on one, find it under
its name and the link's alias.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from compose.errors import TemplateError, below, clipped, shown
from compose.notes import Notes
from compose.tree import Tree, integer, only_keys, sequence, text


@dataclass(frozen=True, slots=True)
class External:
    """An address outside of the cluster."""

    host: str
    ports: tuple[int, ...]
    where: str

    @property
    def is_address(self) -> bool:
        """Whether the host is an address, and no name."""
        try:
            ip_address(self.host)
        except ValueError:
            return False
        return True


def split_external(
    services: Mapping[str, dict[str, Tree]], where: str, notes: Notes
) -> tuple[dict[str, dict[str, Tree]], dict[str, External]]:
    """The services that have containers, and those that are only addresses.

    Raises:
        TemplateError: an address that is none, or one that has an image too.
    """
    own: dict[str, dict[str, Tree]] = {}
    external: dict[str, External] = {}
    for name, service in services.items():
        at = below(where, name)
        if service.get("external") is None:
            own[name] = service
            continue
        external[name] = _external(service["external"], below(at, "external"))
        extra = [key for key in service if key not in {"external", "name", "labels", "extends"}]
        if extra:
            raise TemplateError(
                f"an address has no container: {clipped(min(extra))} says nothing about it",
                where=below(at, "external"),
            )
        _warn(name, external[name], notes)
    if services and not own:
        raise TemplateError("a template needs at least one service with containers", where=where)
    return own, external


def _external(value: Tree, where: str) -> External:
    found = only_keys(value, where, ("host", "ports"))
    host = text(found.get("host", ""), below(where, "host")).strip()
    if not host or len(host) > 253 or any(sign in host for sign in " /:@\t\n"):
        raise TemplateError(f"{shown(host)} is no host", where=below(where, "host"))
    at = below(where, "ports")
    ports = sequence(found.get("ports", []), at)
    return External(
        host,
        tuple(
            integer(port, below(at, index), minimum=1, maximum=65535)
            for index, port in enumerate(ports)
        ),
        where,
    )


def _warn(name: str, one: External, notes: Notes) -> None:
    if one.is_address:
        notes.warn(f"{name} is an address outside: it is not listed", where=one.where)
        return
    notes.warn(
        f"an engine can give a second name to an address only: use {clipped(one.host)} itself, "
        f"since {name} will not be found",
        where=one.where,
    )
