"""Which networks a service joins, or which mode it has instead."""

import re
from dataclasses import dataclass

from compose.errors import TemplateError, below, shown
from compose.tree import Tree, is_extension, mapping, only_keys, text, texts

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


def joinings(value: Tree, where: str) -> tuple[Joining, ...]:
    """The service's networks: a list of names, or a map with options."""
    if isinstance(value, list):
        names = dict.fromkeys(texts(value, where))
        return tuple(Joining(name, (), below(where, name)) for name in names)
    return tuple(
        _joining(name, options, below(where, name))
        for name, options in mapping(value, where).items()
        if not is_extension(name)
    )


def alias(written: str, where: str) -> str:
    """A name that a container can answer to."""
    if not _ALIAS.fullmatch(written):
        raise TemplateError(f"{shown(written)} is no host name", where=where)
    return written


def network_mode(value: Tree, where: str) -> str:
    """`host`, `none` or `bridge`.

    Raises:
        TemplateError: any other mode.
    """
    mode = text(value, where)
    if mode in {"host", "none", "bridge"}:
        return mode
    if mode.startswith(("service:", "container:")):
        raise TemplateError("sharing another container's network is not supported yet", where=where)
    raise TemplateError(
        f"must be host, none or bridge, not {shown(mode)}; a network is joined with networks",
        where=where,
    )


def _joining(name: str, options: Tree, where: str) -> Joining:
    if options is None:
        return Joining(name, (), where)
    found = only_keys(options, where, ("aliases",))
    at = below(where, "aliases")
    aliases = texts(found.get("aliases", []), at)
    return Joining(
        name,
        tuple(dict.fromkeys(alias(item, below(at, i)) for i, item in enumerate(aliases))),
        where,
    )
