"""What an engine refuses of keys that are fine alone: told here, and not by every node later."""

from collections.abc import Mapping, Sequence
from ipaddress import ip_address, ip_network

from compose.declared import Declared
from compose.errors import TemplateError, below, shown
from compose.networks import Joining
from compose.normalise import NormalService
from compose.notes import Notes


def check_together(
    service: NormalService,
    joined: Sequence[Joining],
    networks: Mapping[str, Declared],
    notes: Notes,
) -> None:
    """Look at a service as a whole; `networks` are the template's.

    Raises:
        TemplateError: two of its keys, or one and a network, can't be had together.
    """
    for mount in service.mounts:
        if mount.target in service.plain.get("tmpfs", ()):
            raise TemplateError(
                f"something is mounted at {shown(mount.target)} already, by tmpfs",
                where=mount.where,
            )
    _check_swap(service)
    fixed = [
        (one, key, address)
        for one in joined
        for key, address in (
            ("ipv4_address", one.ipv4_address),
            ("ipv6_address", one.ipv6_address),
        )
        if address
    ]
    for one, key, address in fixed:
        _check_address(address, networks.get(one.network), below(one.where, key))
    if fixed and service.scale > 1:
        one, key, _ = fixed[0]
        notes.warn(
            "two containers with one address can't share a node: "
            f"affinity:service!={service.name} in environment keeps them apart",
            where=below(one.where, key),
        )


def _check_swap(service: NormalService) -> None:
    both, memory = service.plain.get("memswap_limit_bytes"), service.resources.mem_limit_bytes
    where = below(service.where, "memswap_limit")
    if both is None or both < 0:
        return
    if memory is None:
        raise TemplateError("needs a limit of memory as well", where=where)
    if both < memory:
        raise TemplateError(
            f"is memory and swap together: less than {memory} bytes of memory can't be", where=where
        )


def _check_address(address: str, network: Declared | None, where: str) -> None:
    if network is not None and (
        network.is_external or (network.addresses and network.addresses.driver)
    ):
        # Somebody else knows its ranges.
        return
    pools = network.addresses.pools if network is not None and network.addresses else ()
    ranges = [ip_network(pool.subnet, strict=False) for pool in pools if pool.subnet]
    version = ip_address(address).version
    if not any(one.version == version for one in ranges):
        raise TemplateError(
            "needs a network that declares a range of such addresses: ipam.config.subnet",
            where=where,
        )
    if not any(one.version == version and ip_address(address) in one for one in ranges):
        raise TemplateError(f"{shown(address)} is in no subnet of its network", where=where)
