"""Published and exposed ports, short and long."""

import re
from ipaddress import ip_address
from typing import Literal, cast

from compose.errors import TemplateError, below, shown
from compose.limits import SERVICE_PORTS_MAX
from compose.nested_keys import PORT_KEYS, allowed
from compose.notes import Notes
from compose.tree import Tree, integer, sequence, text
from schemas.service import Port

Protocol = Literal["tcp", "udp", "sctp"]

_SHORT = re.compile(
    r"(?:(?:\[(?P<ip6>[0-9A-Fa-f:.]{2,45})\]|(?P<ip>[0-9A-Fa-f:.]{2,45})):(?=[0-9]*(?:-[0-9]+)?:))?"
    r"(?:(?P<host>[0-9]{0,5})(?:-(?P<host_end>[0-9]{1,5}))?:)?"
    r"(?P<port>[0-9]{1,5})(?:-(?P<port_end>[0-9]{1,5}))?"
    r"(?:/(?P<protocol>[A-Za-z]+))?"
)
_EXPOSED = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?(?:/([A-Za-z]+))?")
_RANGE = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")
_EVERYWHERE = frozenset({"", "0.0.0.0", "::"})


def published(value: Tree, where: str, notes: Notes) -> tuple[Port, ...]:
    """All ports that a service publishes, ranges expanded, each once.

    Raises:
        TemplateError: bad syntax, a bad range, or a host port taken twice by the service itself.
    """
    found: dict[Port, str] = {}
    room = SERVICE_PORTS_MAX
    for index, entry in enumerate(sequence(value, where)):
        at = below(where, index)
        ports = _long(entry, at, notes) if isinstance(entry, dict) else _short(text(entry, at), at)
        room = _less(room, len(ports), at)
        for port in ports:
            found.setdefault(port, at)
    _refuse_taken_twice(found)
    return tuple(found)


def ports_of(entry: Tree, where: str) -> tuple[Port, ...]:
    """All ports of one entry.

    Raises:
        TemplateError: bad syntax or a bad range.
    """
    if isinstance(entry, dict):
        return tuple(_long(entry, where, Notes()))
    return tuple(_short(text(entry, where), where))


def exposed(value: Tree, where: str) -> tuple[str, ...]:
    """All ports that a service exposes, as `80/tcp`."""
    found: dict[str, None] = {}
    room = SERVICE_PORTS_MAX
    for index, entry in enumerate(sequence(value, where)):
        at = below(where, index)
        match = _EXPOSED.fullmatch(text(entry, at))
        if match is None:
            raise TemplateError(
                f"must be a port such as 80 or 80/udp, not {shown(entry)}", where=at
            )
        protocol = _protocol(match[3] or "tcp", at)
        ports = _ports(match[1], match[2], at)
        room = _less(room, len(ports), at)
        found.update(dict.fromkeys(f"{port}/{protocol}" for port in ports))
    return tuple(found)


def _less(room: int, ports: int, where: str) -> int:
    # Ports that come twice count twice: a range is short to write, and long to read again.
    if ports > room:
        raise TemplateError(f"more than {SERVICE_PORTS_MAX} ports", where=where)
    return room - ports


class HostPorts:
    """Which host ports are taken, and by whom."""

    def __init__(self) -> None:
        self._taken: dict[tuple[int, Protocol], dict[str, str]] = {}

    def take(self, port: Port, owner: str) -> str | None:
        """Note the port as taken; the owner that it can't share a node with, if there is one."""
        if port.host_port is None:
            return None
        owners = self._taken.setdefault((port.host_port, port.protocol), {})
        if port.host_ip in _EVERYWHERE:
            clash = next(iter(owners.values()), None)
        else:
            on = (port.host_ip, *_EVERYWHERE)
            clash = next((owners[ip] for ip in on if ip in owners), None)
        owners.setdefault(port.host_ip, owner)
        return clash


def port_text(port: Port) -> str:
    """A port in the short syntax."""
    host_ip = f"[{port.host_ip}]" if ":" in port.host_ip else port.host_ip
    host = f"{host_ip}:" if host_ip else ""
    if port.host_port is not None or port.host_choice or host:
        host += f"{port.host_port or port.host_choice}:"
    return f"{host}{port.container_port}{'' if port.protocol == 'tcp' else f'/{port.protocol}'}"


