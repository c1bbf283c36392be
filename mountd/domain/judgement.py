"""What an order comes to under a node's rules."""

from dataclasses import dataclass
from fnmatch import fnmatchcase

from mountd.domain import ossfs
from mountd.domain.track import Wish
from schemas.desired import DesiredMount
from schemas.states import Wanted
from schemas.volume import VolumeSpec
from schemas.volume_options import fault


@dataclass(frozen=True, slots=True)
class Rules:
    """Which hosts this node mounts from, as globs; empty: from any."""

    allowed_hosts: tuple[str, ...] = ()


def judge(order: DesiredMount, rules: Rules) -> Wish:
    """The wish, and why it is refused if it is. An unmount is never refused."""
    is_absent = order.wanted is Wanted.ABSENT
    why = "" if is_absent else _refusal(order, rules)
    return Wish(order.volume, order.secret, is_absent=is_absent, refusal=why)


def _refusal(order: DesiredMount, rules: Rules) -> str:
    volume = order.volume
    host = _host(volume)
    if rules.allowed_hosts and not any(
        fnmatchcase(host.lower(), glob.lower()) for glob in rules.allowed_hosts
    ):
        return f"this node mounts nothing from the host {host}"
    found = fault(volume, order.secret)
    return found.message if found else ""


def _host(volume: VolumeSpec) -> str:
    if volume.nas is not None:
        return volume.nas.host
    assert volume.ossfs is not None  # noqa: S101 # schemas.volume: nas or ossfs
    return ossfs.host(volume.ossfs)
