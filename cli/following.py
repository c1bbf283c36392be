"""`follow`: looks again and again until what was asked for has ended, and shows it meanwhile.

Reads: projects, by conditional GETs. A coordinator that is restarted meanwhile costs time only.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from cli.client import Client, will_pass
from cli.errors import ApiError
from cli.outcomes import Outcome, Result
from cli.pictures import Picture, log_tails, picture, reasons
from cli.progress import Display
from cli.waiting import pause

#: A fail-over takes ten seconds, an upgrade of a coordinator on a slow host about a minute.
OUTAGE_S = 90.0
#: between two looks while nothing answers: at first, and at most
BACKOFF_S = (0.3, 5.0)
#: what explains it, beside what could be read
_EXPLAINED = frozenset({Result.FAILED, Result.PAUSED, Result.ROLLED_BACK, Result.TIMED_OUT})

#: looks once, for about a second at most; None: it goes on
Judge = Callable[[], Outcome | None]


class Watch:
    """The projects that somebody waits for, as they were when they were last read."""

    def __init__(self, client: Client, projects: Mapping[str, tuple[str, ...]]) -> None:
        """`projects`: by name, the services that matter; none named: all."""
        self._client = client
        self.projects = projects
        #: by project; one that isn't there has none
        self.views: dict[str, Mapping[str, Any]] = {}

    def look(self) -> Picture:
        """Read all of them. Raises ApiError, but not for one that isn't there."""
        for name in self.projects:
            try:
                self.views[name] = self._client.read("view_project", name=name)
            except ApiError as error:
                if error.status != HTTPStatus.NOT_FOUND:
                    raise
                self.views.pop(name, None)
        return self.picture

    @property
    def picture(self) -> Picture:
        """All of them in one; services go by their ids where there are several projects."""
        seen = [picture(view, self.projects[name]) for name, view in self.views.items()]
        if len(self.projects) == 1:
            return seen[0] if seen else Picture()
        services = (replace(each, name=each.id) for one in seen for each in one.services)
        return Picture(tuple(services), tuple(reason for one in seen for reason in one.reasons))

    def explained(self, outcome: Outcome) -> Outcome:
        """With what stands in the way, where the outcome is none that was hoped for."""
        if outcome.result not in _EXPLAINED:
            return outcome
        logs = {
            name: lines
            for project, view in self.views.items()
            for name, lines in log_tails(view, self.projects[project]).items()
        }
        return replace(outcome, reasons=reasons(self.picture), logs=logs)


def follow(judge: Judge, watch: Watch, display: Display, timeout_s: float) -> Outcome:
    """The end of it; the judge is asked once per look. `timeout_s` 0: however long it takes.

    Raises ApiError for a refusal, and when there was no answer for `OUTAGE_S`.
    """
    began_at = time.monotonic()
    outage = _Outage(display)
    while True:
        outcome = None
        try:
            display.show(watch.look())
            outcome = judge()
            outage.is_over()
        except ApiError as error:
            outage.goes_on(error)
        waited_s = time.monotonic() - began_at
        if outcome is None and timeout_s and waited_s >= timeout_s:
            outcome = Outcome(Result.TIMED_OUT, f"not done after {timeout_s:g} s; it goes on")
        if outcome is not None:
            # Once more: what ended it may be newer than what was seen before.
            with suppress(ApiError):
                display.show(watch.look())
            return replace(watch.explained(outcome), seconds=waited_s)
        pause(outage.pause_s)


@dataclass(slots=True)
class _Outage:
    """How long nothing has answered."""

    display: Display
    since: float | None = None
    pause_s: float = 0.0

    def goes_on(self, error: ApiError) -> None:
        """Raises the error when it won't pass, or has lasted too long."""
        now = time.monotonic()
        self.since = now if self.since is None else self.since
        if not will_pass(error) or now - self.since >= OUTAGE_S:
            raise error
        first, most = BACKOFF_S
        self.pause_s = min(most, max(first, self.pause_s * 2))
        self.display.note("the coordinator does not answer, trying again")

    def is_over(self) -> None:
        if self.since is not None:
            self.since, self.pause_s = None, 0.0
            self.display.note("")
