"""`ChangeLog`: what has changed, in order; every reader follows it at its own pace.

Only the newest change of a key is kept, so the log is as long as the cluster is large. A reader
that holds a version asks for what has changed since, and pays for that alone.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

#: More keys than a cluster of 3,000 nodes has; what is left out are names that are long gone.
KEPT_MAX = 200_000


class Kind(Enum):
    """What a key is of."""

    #: kept in a bucket: the key's own name
    PROJECT = auto()
    VOLUME = auto()
    NODE = auto()
    DOCUMENT = auto()
    #: reported by a node
    REPORT = auto()
    POSITION = auto()
    #: a sign of life of a node that was missed, or is new
    HEARD = auto()
    #: concluded of a node
    HEALTH = auto()
    REFUSED = auto()
    BEHIND = auto()
    #: anything that is known of a node: all of the above come to this
    KNOWN = auto()
    #: of a project: what nodes report of it, and where documents or containers have its slots
    REPORTED = auto()
    HOMES = auto()
    #: of a project: what its services wait for when they start or stop
    ORDER = auto()
    #: why a project's, or a volume's, record proves nothing
    DOUBT = auto()
    VOLUME_DOUBT = auto()
    #: decided for a project
    PLACEMENT = auto()
    APPLIED = auto()
    #: of a project: what routers are told; and what a router has applied
    ROUTES = auto()
    ROUTER = auto()
    #: whether anything is written or moved at all
    CONDITION = auto()


@dataclass(frozen=True, slots=True)
class Change:
    """One key, and the version of the store that it has been like this since."""

    kind: Kind
    key: str
    version: int


_NO_KEYS: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Changes:
    """What has changed until a version, each key once."""

    version: int
    keys: Mapping[Kind, Collection[str]] = field(default_factory=dict)

    def of(self, kind: Kind) -> Collection[str]:
        return self.keys.get(kind, _NO_KEYS)

    def __bool__(self) -> bool:
        return bool(self.keys)


class ChangeLog:
    """The newest change of every key, oldest first."""

    def __init__(self, kept_max: int = KEPT_MAX) -> None:
        self.version = 0
        self._kept_max = kept_max
        self._newest: dict[tuple[Kind, str], int] = {}
        #: changes up to this version may be missing
        self._forgotten = 0
        self._listeners: list[Callable[[Change], None]] = []

    def append(self, kind: Kind, key: str) -> None:
        """Note a change, and tell everybody who listens."""
        self.version += 1
        # Taken out first: a dict keeps an old key at its old place.
        self._newest.pop((kind, key), None)
        self._newest[kind, key] = self.version
        if len(self._newest) > self._kept_max:
            self._forget_half()
        change = Change(kind, key, self.version)
        for listener in self._listeners:
            listener(change)

    def listen(self, hear: Callable[[Change], None]) -> None:
        """Call `hear` within every change, after it; it must be quick and change nothing."""
        self._listeners.append(hear)

    def since(self, version: int) -> Changes | None:
        """What has changed after this version; None: too much to remember, look at everything."""
        if version < self._forgotten:
            return None
        found: dict[Kind, set[str]] = {}
        for (kind, key), at in reversed(self._newest.items()):
            if at <= version:
                break
            found.setdefault(kind, set()).add(key)
        return Changes(self.version, found)

    def _forget_half(self) -> None:
        oldest = list(self._newest.items())[: self._kept_max // 2]
        for place, at in oldest:
            del self._newest[place]
            self._forgotten = at
