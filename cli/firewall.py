"""What a dockerd changes in the network namespace it runs in, and how to take it back.

An engine that ends leaves its bridges, its iptables chains, a FORWARD policy of DROP and forwarding
switched on. In a namespace of its own that goes with the namespace; in the machine's own namespace
it has to be undone.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cli.commands import run, succeeds

_FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
_BRIDGE = "docker0"
#: How an engine names the bridge of a user's network.
_NETWORK_BRIDGE = re.compile(r"br-[0-9a-f]{12}")
_TABLES = ("filter", "nat")


@dataclass(frozen=True, slots=True)
class NetworkBefore:
    """How the machine's own namespace was before our engine came."""

    forwarding: str
    forward_policy: str
    links: tuple[str, ...]
    had_chains: bool

    @classmethod
    def now(cls) -> Self:
        rules = run(["iptables", "--wait", "-S"])
        policy = next(line for line in rules.splitlines() if line.startswith("-P FORWARD"))
        return cls(
            forwarding=_FORWARDING.read_text().strip(),
            forward_policy=policy.split()[-1],
            links=tuple(_links()),
            had_chains="-N DOCKER" in rules,
        )

    def restore(self) -> None:
        """Undo what our engine added; nothing if another engine's traces were there already."""
        if self.had_chains:
            return
        for table in _TABLES:
            _remove_docker_chains(table)
        succeeds(["iptables", "--wait", "-P", "FORWARD", self.forward_policy])
        for link in _links():
            if _is_bridge(link) and link not in self.links:
                succeeds(["ip", "link", "delete", link])
        _FORWARDING.write_text(self.forwarding)


def _links() -> list[str]:
    return [str(link["ifname"]) for link in json.loads(run(["ip", "-json", "link", "show"]))]


def _is_bridge(link: str) -> bool:
    return link == _BRIDGE or _NETWORK_BRIDGE.fullmatch(link) is not None


def _remove_docker_chains(table: str) -> None:
    iptables = ["iptables", "--wait", "-t", table]
    rules = [line.split() for line in run([*iptables, "-S"]).splitlines()]
    chains = [words[1] for words in rules if words[0] == "-N" and words[1].startswith("DOCKER")]
    for words in rules:
        if words[0] == "-A" and _is_dockers(words, chains):
            succeeds([*iptables, "-D", *words[1:]])
    for step in ("-F", "-X"):  # A chain can go only when no rule of another names it.
        for chain in chains:
            succeeds([*iptables, step, chain])


def _is_dockers(words: list[str], chains: list[str]) -> bool:
    return any(word in chains or _is_bridge(word) for word in words[2:])


def allow_bridge(bridge: str) -> None:
    """Let frames cross our bridge even where an engine made FORWARD drop by default."""
    forbid_bridge(bridge)  # So that a repeated start doesn't add the rule twice.
    run(["iptables", "--wait", "-I", "FORWARD", *_bridge_rule(bridge)])


def forbid_bridge(bridge: str) -> None:
    succeeds(["iptables", "--wait", "-D", "FORWARD", *_bridge_rule(bridge)])


def _bridge_rule(bridge: str) -> list[str]:
    return ["-i", bridge, "-o", bridge, "-j", "ACCEPT"]
