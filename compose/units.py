"""Durations, sizes and command lines, as Docker reads them."""

import re
import shlex

from compose.errors import TemplateError, shown
from compose.limits import COMMAND_CHARS_MAX
from compose.tree import INT_MAX, Tree, texts

_DURATION = re.compile(r"([0-9]{1,12}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})(h|ms|us|µs|μs|ns|m|s)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
#: More than a hundred years is a typing error, and overflows the engine's nanoseconds.
_SECONDS_MAX = 3.2e9
_SIZE = re.compile(r"([0-9]{1,19}(?:\.[0-9]{0,9})?) ?([kmgtp]?)(?:i?b)?", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}


def seconds(value: Tree, where: str) -> float:
    """A duration such as `1m30s` in seconds."""
    written = value.strip() if isinstance(value, str) else value
    if written in (0, "0") and not isinstance(written, bool):
        return 0.0
    if not isinstance(written, str) or not (parts := _parts(written)):
        raise TemplateError(f"must be a duration such as 1m30s, not {shown(value)}", where=where)
    # Rounded to the engine's nanoseconds, so that 0.1 s three times is 0.3 s.
    total = round(sum(float(amount) * _factor(unit) for amount, unit in parts), 9)
    if total > _SECONDS_MAX:
        raise TemplateError(f"{shown(value)} is too long", where=where)
    return total


def _parts(written: str) -> list[tuple[str, str]]:
    parts: list[tuple[str, str]] = []
    at = 0
    while match := _DURATION.match(written, at):
        parts.append((match[1], match[2]))
        at = match.end()
    return parts if at == len(written) else []


def _factor(unit: str) -> float:
    # Two letters look like a micro sign.
    return _SECONDS[unit.replace("µ", "u").replace("μ", "u")]


def size_bytes(value: Tree, where: str) -> int:
    """A size such as `1.5g` in bytes; units are powers of 1024."""
    if isinstance(value, int) and not isinstance(value, bool):
        amount: float = value
        whole = value
    else:
        match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
        if match is None:
            raise TemplateError(f"must be a size such as 512m, not {shown(value)}", where=where)
        factor = 1024 ** _POWERS[match[2].lower()]
        is_whole = "." not in match[1]
        amount = int(match[1]) * factor if is_whole else float(match[1]) * factor
        whole = int(amount)
    if not 0 <= amount <= INT_MAX:
        raise TemplateError(f"{shown(value)} is out of range", where=where)
    return whole


def words(value: Tree, where: str) -> tuple[str, ...]:
    """A command line: a list as it is, a string split as a shell would, without expansion."""
    if isinstance(value, list):
        return texts(value, where)
    if not isinstance(value, str):
        raise TemplateError(f"must be a string or a list, not {shown(value)}", where=where)
    if len(value) > COMMAND_CHARS_MAX:
        raise TemplateError(f"is longer than {COMMAND_CHARS_MAX} characters", where=where)
    try:
        return tuple(shlex.split(value))
    except ValueError as error:
        raise TemplateError("a quotation or a backslash is not finished", where=where) from error
