"""`Outcome`: how what was waited for has ended, and the exit code that says so."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Result(StrEnum):
    """The ends that scripts can tell apart."""

    DONE = "done"
    #: nobody waited
    ACCEPTED = "accepted"
    #: the new version runs beside the old one until somebody decides
    AWAITING_CONFIRMATION = "awaiting_confirmation"
    #: it won't come true by itself
    FAILED = "failed"
    #: a newer command wants something else
    SUPERSEDED = "superseded"
    #: a release has stopped half-way and waits for somebody to decide
    PAUSED = "paused"
    ROLLED_BACK = "rolled_back"
    TIMED_OUT = "timed_out"


#: that of timeout(1)
TIMED_OUT_CODE = 124
_CODES = {
    Result.DONE: 0,
    Result.ACCEPTED: 0,
    Result.AWAITING_CONFIRMATION: 0,
    Result.TIMED_OUT: TIMED_OUT_CODE,
}


def code_of(result: Result) -> int:
    """The exit code that says it."""
    return _CODES.get(result, 1)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A result, and what explains it."""

    result: Result
    #: why, or what to do next
    message: str = ""
    #: what stands in the way, most important first
    reasons: tuple[str, ...] = ()
    #: the last log lines of containers that have failed, by their names
    logs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def exit_code(self) -> int:
        return code_of(self.result)

    @property
    def plain(self) -> dict[str, Any]:
        """As JSON shows it."""
        return {
            "result": self.result.value,
            "message": self.message,
            "reasons": list(self.reasons),
            "logs": {name: list(lines) for name, lines in self.logs.items()},
            "seconds": round(self.seconds, 1),
        }
