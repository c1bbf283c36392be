"""`external:` services: a name for an address outside of the cluster, without a container.

The reference's own addition to Compose. Services that link to one, or depend on one, find it under
its name and the link's alias.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from compose.errors import TemplateError, below, clipped, shown
from compose.labels import aliyun_labels
from compose.nested_keys import OUTSIDE_KEYS, allowed
from compose.normalise import NormalService
from compose.notes import Notes
from compose.own_labels import own_labels
from compose.tree import Tree, integer, sequence, text

_USERS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class External:
    """An address outside of the cluster."""

    host: str
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
        external[name] = _external(service["external"], below(at, "external"), notes)
        extra = [key for key in service if key not in {"external", "name", "labels", "extends"}]
        if extra:
            raise TemplateError(
                f"an address has no container: {clipped(min(extra))} says nothing about it",
                where=below(at, "external"),
            )
        if external[name].is_address:
            notes.warn(
                f"{name} is an address outside: it is not listed", where=external[name].where
            )
        _read_labels(service.get("labels") or {}, below(at, "labels"), notes)
    if services and not own:
        raise TemplateError("a template needs at least one service with containers", where=where)
    return own, external


def _external(value: Tree, where: str, notes: Notes) -> External:
    found = allowed(value, where, OUTSIDE_KEYS)
    host = text(found.get("host", ""), below(where, "host")).strip()
    if not host or len(host) > 253 or any(sign in host for sign in " /:@\t\n"):
        raise TemplateError(f"{shown(host)} is no host", where=below(where, "host"))
    at = below(where, "ports")
    ports = sequence(found.get("ports", []), at)
    for index, port in enumerate(ports):
        integer(port, below(at, index), minimum=1, maximum=65535)
    if ports:
        notes.warn(OUTSIDE_KEYS["ports"].advice, where=at)
    return External(host, where)


def _read_labels(value: Tree, where: str, notes: Notes) -> None:
    """What a service with containers couldn't have, this one can't have either."""
    labels = own_labels(value, where, notes)
    aliyun_labels(labels, where, Notes())
    if labels:
        notes.warn("no container carries them: no effect", where=where)


def names_of(service: NormalService) -> set[str]:
    """The other services that a service links to or depends on."""
    return {link.service for link in service.links} | {one.service for one in service.depends}


def warn_of_names(
    external: Mapping[str, External], services: Sequence[NormalService], notes: Notes
) -> None:
    """Say who will look in vain for a host that is no address."""
    for name, one in external.items():
        if one.is_address:
            continue
        users = [service.name for service in services if name in names_of(service)]
        more = f" and {len(users) - _USERS_SHOWN} more" if len(users) > _USERS_SHOWN else ""
        who = f" by {', '.join(map(clipped, users[:_USERS_SHOWN]))}{more}" if users else ""
        notes.warn(
            f"an engine can give a second name to an address only: {name} will not be found{who}; "
            f"use {clipped(one.host)} itself",
            where=one.where,
        )
