"""`ServiceSpec` to the body of the engine's create request. Pure.

The engine's own JSON instead of docker-py's builders: it is the documented interface, it can be
compared with what `docker inspect` shows, and nothing is added behind our back (docker-py's
`create_container` adds the proxy variables of root's docker configuration). Here: what is said of
the container itself; `docker_host_config` has the rest.
"""

import math
from typing import Any

from agent.adapters.docker_host_config import host_config, port_name
from agent.adapters.docker_labels import container_labels
from agent.ports import ContainerLabels
from schemas.service import Healthcheck, NetworkAttachment, ServiceSpec

#: An absent field means "as the image says", so empty ones are left out.
Body = dict[str, Any]

_NANOS = 1_000_000_000


def creation(spec: ServiceSpec, labels: ContainerLabels, mount_base: str) -> Body:
    """The body of POST /containers/create. Shared volumes are below `mount_base`.

    Raises:
        ContainerRejected: it asks for more of the node than a shared volume.
    """
    body: Body = {
        "Image": spec.image,
        "Env": [f"{name}={text}" for name, text in spec.environment.items()],
        "Labels": container_labels(spec, labels),
        "ExposedPorts": {port: {} for port in _exposed(spec)},
        "Tty": spec.tty,
        "OpenStdin": spec.stdin_open,
        "HostConfig": host_config(spec, labels, mount_base),
        "NetworkingConfig": {"EndpointsConfig": _endpoints(spec)},
    }
    if spec.command is not None:
        body["Cmd"] = list(spec.command)
    if spec.entrypoint is not None:
        # An empty list drops the image's entrypoint and keeps its command, as docker-compose does;
        # one empty string would drop both.
        body["Entrypoint"] = list(spec.entrypoint)
    if spec.healthcheck is not None:
        body["Healthcheck"] = _healthcheck(spec.healthcheck)
    if spec.stop_grace_s is not None:
        body["StopTimeout"] = math.ceil(spec.stop_grace_s)
    anonymous = [m.target for m in spec.volumes if m.type == "volume" and not m.source]
    if spec.volume_driver and anonymous:
        # Under Mounts an anonymous volume would not get the driver of the container.
        body["Volumes"] = {target: {} for target in anonymous}
    texts = {
        "User": spec.user,
        "WorkingDir": spec.working_dir,
        "Hostname": spec.hostname,
        "Domainname": spec.domainname,
        "MacAddress": spec.mac_address,
        "StopSignal": spec.stop_signal,
    }
    return body | {field: text for field, text in texts.items() if text}


def endpoint(attachment: NetworkAttachment) -> Body:
    """How a container answers in one network."""
    body: Body = {"Aliases": list(attachment.aliases)}
    if attachment.links:
        body["Links"] = list(attachment.links)
    addresses = {
        "IPv4Address": attachment.ipv4_address,
        "IPv6Address": attachment.ipv6_address,
        "LinkLocalIPs": list(attachment.link_local_ips),
    }
    if fixed := {field: address for field, address in addresses.items() if address}:
        body["IPAMConfig"] = fixed
    return body


def _endpoints(spec: ServiceSpec) -> Body:
    """The first network only: engines before API 1.44 refuse a second one here."""
    if spec.network_mode or not spec.networks:
        return {}
    return {spec.networks[0].name: endpoint(spec.networks[0])}


def _exposed(spec: ServiceSpec) -> list[str]:
    exposed = [text if "/" in text else f"{text}/tcp" for text in spec.expose]
    return sorted({*exposed, *(port_name(port) for port in spec.ports)})


def _healthcheck(check: Healthcheck) -> Body:
    """The engine fills what is absent from the image's HEALTHCHECK."""
    seconds = {
        "Interval": check.interval_s,
        "Timeout": check.timeout_s,
        "StartPeriod": check.start_period_s,
        "StartInterval": check.start_interval_s,
    }
    body: Body = {
        field: round(value * _NANOS) for field, value in seconds.items() if value is not None
    }
    if check.test is not None:
        body["Test"] = list(check.test)
    if check.retries is not None:
        body["Retries"] = check.retries
    return body
