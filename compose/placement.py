"""Scheduling expressions among the environment: where a service's containers may run.

    constraint:group==web      a node's label, name or index; != for anything but
    affinity:service!=db       which containers are on the node
    availability:az==2         spread over that many zones
    reschedule:on-node-failure place elsewhere when the node is down

A `~` after the operator makes an expression best effort. In a value `*` matches anything,
`/.../` is a regular expression, and `(a|b)` is a choice: `compose.patterns` is the whole language.
"""

import re
from dataclasses import dataclass, field
from typing import Literal, cast

from compose.errors import TemplateError, shown
from compose.patterns import UnusablePattern, value_pattern
from schemas.template import Expression, PlacementPolicy

_PREFIX = re.compile(r"(constraint|affinity|availability|reschedule|whitelist):")
_KEY = re.compile(r"[a-z_][a-z0-9._-]+", re.IGNORECASE)
_VALUE = re.compile(r"[a-z0-9:\-_\s.*/()?+\[\]\\^$|]+", re.IGNORECASE)
_IMAGES = re.compile(r"affinity:image[=!]=")
_ZONES = re.compile(r"(~?)([1-9][0-9]{0,2})")
#: A value is matched against names and labels of every node; these bounds keep that cheap
#: whatever a template says.
_VALUE_MAX = 128
_EXPRESSIONS_MAX = 16


def is_expression(entry: str) -> bool:
    """Whether an environment entry is for the scheduler and not for the container."""
    return _PREFIX.match(entry) is not None


def caveat(entry: str) -> str:
    """What an expression means here, where that is less than in classic Swarm; empty: the same."""
    if _IMAGES.match(entry):
        return "sees the images of the projects' containers only, none that a node merely stores"
    return ""


@dataclass(slots=True)
class PolicyReader:
    """Reads a service's expressions, one after the other, into its policy."""

    _expressions: dict[Expression, None] = field(default_factory=dict)
    _zones: tuple[int, bool] | None = None
    _reschedule: bool | None = None

    def read(self, entry: str, where: str) -> None:
        """Take one entry that `is_expression`.

        Raises:
            TemplateError: it doesn't follow the grammar, or contradicts an earlier one.
        """
        kind, _, rest = entry.partition(":")
        match kind:
            case "constraint" | "affinity":
                if len(self._expressions) >= _EXPRESSIONS_MAX:
                    raise TemplateError(f"more than {_EXPRESSIONS_MAX} expressions", where=where)
                self._expressions[_expression(kind, rest.strip(), where)] = None
            case "availability":
                self._read_zones(rest.strip(), where)
            case "reschedule":
                self._read_reschedule(rest.strip(), where)
            case _:
                raise TemplateError(f"{kind}: expressions are not supported", where=where)

    def policy(self) -> PlacementPolicy:
        zones, is_soft = self._zones or (None, False)
        return PlacementPolicy(
            expressions=tuple(self._expressions),
            zones_min=zones,
            zones_soft=is_soft,
            reschedule=bool(self._reschedule),
        )

    def _read_zones(self, rest: str, where: str) -> None:
        key, _, value = rest.partition("==")
        match = _ZONES.fullmatch(value)
        if key != "az" or match is None:
            raise TemplateError("must be availability:az==N, N from 1 to 999", where=where)
        if self._zones is not None:
            raise TemplateError("there is more than one availability expression", where=where)
        self._zones = (int(match[2]), bool(match[1]))

    def _read_reschedule(self, rest: str, where: str) -> None:
        if rest not in {"off", "on-node-failure"}:
            raise TemplateError(
                f"invalid reschedule policy {shown(rest)}: must be off or on-node-failure",
                where=where,
            )
        if self._reschedule is not None:
            raise TemplateError("too many reschedule policies", where=where)
        self._reschedule = rest == "on-node-failure"


def _expression(kind: str, rest: str, where: str) -> Expression:
    # `==` is looked for first, so `a!=b==c` is a bad key and no negation.
    operator = "==" if "==" in rest else "!="
    key, found, value = rest.partition(operator)
    if not found:
        raise TemplateError(f"{kind}:{shown(rest)} has neither == nor !=", where=where)
    if not _KEY.fullmatch(key):
        raise TemplateError(f"{shown(key)} is no key for {kind}:", where=where)
    is_soft = value.startswith("~")
    value = value.removeprefix("~")
    if len(value) > _VALUE_MAX or not _VALUE.fullmatch(value):
        raise TemplateError(f"{shown(value)} is no value for {kind}:", where=where)
    try:
        value_pattern(value)
    except UnusablePattern as error:
        raise TemplateError(f"{shown(value)} is no pattern: {error}", where=where) from error
    return Expression(
        kind=cast("Literal['constraint', 'affinity']", kind),
        key=key,
        negated=operator == "!=",
        value=value,
        soft=is_soft,
    )
