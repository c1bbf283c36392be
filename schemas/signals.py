"""Signals: their canonical names, as Docker takes them, without SIG.

`KILL`, `SIGKILL`, `kill` and `9` are one signal. Numbers are those of Linux on x86 and ARM.
"""

import re
from typing import Annotated

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from schemas.errors import InvalidInput

_NAMES = (
    *("HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2"),
    *("PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG"),
    *("XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS"),
)
_ALIASES = {"IOT": "ABRT", "CLD": "CHLD", "POLL": "IO", "UNUSED": "SYS"}
#: glibc keeps 32 and 33 for itself, so the first real-time signal is 34 and the last one 64
_RT_MIN, _RT_MAX = 34, 64
#: beyond the middle, signals are counted back from RTMAX, as `kill -l` prints them
_RT_MIDDLE = 49


def _real_time_name(number: int) -> str:
    if number <= _RT_MIDDLE:
        return "RTMIN" if number == _RT_MIN else f"RTMIN+{number - _RT_MIN}"
    return "RTMAX" if number == _RT_MAX else f"RTMAX-{_RT_MAX - number}"


NUMBERS: dict[str, int] = {
    **{name: number for number, name in enumerate(_NAMES, start=1)},
    **{_real_time_name(number): number for number in range(_RT_MIN, _RT_MAX + 1)},
}
#: what a schema says of a signal; in any case, besides
PATTERN = "^((SIG)?({})|{})$".format(
    "|".join(re.escape(name) for name in (*NUMBERS, *_ALIASES)),
    "|".join(str(number) for number in NUMBERS.values()),
)
_BY_NUMBER = {str(number): name for name, number in NUMBERS.items()}


def canonical(text: str) -> str:
    """The signal's name without SIG.

    Raises:
        InvalidInput: there is no such signal.
    """
    word = text.upper().removeprefix("SIG")
    name = _BY_NUMBER.get(text) or _ALIASES.get(word, word)
    if name not in NUMBERS:
        shown = text if len(text) <= 32 else f"{text[:32]}…"
        raise InvalidInput(f"unknown signal {shown!r}", where="signal")
    return name


def _field_value(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return value
    try:
        return canonical(str(value))
    except InvalidInput as error:
        # pydantic adds the path itself.
        raise PydanticCustomError("signal", "{why}", {"why": error.message}) from error


#: a model's field: text or a number in, the canonical name out
SignalName = Annotated[str, BeforeValidator(_field_value)]
