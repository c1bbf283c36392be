"""How an action ended."""

from dataclasses import dataclass

from agent.domain.actions import Action
from schemas.errors import Permanent, TroopersError


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The engine has done it, or it was so already."""

    action: Action


@dataclass(frozen=True, slots=True)
class Failed:
    """The engine refused it or could not do it. Whether it took effect is for the next look."""

    action: Action
    error: TroopersError

    @property
    def code(self) -> str:
        """A word for `SlotProblem.code`."""
        return str(getattr(self.error, "code", "engine"))

    @property
    def is_definite(self) -> bool:
        """Whether it can't succeed until a human helps or something else is asked."""
        return isinstance(self.error, Permanent)


@dataclass(frozen=True, slots=True)
class Blocked:
    """Not tried, because what it had to wait for failed."""

    action: Action
    by: Failed


Outcome = Succeeded | Failed | Blocked
