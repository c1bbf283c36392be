"""`first_fault`: what is wrong with input, in words for who wrote it. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from schemas.times import TIME_WORDS

#: Which of several types was tried is no part of the path.
_ALTERNATIVES = frozenset({"str", "int", "bool"})
_SCALAR = "must be a text, a whole number, true or false"

_TEXT = "must be a text"
_WHOLE = "must be a whole number, such as 3"
_NUMBER = "must be a number, such as 1.5"
_FLAG = "must be true or false"
_OBJECT = "must be a JSON object"
_LIST = "must be a list"

#: by the validator's type of fault
_WORDS: dict[str, str] = {
    "missing": "is missing",
    "string_type": _TEXT,
    "string_pattern_mismatch": "must match {pattern}",
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": _NUMBER,
    "bool_type": _FLAG,
    "bool_parsing": _FLAG,
    "greater_than": "must be above {gt}",
    "greater_than_equal": "must be {ge} or more",
    "less_than": "must be below {lt}",
    "less_than_equal": "must be {le} or less",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "dict_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "list_type": _LIST,
    "tuple_type": _LIST,
    "datetime_type": TIME_WORDS,
    "datetime_parsing": TIME_WORDS,
    "datetime_from_date_parsing": TIME_WORDS,
    "datetime_object_invalid": TIME_WORDS,
    "timezone_aware": TIME_WORDS,
}
_BOUNDED: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "string_too_short": lambda of: (
        "must not be empty"
        if of["min_length"] == 1
        else f"must have {of['min_length']} characters or more"
    ),
    "string_too_long": lambda of: f"must have {of['max_length']} characters or fewer",
}


def first_fault(error: ValidationError) -> tuple[str, str]:
    """The first fault's message and its dotted path."""
    # What doesn't fit is not repeated: it may be a secret, and errors are logged.
    fault = error.errors(include_url=False, include_input=False)[0]
    where = [str(part) for part in fault["loc"]]
    kind, context = fault["type"], fault.get("ctx", {})
    if where and where[-1] in _ALTERNATIVES:
        where.pop()
        words = _SCALAR
    elif kind in _BOUNDED:
        words = _BOUNDED[kind](context)
    elif kind in _WORDS:
        words = _WORDS[kind].format_map(context)
    else:
        words = fault["msg"].removeprefix("Value error, ")
    return words, ".".join(where)
