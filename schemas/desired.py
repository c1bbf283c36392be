"""`NodeDesired`: everything one node must run, in one document.

One document, because a direct get of one key is the only read that the broker's permissions can
pin to a node. Specs are stored once and shared by their slots. A container that a document doesn't
mention is left alone and reported; only `wanted: absent` removes one.
"""

from enum import StrEnum

from pydantic import Field

from schemas.document import Document, Part, Repeated
from schemas.names import NodeName, ProjectName, ServiceName, SetName, SlotKey
from schemas.service import NetworkAttachment, ServiceSpec
from schemas.states import Wanted
from schemas.volume import VolumeSecret, VolumeSpec


class PullPolicy(StrEnum):
    """When a node asks a registry for an image."""

    #: when the node has none of that name
    MISSING = "missing"
    #: once for every redeploy as well; the node's own will do where the registry can't be asked
    NEWER = "newer"
    #: once for every create and redeploy, and nothing is made or replaced before it has succeeded
    ALWAYS = "always"
    NEVER = "never"


class Preparation(Part):
    """What a slot will be next: its image is to be had before anything else is done for it."""

    #: key into `NodeDesired.specs`
    spec: Repeated
    version: str = ""
    refresh: int = 0
    pull: PullPolicy = PullPolicy.MISSING


class DesiredSlot(Part):
    """One slot on this node: which spec, and what it must be now."""

    project: ProjectName
    service: ServiceName
    slot: int = Field(ge=1)
    #: the set that it belongs to
    set_name: SetName = ""
    wanted: Wanted
    #: key into `NodeDesired.specs`; empty only for `absent`
    spec: Repeated = ""
    #: the project's version, for the container's label
    version: str = ""
    #: of a service that runs once on every node: the slot's number is the node's index
    is_global: bool = False
    #: raised by a start of what isn't up: failures from before it are forgotten
    tries: int = 0
    #: raised by every redeploy: an older container is recreated if its image has changed since
    refresh: int = 0
    #: "once" is once on this node for a service's spec, version and refresh
    pull: PullPolicy = PullPolicy.MISSING
    #: how to stop it, when not as its spec says
    stop_signal: str = ""
    stop_timeout_s: float | None = Field(default=None, ge=0)
    #: with `absent`: remove the container's anonymous volumes too
    remove_volumes: bool = False
    prepares: Preparation | None = None
    #: networks that its container is in besides those of its spec, for as long as it says so
    joins: tuple[NetworkAttachment, ...] = ()

    @property
    def key(self) -> SlotKey:
        return SlotKey(self.project, self.service, self.slot, self.set_name)


class AddressPool(Part):
    """Addresses that a network hands out, and those that it keeps back."""

    subnet: str = ""
    ip_range: str = ""
    gateway: str = ""
    #: name -> address that something else has
    aux_addresses: dict[str, str] = Field(default_factory=dict)


class AddressPlan(Part):
    """Who manages a network's addresses; no driver: the engine's own."""

    driver: str = ""
    options: dict[str, str] = Field(default_factory=dict)
    pools: tuple[AddressPool, ...] = ()


class DesiredNetwork(Part):
    """A project's network, made before its first container and removed after its last."""

    project: ProjectName
    #: the name on the engine
    name: str
    driver: str = "bridge"
    options: dict[str, str] = Field(default_factory=dict)
    labels: dict[str, str] = Field(default_factory=dict)
    internal: bool = False
    attachable: bool = False
    enable_ipv6: bool = False
    addresses: AddressPlan | None = None


class DesiredVolume(Part):
    """A project's local volume. It outlives its containers; only `absent` removes it."""

    project: ProjectName
    #: the name on the engine
    name: str
    driver: str = "local"
    options: dict[str, str] = Field(default_factory=dict)
    labels: dict[str, str] = Field(default_factory=dict)
    wanted: Wanted = Wanted.RUNNING


class DesiredMount(Part):
    """A volume to mount on this node. `absent` unmounts it; remote data is never touched."""

    volume: VolumeSpec
    secret: VolumeSecret | None = Field(default=None, repr=False)
    wanted: Wanted = Wanted.RUNNING

    @property
    def name(self) -> str:
        return self.volume.name


class NodeDesired(Document):
    """What `node` must run. An agent refuses an older epoch, and an older generation in it."""

    is_brief = True

    node: NodeName
    #: fencing token: the active coordinator's lease revision
    epoch: int = Field(ge=0)
    #: counts up with every change of this document
    generation: int = Field(ge=0)
    #: the node's own, in case its record is lost; 0: written before it was noted here
    index: int = Field(default=0, ge=0)
    #: project -> revision of the record that its entries were made from. A record that is older
    #: than this one is an old copy.
    records: dict[str, int] = Field(default_factory=dict)
    #: the same of volumes
    volume_records: dict[str, int] = Field(default_factory=dict)
    specs: dict[Repeated, ServiceSpec] = Field(default_factory=dict)
    slots: tuple[DesiredSlot, ...] = ()
    networks: tuple[DesiredNetwork, ...] = ()
    volumes: tuple[DesiredVolume, ...] = ()
    mounts: tuple[DesiredMount, ...] = ()
