"""What was seen on the node, in one value. A part that could not be read is None, never empty.

Only things with Troopers' labels are ever seen: what belongs to others can't be planned for.
Times are seconds since the epoch, as read from the engine or from the one clock of the pass.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

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

    @property
    def is_running(self) -> bool:
        return self.status in {"running", "paused", "restarting"}


@dataclass(frozen=True, slots=True)
class SeenNetwork:
    """One of our networks."""

    id: str
    name: str
    project: str


@dataclass(frozen=True, slots=True)
class SeenVolume:
    """One of our local volumes."""

    name: str
    project: str


@dataclass(frozen=True, slots=True)
class Attempts:
    """What went wrong with a slot lately, kept by the loop between passes.

    `failures` counts unasked exits and failed actions in a row; ten healthy minutes or a change of
    what is wanted clears it.
    """

    failures: int = 0
    last_failure_at: float = 0.0
    first_failure_at: float = 0.0
    #: agent.errors code, or crashed / unhealthy / completed
    code: str = ""
    message: str = ""
    #: the exits that are already counted: container id and finish time
    counted: frozenset[tuple[str, float]] = frozenset()


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything a plan may know about the node, at `now`."""

    now: float
    #: None: the engine could not be read
    containers: tuple[SeenContainer, ...] | None
    networks: tuple[SeenNetwork, ...] | None = ()
    volumes: tuple[SeenVolume, ...] | None = ()
    #: image reference -> id, for every reference asked about; missing: not on this node
    images: Mapping[str, str] = field(default_factory=dict)
    #: results of `aliyun.probe.*`, by container id
    probes: Mapping[str, Health] = field(default_factory=dict)
    attempts: Mapping[SlotKey, Attempts] = field(default_factory=dict)
