"""`healthcheck` and `restart`: how a container is watched, and what happens when it ends."""

import re
from typing import Literal, cast

from compose.errors import TemplateError, below, shown
from compose.nested_keys import HEALTHCHECK_KEYS, allowed
from compose.notes import Notes
from compose.tree import Tree, boolean, integer, text, texts
from compose.units import seconds
from schemas.service import Healthcheck, Restart

#: The engine refuses anything between nothing and this.
_TIME_MIN_S = 0.001
_RESTART = re.compile(r"(no|always|unless-stopped|on-failure)(?::([0-9]{1,9}))?")
_RETRIES_MAX = 2**31 - 1


def healthcheck(value: Tree, where: str, notes: Notes) -> Healthcheck:
    """The check of a service; what it leaves open is up to the image."""
    found = allowed(value, where, HEALTHCHECK_KEYS)
    if boolean(found.pop("disable", False), below(where, "disable")):
        if found:
            raise TemplateError(f"{min(found)} has no meaning together with disable", where=where)
        return Healthcheck(test=("NONE",))
    if "start_interval" in found:
        at = below(where, "start_interval")
        notes.warn(HEALTHCHECK_KEYS["start_interval"].advice, where=at)
    return Healthcheck(
        test=_test(found["test"], below(where, "test")) if "test" in found else None,
        interval_s=_time(found, "interval", where),
        timeout_s=_time(found, "timeout", where),
        start_period_s=_time(found, "start_period", where),
        start_interval_s=_time(found, "start_interval", where),
        retries=integer(found["retries"], below(where, "retries"), maximum=_RETRIES_MAX)
        if "retries" in found
        else None,
    )


def _test(value: Tree, where: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        return ("CMD-SHELL", text(value, where))
    words = texts(value, where)
    kind = words[0] if words else ""
    wanted = {"NONE": len(words) == 1, "CMD": len(words) > 1, "CMD-SHELL": len(words) == 2}
    if kind not in wanted:
        raise TemplateError("a list must start with NONE, CMD or CMD-SHELL", where=where)
    if not wanted[kind]:
        raise TemplateError(f"{kind} is followed by too many or too few words", where=where)
    return words


def _time(found: dict[str, Tree], key: str, where: str) -> float | None:
    if key not in found:
        return None
    time_s = seconds(found[key], below(where, key))
    if 0 < time_s < _TIME_MIN_S:
        raise TemplateError("must be a millisecond or more", where=below(where, key))
    return time_s


def restart(value: Tree, where: str) -> Restart:
    """When a container is started again; an unquoted `no` counts as the word."""
    written = "no" if value is False else text(value, where).strip()
    match = _RESTART.fullmatch(written)
    if match is None or (match[2] is not None and match[1] != "on-failure"):
        raise TemplateError(
            f"must be no, always, unless-stopped or on-failure[:count], not {shown(written)}",
            where=where,
        )
    policy = cast("Literal['no', 'always', 'unless-stopped', 'on-failure']", match[1])
    # The engine reads a count of zero as no limit.
    return Restart(policy=policy, max_retries=int(match[2] or 0) or None)
