"""The part of the engine's create request that is about the container's place on its node. Pure."""

from collections.abc import Iterable
from pathlib import PurePath
from typing import Any

from agent.adapters.docker_labels import project_labels
from agent.adapters.docker_shares import shared_bind
from agent.errors import ContainerRejected
from agent.ports import ContainerLabels
from schemas.service import BlockIo, DeviceRate, Port, ServiceSpec, VolumeMount

Body = dict[str, Any]

_NANOS = 1_000_000_000


def host_config(spec: ServiceSpec, labels: ContainerLabels, mount_base: str) -> Body:
    """The engine's HostConfig; what the spec leaves open is absent, so the engine decides."""
    config: Body = {
        # The agent restarts, never the engine: only the agent knows whether the container's
        # volumes are mounted, and what the engine started without them would write beside them.
        "RestartPolicy": {"Name": "no"},
        "PortBindings": _port_bindings(spec.ports),
        "NetworkMode": _network_mode(spec),
        **_storage(spec, labels, mount_base),
        **_limits(spec),
        **_rights(spec),
        **_names(spec),
    }
    if spec.logging is not None:
        config["LogConfig"] = {"Type": spec.logging.driver, "Config": dict(spec.logging.options)}
    if spec.blkio is not None:
        config |= _block_io(spec.blkio)
    if spec.init is not None:
        config["Init"] = spec.init
    return config


def port_name(port: Port) -> str:
    """A container's port as the engine writes it."""
    return f"{port.container_port}/{port.protocol}"


def _network_mode(spec: ServiceSpec) -> str:
    if spec.network_mode:
        return spec.network_mode
    return spec.networks[0].name if spec.networks else "default"


def _port_bindings(ports: tuple[Port, ...]) -> dict[str, list[Body]]:
    bindings: dict[str, list[Body]] = {}
    for port in ports:
        host_port = port.host_choice if port.host_port is None else str(port.host_port)
        bindings.setdefault(port_name(port), []).append(
            {"HostIp": port.host_ip, "HostPort": host_port}
        )
    return bindings


def _storage(spec: ServiceSpec, labels: ContainerLabels, mount_base: str) -> Body:
    incarnations = dict(labels.mounts)
    for mount in spec.volumes:
        if mount.type == "bind" and PurePath(mount.source).is_relative_to(mount_base):
            # Nothing would wait for it. The coordinator refuses it too, unless its base is another.
            raise ContainerRejected(f"{mount.source} is where shared volumes are: name the volume")
    return _present(
        {
            # Not Mounts: the engine makes a path that is missing for these, as their form promises.
            "Binds": [_bind(m) for m in spec.volumes if m.type == "bind" and not m.must_exist],
            "Mounts": [
                *(
                    _mount(mount, spec, labels.key.project)
                    for mount in spec.volumes
                    if mount.type == "volume" and (mount.source or not spec.volume_driver)
                ),
                *(_strict_bind(m) for m in spec.volumes if m.type == "bind" and m.must_exist),
                *(_tmpfs(m) for m in spec.volumes if m.type == "tmpfs"),
                *(
                    shared_bind(mount, mount_base, incarnations)
                    for mount in spec.volumes
                    if mount.type == "cluster"
                ),
            ],
            "Tmpfs": dict(spec.tmpfs),
            "VolumesFrom": list(spec.volumes_from),
            "VolumeDriver": spec.volume_driver,
            "StorageOpt": spec.storage_opt,
        }
    )


def _bind(mount: VolumeMount) -> str:
    selinux = {"": "", "shared": "z", "private": "Z"}[mount.selinux]
    words = ("ro" if mount.read_only else "rw", selinux, mount.propagation)
    return f"{mount.source}:{mount.target}:{','.join(word for word in words if word)}"


def _mount(mount: VolumeMount, spec: ServiceSpec, project: str) -> Body:
    body: Body = {
        "Type": "volume",
        "Source": mount.source,
        "Target": mount.target,
        "ReadOnly": mount.read_only,
    }
    options: Body = {"NoCopy": True} if mount.no_copy else {}
    if mount.source:
        # The engine makes a missing volume without asking; unlabelled, it would look foreign.
        options["Labels"] = project_labels(project, {})
        if spec.volume_driver:
            options["DriverConfig"] = {"Name": spec.volume_driver}
    return body | ({"VolumeOptions": options} if options else {})


