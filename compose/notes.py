"""The warnings of one compilation: what was understood, but not as the user may expect."""

from compose.limits import WARNINGS_MAX


class Notes:
    """Collects warnings in order, each once, up to a bound."""

    def __init__(self) -> None:
        self._warnings: dict[str, None] = {}
        self._dropped = 0

    def warn(self, message: str, *, where: str = "") -> None:
        warning = f"{where}: {message}" if where else message
        if warning in self._warnings:
            return
        if len(self._warnings) >= WARNINGS_MAX:
            self._dropped += 1
            return
        self._warnings[warning] = None

    @property
    def warnings(self) -> tuple[str, ...]:
        rest = (f"{self._dropped} more warnings",) if self._dropped else ()
        return (*self._warnings, *rest)
