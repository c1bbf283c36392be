"""Everything the agent can do to its node, as a closed union of frozen values.

An action says what to do, to which object, and which rule asked for it. It has no behaviour: the
executor carries it out, and equality ignores the reason, so the same deed is the same action.
"""

from dataclasses import dataclass, field

from schemas.desired import DesiredNetwork, DesiredVolume
from schemas.names import SlotKey
from schemas.service import NetworkAttachment, ServiceSpec


@dataclass(frozen=True, slots=True)
class ContainerLabels:
    """What a container must carry so that a lost bus can be rebuilt from the nodes."""

    key: SlotKey
    fingerprint: str
    version: str
    refresh: int
    epoch: int
    generation: int
    #: the shared volumes that it uses: mount path and incarnation, sorted
    mounts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class StopContainer:
    """Signal, wait, kill. Frees the container's host ports."""

    key: SlotKey
    container_id: str
    #: empty: the container's own
    signal: str
    timeout_s: float
    #: as "8080/tcp" on the host
    ports: frozenset[str] = frozenset()
    reason: str = field(default="", compare=False)
    #: calls about it may hang, so it waits for its turn with its like only
    may_hang: bool = field(default=False, compare=False)

    @property
    def target(self) -> str:
        return f"container {self.key}"

    def is_more_urgent_than(self, other: "StopContainer") -> bool:
        """Whether this stop must not wait for the end of that one."""
        return self.patience_s < other.patience_s

    @property
    def patience_s(self) -> float:
        """How long the container may go on at most."""
        return 0.0 if self.signal.removeprefix("SIG") in {"KILL", "9"} else self.timeout_s

    def describe(self) -> str:
        return f"stop {self.target} within {self.timeout_s:g} s: {self.reason}"


@dataclass(frozen=True, slots=True)
class RemoveContainer:
    """Frees the container's name, and its hold on volumes and networks."""

    key: SlotKey
    container_id: str
    #: its anonymous volumes too
    with_volumes: bool = False
    volumes: frozenset[str] = frozenset()
    networks: frozenset[str] = frozenset()
    reason: str = field(default="", compare=False)
    #: as of a stop
    may_hang: bool = field(default=False, compare=False)

    @property
    def target(self) -> str:
        return f"container {self.key}"

    def describe(self) -> str:
        return f"remove {self.target}: {self.reason}"


@dataclass(frozen=True, slots=True)
class DisconnectNetwork:
    """Take a container out of a network; whether it runs on is no matter of this."""

    key: SlotKey
    container_id: str
    network: str
    reason: str = field(default="", compare=False)

    @property
    def target(self) -> str:
        return f"container {self.key}"

    def describe(self) -> str:
        return f"disconnect {self.target} from network {self.network}: {self.reason}"


@dataclass(frozen=True, slots=True)
class RemoveNetwork:
    """Remove a network of ours that nothing uses."""

    project: str
    name: str
    reason: str = field(default="", compare=False)

    @property
    def target(self) -> str:
        return f"network {self.name}"

    def describe(self) -> str:
        return f"remove {self.target}: {self.reason}"


@dataclass(frozen=True, slots=True)
class RemoveVolume:
    """Remove a local volume, and the data in it."""

    project: str
    name: str
    reason: str = field(default="", compare=False)

    @property
    def target(self) -> str:
        return f"volume {self.name}"

    def describe(self) -> str:
        return f"remove {self.target}: {self.reason}"


@dataclass(frozen=True, slots=True)
class CreateNetwork:
    """Create a project's network."""

    name: str
    network: DesiredNetwork = field(compare=False)
    reason: str = field(default="", compare=False)

    @property
    def target(self) -> str:
        return f"network {self.name}"

    def describe(self) -> str:
        return f"create {self.target}: {self.reason}"


@dataclass(frozen=True, slots=True)
class CreateVolume:
    """Create a project's local volume."""

    name: str
    volume: DesiredVolume = field(compare=False)
    reason: str = field(default="", compare=False)

    @property
    def target(self) -> str:
        return f"volume {self.name}"

    def describe(self) -> str:
        return f"create {self.target}: {self.reason}"


@dataclass(frozen=True, slots=True)
class PullOrder:
    """For what an image is pulled at most once on a node."""

    project: str
    service: str
    spec: str
    version: str
    refresh: int


@dataclass(frozen=True, slots=True)
class PullImage:
    """Bring an image to this node, or the newest that its registry has by this name."""

    reference: str
    #: the slots that wait for it, and share its failure
    keys: tuple[SlotKey, ...] = field(default=(), compare=False)
    #: what is carried out with it; what is ordered while it is under way is not
    orders: frozenset[PullOrder] = field(default=frozenset(), compare=False)
    reason: str = field(default="", compare=False)

    @property
    def is_ahead(self) -> bool:
        """Whether no slot waits for it: it is for what slots will be next."""
        return not self.keys

    @property
    def target(self) -> str:
        return f"image {self.reference}"

    def describe(self) -> str:
        return f"pull {self.target}: {self.reason}"


@dataclass(frozen=True, slots=True)
class CreateContainer:
    """Create a slot's container and join its networks; it does not run yet."""

    key: SlotKey
    labels: ContainerLabels
    #: the labels' fingerprint is its identity
    spec: ServiceSpec = field(compare=False)
    #: its image isn't here yet; where it is, somebody else's pull of that name holds nobody up
    awaits_pull: bool = field(default=False, compare=False)
    reason: str = field(default="", compare=False)

    @property
    def target(self) -> str:
        return f"container {self.key}"

    def describe(self) -> str:
        return f"create {self.target}: {self.reason}"


@dataclass(frozen=True, slots=True)
class ConnectNetwork:
    """Take a container into a network; with an empty id, the one that is created before it."""

    key: SlotKey
    container_id: str
    attachment: NetworkAttachment
    reason: str = field(default="", compare=False)

    @property
    def target(self) -> str:
        return f"container {self.key}"

    def describe(self) -> str:
        return f"connect {self.target} to network {self.attachment.name}: {self.reason}"


@dataclass(frozen=True, slots=True)
class StartContainer:
    """Start a container; with an empty id, the one that is created before it in the same plan."""

    key: SlotKey
    container_id: str = ""
    #: host ports it takes
    ports: frozenset[str] = frozenset()
    #: it uses shared volumes, so a file server that hangs may hold it up
    is_sharing: bool = False
    reason: str = field(default="", compare=False)
    #: containers that must run before it, by name
    leans_on: frozenset[str] = frozenset()
    #: those of its spec, by name: whoever joins them in the same plan is there first
    networks: frozenset[str] = frozenset()

    @property
    def target(self) -> str:
        return f"container {self.key}"

    def describe(self) -> str:
        return f"start {self.target}: {self.reason}"


Removal = StopContainer | RemoveContainer | DisconnectNetwork | RemoveNetwork | RemoveVolume
Addition = (
    CreateNetwork | CreateVolume | PullImage | CreateContainer | ConnectNetwork | StartContainer
)
Action = Removal | Addition

#: what works on the container of one slot
SlotAction = (
    StopContainer
    | RemoveContainer
    | DisconnectNetwork
    | CreateContainer
    | ConnectNetwork
    | StartContainer
)


def slot_of(action: Action) -> SlotKey | None:
    """The slot that an action works on; None for networks, volumes and images."""
    return action.key if isinstance(action, SlotAction) else None
