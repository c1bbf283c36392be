"""Which networks a service joins, and what it answers to there."""

import re
from dataclasses import dataclass
from ipaddress import ip_address

from compose.errors import TemplateError, below, shown
from compose.notes import Notes
from compose.section_keys import JOINING_KEYS, understood_section
from compose.tree import INT_MAX, Tree, is_extension, mapping, number, text, texts

#: What Docker's own DNS can answer to.
_ALIAS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}")
#: Every project has one without declaring it.
DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Joining:
    """A network that a service joins, by its key in the template."""

    network: str
    aliases: tuple[str, ...]
    where: str
    ipv4_address: str = ""
    ipv6_address: str = ""
    link_local_ips: tuple[str, ...] = ()
    #: of several, the one with the highest is joined first
    priority: float = 0


def joinings(value: Tree, where: str, notes: Notes) -> tuple[Joining, ...]:
    """The service's networks in the order of joining: a list of names, or a map with options."""
    if isinstance(value, list):
        names = dict.fromkeys(texts(value, where))
        return tuple(Joining(name, (), below(where, name)) for name in names)
    found = (
        _joining(name, options, below(where, name), notes)
        for name, options in mapping(value, where).items()
        if not is_extension(name)
    )
    # The order of keys means nothing, so it must not decide which network is joined first.
    return tuple(sorted(found, key=lambda one: (-one.priority, one.network)))


def alias(written: str, where: str) -> str:
    """A name that a container can answer to."""
    if not _ALIAS.fullmatch(written):
        raise TemplateError(f"{shown(written)} is no host name", where=where)
    return written


def _joining(name: str, options: Tree, where: str, notes: Notes) -> Joining:
    found = understood_section(options or {}, where, JOINING_KEYS, notes)
    at = below(where, "aliases")
    aliases = texts(found.get("aliases", []), at)
    local_at = below(where, "link_local_ips")
    local = texts(found.get("link_local_ips", []), local_at)
    return Joining(
        name,
        tuple(dict.fromkeys(alias(item, below(at, i)) for i, item in enumerate(aliases))),
        where,
        ipv4_address=_address(found.get("ipv4_address", ""), below(where, "ipv4_address"), 4),
        ipv6_address=_address(found.get("ipv6_address", ""), below(where, "ipv6_address"), 6),
        link_local_ips=tuple(
            _address(item, below(local_at, i), None) for i, item in enumerate(local)
        ),
        priority=number(found.get("priority", 0), below(where, "priority"), minimum=-INT_MAX),
    )


def _address(value: Tree, where: str, version: int | None) -> str:
    written = text(value, where)
    if not written:
        return ""
    try:
        address = ip_address(written)
    except ValueError as error:
        raise TemplateError(f"{shown(written)} is no IP address", where=where) from error
    if version not in {None, address.version}:
        raise TemplateError(f"must be an IPv{version} address, not {shown(written)}", where=where)
    return written
