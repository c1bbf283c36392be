"""The warnings of one compilation: what was understood, but not as the user may expect."""

from collections import Counter

from compose.limits import WARNINGS_KEPT_MAX, WARNINGS_MAX

#: So many of the places of one warning are named.
_PLACES_SHOWN = 5


class Notes:
    """Collects warnings, each once. Of many, those that say nothing new come last."""

    def __init__(self) -> None:
        #: warning -> how often its message had been there before, at other places
        self._warnings: dict[str, int] = {}
        self._messages: Counter[str] = Counter()
        self._gathered: dict[str, dict[str, None]] = {}
        self._dropped = 0

    def warn(self, message: str, *, where: str = "") -> None:
        warning = f"{where}: {message}" if where else message
        if warning in self._warnings:
            return
        if len(self._warnings) >= WARNINGS_KEPT_MAX:
            self._dropped += 1
            return
        self._warnings[warning] = self._messages[message]
        self._messages[message] += 1

    def gather(self, message: str, *, where: str) -> None:
        """Warn once for all places, after everything else."""
        self._gathered.setdefault(message, {})[where] = None

    def warnings(self, most: int = WARNINGS_MAX) -> tuple[str, ...]:
        """All of them in their order, or the `most` telling ones."""
        found = {**self._warnings, **dict.fromkeys(map(self._summary, self._gathered), 0)}
        dropped = self._dropped + max(0, len(found) - most)
        # One of each kind first: a hundred times the same must not hide the one that matters.
        telling = sorted(found, key=found.__getitem__)[:most] if len(found) > most else list(found)
        return (*telling, *((f"{dropped} more warnings",) if dropped else ()))

    def _summary(self, message: str) -> str:
        places = list(self._gathered[message])
        left_out = len(places) - _PLACES_SHOWN
        rest = f" and {left_out} more" if left_out > 0 else ""
        return f"{message}: {', '.join(places[:_PLACES_SHOWN])}{rest}"
