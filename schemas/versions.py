"""A project's versions: their grammar, the one that follows another, and the bounds of their weights."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

VERSION_MAX = 128
#: enough for every ratio that a router can keep, and far from where sums overflow anywhere
WEIGHT_MAX = 1_000_000

#: Lists of versions and weights, such as `1.0:90,2.0:10`, are parted at commas and colons.
_PATTERN = r"^[^\s,:\u0000-\u001f\u007f-\u009f]*$"
_VERSION = re.compile(_PATTERN)
_LAST_NUMBER = re.compile(r"(\d+)(?!.*\d)", re.DOTALL)
#: what is wrong with one that isn't
VERSION_WORDS = (
    f"must be at most {VERSION_MAX} characters, and none of them a blank, comma, colon or control "
    "character; such as 2.0"
)


def is_version(text: str) -> bool:
    """Whether an update may be called so. An empty one stands for a default."""
    return len(text) <= VERSION_MAX and _VERSION.fullmatch(text) is not None


def _checked(text: str) -> str:
    if not is_version(text):
        raise PydanticCustomError("version", VERSION_WORDS)
    return text


Version = Annotated[
    str,
    AfterValidator(_checked),
    WithJsonSchema({"type": "string", "maxLength": VERSION_MAX, "pattern": _PATTERN}),
]


WEIGHT_WORDS = f"must be a whole number from 0 to {WEIGHT_MAX}"


def _weighed(value: object) -> object:
    # A flag is a number for Python, and no weight.
    if type(value) is not int or not 0 <= value <= WEIGHT_MAX:
        raise PydanticCustomError("weight", WEIGHT_WORDS)
    return value


Weight = Annotated[
    int,
    BeforeValidator(_weighed),
    WithJsonSchema({"type": "integer", "minimum": 0, "maximum": WEIGHT_MAX}),
]


def counted_up(version: str) -> str:
    """The version with its last number one higher; without a number, with `.1` after it."""
    if not _LAST_NUMBER.search(version):
        return f"{version}.1"
    return _LAST_NUMBER.sub(lambda found: str(int(found[1]) + 1), version, count=1)