def _strict_bind(mount: VolumeMount) -> Body:
    """The engine refuses it where the path is missing."""
    body = {
        "Type": "bind",
        "Source": mount.source,
        "Target": mount.target,
        "ReadOnly": mount.read_only,
    }
    return body | ({"BindOptions": {"Propagation": mount.propagation}} if mount.propagation else {})


def _tmpfs(mount: VolumeMount) -> Body:
    body = {"Type": "tmpfs", "Target": mount.target, "ReadOnly": mount.read_only}
    options = {"SizeBytes": mount.tmpfs_size_bytes, "Mode": mount.tmpfs_mode}
    given = {name: value for name, value in options.items() if value is not None}
    return body | ({"TmpfsOptions": given} if given else {})


def _limits(spec: ServiceSpec) -> Body:
    limits = {
        "Memory": spec.mem_limit_bytes,
        "MemoryReservation": spec.mem_reservation_bytes,
        "MemorySwap": spec.memswap_limit_bytes,
        "MemorySwappiness": spec.mem_swappiness,
        "KernelMemory": spec.kernel_memory_bytes,
        "ShmSize": spec.shm_size_bytes,
        "OomScoreAdj": spec.oom_score_adj,
        "PidsLimit": spec.pids_limit,
        "NanoCpus": round(spec.cpus * _NANOS) if spec.cpus is not None else None,
        "CpuShares": spec.cpu_shares,
        "CpuQuota": spec.cpu_quota_us,
        "CpuPeriod": spec.cpu_period_us,
        "CpuRealtimePeriod": spec.cpu_rt_period_us,
        "CpuRealtimeRuntime": spec.cpu_rt_runtime_us,
    }
    bodies = [
        {"Name": limit.name, "Soft": limit.soft, "Hard": limit.hard} for limit in spec.ulimits
    ]
    return {field: limit for field, limit in limits.items() if limit is not None} | _present(
        {"OomKillDisable": spec.oom_kill_disable, "CpusetCpus": spec.cpuset, "Ulimits": bodies}
    )


def _rights(spec: ServiceSpec) -> Body:
    devices = [
        {
            "PathOnHost": device.source,
            "PathInContainer": device.target,
            "CgroupPermissions": device.permissions,
        }
        for device in spec.devices
    ]
    requests = [
        {
            "Driver": request.driver,
            "Count": request.count,
            "DeviceIDs": list(request.device_ids),
            "Capabilities": [list(words) for words in request.capabilities],
            "Options": dict(request.options),
        }
        for request in spec.device_requests
    ]
    return _present(
        {
            "Privileged": spec.privileged,
            "ReadonlyRootfs": spec.read_only,
            "CapAdd": list(spec.cap_add),
            "CapDrop": list(spec.cap_drop),
            "GroupAdd": list(spec.group_add),
            "SecurityOpt": list(spec.security_opt),
            "Devices": devices,
            "DeviceRequests": requests,
            "DeviceCgroupRules": list(spec.device_cgroup_rules),
            "Sysctls": dict(spec.sysctls),
        }
    )


def _names(spec: ServiceSpec) -> Body:
    return _present(
        {
            "PidMode": spec.pid_mode,
            "IpcMode": spec.ipc_mode,
            "UTSMode": spec.uts_mode,
            "UsernsMode": spec.userns_mode,
            "CgroupnsMode": spec.cgroup_mode,
            "CgroupParent": spec.cgroup_parent,
            "Runtime": spec.runtime,
            "Dns": list(spec.dns),
            "DnsSearch": list(spec.dns_search),
            "DnsOptions": list(spec.dns_options),
            "ExtraHosts": list(spec.extra_hosts),
        }
    )


def _block_io(blkio: BlockIo) -> Body:
    rates = {
        "BlkioDeviceReadBps": blkio.device_read_bps,
        "BlkioDeviceReadIOps": blkio.device_read_iops,
        "BlkioDeviceWriteBps": blkio.device_write_bps,
        "BlkioDeviceWriteIOps": blkio.device_write_iops,
    }
    body: Body = {field: _amounts(found, "Rate") for field, found in rates.items() if found}
    if blkio.weight_device:
        body["BlkioWeightDevice"] = _amounts(blkio.weight_device, "Weight")
    return body | ({"BlkioWeight": blkio.weight} if blkio.weight is not None else {})


def _amounts(rates: Iterable[DeviceRate], unit: str) -> list[Body]:
    return [{"Path": rate.path, unit: rate.amount} for rate in rates]


def _present(fields: Body) -> Body:
    """Without what asks for nothing: the engine's own settings stay in force."""
    return {name: value for name, value in fields.items() if value}
