"""Times as they are written on the wire: RFC 3339 with an offset."""

import re
from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator
from pydantic_core import PydanticCustomError

TIME_WORDS = "must be an RFC 3339 time, such as 2026-11-23T12:00:00Z"
_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def is_time(text: str) -> bool:
    """Whether it looks like one; its month may still be the thirteenth."""
    return _RFC3339.fullmatch(text) is not None


def _written_out(value: object) -> object:
    # A number, also one that is written as a text, would be taken for seconds since 1970.
    if not isinstance(value, datetime) and not (isinstance(value, str) and is_time(value)):
        raise PydanticCustomError("time", TIME_WORDS)
    return value


Time = Annotated[AwareDatetime, BeforeValidator(_written_out)]
