"""A small network on this machine: a bridge, and network namespaces plugged into it.

Every name follows from the network's number, so that whoever knows the number can remove all of it.
Uses `ip`; entering is done with nsenter, because `ip netns exec` remounts /sys and hides the
control groups.
"""

import ipaddress
import json
from dataclasses import dataclass
from pathlib import Path

from cli.commands import run, succeeds
from cli.firewall import allow_bridge, forbid_bridge

_NAMESPACES = Path("/run/netns")
#: The first node's address ends in .11, so that n1 is easy to recognise and .1 is the bridge's.
_FIRST_NODE = 10


@dataclass(frozen=True, slots=True)
class LabNetwork:
    """Network number N: the bridge `trpN` with 10.213.N.1/24."""

    number: int

    @property
    def bridge(self) -> str:
        return f"trp{self.number}"

    @property
    def subnet(self) -> ipaddress.IPv4Network:
        return ipaddress.IPv4Network(f"10.213.{self.number}.0/24")

    @property
    def address(self) -> str:
        """The bridge's own address: how the nodes reach what runs beside them."""
        return str(self.subnet[1])

    def is_free(self) -> bool:
        """Whether no interface or route of this machine uses the bridge's name or the subnet."""
        routes = json.loads(run(["ip", "-json", "-4", "route", "show", "table", "all"]))
        for route in routes:
            destination = str(route.get("dst", "default"))
            if destination == "default":
                continue
            network = ipaddress.IPv4Network(destination, strict=False)
            # A route as wide as 10.0.0.0/8 is somebody's way out, not a network on this machine.
            if network.prefixlen >= 16 and network.overlaps(self.subnet):
                return False
        return not succeeds(["ip", "link", "show", self.bridge])

    def create(self) -> None:
        run(
            ["ip", "-batch", "-"],
            lines=[
                f"link add {self.bridge} type bridge",
                f"address add {self.address}/24 dev {self.bridge}",
                f"link set {self.bridge} up",
            ],
        )
        allow_bridge(self.bridge)

    def namespace(self, index: int) -> "Namespace":
        """The place of node `index`, counted from 1."""
        return Namespace(self, index)

    def remove(self) -> None:
        """Remove the bridge and every namespace of this network, however many there are."""
        for path in sorted(_NAMESPACES.glob(f"{self.bridge}-*")):
            succeeds(["ip", "netns", "delete", path.name])
        for link in json.loads(run(["ip", "-json", "link", "show"])):
            if str(link["ifname"]).startswith(f"{self.bridge}n"):
                succeeds(["ip", "link", "delete", link["ifname"]])
        succeeds(["ip", "link", "delete", self.bridge])
        forbid_bridge(self.bridge)


@dataclass(frozen=True, slots=True)
class Namespace:
    """A network namespace with one cable to the bridge, as eth0."""

    network: LabNetwork
    index: int

    @property
    def name(self) -> str:
        return f"{self.network.bridge}-n{self.index}"

    @property
    def address(self) -> str:
        return str(self.network.subnet[_FIRST_NODE + self.index])

    @property
    def enter(self) -> tuple[str, ...]:
        """The start of a command line that runs the rest inside."""
        return ("nsenter", f"--net={_NAMESPACES / self.name}", "--")

    @property
    def cable(self) -> str:
        return f"{self.network.bridge}n{self.index}"

    def create(self) -> None:
        run(["ip", "netns", "add", self.name])
        run(
            ["ip", "-batch", "-"],
            lines=[
                f"link add {self.cable} type veth peer name eth0 netns {self.name}",
                f"link set {self.cable} master {self.network.bridge}",
                f"link set {self.cable} up",
            ],
        )
        run(
            ["ip", "-netns", self.name, "-batch", "-"],
            lines=[
                "link set lo up",
                f"address add {self.address}/24 dev eth0",
                "link set eth0 up",
            ],
        )

    def cut(self) -> None:
        """Unplug the cable: nothing gets in or out, and nobody is told."""
        run(["ip", "link", "set", self.cable, "down"])

    def heal(self) -> None:
        run(["ip", "link", "set", self.cable, "up"])
