"""`ServiceSpec` to the body of the engine's create request. Pure.

The engine's own JSON instead of docker-py's builders: it is the documented interface, it can be
compared with what `docker inspect` shows, and nothing is added behind our back (docker-py's
`create_container` adds the proxy variables of root's docker configuration).
"""

import math
from typing import Any

from agent.adapters.docker_labels import container_labels, project_labels
from agent.ports import ContainerLabels
from schemas.service import Healthcheck, NetworkAttachment, Port, ServiceSpec, VolumeMount

#: An absent field means "as the image says", so empty ones are left out.
Body = dict[str, Any]

_NANOS = 1_000_000_000


def creation(spec: ServiceSpec, labels: ContainerLabels) -> Body:
    """The body of POST /containers/create."""
    body: Body = {
        "Image": spec.image,
        "Env": [f"{name}={text}" for name, text in spec.environment.items()],
        "Labels": container_labels(spec, labels),
        "ExposedPorts": {port: {} for port in _exposed(spec)},
        "HostConfig": _host_config(spec, labels.key.project),
        "NetworkingConfig": {"EndpointsConfig": _endpoints(spec)},
    }
    if spec.command is not None:
        body["Cmd"] = list(spec.command)
    if spec.entrypoint is not None:
        # One empty string is the engine's word for "forget the image's"; an empty list is not.
        body["Entrypoint"] = list(spec.entrypoint) or [""]
    if spec.healthcheck is not None:
        body["Healthcheck"] = _healthcheck(spec.healthcheck)
    if spec.stop_grace_s is not None:
        body["StopTimeout"] = math.ceil(spec.stop_grace_s)
    texts = {
        "User": spec.user,
        "WorkingDir": spec.working_dir,
        "Hostname": spec.hostname,
        "StopSignal": spec.stop_signal,
    }
    return body | {field: text for field, text in texts.items() if text}


def endpoint(attachment: NetworkAttachment) -> Body:
    """How a container answers in one network."""
    return {"Aliases": list(attachment.aliases)}


def _host_config(spec: ServiceSpec, project: str) -> Body:
    config: Body = {
        # The agent restarts, never the engine: only the agent knows whether the container's
        # volumes are mounted, and what the engine started without them would write beside them.
        "RestartPolicy": {"Name": "no"},
        "PortBindings": _port_bindings(spec.ports),
        # Binds, and not Mounts, for host paths: they create a missing path, as Compose does.
        "Binds": [_bind(mount) for mount in spec.volumes if mount.type == "bind"],
        "Mounts": [_mount(mount, project) for mount in spec.volumes if mount.type == "volume"],
        "Tmpfs": {
            mount.target: "ro" if mount.read_only else ""
            for mount in spec.volumes
            if mount.type == "tmpfs"
        },
        "NetworkMode": _network_mode(spec),
    }
    limits = {
        "Memory": spec.mem_limit_bytes,
        "MemoryReservation": spec.mem_reservation_bytes,
        "NanoCpus": round(spec.cpus * _NANOS) if spec.cpus is not None else None,
        "CpuShares": spec.cpu_shares,
    }
    return config | {field: limit for field, limit in limits.items() if limit is not None}


def _network_mode(spec: ServiceSpec) -> str:
    if spec.network_mode:
        return spec.network_mode
    return spec.networks[0].name if spec.networks else "default"


def _endpoints(spec: ServiceSpec) -> Body:
    """The first network only: engines before API 1.44 refuse a second one here."""
    if spec.network_mode or not spec.networks:
        return {}
    return {spec.networks[0].name: endpoint(spec.networks[0])}


def _port(port: Port) -> str:
    return f"{port.container_port}/{port.protocol}"


def _exposed(spec: ServiceSpec) -> list[str]:
    exposed = [text if "/" in text else f"{text}/tcp" for text in spec.expose]
    return sorted({*exposed, *(_port(port) for port in spec.ports)})


def _port_bindings(ports: tuple[Port, ...]) -> dict[str, list[Body]]:
    bindings: dict[str, list[Body]] = {}
    for port in ports:
        host_port = "" if port.host_port is None else str(port.host_port)
        bindings.setdefault(_port(port), []).append({"HostIp": port.host_ip, "HostPort": host_port})
    return bindings


def _bind(mount: VolumeMount) -> str:
    return f"{mount.source}:{mount.target}:{'ro' if mount.read_only else 'rw'}"


def _mount(mount: VolumeMount, project: str) -> Body:
    body: Body = {
        "Type": "volume",
        "Source": mount.source,
        "Target": mount.target,
        "ReadOnly": mount.read_only,
    }
    if mount.source:
        # The engine makes a missing volume without asking; unlabelled, it would look foreign.
        body["VolumeOptions"] = {"Labels": project_labels(project, {})}
    return body


def _healthcheck(check: Healthcheck) -> Body:
    """The engine fills what is absent from the image's HEALTHCHECK."""
    seconds = {
        "Interval": check.interval_s,
        "Timeout": check.timeout_s,
        "StartPeriod": check.start_period_s,
    }
    body: Body = {
        field: round(value * _NANOS) for field, value in seconds.items() if value is not None
    }
    if check.test is not None:
        body["Test"] = list(check.test)
    if check.retries is not None:
        body["Retries"] = check.retries
    return body
