"""`ReleaseEnd`: the wait for a release, as the project's view tells of it."""

import time
from collections.abc import Mapping
from enum import Enum
from typing import Any

from cli.following import Watch
from cli.outcomes import Outcome, Result
from cli.pictures import Release, mapping, release
from cli.waiting import pause

#: between two looks: an unchanged project costs an answer without a body
POLL_S = 0.5
#: A view follows its record within milliseconds. When it shows nothing of the command for so long,
#: nothing will come: the update changes nothing.
GRACE_S = 5.0


class Wish(Enum):
    """What the command was for."""

    UPDATE = "update"
    CONFIRM = "confirm"
    #: back to where the running update began
    ROLL_BACK = "roll back"
    #: a release of its own, to an older revision
    RETURN = "return"


class ReleaseEnd:
    """Waits for the release of one project that a command has begun, or shall end."""

    def __init__(self, watch: Watch, project: str, wish: Wish, before: Mapping[str, Any]) -> None:
        """`before`: the project's view from before the command."""
        self._watch = watch
        self._project = project
        self._wish = wish
        self._before = before
        self._began_at = time.monotonic()
        self._has_begun = False

    def judge(self) -> Outcome | None:
        """How it has ended; None, after `POLL_S`, as long as it has not."""
        view = self._watch.views.get(self._project)
        if view is None:
            return Outcome(Result.SUPERSEDED, f"{self._project} is gone")
        outcome = self._ended(view)
        if outcome is None:
            pause(POLL_S)
        return outcome

    def _ended(self, view: Mapping[str, Any]) -> Outcome | None:
        is_late = time.monotonic() - self._began_at >= GRACE_S
        if not self._has_begun:
            # Until the view knows of the command, it tells of an earlier release.
            self._has_begun = _operation(view) != _operation(self._before) or is_late
        if not self._has_begun:
            return None
        current = release(view.get("release"))
        if current is not None:
            return self._stopped(current)
        last = release(view.get("last_release"))
        if last is not None and view.get("last_release") != self._before.get("last_release"):
            return self._outcome(last)
        is_settled = view.get("current_state") == view.get("desired_state")
        return Outcome(Result.DONE) if is_late and is_settled else None

    def _stopped(self, current: Release) -> Outcome | None:
        """The end of a wait for a release that goes on only when somebody decides."""
        if current.state == "awaiting_confirmation" and self._wish in (Wish.UPDATE, Wish.RETURN):
            words = f"{self._project} {current.version} runs beside the old version".replace(
                "  ", " "
            )
            todo = f"`troopers confirm {self._project}` or `troopers rollback {self._project}`"
            return Outcome(Result.AWAITING_CONFIRMATION, f"{words}: {todo}")
        if current.state in ("paused", "rollback_paused"):
            return Outcome(Result.PAUSED, current.message or f"the release is {current.state}")
        return None

    def _outcome(self, last: Release) -> Outcome:
        if last.outcome == "completed":
            is_wanted = self._wish is not Wish.ROLL_BACK or last.kind == "rollback"
            undone = "the update had completed before it could be rolled back"
            return Outcome(Result.DONE) if is_wanted else Outcome(Result.FAILED, undone)
        if last.outcome == "rolled_back":
            is_wanted = self._wish is Wish.ROLL_BACK
            return Outcome(Result.DONE if is_wanted else Result.ROLLED_BACK, last.message)
        result = Result.PAUSED if last.outcome == "paused" else Result.FAILED
        return Outcome(result, last.message or f"the release is {last.outcome}")


def _operation(view: Mapping[str, Any]) -> object:
    return mapping(view.get("operation")).get("id")
