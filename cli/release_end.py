"""`ReleaseEnd`: the wait for a release, as the project's view tells of it."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from cli.following import Watch
from cli.outcomes import Outcome, Result
from cli.pictures import Release, mapping, release
from cli.waiting import pause

#: between two looks: an unchanged project costs an answer without a body
POLL_S = 0.5
#: A view follows its record within milliseconds. When so many looks (five seconds) show nothing of
#: the command, nothing will come: the update changes nothing. Not seconds, since a coordinator that
#: was away meanwhile would have used them up.
GRACE_LOOKS = 10


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
        self._has_begun = False
        self._was_seen = False
        #: one after the other without a release, current or past
        self._empty_looks = 0

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
        self._empty_looks += 1
        is_late = self._empty_looks > GRACE_LOOKS
        if not self._has_begun:
            # Until the view knows of the command, it tells of an earlier release.
            self._has_begun = _operation(view) != _operation(self._before) or is_late
        if not self._has_begun:
            return None
        current = release(view.get("release"))
        if current is not None:
            self._empty_looks, self._was_seen = 0, True
            return self._stopped(current)
        last = release(view.get("last_release"))
        if last is not None and view.get("last_release") != self._before.get("last_release"):
            return self._outcome(last)
        if is_late and self._was_seen:
            return Outcome(Result.FAILED, "the release is over, and nothing tells how it ended")
        is_settled = view.get("current_state") == view.get("desired_state")
        return Outcome(Result.DONE) if is_late and is_settled else None

    def _stopped(self, current: Release) -> Outcome | None:
        """The end of a wait for a release that goes on only when somebody decides."""
        name = self._project
        if current.state == "awaiting_confirmation" and self._wish in (Wish.UPDATE, Wish.RETURN):
            what = f"{name}: version {current.version} runs beside the old one until you decide"
            todo = f"`troopers confirm {name}` or `troopers rollback {name}`"
            return Outcome(Result.AWAITING_CONFIRMATION, f"{what}, {todo}")
        if current.state in {"paused", "pull_failed"}:
            why = current.message or "the release is paused"
            return Outcome(Result.PAUSED, f"{why}; `troopers rollback {name}` goes back")
        if current.state == "rollback_paused":
            return Outcome(Result.PAUSED, current.message or "the rollback is paused")
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
