"""What was seen on the node, in one value. A part that could not be read is None, never empty.

Only things with Troopers' labels are ever seen: what belongs to others can't be planned for.
Times are seconds since the epoch, as read from the engine or from the one clock of the pass.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from agent.domain.actions import Action, PullOrder
from schemas.current import MountCurrent
from schemas.names import SlotKey
from schemas.states import Health


@dataclass(frozen=True, slots=True)
class SeenContainer:
    """One of our containers."""

    id: str
    name: str
    key: SlotKey
    #: Docker's word: created, running, paused, restarting, removing, exited, dead
    status: str
    fingerprint: str = ""
    version: str = ""
    refresh: int = 0
    epoch: int = 0
    #: of the image's HEALTHCHECK or the template's; NONE when there is none
    health: Health = Health.NONE
    image: str = ""
    image_id: str = ""
    ip: str = ""
    ports: Mapping[str, tuple[tuple[str, int], ...]] = field(default_factory=dict)
    created_at: float = 0.0
    started_at: float | None = None
    finished_at: float | None = None
    exit_code: int | None = None
    oom_killed: bool = False
    #: engine volumes and networks it uses, by name
    volumes: frozenset[str] = frozenset()
    networks: frozenset[str] = frozenset()
    #: shared volumes by mount path: the incarnation for which it was created
    mounts: Mapping[str, str] = field(default_factory=dict)
    #: the engine lists it and doesn't answer for it: details are missing, or as they were last seen
    is_vague: bool = False

    @property
    def is_running(self) -> bool:
        return self.status in {"running", "paused", "restarting"}

    @property
    def may_hang(self) -> bool:
        """Whether calls about it may wait for a file server that doesn't answer."""
        return bool(self.mounts) or self.is_vague


@dataclass(frozen=True, slots=True)
class SeenNetwork:
    """One of our networks."""

    id: str
    name: str
    project: str
    #: of what it was made as; empty: unknown
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class SeenVolume:
    """One of our local volumes."""

    name: str
    project: str
    #: of what it was made as; empty: unknown
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Attempts:
    """What went wrong with a slot lately, kept by the loop between passes.

    Two counts, because they end differently: a failed action is over with the first success, a
    crash loop only after ten healthy minutes. A change of what is wanted ends both.
    """

    #: what was wanted when this was counted
    basis: str = ""
    #: unasked exits and restarts for bad health, in a row
    exits: int = 0
    last_exit_at: float = 0.0
    #: those of containers that others are to replace
    are_of_outdated: bool = False
    #: failed actions in a row
    failures: int = 0
    last_failure_at: float = 0.0
    #: with a pull: which part of the longest wait this node waits
    patience: float = 1.0
    #: when the trouble began
    since: float = 0.0
    #: of the newest trouble: a code of agent.errors, or crashed, unhealthy, stop_failed
    code: str = ""
    message: str = ""
    #: of the newest failed action: it won't pass by itself
    definite: bool = False
    #: the newest failed action was a pull: it holds up what needs the image and nothing else
    is_pull: bool = False
    #: exits and bad health that are counted already: container id and time of the exit or start
    counted: frozenset[tuple[str, float]] = frozenset()
    #: exits that were asked for: such a container is started again at once when it is wanted
    asked: frozenset[tuple[str, float]] = frozenset()
    #: containers that the agent stopped and has not started since
    stopped: frozenset[str] = frozenset()


#: of what nothing has ever happened to
NO_ATTEMPTS = Attempts()


@dataclass(frozen=True, slots=True)
class Pulled:
    """How the pull for an order ended, kept by the loop between passes."""

    #: what the reference was on this node then; empty: not looked since
    image_id: str = ""
    #: why the registry could not be asked, so that the node's own image has to do
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything a plan may know about the node, at `now`."""

    now: float
    #: None: the engine could not be read
    containers: tuple[SeenContainer, ...] | None
    networks: tuple[SeenNetwork, ...] | None = ()
    volumes: tuple[SeenVolume, ...] | None = ()
    #: image reference -> id, for every reference asked about; missing: not on this node
    images: Mapping[str, str] | None = field(default_factory=dict)
    #: shared volumes by name, as mountd reports them; None: it doesn't answer
    mounts: Mapping[str, MountCurrent] | None = field(default_factory=dict)
    #: results of `aliyun.probe.*`, by container id
    probes: Mapping[str, Health] = field(default_factory=dict)
    attempts: Mapping[SlotKey, Attempts] = field(default_factory=dict)
    #: joining and leaving networks, by the slot of the container, which is looked after meanwhile
    joining: Mapping[SlotKey, Attempts] = field(default_factory=dict)
    #: the pulls for preparations, which hold up nothing else
    preparing: Mapping[PullOrder, Attempts] = field(default_factory=dict)
    #: the orders that need no registry any more
    pulled: Mapping[PullOrder, Pulled] = field(default_factory=dict)
    #: actions that were begun by an earlier pass and have not ended
    in_flight: frozenset[Action] = frozenset()

    def by_slot(self) -> dict[SlotKey, tuple[SeenContainer, ...]]:
        """The containers of each slot that has any, oldest first. Only for a readable engine."""
        found: dict[SlotKey, tuple[SeenContainer, ...]] = {}
        for seen in sorted(self.containers or (), key=lambda seen: (seen.created_at, seen.id)):
            found[seen.key] = (*found.get(seen.key, ()), seen)
        return found


def resource_key(project: str, name: str) -> SlotKey:
    """Under which attempts at a network or volume are kept: slots count from 1, these are 0."""
    return SlotKey(project, name, 0)
