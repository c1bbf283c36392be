"""`NodeCurrent` and `Heartbeat`: what one node says of itself.

The status document is coalesced, the newest one wins. The heartbeat is small and frequent; it
proves life, and says which status a reader should already have.
"""

from typing import Self

from pydantic import Field

from schemas.document import Document, Part, Repeated
from schemas.names import NodeName, SlotKey
from schemas.states import EngineState, Health, MountState

_EVERY_INTERFACE = ("", "0.0.0.0", "::")


class PortBinding(Part):
    """Where a container's port can be reached on its node."""

    #: as the engine has it; `0.0.0.0` and `::` are every interface, each of its own kind of address
    host_ip: str
    host_port: int

    def address_on(self, node: str) -> str:
        """Where clients reach it on a node with this address; empty: not at that address.

        Every interface is no address to a client, but the node's is one of them where it is of the
        same kind: an engine gives both kinds the same port only if it happens to be free in both.
        """
        if self.host_ip not in _EVERY_INTERFACE:
            return self.host_ip
        is_ipv6 = ":" in node
        return "" if self.host_ip == ("0.0.0.0" if is_ipv6 else "::") else node


class ContainerCurrent(Part):
    """One of our containers, as the engine shows it. Times are RFC 3339, UTC."""

    id: str
    #: without the leading slash
    name: str
    project: str
    service: str
    slot: int
    set_name: str = ""
    #: Docker's word: created, running, paused, restarting, removing, exited, dead
    status: str
    running: bool
    #: the agent is stopping it, which nothing calls back
    stopping: bool = False
    health: Health = Health.NONE
    ip: str = ""
    #: "80/tcp" -> bindings
    ports: dict[str, tuple[PortBinding, ...]] = Field(default_factory=dict)
    image: str = ""
    image_id: Repeated = ""
    fingerprint: Repeated = ""
    version: str = ""
    created_at: str = ""
    started_at: str = ""
    finished_at: str = ""
    #: of the last exit, when it is not running
    exit_code: int | None = None
    oom_killed: bool = False
    #: exits in a row that were not asked for
    fail_count: int = 0

    @property
    def key(self) -> SlotKey:
        return SlotKey(self.project, self.service, self.slot, self.set_name)


class SlotProblem(Part):
    """Why a slot is not what it must be."""

    project: str
    service: str
    slot: int
    set_name: str = ""
    #: image_not_found, pull_denied, pull_failed, port_taken, rejected, crashed, unhealthy, engine,
    #: defect, stop_failed, volume_missing, volume_stuck, volume_failed, differs
    code: str
    message: str
    #: the agent doesn't expect it to pass by itself, or not soon
    definite: bool = False
    since: str = ""
    #: when the agent tries again
    retry_at: str = ""
    attempts: int = 0
    #: with crashed and unhealthy: what the container printed last, newest line last; at most 20
    #: lines of 500 characters. Empty until it is read, and where it can't be.
    log_tail: tuple[str, ...] = ()

    @property
    def key(self) -> SlotKey:
        return SlotKey(self.project, self.service, self.slot, self.set_name)


class PreparationCurrent(Part):
    """How far a node is with the image of a `Preparation`, of any number of slots."""

    project: str
    service: str
    #: as in the preparation
    spec: Repeated
    version: str = ""
    refresh: int = 0
    #: what the spec's image reference is on this node; empty: it is not here yet
    image_id: Repeated = ""
    #: why not, of the newest try
    message: str = ""
    #: the agent doesn't expect it to pass by itself, or not soon; it tries on, ever more seldom
    definite: bool = False


class SubPathCurrent(Part):
    """A directory or file of a volume that containers get instead of the whole."""

    #: relative to the volume
    path: str
    #: where mountd holds it for containers, below the base directory; another one whenever the
    #: path leads to something else. Empty while it can't be had.
    place: str = ""
    #: why it can't be had
    reason: str = ""


class MountCurrent(Part):
    """A volume's mount on this node. `since` and the time of the last answer are RFC 3339."""

    #: the volume's name
    name: str
    state: MountState
    #: False: mountd doesn't answer, and the rest is what was known last
    is_known: bool = True
    #: absolute, on the node
    mountpoint: str = ""
    since: str = ""
    #: why it is failed or stuck, in words
    reason: str = ""
    #: changes with every new mount: what started on an older one sees the older file system
    incarnation: str = ""
    #: when its server last answered the probe
    answered_at: str = ""
    #: those that containers on this node ask for
    sub_paths: tuple[SubPathCurrent, ...] = ()


class EngineCurrent(Part):
    """The node's Docker Engine."""

    state: EngineState
    version: str = ""
    api_version: str = ""
    reason: str = ""
    since: str = ""


class NodeCurrent(Document):
    """What a node is and runs. With an unreadable engine, `containers` are the last ones seen."""

    is_brief = True

    node: NodeName
    boot_id: str
    agent_version: str
    #: where other machines reach this node
    address: str
    zone: str = ""
    labels: dict[str, str] = Field(default_factory=dict)
    cpus: float = Field(default=0.0, ge=0)
    memory_bytes: int = Field(default=0, ge=0)
    engine: EngineCurrent
    #: of the desired document that the last pass worked on
    epoch: int = 0
    generation: int = 0
    #: the node's, as that document says
    index: int = 0
    #: why a newer document was refused, in words; empty: none was
    refusal: str = ""
    #: nothing left to do for that document, but for preparations
    settled: bool = False
    containers: tuple[ContainerCurrent, ...] = ()
    #: our local volumes on the engine, by name
    volumes: tuple[str, ...] = ()
    #: the same by the project that each was made for; older agents don't say
    volumes_of: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    mounts: tuple[MountCurrent, ...] = ()
    problems: tuple[SlotProblem, ...] = ()
    preparations: tuple[PreparationCurrent, ...] = ()
    #: what the agent leaves undone, or makes do with, on purpose, in words
    notes: tuple[str, ...] = ()
    #: raised with every report of one agent process
    sequence: int = 0
    observed_at: str = ""

    def says_what(self, other: Self) -> bool:
        """Whether both say the same, but for what changes while nothing happens.

        That is when they were made, and when mounts answered.
        """
        mine, others = vars(self), vars(other)
        return all(
            mine[name] == others[name] for name in mine if name not in _CHANGES_BY_ITSELF
        ) and (self.mounts == other.mounts or _timeless(self.mounts) == _timeless(other.mounts))

    def made_of(self, former: Self) -> Self:
        """An equal report; where it says what the former one did, it holds the very same objects.

        So a report that changes little costs little memory, and is quickly compared.
        """
        mine, theirs = vars(self), vars(former)
        same = {name: theirs[name] for name in mine if mine[name] == theirs[name]}
        if "containers" not in same:
            held = {container.id: container for container in former.containers}
            same["containers"] = tuple(
                known if (known := held.get(container.id)) == container else container
                for container in self.containers
            )
        return self.model_copy(update=same)


_CHANGES_BY_ITSELF = frozenset({"sequence", "observed_at", "mounts"})


def _timeless(mounts: tuple[MountCurrent, ...]) -> tuple[MountCurrent, ...]:
    return tuple(mount.model_copy(update={"answered_at": ""}) for mount in mounts)


class Heartbeat(Document):
    """Proof of life, every two seconds."""

    node: NodeName
    boot_id: str
    epoch: int = 0
    generation: int = 0
    #: `sequence` of the newest status document; a reader that has an older one reads again
    sequence: int = 0
    engine: EngineState
