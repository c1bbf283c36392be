"""The plain values that a template consists of, and typed reading of them.

Reading is lenient where Compose is: after interpolation a number may have arrived as text. It is
strict about everything else, and every refusal carries the value's path.
"""

import difflib
import math
import re
from collections.abc import Collection
from typing import TypeAlias

from compose.errors import TemplateError, below, clipped, shown

Tree: TypeAlias = "str | int | float | bool | list[Tree] | dict[str, Tree] | None"

#: What Docker's 64-bit fields can hold.
INT_MAX = 2**63 - 1
_INTEGER = re.compile(r"[-+]?(0o?[0-7]+|0x[0-9a-fA-F]+|0b[01]+|0|[1-9][0-9]*)")
_NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
_TRUE = frozenset({"true", "yes", "on", "y"})
_FALSE = frozenset({"false", "no", "off", "n"})
#: Longer digits are no number that anything here could use; Python refuses to read 4300 of them.
_DIGITS_MAX = 64


def text(value: Tree, where: str) -> str:
    """A scalar as text: true and false in lower case, numbers in decimal, as Compose shows them."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    raise TemplateError(f"must be a string, not {shown(value)}", where=where)


def integer(value: Tree, where: str, *, minimum: int = 0, maximum: int = INT_MAX) -> int:
    """A whole number, also one written as text; a leading zero means octal, as in YAML."""
    number: int | None = None
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, str):
        number = _integer_of(value.strip())
    if number is None:
        raise TemplateError(f"must be a whole number, not {shown(value)}", where=where)
    if not minimum <= number <= maximum:
        bounds = f"at least {minimum}" if maximum == INT_MAX else f"from {minimum} to {maximum}"
        raise TemplateError(f"must be {bounds}, not {shown(number)}", where=where)
    return number


def _integer_of(written: str) -> int | None:
    if len(written) > _DIGITS_MAX or not _INTEGER.fullmatch(written):
        return None
    octal = re.fullmatch(r"([-+]?)0([0-7]+)", written)
    return int(f"{octal[1]}0o{octal[2]}" if octal else written, base=0)


def number(value: Tree, where: str, *, minimum: float = 0.0) -> float:
    """A finite number, also one written as text."""
    found: float | None = None
    if isinstance(value, int | float) and not isinstance(value, bool):
        found = value if abs(value) <= INT_MAX else None
    elif isinstance(value, str) and len(value) <= _DIGITS_MAX and _NUMBER.fullmatch(value.strip()):
        found = float(value)
    if found is None or not math.isfinite(found):
        raise TemplateError(f"must be a number, not {shown(value)}", where=where)
    if found < minimum:
        raise TemplateError(f"must be at least {minimum:g}, not {shown(value)}", where=where)
    return found


def boolean(value: Tree, where: str) -> bool:
    """True or false, also as one of YAML 1.1's words for them."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        word = value.strip().lower()
        if word in _TRUE or word in _FALSE:
            return word in _TRUE
    raise TemplateError(f"must be true or false, not {shown(value)}", where=where)


def mapping(value: Tree, where: str) -> dict[str, Tree]:
    if isinstance(value, dict):
        return value
    raise TemplateError(f"must be a mapping, not {shown(value)}", where=where)


def sequence(value: Tree, where: str) -> list[Tree]:
    if isinstance(value, list):
        return value
    raise TemplateError(f"must be a list, not {shown(value)}", where=where)


def texts(value: Tree, where: str) -> tuple[str, ...]:
    """A list of scalars."""
    items = sequence(value, where)
    return tuple(text(item, below(where, index)) for index, item in enumerate(items))


def text_map(value: Tree, where: str) -> dict[str, str]:
    """A map of scalars, or a list of `k=v`. A key without a value has an empty one."""
    if isinstance(value, dict):
        return {
            key: "" if item is None else text(item, below(where, key))
            for key, item in value.items()
        }
    if isinstance(value, list):
        pairs = (entry.partition("=") for entry in texts(value, where))
        return {key: item for key, _, item in pairs}
    raise TemplateError(f"must be a mapping or a list, not {shown(value)}", where=where)


def is_extension(key: str) -> bool:
    """Whether a key is the user's own business: `x-...`."""
    return key.startswith("x-")


def only_keys(value: Tree, where: str, known: Collection[str]) -> dict[str, Tree]:
    """The mapping without its extensions and its empty values.

    Raises:
        TemplateError: a key is not one of the known ones.
    """
    found = mapping(value, where)
    for key in found:
        if key not in known and not is_extension(key):
            raise TemplateError(
                f"unknown or not supported{hint(key, known)}", where=below(where, key)
            )
    return {key: item for key, item in found.items() if key in known and item is not None}


def hint(key: str, known: Collection[str]) -> str:
    """A guess at what was meant, or nothing."""
    near = difflib.get_close_matches(clipped(key), known, n=1, cutoff=0.75)
    return f"; did you mean {near[0]}?" if near else ""
