"""What differs between two specs, in words for people. Pure.

Of texts only an image is quoted: any other may hold a secret, as values of variables and contents
of files do. Those are named.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from schemas.consequences import CONSEQUENCES, Consequence
from schemas.service import InlineFile, ServiceSpec

#: names that are told of one field
_NAMES_MAX = 5


def recreating(before: ServiceSpec, after: ServiceSpec) -> tuple[str, ...]:
    """The differences for which a container is made anew, by field."""
    return _differences(before, after, Consequence.RECREATE)


def harmless(before: ServiceSpec, after: ServiceSpec) -> tuple[str, ...]:
    """The differences that containers follow as they are."""
    return _differences(before, after, Consequence.UP_TO_DATE)


def _differences(
    before: ServiceSpec, after: ServiceSpec, consequence: Consequence
) -> tuple[str, ...]:
    return tuple(
        _in_words(field, was, is_now)
        for field in ServiceSpec.model_fields
        if CONSEQUENCES[field] is consequence
        and (was := getattr(before, field)) != (is_now := getattr(after, field))
    )


def _in_words(field: str, was: Any, is_now: Any) -> str:
    if field == "image" or (_is_plain(was) and _is_plain(is_now)):
        return f"{field} {_said(was)} -> {_said(is_now)}"
    if isinstance(was, Mapping) and isinstance(is_now, Mapping):
        return f"{field} {_by_name(was, is_now)}"
    if field == "files":
        return f"{field} {_by_name(_by_target(was), _by_target(is_now))}"
    return f"{field} changed"


def _is_plain(value: Any) -> bool:
    """Whether it is a number, a switch or nothing, which are no secrets."""
    return value is None or isinstance(value, bool | int | float)


def _said(value: Any) -> str:
    if value is None:
        return "unset"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _by_target(files: Iterable[InlineFile]) -> dict[str, InlineFile]:
    return {file.target: file for file in files}


def _by_name(was: Mapping[str, Any], is_now: Mapping[str, Any]) -> str:
    """What has become of each name, such as `FOO changed, BAR added`."""
    told = [
        f"{name} {_fate(name, was, is_now)}"
        for name in (*was, *(each for each in is_now if each not in was))
        if name not in was or name not in is_now or was[name] != is_now[name]
    ]
    # Of the same things, only in another order.
    if not told:
        return "changed"
    more = f" and {len(told) - _NAMES_MAX} more" if len(told) > _NAMES_MAX else ""
    return ", ".join(told[:_NAMES_MAX]) + more


def _fate(name: str, was: Mapping[str, Any], is_now: Mapping[str, Any]) -> str:
    if name not in was:
        return "added"
    return "changed" if name in is_now else "removed"
