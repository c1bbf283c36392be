"""The `aliyun.*` labels: typed, checked, and shaped as the API shows them.

A label that Troopers acts on lands in a field of its own; every one of them lands in
`extensions`, without its prefix and nested at the dots.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from compose.errors import TemplateError, below, clipped, shown
from compose.notes import Notes
from compose.tree import boolean, hint, integer, number
from schemas.command import SCALE_MAX
from schemas.service import Probe

PREFIX = "aliyun."

#: `container` stands for the container's address.
_PROBE_URL = re.compile(
    r"(?:http://container(?::([0-9]{1,5}))?(?:/\S*)?|tcp://container:([0-9]{1,5}))"
)
_DOMAIN = re.compile(r"[A-Za-z0-9*]([A-Za-z0-9_.*-]*[A-Za-z0-9])?")
_PORT_LABEL = re.compile(r"(routing|lb)\.port_([0-9]{1,5})")
_LOG_LABEL = re.compile(r"log_(store|ttl)_([A-Za-z0-9_-]{1,63})")
_LOGS_LABEL = re.compile(r"logs\.([A-Za-z0-9_-]{1,63})")
_BALANCER = re.compile(r"(?:tcp|udp|http|https)://[^\s:/]{1,128}:([0-9]{1,5})")
#: the reference's bounds of a domain and of a path below it
_DOMAIN_MAX, _CONTEXT_MAX = 128, 128
#: A day is longer than any start-up, and far from what a clock can't hold.
_PROBE_SECONDS_MAX = 86_400

Reader = Callable[[str, str], Any]


@dataclass(frozen=True, slots=True)
class AliyunLabels:
    """A service's `aliyun.*` labels. None: the template doesn't say."""

    scale: int | None = None
    is_global: bool | None = None
    depends: tuple[str, ...] = ()
    probe: Probe | None = None
    latest_image: bool = False
    #: as the API shows them, without `scale`, which a command may have changed since
    extensions: Mapping[str, Any] = field(default_factory=dict)


def aliyun_labels(labels: Mapping[str, str], where: str, notes: Notes) -> AliyunLabels:
    """Read those of the labels that start with the prefix.

    Raises:
        TemplateError: one of them isn't in the catalogue, or its value isn't what it must be.
    """
    given = {
        key.removeprefix(PREFIX): value for key, value in labels.items() if key.startswith(PREFIX)
    }
    values = {key: _value(key, value, below(where, PREFIX + key)) for key, value in given.items()}
    for key in values:
        if key not in _ACTED_ON:
            notes.warn(
                "kept and shown, but nothing acts on it yet", where=below(where, PREFIX + key)
            )
    _warn_of_lone(values, where, notes)
    probe = _probe(values, where, notes)
    return AliyunLabels(
        scale=values.get("scale"),
        is_global=values.get("global"),
        depends=tuple(values.get("depends", ())),
        probe=probe,
        latest_image=values.get("latest_image", False),
        extensions=_nested(values, where, notes),
    )


def catalogue() -> dict[str, bool]:
    """Every label that has a meaning, and whether Troopers acts on it."""
    names = (
        *_READERS,
        "routing.port_N",
        "lb.port_N",
        "log_store_NAME",
        "log_ttl_NAME",
        "logs.NAME",
    )
    return {PREFIX + name: name in _ACTED_ON for name in sorted(names)}


def _warn_of_lone(values: Mapping[str, Any], where: str, notes: Notes) -> None:
    """Some labels only say more about another one."""
    for key in values:
        log = _LOG_LABEL.fullmatch(key)
        if log is not None and log[1] == "ttl" and f"log_store_{log[2]}" not in values:
            needed = f"log_store_{log[2]}"
        elif key == "routing.session_sticky" and not any(
            other.startswith("routing.port_") for other in values
        ):
            needed = "routing.port_N"
        else:
            continue
        notes.warn(f"has no effect without {PREFIX}{needed}", where=below(where, PREFIX + key))


def _value(key: str, written: str, where: str) -> Any:
    reader = _READERS.get(key)
    if reader is not None:
        return reader(written, where)
    if match := _PORT_LABEL.fullmatch(key):
        integer(match[2].lstrip("0"), where, minimum=1, maximum=65535)
        return (_routes if match[1] == "routing" else _balancers)(written, where)
    if match := _LOG_LABEL.fullmatch(key):
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
        domain, context = (*re.split("[:/]", rest, maxsplit=1), "")[:2]
        if not _DOMAIN.fullmatch(domain) or len(domain) > _DOMAIN_MAX:
            raise TemplateError(f"{shown(domain)} is no domain or prefix of one", where=where)
        if len(context) > _CONTEXT_MAX or re.search(r"\s", context):
            raise TemplateError(f"{shown(context)} is no path of a route", where=where)
    return routes


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
    "rolling_updates.parallelism": _parallelism,
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
_ACTED_ON = frozenset(
    {
        "scale",
        "global",
        "depends",
        "latest_image",
        "probe.url",
        "probe.cmd",
        "probe.timeout_seconds",
        "probe.initial_delay_seconds",
    }
)


def _probe(values: Mapping[str, Any], where: str, notes: Notes) -> Probe | None:
    url, cmd = values.get("probe.url"), values.get("probe.cmd")
    if url is not None and cmd is not None:
        raise TemplateError(
            "a probe has a url or a cmd, not both", where=below(where, f"{PREFIX}probe.cmd")
        )
    if url is None and cmd is None:
        if any(key.startswith("probe.") for key in values):
            notes.warn("has no effect without a url or a cmd", where=below(where, f"{PREFIX}probe"))
        return None
    if url is not None:
        _check_probe_url(url, below(where, f"{PREFIX}probe.url"))
    timeout = values.get("probe.timeout_seconds")
    if timeout == 0:
        raise TemplateError(
            "must be above zero", where=below(where, f"{PREFIX}probe.timeout_seconds")
        )
    delay = float(values.get("probe.initial_delay_seconds", 0))
    if timeout is None:
        return Probe(url=url, cmd=cmd, initial_delay_s=delay)
    return Probe(url=url, cmd=cmd, timeout_s=float(timeout), initial_delay_s=delay)


def _check_probe_url(url: str, where: str) -> None:
    match = _PROBE_URL.fullmatch(url)
    port = (match[1] or match[2] or "80") if match else "0"
    if not 1 <= int(port) <= 65535:
        raise TemplateError(
            f"must be http://container[:port][/path] or tcp://container:port, not {shown(url)}",
            where=where,
        )


def _nested(values: Mapping[str, Any], where: str, notes: Notes) -> dict[str, Any]:
    """The API's shape: `rolling_updates` and its parallelism are one, the rest nests at dots."""
    rest = {key: value for key, value in values.items() if key != "scale"}
    parallelism = rest.pop("rolling_updates.parallelism", None)
    if rest.get("rolling_updates"):
        rest["rolling_updates"] = {"parallelism": parallelism or 1}
    elif parallelism is not None:
        at = below(where, f"{PREFIX}rolling_updates.parallelism")
        notes.warn(f"has no effect without {PREFIX}rolling_updates", where=at)
    nested: dict[str, Any] = {}
    for key, value in rest.items():
        log = _LOG_LABEL.fullmatch(key)
        group, _, leaf = (f"log_{log[1]}", ".", log[2]) if log else key.partition(".")
        if not leaf:
            # A list of logs and named logs can't share one key of the answer.
            if group in nested:
                raise TemplateError(
                    "is given both with and without names", where=below(where, PREFIX + key)
                )
            nested[group] = value
            continue
        inner = nested.setdefault(group, {})
        if not isinstance(inner, dict):
            raise TemplateError(
                "is given both with and without names", where=below(where, PREFIX + clipped(key))
            )
        inner[leaf] = value
    return nested
