"""What an unquoted YAML scalar means.

The rules are YAML 1.1's, because Compose files were written for them: `0644` is octal and `1_000`
a number. Left out are the rules that surprise everybody: `on`, `yes` and the like stay words,
`22:22` is a port mapping and no number to the base of sixty, `2001-01-01` is no date.
"""

import math
import re

from compose.tree import Tree

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_INTEGER = re.compile(r"([-+]?)(?:(0x[0-9a-fA-F_]+)|(0b[01_]+)|0([0-7_]+)|(0|[1-9][0-9_]*))")
_FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+][0-9]+)?")
#: No number that a template needs is longer; Python refuses to read 4300 digits.
_DIGITS_MAX = 64


def plain_scalar(written: str) -> Tree:
    """The value of an unquoted scalar."""
    if written in _NULL:
        return None
    if written in _TRUE or written in _FALSE:
        return written in _TRUE
    # The first character rules out nearly all words before any pattern is tried.
    if written[0] in "+-.0123456789" and len(written) <= _DIGITS_MAX:
        return _number(written)
    return written


def _number(written: str) -> Tree:
    match = _INTEGER.fullmatch(written)
    if match:
        sign, *forms = match.groups()
        for form, radix in zip(forms, (16, 2, 8, 10), strict=True):
            digits = (form or "").replace("_", "").removeprefix("0x").removeprefix("0b")
            if digits:
                return int(f"{sign}{digits}", radix)
        return written
    if _FLOAT.fullmatch(written):
        value = float(written.replace("_", ""))
        return value if math.isfinite(value) else written
    return written
