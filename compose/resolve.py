"""The services together: names on the engine, aliases, start order, and what can't be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from compose.declared import Declared
from compose.definition import definition
from compose.dependencies import Dependency, check_graph
from compose.errors import TemplateError, below, clipped
from compose.mounts import Mount
from compose.networks import DEFAULT, Joining
from compose.normalise import NormalService
from compose.notes import Notes
from compose.ports import HostPorts
from compose.shared import shared_mount
from schemas.codec import SchemaError, validate
from schemas.desired import DesiredNetwork, DesiredVolume
from schemas.names import network_name
from schemas.records import ServiceTemplate
from schemas.service import NetworkAttachment, ServiceSpec, VolumeMount


@dataclass(frozen=True, slots=True)
class Scope:
    """What a project's services can refer to."""

    project: str
    networks: Mapping[str, Declared]
    volumes: Mapping[str, Declared]
    #: in the first format a volume's name is the engine's
    volumes_are_plain: bool
    #: the cluster's shared volumes: name -> mount path
    shared: Mapping[str, str]


def resolve(services: Sequence[NormalService], scope: Scope, notes: Notes) -> list[ServiceTemplate]:
    """Every service as it will be kept.

    Raises:
        TemplateError: a name that nothing has, or services that wait for each other.
    """
    graph = {service.name: _needed(service) for service in services}
    check_graph(graph)
    joined = {service.name: _joined(service) for service in services}
    aliases = _link_aliases(services, joined, notes)
    _warn_of_shared_ports(services, notes)
    order = {service.name: index for index, service in enumerate(services)}
    templates: list[ServiceTemplate] = []
    for service in services:
        conditions = {one.service: one.condition for one in reversed(graph[service.name])}
        above_running = {name: one for name, one in conditions.items() if one != "started"}
        plain = {
            "name": service.name,
            "spec": _spec(service, joined[service.name], aliases[service.name], scope),
            "definition": definition(service),
            "extensions": dict(service.aliyun.extensions),
            "scale": service.scale,
            "is_global": service.is_global,
            "depends_on": tuple(sorted(conditions, key=order.__getitem__)),
            "conditions": above_running,
            "latest_image": service.aliyun.latest_image,
            "placement": service.policy,
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
            found.append(DesiredNetwork(project=scope.project, name=_network(key, scope)))
        elif not network.is_external:
            found.append(
                DesiredNetwork(
                    project=scope.project,
                    name=network.name,
                    options=dict(network.options),
                    labels=dict(network.labels),
                    internal=network.is_internal,
                )
            )
    return tuple(found)


def own_volumes(scope: Scope) -> tuple[DesiredVolume, ...]:
    """The project's own volumes, used or not: declaring one is asking for it."""
    return tuple(
        DesiredVolume(
            project=scope.project,
            name=volume.name,
            options=dict(volume.options),
            labels=dict(volume.labels),
        )
        for volume in scope.volumes.values()
        if not volume.is_external
    )


def _needed(service: NormalService) -> list[Dependency]:
    linked = [Dependency(link.service, link.where) for link in service.links]
    return [*service.depends, *linked]


def _joined(service: NormalService) -> tuple[Joining, ...]:
    if service.network_mode:
        return ()
    if service.joinings is None:
        return (Joining(DEFAULT, (), service.where),)
    return service.joinings


Aliases = dict[str, dict[str, dict[str, None]]]


def _link_aliases(
    services: Sequence[NormalService], joined: Mapping[str, tuple[Joining, ...]], notes: Notes
) -> Aliases:
    """By service and network: the names that links give it there."""
    aliases: Aliases = {service.name: {} for service in services}
    for service in services:
        own = {one.network for one in joined[service.name]}
        for link in service.links:
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


def _spec(
    service: NormalService,
    joined: tuple[Joining, ...],
    aliases: Mapping[str, Mapping[str, None]],
    scope: Scope,
) -> ServiceSpec:
    return ServiceSpec(
        image=service.image,
        command=service.command,
        entrypoint=service.entrypoint,
        environment=dict(service.environment),
        labels=dict(service.labels),
        user=service.user,
        working_dir=service.working_dir,
        hostname=service.hostname,
        ports=service.ports,
        expose=service.expose,
        volumes=tuple(_mounted(mount, scope) for mount in service.mounts),
        networks=tuple(
            NetworkAttachment(
                name=_network(one.network, scope, one.where),
                aliases=tuple(
                    dict.fromkeys((service.name, *one.aliases, *aliases.get(one.network, {})))
                ),
            )
            for one in joined
        ),
        network_mode=service.network_mode,
        healthcheck=service.healthcheck,
        probe=service.aliyun.probe,
        restart=service.restart,
        stop_signal=service.stop_signal,
        stop_grace_s=service.stop_grace_s,
        mem_limit_bytes=service.resources.mem_limit_bytes,
        mem_reservation_bytes=service.resources.mem_reservation_bytes,
        cpus=service.resources.cpus,
        cpu_shares=service.resources.cpu_shares,
    )


def _network(key: str, scope: Scope, where: str = "") -> str:
    if key in scope.networks:
        return scope.networks[key].name
    if key == DEFAULT:
        return network_name(scope.project, DEFAULT)
    raise TemplateError(
        f"the network {clipped(key)} is not declared: add it to the section networks", where=where
    )


def _mounted(mount: Mount, scope: Scope) -> VolumeMount:
    shared = shared_mount(mount, scope.volumes, scope.shared)
    if shared is not None:
        return shared
    source = mount.source
    if mount.kind == "volume" and source and not scope.volumes_are_plain:
        if source not in scope.volumes:
            raise TemplateError(
                f"the volume {clipped(source)} is neither declared nor a shared volume of the "
                "cluster: add it to the section volumes, with external: true if it exists already",
                where=mount.where,
            )
        source = scope.volumes[source].name
    return VolumeMount(
        type=mount.kind,
        target=mount.target,
        source=source,
        read_only=mount.read_only,
        no_copy=mount.no_copy,
        selinux=mount.selinux,
        propagation=mount.propagation,
        tmpfs_size_bytes=mount.tmpfs_size_bytes,
        tmpfs_mode=mount.tmpfs_mode,
    )
