"""The `aliyun.*` labels: typed, checked, and shaped as the API shows them.

A label that Troopers acts on lands in a field of its own; every one of them lands in
`extensions`, without its prefix and nested at the dots.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from compose.errors import TemplateError, below, clipped, shown
from compose.label_values import (
    ACTED_ON,
    LOG_LABEL,
    PARALLELISM,
    label_kind,
    label_kinds,
    label_value,
    route_rules,
)
from compose.notes import Notes
from schemas.service import Probe
from schemas.template import RouteRule

PREFIX = "aliyun."

#: `container` stands for the container's address.
_PROBE_URL = re.compile(
    r"(?:http://container(?::([0-9]{1,5}))?(?:/\S*)?|tcp://container:([0-9]{1,5}))"
)


@dataclass(frozen=True, slots=True)
class AliyunLabels:
    """A service's `aliyun.*` labels. None: the template doesn't say."""

    scale: int | None = None
    is_global: bool | None = None
    depends: tuple[str, ...] = ()
    probe: Probe | None = None
    latest_image: bool = False
    #: containers of one batch of an update; None: nothing is said about updates
    rolling: int | None = None
    routes: tuple[RouteRule, ...] = ()
    is_sticky: bool = True
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
    values = {
        key: label_value(key, value, below(where, PREFIX + key)) for key, value in given.items()
    }
    _check_scaling(values, where)
    _warn_of_kept(values, where, notes)
    _warn_of_lone(values, where, notes)
    said = given.get(PARALLELISM, "1")
    if values.get(PARALLELISM) == 1 and said.strip() != "1":
        notes.warn(f"{shown(said)} is taken as 1", where=below(where, PREFIX + PARALLELISM))
    probe = _probe(values, where, notes)
    return AliyunLabels(
        scale=values.get("scale"),
        is_global=values.get("global"),
        depends=tuple(values.get("depends", ())),
        probe=probe,
        latest_image=values.get("latest_image", False),
        rolling=_rolling(values),
        routes=_routes(values),
        is_sticky=values.get("routing.session_sticky", True),
        extensions=_nested(values, where, notes),
    )


def _rolling(values: Mapping[str, Any]) -> int | None:
    return values.get(PARALLELISM, 1) if values.get("rolling_updates") else None


def _routes(values: Mapping[str, Any]) -> tuple[RouteRule, ...]:
    """By port, so that the order of labels makes no difference."""
    rules = (rule for key, value in values.items() for rule in route_rules(key, value))
    return tuple(sorted(dict.fromkeys(rules), key=lambda rule: rule.port))


def catalogue() -> dict[str, bool]:
    """Every label that has a meaning, and whether Troopers acts on it."""
    return {PREFIX + kind: kind in ACTED_ON for kind in label_kinds()}


def _check_scaling(values: Mapping[str, Any], where: str) -> None:
    for of in ("cpu", "memory", "instances"):
        low, high = (values.get(f"auto_scaling.{end}_{of}") for end in ("min", "max"))
        if low is not None and high is not None and low > high:
            at = below(where, f"{PREFIX}auto_scaling.min_{of}")
            raise TemplateError(f"is above max_{of}, which is {high}", where=at)


def _warn_of_kept(values: Mapping[str, Any], where: str, notes: Notes) -> None:
    """One warning for each kind of label in the whole template: real ones have dozens of them."""
    for key in values:
        if label_kind(key) in ACTED_ON:
            continue
        notes.gather(
            f"{PREFIX}{label_kind(key)} is kept and shown, but nothing acts on it yet",
            where=where.removesuffix(".labels"),
        )


def _warn_of_lone(values: Mapping[str, Any], where: str, notes: Notes) -> None:
    """Some labels only say more about another one."""
    for key in values:
        log = LOG_LABEL.fullmatch(key)
        if log is not None and log[1] == "ttl" and f"log_store_{log[2]}" not in values:
            needed = f"log_store_{log[2]}"
        elif key == "routing.session_sticky" and not any(
            other.startswith("routing.port_") for other in values
        ):
            needed = "routing.port_N"
        else:
            continue
        notes.warn(f"has no effect without {PREFIX}{needed}", where=below(where, PREFIX + key))


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
    parallelism = rest.pop(PARALLELISM, None)
    if rest.get("rolling_updates"):
        rest["rolling_updates"] = {"parallelism": parallelism or 1}
    elif parallelism is not None:
        at = below(where, PREFIX + PARALLELISM)
        notes.warn(f"has no effect without {PREFIX}rolling_updates", where=at)
    nested: dict[str, Any] = {}
    for key, value in rest.items():
        log = LOG_LABEL.fullmatch(key)
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
