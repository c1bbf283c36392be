"""What a compiled service asks of the engine, in the form in which `reading` has an oracle's answer."""

from collections.abc import Callable, Mapping
from typing import Any

from schemas.template import ServiceTemplate

Readers = Mapping[str, Callable[[ServiceTemplate], Any]]

_READ: Readers = {
    "networks": lambda one: {
        (a.name, a.aliases, a.ipv4_address, a.ipv6_address, a.link_local_ips)
        for a in one.spec.networks
    },
    "extra_hosts": lambda one: set(one.spec.extra_hosts),
    "ports": lambda one: {
        (p.host_ip, p.host_choice or str(p.host_port or ""), p.container_port, p.protocol)
        for p in one.spec.ports
    },
    "expose": lambda one: set(one.spec.expose),
    "volumes": lambda one: {
        (m.type, m.source, m.target, m.read_only, m.no_copy, m.propagation, m.tmpfs_size_bytes)
        for m in one.spec.volumes
    },
    "healthcheck": lambda one: (
        one.spec.healthcheck and one.spec.healthcheck.model_dump(exclude_none=True)
    ),
    "restart": lambda one: (one.spec.restart.policy, one.spec.restart.max_retries),
    "ulimits": lambda one: {u.name: (u.soft, u.hard) for u in one.spec.ulimits},
    "devices": lambda one: [(d.source, d.target, d.permissions) for d in one.spec.devices],
    "logging": lambda one: one.spec.logging and (one.spec.logging.driver, one.spec.logging.options),
    "log_driver": lambda one: one.spec.logging and one.spec.logging.driver,
    "log_opt": lambda one: one.spec.logging and one.spec.logging.options,
    "scale": lambda one: one.scale,
    "is_global": lambda one: one.is_global,
    "depends_on": lambda one: set(one.depends_on),
    "conditions": lambda one: one.conditions,
    "constraints": lambda one: [
        f"{e.key}{'!=' if e.negated else '=='}{e.value}" for e in one.placement.expressions
    ],
    "external_links": lambda one: one.spec.networks[0].links,
    "container_name": lambda one: one.spec.networks[0].aliases[-1],
    "userns_mode": lambda one: one.spec.userns_mode,
    "oom_kill_disable": lambda one: one.spec.oom_kill_disable,
    "blkio": lambda one: (
        one.spec.blkio
        and {
            key: value if key == "weight" else [(rate["path"], rate["amount"]) for rate in value]
            for key, value in one.spec.blkio.model_dump().items()
            if key == "weight" or value
        }
    ),
}


def ours_of(field: str, one: ServiceTemplate, every: tuple[ServiceTemplate, ...]) -> Any:
    """What a compiled service has in a field of `reading.expected`."""
    if field == "links":
        return _links(one, every)
    if field in _READ:
        return _READ[field](one)
    return getattr(one.spec, field)


def _links(one: ServiceTemplate, every: tuple[ServiceTemplate, ...]) -> set[tuple[str, str]]:
    """Every name that a service needs and its dependencies answer to, as far as links gave it."""
    return {
        (other.name, alias)
        for other in every
        if other.name in one.depends_on
        for network in other.spec.networks
        for alias in network.aliases
        if alias in {link.partition(":")[2] or link for link in one.definition["links"]}
    }
