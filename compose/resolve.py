"""The services together: names on the engine, start order, and what can't be."""

from collections.abc import Mapping, Sequence

from compose.definition import definition
from compose.dependencies import Dependency, check_graph
from compose.errors import TemplateError, below, clipped
from compose.networks import DEFAULT, Joining
from compose.normalise import NormalService
from compose.notes import Notes
from compose.ports import HostPorts
from compose.sharing import Sharing, check_network, with_services
from compose.specs import Scope, engine_spec, network_on_engine
from compose.together import check_together
from compose.updates import Policies, alone_because, one_by_one
from schemas.codec import SchemaError, validate
from schemas.desired import DesiredNetwork, DesiredVolume
from schemas.service import ServiceSpec
from schemas.template import PlacementPolicy, ServiceTemplate


def resolve(services: Sequence[NormalService], scope: Scope, notes: Notes) -> list[ServiceTemplate]:
    """Every service as it will be kept.

    Raises:
        TemplateError: a name that nothing has, or services that wait for each other.
    """
    names = {service.name for service in services}
    graph = {
        service.name: [
            one for one in _needed(service, scope) if one.is_required or one.service in names
        ]
        for service in services
    }
    check_graph(graph, scope.left_out)
    joined = {service.name: _joined(service) for service in services}
    aliases = _link_aliases(services, joined, scope, notes)
    _warn_of_shared_ports(services, notes)
    for service in services:
        check_together(service, joined[service.name], scope.networks, notes)
        key = "net" if "net" in service.written else "network_mode"
        check_network(service.sharing.network, scope.networks, below(service.where, key), notes)
    order = {service.name: index for index, service in enumerate(services)}
    templates: list[ServiceTemplate] = []
    for service in services:
        conditions = {one.service: one.condition for one in reversed(graph[service.name])}
        above_running = {name: one for name, one in conditions.items() if one != "started"}
        spec = engine_spec(service, joined[service.name], aliases[service.name], scope)
        found = _policies(service, spec, notes)
        plain = {
            "name": service.name,
            "spec": spec,
            "definition": definition(service),
            "extensions": dict(service.aliyun.extensions),
            "scale": service.scale,
            "is_global": service.is_global,
            "depends_on": tuple(sorted(conditions, key=order.__getitem__)),
            "conditions": above_running,
            "pull": service.pull,
            "placement": _placement(service, scope),
            "update": found.update,
            "rollback": found.rollback,
            "routes": service.aliyun.routes,
            "is_sticky": service.aliyun.is_sticky,
        }
        try:
            templates.append(validate(ServiceTemplate, plain))
        except SchemaError as error:
            raise TemplateError(str(error), where=service.where) from error
    return templates


def used_networks(
    services: Sequence[NormalService], scope: Scope, notes: Notes
) -> tuple[DesiredNetwork, ...]:
    """The project's own networks that a service joins."""
    used = dict.fromkeys(one.network for service in services for one in _joined(service))
    for key in scope.networks:
        if key not in used and key != DEFAULT:
            notes.warn("no service joins it: it is not made", where=below("networks", key))
    found: list[DesiredNetwork] = []
    for key in used:
        network = scope.networks.get(key)
        if network is None:
            found.append(DesiredNetwork(project=scope.project, name=network_on_engine(key, scope)))
        elif not network.is_external:
            found.append(
                DesiredNetwork(
                    project=scope.project,
                    name=network.name,
                    driver=network.driver,
                    options=dict(network.options),
                    labels=dict(network.labels),
                    internal=network.is_internal,
                    attachable=network.is_attachable,
                    enable_ipv6=network.has_ipv6,
                    addresses=network.addresses,
                )
            )
    return tuple(found)


def own_volumes(
    services: Sequence[NormalService], scope: Scope, notes: Notes
) -> tuple[DesiredVolume, ...]:
    """The project's own volumes. One that no service mounts is made nowhere.

    It is in the list all the same: an earlier project of the name may have left one, and deleting
    this one with its volumes removes it.
    """
    mounted = {mount.source for service in services for mount in service.mounts}
    for key, volume in scope.volumes.items():
        if key not in mounted and not volume.is_external:
            notes.warn("no service mounts it: it is not made", where=below("volumes", key))
    return tuple(
        DesiredVolume(
            project=scope.project,
            name=volume.name,
            driver=volume.driver,
            options=dict(volume.options),
            labels=dict(volume.labels),
        )
        for volume in scope.volumes.values()
        if not volume.is_external
    )


def _needed(service: NormalService, scope: Scope) -> list[Dependency]:
    """What must run first. An address outside of the cluster is always there."""
    linked = [Dependency(link.service, link.where) for link in service.links]
    needed = [*service.depends, *linked, *_sharing(service, scope).dependencies]
    return [one for one in needed if one.service not in scope.external]


def _sharing(service: NormalService, scope: Scope) -> Sharing:
    return with_services(service.sharing, scope.plain_services)


def _placement(service: NormalService, scope: Scope) -> PlacementPolicy:
    """Containers that share something are on one node."""
    partners = dict.fromkeys(one.service for one in _sharing(service, scope).dependencies)
    if not partners:
        return service.policy
    return service.policy.model_copy(update={"together_with": tuple(partners)})


def _policies(service: NormalService, spec: ServiceSpec, notes: Notes) -> Policies:
    """Those of the template, but for an order that the service can't have."""
    found = service.policies
    sections = {"update_config": found.update, "rollback_config": found.rollback}
    first = next((key for key, one in sections.items() if one.order == "start-first"), None)
    why = alone_because(spec, scale=service.scale, is_global=service.is_global)
    if first is None or not why:
        return found
    notes.warn(
        f"{service.name} is replaced stop-first: {why}",
        where=below(below(below(service.where, "deploy"), first), "order"),
    )
    return one_by_one(found)


def _joined(service: NormalService) -> tuple[Joining, ...]:
    if service.sharing.network:
        return ()
    if service.joinings is None:
        return (Joining(DEFAULT, (), service.where),)
    return service.joinings


Aliases = dict[str, dict[str, dict[str, None]]]


def _link_aliases(
    services: Sequence[NormalService],
    joined: Mapping[str, tuple[Joining, ...]],
    scope: Scope,
    notes: Notes,
) -> Aliases:
    """By service and network: the names that links give it there."""
    aliases: Aliases = {service.name: {} for service in services}
    for service in services:
        own = {one.network for one in joined[service.name]}
        for link in service.links:
            if link.service in scope.external:
                continue
            shared = [one.network for one in joined[link.service] if one.network in own]
            if not shared:
                notes.warn(
                    f"{service.name} and {link.service} share no network: the name "
                    f"{clipped(link.alias)} will not be found",
                    where=link.where,
                )
            for network in shared:
                aliases[link.service].setdefault(network, {})[link.alias] = None
    return aliases


def _warn_of_shared_ports(services: Sequence[NormalService], notes: Notes) -> None:
    taken = HostPorts()
    for service in services:
        for port in service.ports:
            other = taken.take(port, service.name)
            if other is not None and other != service.name:
                notes.warn(
                    f"the host port {port.host_port} is published by {other} too: "
                    "they can't share a node",
                    where=below(service.where, "ports"),
                )
