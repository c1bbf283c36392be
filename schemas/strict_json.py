"""`parse_object`: JSON from a stranger to a dict, refusing what different parsers read differently.

Duplicate keys, NaN, lone surrogates and bottomless nesting are refused: one reader must not see
another command than the one that was checked.
"""

import json
import re
from typing import Any, NoReturn

from schemas.codec import SchemaError

#: bytes of a command; a template is some kilobytes, so this is a bound, not a limit people meet
PAYLOAD_BYTES_MAX = 2 * 1024 * 1024

_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


def parse_object(payload: bytes) -> dict[str, Any]:
    """Parse one JSON object.

    Raises:
        SchemaError: not UTF-8, not JSON, not an object, or read differently by others.
    """
    try:
        text = payload.decode()
    except UnicodeDecodeError as error:
        raise SchemaError(f"not UTF-8 at byte {error.start}") from error
    try:
        parsed = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except RecursionError as error:
        raise SchemaError("JSON nested too deeply") from error
    except json.JSONDecodeError as error:
        raise SchemaError(
            f"not JSON: {error.msg} at line {error.lineno} column {error.colno}"
        ) from error
    except ValueError as error:
        # The only other one: more digits than Python converts.
        raise SchemaError("a number is too long") from error
    if not isinstance(parsed, dict):
        raise SchemaError(f"must be a JSON object, not {_kind(parsed)}")
    if _SURROGATE_ESCAPE.search(text) and not _is_unicode(parsed):
        raise SchemaError("a text has half of a surrogate pair")
    return parsed


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in found if keys.count(key) > 1)
        raise SchemaError("this key occurs twice", where=twice)
    return found


def _no_constant(word: str) -> NoReturn:
    raise SchemaError(f"not JSON: {word} is no number")


def _is_unicode(parsed: dict[str, Any]) -> bool:
    try:
        json.dumps(parsed, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _kind(parsed: object) -> str:
    names = {list: "an array", str: "a text", bool: "a boolean", type(None): "null"}
    return names.get(type(parsed), "a number")