def _short(written: str, where: str) -> list[Port]:
    match = _SHORT.fullmatch(written.strip())
    if match is None:
        raise TemplateError(
            f"must be [[ip:]host:]container[/protocol], not {shown(written)}", where=where
        )
    protocol = _protocol(match["protocol"] or "tcp", where)
    host_ip = _ip(match["ip6"] or match["ip"] or "", where)
    inner = _ports(match["port"], match["port_end"], where)
    outer: range | None = None
    if match["host"]:
        outer = _ports(match["host"], match["host_end"], where)
    elif match["host_end"]:
        raise TemplateError("a range of host ports needs a start", where=where)
    return _paired(inner, outer, protocol, host_ip, where)


def _paired(
    inner: range, outer: range | None, protocol: Protocol, host_ip: str, where: str
) -> list[Port]:
    if outer is not None and len(outer) != len(inner):
        if len(inner) == 1:
            choice = f"{outer.start}-{outer.stop - 1}"
            return [
                Port(
                    container_port=inner.start,
                    protocol=protocol,
                    host_ip=host_ip,
                    host_choice=choice,
                )
            ]
        raise TemplateError("the two ranges are not equally long", where=where)
    return [
        Port(
            container_port=port,
            protocol=protocol,
            host_ip=host_ip,
            host_port=None if outer is None else outer[index],
        )
        for index, port in enumerate(inner)
    ]


def _long(entry: dict[str, Tree], where: str, notes: Notes) -> list[Port]:
    found = allowed(entry, where, PORT_KEYS)
    if "target" not in found:
        raise TemplateError("needs a target", where=where)
    target = integer(found["target"], below(where, "target"), minimum=1, maximum=65535)
    protocol = _protocol(text(found.get("protocol", "tcp"), below(where, "protocol")), where)
    host_ip = _ip(text(found.get("host_ip", ""), below(where, "host_ip")), where)
    mode = text(found.get("mode", "host"), below(where, "mode"))
    if mode not in {"host", "ingress"}:
        raise TemplateError(
            f"must be host or ingress, not {shown(mode)}", where=below(where, "mode")
        )
    if "app_protocol" in found:
        notes.warn(PORT_KEYS["app_protocol"].advice, where=below(where, "app_protocol"))
    if mode == "ingress":
        notes.warn("published on the nodes that run the service, not on all", where=where)
    outer: range | None = None
    host = text(found.get("published", ""), below(where, "published"))
    if host not in {"", "0"}:
        match = _RANGE.fullmatch(host)
        if match is None:
            raise TemplateError(
                f"must be a port, not {shown(host)}", where=below(where, "published")
            )
        outer = _ports(match[1], match[2], below(where, "published"))
    return _paired(range(target, target + 1), outer, protocol, host_ip, where)


def _ports(first: str, last: str | None, where: str) -> range:
    start, end = int(first), int(last or first)
    if not 1 <= start <= 65535 or not 1 <= end <= 65535:
        raise TemplateError("a port is a number from 1 to 65535", where=where)
    if end < start:
        raise TemplateError(f"the range {start}-{end} ends before it starts", where=where)
    if end - start >= SERVICE_PORTS_MAX:
        raise TemplateError(f"a range of more than {SERVICE_PORTS_MAX} ports", where=where)
    return range(start, end + 1)


def _protocol(written: str, where: str) -> Protocol:
    word = written.lower()
    if word not in {"tcp", "udp", "sctp"}:
        raise TemplateError(f"{shown(written)} is none of tcp, udp and sctp", where=where)
    return cast("Protocol", word)


def _ip(written: str, where: str) -> str:
    if not written:
        return ""
    try:
        ip_address(written)
    except ValueError as error:
        raise TemplateError(f"{shown(written)} is no IP address", where=where) from error
    return written


def _refuse_taken_twice(found: dict[Port, str]) -> None:
    taken = HostPorts()
    for port, where in found.items():
        if taken.take(port, where) is not None:
            raise TemplateError(f"the host port {port.host_port} is published twice", where=where)
