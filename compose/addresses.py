"""`ipam`: the addresses of a network."""

from ipaddress import ip_address, ip_network

from compose.errors import TemplateError, below, shown
from compose.nested_keys import IPAM_KEYS, POOL_KEYS, allowed
from compose.tree import Tree, sequence, text, text_map
from schemas.desired import AddressPlan, AddressPool


def address_plan(value: Tree, where: str) -> AddressPlan | None:
    """The section; None where it leaves all to the engine.

    Raises:
        TemplateError: what must be an address or a range of them is none.
    """
    found = allowed(value, where, IPAM_KEYS)
    driver = text(found.get("driver", ""), below(where, "driver"))
    at = below(where, "config")
    plan = AddressPlan(
        driver="" if driver == "default" else driver,
        options=text_map(found.get("options", {}), below(where, "options")),
        pools=tuple(
            _pool(entry, below(at, index))
            for index, entry in enumerate(sequence(found.get("config", []), at))
        ),
    )
    return None if plan == AddressPlan() else plan


def _pool(entry: Tree, where: str) -> AddressPool:
    found = allowed(entry, where, POOL_KEYS)
    at = below(where, "aux_addresses")
    others = text_map(found.get("aux_addresses", {}), at)
    return AddressPool(
        subnet=_range(found.get("subnet", ""), below(where, "subnet")),
        ip_range=_range(found.get("ip_range", ""), below(where, "ip_range")),
        gateway=_address(found.get("gateway", ""), below(where, "gateway")),
        aux_addresses={name: _address(one, below(at, name)) for name, one in others.items()},
    )


def _range(value: Tree, where: str) -> str:
    written = text(value, where)
    try:
        if written:
            ip_network(written, strict=False)
    except ValueError as error:
        raise TemplateError(
            f"must be such as 10.1.0.0/16, not {shown(written)}", where=where
        ) from error
    return written


def _address(value: Tree, where: str) -> str:
    written = text(value, where)
    try:
        if written:
            ip_address(written)
    except ValueError as error:
        raise TemplateError(f"{shown(written)} is no IP address", where=where) from error
    return written
