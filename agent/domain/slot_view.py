"""What a decision about one slot may look at, what it can say, and the actions it is made of."""

from dataclasses import dataclass

from agent.domain.actions import (
    ConnectNetwork,
    ContainerLabels,
    CreateContainer,
    DisconnectNetwork,
    RemoveContainer,
    StartContainer,
    StopContainer,
)
from agent.domain.leaning import leans_on
from agent.domain.observation import NO_ATTEMPTS, Attempts, Pulled, SeenContainer
from agent.domain.pulls import asks
from agent.domain.shares import Lack, Share
from schemas.current import SlotProblem
from schemas.desired import DesiredSlot
from schemas.names import SlotKey
from schemas.service import ServiceSpec

#: the engine's own default, stated because the agent counts the seconds
STOP_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class SlotView:
    """Everything that a decision about one slot may look at."""

    now: float
    slot: DesiredSlot
    #: None for an absent slot, whose spec is no longer known
    spec: ServiceSpec | None
    #: what a new container gets, with the fingerprint of `spec`
    labels: ContainerLabels
    #: oldest first
    seen: tuple[SeenContainer, ...]
    attempts: Attempts
    #: what the spec's image reference is on this node; None: not here
    image_id: str | None
    #: the pull for its order; None: still due, if its policy asks for one
    pulled: Pulled | None = None
    #: whether the node's images could be read at all
    has_images: bool = True
    node: str = ""
    #: the shared volumes that it needs
    shares: tuple[Share, ...] = ()
    #: the containers whose namespaces it lives in
    owners: tuple[SeenContainer, ...] = ()
    #: our networks of its project that are on the node, by name; None: they could not be read
    networks: frozenset[str] | None = None
    #: those that its container may be in
    named: frozenset[str] = frozenset()
    #: what went wrong when its container was to join or leave networks
    joining: Attempts = NO_ATTEMPTS

    @property
    def key(self) -> SlotKey:
        return self.labels.key

    @property
    def must_pull(self) -> bool:
        """Whether the registry is to be asked although the node may have the image."""
        return asks(self.slot.pull) and self.pulled is None

    @property
    def ordered_image_id(self) -> str | None:
        """What a container of an older redeploy is compared with; None: not known now.

        A pull for somebody else's order moves the name, and is no reason to replace this slot's.
        """
        if self.pulled:
            return self.pulled.image_id or None
        return None if asks(self.slot.pull) else self.image_id

    @property
    def excuse(self) -> str:
        """Why it runs an image that may not be the newest, in words."""
        why = self.pulled.refusal if self.pulled else ""
        return f"{self.key} runs the image that the node has: {why}" if why else ""

    @property
    def lack(self) -> Lack | None:
        """Why it can't use its shared volumes now: the one that only a human can help first."""
        lacks = [share.lack for share in self.shares if share.lack]
        return min(lacks, key=lambda lack: not lack.definite, default=None)


@dataclass(frozen=True, slots=True)
class Decision:
    """What one slot needs. Due later: nothing now, and when to look again."""

    stops: tuple[StopContainer, ...] = ()
    removes: tuple[RemoveContainer, ...] = ()
    disconnects: tuple[DisconnectNetwork, ...] = ()
    #: an image to pull first
    image: str = ""
    creates: tuple[CreateContainer, ...] = ()
    connects: tuple[ConnectNetwork, ...] = ()
    starts: tuple[StartContainer, ...] = ()
    retry_at: float | None = None
    problem: SlotProblem | None = None
    note: str = ""

    @property
    def adds(self) -> bool:
        """Whether anything but removals is to be done."""
        return bool(self.image or self.creates or self.connects or self.starts)

    @property
    def is_idle(self) -> bool:
        return not (self.stops or self.removes or self.disconnects or self.adds)


def stop(view: SlotView, seen: SeenContainer, reason: str) -> StopContainer:
    """End one of the slot's containers in the slot's way, which frees its host ports."""
    signal, timeout_s = stop_parameters(view.slot, view.spec)
    ports = frozenset(
        f"{host_port}/{inside.partition('/')[2] or 'tcp'}"
        for inside, bindings in seen.ports.items()
        for _, host_port in bindings
    )
    return StopContainer(view.key, seen.id, signal, timeout_s, ports, reason, seen.may_hang)


def start(view: SlotView, container_id: str, reason: str) -> StartContainer:
    """Start a container; with an empty id, the one that is created before it."""
    ports = frozenset(
        f"{port.host_port}/{port.protocol}"
        for port in (view.spec.ports if view.spec else ())
        if port.host_port is not None
    )
    others = leans_on(view.spec) if view.spec else frozenset[str]()
    networks = (attachment.name for attachment in (view.spec.networks if view.spec else ()))
    return StartContainer(
        *(view.key, container_id, ports, bool(view.shares), reason, others), frozenset(networks)
    )


def stop_parameters(slot: DesiredSlot, spec: ServiceSpec | None) -> tuple[str, float]:
    """Signal and patience: the slot's word, else the spec's, else the engine's."""
    grace_s = spec.stop_grace_s if spec else None
    timeout_s = slot.stop_timeout_s if slot.stop_timeout_s is not None else grace_s
    return (
        slot.stop_signal or (spec.stop_signal if spec else ""),
        STOP_TIMEOUT_S if timeout_s is None else timeout_s,
    )
