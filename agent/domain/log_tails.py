"""The last lines that a container printed before it ended or failed its health check. Pure.

They go into a status document, so they are few, short and without anything that moves a cursor.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from agent.domain.observation import Observation, SeenContainer
from schemas.current import SlotProblem
from schemas.names import SlotKey

LINES_MAX = 20
LINE_CHARS_MAX = 500

#: the problems that a container may have told of before
_CODES = frozenset({"crashed", "unhealthy"})
#: colours, cursor movements and window titles, whose letters would stay otherwise
_ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[@-Z\\^_])")


@dataclass(frozen=True, slots=True)
class LastRun:
    """What a problem is about: one exit, or one run that is unhealthy."""

    key: SlotKey
    container_id: str
    #: when it ended, or was started
    at: float


def last_runs(problems: Iterable[SlotProblem], observed: Observation) -> tuple[LastRun, ...]:
    """Of the slots whose container ended by itself or is unhealthy, and is still there."""
    concerned = [problem for problem in problems if problem.code in _CODES]
    by_slot = observed.by_slot() if concerned else {}
    runs = (
        _run(problem.code, seen)
        for problem in concerned
        for seen in by_slot.get(problem.key, ())[-1:]
    )
    return tuple(run for run in runs if run is not None)


def with_tails(
    problems: Iterable[SlotProblem], tails: Mapping[SlotKey, tuple[str, ...]]
) -> tuple[SlotProblem, ...]:
    """The problems, with what is known of their containers' last lines."""
    return tuple(
        problem.model_copy(update={"log_tail": lines})
        if problem.code in _CODES and (lines := tails.get(problem.key))
        else problem
        for problem in problems
    )


def tail(printed: bytes) -> tuple[str, ...]:
    """The last lines of what a container printed, newest last; empty ones are left out."""
    lines = (_plain(line) for line in printed.decode(errors="replace").split("\n"))
    return tuple([line for line in lines if line][-LINES_MAX:])


def _run(code: str, seen: SeenContainer) -> LastRun | None:
    at = seen.started_at if code == "unhealthy" else seen.finished_at
    is_it = seen.is_running if code == "unhealthy" else seen.status in {"exited", "dead"}
    return LastRun(seen.key, seen.id, at or 0.0) if is_it and not seen.is_vague else None


def _plain(line: str) -> str:
    # Cut first: a line may be as long as a container likes.
    cut = _ESCAPES.sub("", line[: 4 * LINE_CHARS_MAX]).replace("\t", " ")
    printable = (each for each in cut if unicodedata.category(each)[0] != "C")
    return "".join(printable).rstrip()[:LINE_CHARS_MAX]
