"""What each `aliyun.*` label may say. Labels are named without the prefix here."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from compose.errors import TemplateError, shown
from compose.tree import boolean, hint, integer, number
from schemas.command import SCALE_MAX
from schemas.template import RouteRule

PARALLELISM = "rolling_updates.parallelism"
#: its store's name is in it
LOG_LABEL = re.compile(r"log_(store|ttl)_([A-Za-z0-9_-]{1,63})")
_DOMAIN = re.compile(r"[A-Za-z0-9*]([A-Za-z0-9_.*-]*[A-Za-z0-9])?")
_PORT_LABEL = re.compile(r"(routing|lb)\.port_([0-9]{1,5})")
_LOGS_LABEL = re.compile(r"logs\.([A-Za-z0-9_-]{1,63})")
_BALANCER = re.compile(r"(?:tcp|udp|http|https)://[^\s:/]{1,128}:([0-9]{1,5})")
#: the reference's bounds of a domain and of a path below it
_DOMAIN_MAX, _CONTEXT_MAX = 128, 128
#: A day is longer than any start-up, and far from what a clock can't hold.
_PROBE_SECONDS_MAX = 86_400

Reader = Callable[[str, str], Any]


def label_value(key: str, written: str, where: str) -> Any:
    """Read a label's value.

    Raises:
        TemplateError: the catalogue doesn't have the label, or the value isn't what it must be.
    """
    reader = _READERS.get(key)
    if reader is not None:
        return reader(written, where)
    if match := _PORT_LABEL.fullmatch(key):
        integer(match[2].lstrip("0"), where, minimum=1, maximum=65535)
        return (_routes if match[1] == "routing" else _balancers)(written, where)
    if match := LOG_LABEL.fullmatch(key):
        if match[1] == "ttl":
            return integer(written, where, minimum=1, maximum=365)
        return _word(written, where)
    if _LOGS_LABEL.fullmatch(key):
        return _word(written, where)
    raise TemplateError(f"unknown label{hint(key, _READERS)}", where=where)


def _word(written: str, where: str) -> str:
    if not written.strip():
        raise TemplateError("must not be empty", where=where)
    return written.strip()


def _listed(separator: str) -> Reader:
    def read(written: str, where: str) -> list[str]:
        items = [item.strip() for item in written.split(separator)]
        found = list(dict.fromkeys(item for item in items if item))
        if not found:
            raise TemplateError("must not be empty", where=where)
        return found

    return read


def _routes(written: str, where: str) -> list[str]:
    routes: list[str] = _listed(";")(written, where)
    for route in routes:
        scheme, separator, rest = route.rpartition("://")
        if separator and scheme != "http":
            raise TemplateError(f"{shown(route)}: only http is routed", where=where)
        domain, context = _split_route(rest)
        if not _DOMAIN.fullmatch(domain) or len(domain) > _DOMAIN_MAX:
            raise TemplateError(f"{shown(domain)} is no domain or prefix of one", where=where)
        if len(context) > _CONTEXT_MAX or re.search(r"\s", context):
            raise TemplateError(f"{shown(context)} is no path of a route", where=where)
    return routes


def route_rules(key: str, written: Sequence[str]) -> Iterator[RouteRule]:
    """What the value of a `routing.port_N` label means; none, of another label."""
    match = _PORT_LABEL.fullmatch(key)
    if match is None or match[1] != "routing":
        return
    for route in written:
        domain, context = _split_route(route.rpartition("://")[2])
        # Names of hosts are alike in any case; paths are not.
        yield RouteRule(port=int(match[2]), domain=domain.lower(), path=context.strip("/"))


def _split_route(written: str) -> tuple[str, str]:
    domain, *context = re.split("[:/]", written, maxsplit=1)
    return domain, context[0] if context else ""


def _balancers(written: str, where: str) -> list[str]:
    found: list[str] = _listed(";")(written, where)
    for balancer in found:
        match = _BALANCER.fullmatch(balancer)
        if match is None or not 1 <= int(match[1]) <= 65535:
            raise TemplateError(
                f"must be scheme://balancer:port with tcp, udp, http or https, not {shown(balancer)}",
                where=where,
            )
    return found


def _parallelism(written: str, where: str) -> int:
    # The rule of this label, and of no other: what is no number means one at a time.
    try:
        return integer(written, where, minimum=1, maximum=SCALE_MAX)
    except TemplateError:
        return 1


def _scale(written: str, where: str) -> int:
    return integer(written, where, maximum=SCALE_MAX)


def _seconds(written: str, where: str) -> float:
    seconds = number(written, where)
    if seconds > _PROBE_SECONDS_MAX:
        raise TemplateError(f"must be at most {_PROBE_SECONDS_MAX}", where=where)
    return int(seconds) if seconds == int(seconds) else seconds


def _percent(written: str, where: str) -> int:
    return integer(written, where, maximum=100)


_READERS: dict[str, Reader] = {
    "scale": _scale,
    "global": boolean,
    "depends": _listed(","),
    "probe.url": _word,
    "probe.cmd": _word,
    "probe.timeout_seconds": _seconds,
    "probe.initial_delay_seconds": _seconds,
    "latest_image": boolean,
    "rolling_updates": boolean,
    PARALLELISM: _parallelism,
    "routing.session_sticky": boolean,
    "logs": _listed(";"),
    "log.timestamp": boolean,
    "proxy.VIRTUAL_HOST": _word,
    **dict.fromkeys(
        [f"auto_scaling.{end}_{of}" for end in ("max", "min") for of in ("cpu", "memory")], _percent
    ),
    **dict.fromkeys(
        [f"auto_scaling.{word}" for word in ("step", "max_instances", "min_instances")], _scale
    ),
}
ACTED_ON = frozenset(
    {
        "scale",
        "global",
        "depends",
        "latest_image",
        "probe.url",
        "probe.cmd",
        "probe.timeout_seconds",
        "probe.initial_delay_seconds",
        "rolling_updates",
        PARALLELISM,
        "routing.port_N",
        "routing.session_sticky",
    }
)


def label_kinds() -> list[str]:
    """Every label of the catalogue."""
    named = ("routing.port_N", "lb.port_N", "log_store_NAME", "log_ttl_NAME", "logs.NAME")
    return sorted((*_READERS, *named))


def label_kind(key: str) -> str:
    """The label as the catalogue has it."""
    for pattern, kind in (
        (_PORT_LABEL, r"\1.port_N"),
        (LOG_LABEL, r"log_\1_NAME"),
        (_LOGS_LABEL, "logs.NAME"),
    ):
        if match := pattern.fullmatch(key):
            return match.expand(kind)
    return key
