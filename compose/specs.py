"""One service as its engine will see it: names of the template become names on the engine."""

from collections.abc import Mapping
from dataclasses import dataclass

from compose.declared import Declared
from compose.errors import TemplateError, clipped
from compose.external import External, names_of
from compose.files import check_places, inline_files
from compose.inline import Inlines
from compose.mounts import Mount
from compose.networks import DEFAULT, Joining
from compose.normalise import NormalService
from compose.shared import shared_mount
from compose.sharing import Reference, mode_symbol, with_services
from schemas.names import network_name
from schemas.service import NetworkAttachment, ServiceSpec, VolumeMount


@dataclass(frozen=True, slots=True)
class Scope:
    """What a project's services can refer to."""

    project: str
    networks: Mapping[str, Declared]
    volumes: Mapping[str, Declared]
    #: in the first format a volume's name is the engine's
    volumes_are_plain: bool
    #: before the Specification a path in the long form isn't made where a node lacks it
    paths_must_exist: bool
    #: the cluster's shared volumes: name -> mount path
    shared: Mapping[str, str]
    #: the directory that they are below, on every node
    mount_base: str
    #: the template's configs and secrets
    inlines: Inlines
    #: addresses outside of the cluster that have a name in the template
    external: Mapping[str, External]
    #: services whose profiles nobody asked for
    left_out: frozenset[str]
    #: in the first format `container:NAME` means one of these where it can
    plain_services: frozenset[str]


def engine_spec(
    service: NormalService,
    joined: tuple[Joining, ...],
    aliases: Mapping[str, Mapping[str, None]],
    scope: Scope,
) -> ServiceSpec:
    """What the engine needs to know; `aliases` are those that links give, by network.

    Raises:
        TemplateError: something that nobody declares, or a file where something is mounted.
    """
    sharing = with_services(service.sharing, scope.plain_services)
    plain = dict(service.plain)
    check_places(
        service.files, [*(mount.target for mount in service.mounts), *plain.get("tmpfs", ())]
    )
    hosts = () if isinstance(sharing.network, Reference) else _outside(service, scope)
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
            _attachment(service, one, aliases.get(one.network, {}), scope) for one in joined
        ),
        files=inline_files(service.files, scope.inlines),
        network_mode=mode_symbol(sharing.network),
        pid_mode=mode_symbol(sharing.pid),
        ipc_mode=mode_symbol(sharing.ipc),
        volumes_from=tuple(dict.fromkeys(f"{one.symbol}:{one.mode}" for one in sharing.volumes)),
        extra_hosts=tuple(dict.fromkeys((*plain.pop("extra_hosts", ()), *hosts))),
        healthcheck=service.healthcheck,
        probe=service.aliyun.probe,
        restart=service.restart,
        stop_signal=service.stop_signal,
        stop_grace_s=service.stop_grace_s,
        mem_limit_bytes=service.resources.mem_limit_bytes,
        mem_reservation_bytes=service.resources.mem_reservation_bytes,
        cpus=service.resources.cpus,
        cpu_shares=service.resources.cpu_shares,
        **plain,
    )


def _attachment(
    service: NormalService, one: Joining, links: Mapping[str, None], scope: Scope
) -> NetworkAttachment:
    own = (service.name, *filter(None, [service.container_name]), *one.aliases)
    return NetworkAttachment(
        name=network_on_engine(one.network, scope, one.where),
        aliases=tuple(dict.fromkeys((*own, *sorted(links)))),
        links=tuple(f"{container}:{name}" for container, name in service.external_links),
        ipv4_address=one.ipv4_address,
        ipv6_address=one.ipv6_address,
        link_local_ips=one.link_local_ips,
    )


def _outside(service: NormalService, scope: Scope) -> list[str]:
    """The addresses outside of the cluster that the service names, under all their names.

    Only those: an address that nobody here asks for must not make a container anew.
    """
    names = {(name, name) for name in names_of(service)}
    names |= {(link.alias, link.service) for link in service.links}
    return sorted(
        f"{name}:{scope.external[key].host}"
        for name, key in names
        if key in scope.external and scope.external[key].is_address
    )


def network_on_engine(key: str, scope: Scope, where: str = "") -> str:
    """A network's name there; every project has a default one without declaring it."""
    if key in scope.networks:
        return scope.networks[key].name
    if key == DEFAULT:
        return network_name(scope.project, DEFAULT)
    raise TemplateError(
        f"the network {clipped(key)} is not declared: add it to the section networks", where=where
    )


def _mounted(mount: Mount, scope: Scope) -> VolumeMount:
    shared = shared_mount(mount, scope.volumes, scope.shared, scope.mount_base)
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
        must_exist=scope.paths_must_exist if mount.must_exist is None else mount.must_exist,
        selinux=mount.selinux,
        propagation=mount.propagation,
        tmpfs_size_bytes=mount.tmpfs_size_bytes,
        tmpfs_mode=mount.tmpfs_mode,
    )
