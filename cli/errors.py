"""What can go wrong on the command line. Each message says what and where, in one line."""

from schemas.errors import Permanent, TroopersError


class StartFailed(TroopersError):
    """A process died or stayed silent; `log_tail` is the end of what it wrote."""

    def __init__(self, message: str, *, log_tail: str = "") -> None:
        super().__init__(message)
        self.log_tail = log_tail


class PortTaken(Permanent):
    """Somebody else listens where we would."""

    def __init__(self, host: str, port: int, variable: str) -> None:
        super().__init__(
            f"port {port} on {host} is taken; choose another with {variable}=PORT",
        )


class RequirementMissing(Permanent):
    """This machine lacks a program or a right; the message names what to install."""


class CommandFailed(TroopersError):
    """A program we ran for its effect refused; the message carries its own words."""


class ApiError(TroopersError):
    """The coordinator answered with an error, or not at all (`status` 0)."""

    def __init__(self, message: str, *, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class DeployFailed(TroopersError):
    """A project did not reach the state that was waited for."""


class UsageError(Permanent):
    """The command line asks for something that can't be meant."""
