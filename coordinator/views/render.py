"""Views to the API's bodies, field by field, in pieces of JSON. `schemas.views` is their contract.

What is shown of a project is decided here; what is true of it, in `coordinator.views.rollup`. Plain
dicts, because a list may show a hundred thousand containers: as models they take thrice as long.
"""

import re
from collections.abc import Iterator
from typing import Any

from compose.redaction import HIDDEN
from coordinator.views.render_releases import release_fields
from coordinator.views.rollup import ContainerView, NodePicture, ProjectView, ServiceView
from coordinator.views.sightings import doubt
from schemas.codec import encode_plain
from schemas.current import ContainerCurrent
from schemas.fingerprint import fingerprint
from schemas.names import service_id
from schemas.states import Health

#: the reference's clients take these out when they read a project back
PROJECT_NAME_KEY = "COMPOSE_PROJECT_NAME"
PROJECT_VERSION_KEY = "ACS_PROJECT_VERSION"
DEFAULT_DOMAIN_KEY = "ACS_DEFAULT_DOMAIN"
#: of one piece: half a millisecond's work
_CONTAINERS_AT_ONCE = 100

_FRACTION = re.compile(r"\.(\d+)")


def project_frame(view: ProjectView, default_domain: str) -> tuple[bytes, bytes]:
    """What stands before and after the services of a project, itself an object."""
    record = view.record
    before = {
        "name": record.name,
        "description": record.description,
        "template": record.shown_template or record.template,
        "version": record.version,
        "environment": _environment(view, default_domain),
        "created": rfc3339nano(record.created),
        "updated": rfc3339nano(record.updated),
        "desired_state": view.desired_state,
        "current_state": view.current_state,
    }
    doubt = {"record": view.record_state} if view.record_state else {}
    retired = {each.current.id: _container(each) for each in view.retired}
    after = {
        "reasons": view.reasons,
        "warnings": record.warnings,
        **_operation(view),
        **release_fields(view),
        **({"retired": retired} if retired else {}),
        **doubt,
    }
    return encode_plain(before)[:-1] + b',"services":[', b"]," + encode_plain(after)[1:]


def service_pieces(view: ProjectView, name: str, with_containers: bool) -> Iterator[bytes]:
    """One service of the project. Its `scale` is the present one, not the template's."""
    service = view.services[name]
    record = service.record
    before = {
        "id": service_id(view.record.name, name),
        "name": name,
        "project": view.record.name,
        "created": rfc3339nano(record.created),
        "updated": rfc3339nano(record.updated),
        "desired_state": service.desired_state,
        "current_state": service.current_state,
        "definition": record.template.definition,
        "extensions": _extensions(service),
    }
    yield encode_plain(before)[:-1] + b',"containers":{'
    if with_containers:
        yield from _container_pieces(service)
    after = {
        "compose_version": view.record.compose_version,
        "hash": _identity(view, name),
        "version": _version(view, name),
        "reasons": service.reasons,
    }
    yield b"}," + encode_plain(after)[1:]


def _identity(view: ProjectView, name: str) -> str:
    """Of what the engine is asked for; of two sets, the current one's."""
    groups = (group for alike in view.groups.values() for group in alike)
    spec = next((group.spec for group in groups if group.key.service == name), None)
    return fingerprint(spec or view.services[name].record.template.spec)


def _version(view: ProjectView, name: str) -> str:
    """The current one; of a service that only a release brings, that one's."""
    release = view.record.release
    is_new = release is not None and name not in view.record.services
    return release.target.version if release is not None and is_new else view.record.version


def _container_pieces(service: ServiceView) -> Iterator[bytes]:
    # By id first: of two nodes that report the same container, as after cloning one, the last counts.
    every = list({each.current.id: each for each in service.containers}.items())
    for start in range(0, len(every), _CONTAINERS_AT_ONCE):
        some = every[start : start + _CONTAINERS_AT_ONCE]
        separator = b"," if start else b""
        yield separator + encode_plain({key: _container(each) for key, each in some})[1:-1]


def _container(container: ContainerView) -> dict[str, Any]:
    current = container.current
    return {
        "name": f"/{current.name}",
        "node": container.address,
        "node_name": container.node,
        "vm_id": container.node,
        "ip": current.ip,
        "running": current.running,
        "status": current.status,
        "status_ext": _status_in_words(container),
        "health": _health(current),
        "fail_count": current.fail_count,
        "ports": _ports(container) if current.ports else {},
        "version": current.version,
        **({"log_tail": container.log_tail} if container.log_tail else {}),
    }


def node_body(node: NodePicture) -> dict[str, Any]:
    """One node. Of one that was never heard, only what the cluster decided is known."""
    current = node.current
    statuses = [each.status for each in current.containers] if current else []
    running, paused = statuses.count("running"), statuses.count("paused")
    reason = doubt(node)
    return {
        "Name": node.name,
        "IP": current.address if current else "",
        "Healthy": not reason,
        "Status": node.state,
        "Reason": reason,
        "SilentFor": round(node.silent_for_s, 1),
        "InstanceId": node.name,
        "ZoneId": current.zone if current else "",
        "RegionId": "",
        "created": rfc3339nano(node.joined),
        "updated": rfc3339nano((current.observed_at if current else "") or node.joined),
        "Containers": len(statuses),
        "ContainersRunning": running,
        "ContainersPaused": paused,
        "ContainersStopped": len(statuses) - running - paused,
        "AgentVersion": current.agent_version if current else "",
        "EngineVersion": current.engine.version if current else "",
        "Labels": current.labels if current else {},
        "Index": node.index,
        "Cordoned": node.is_cordoned,
        "CPUs": current.cpus if current else 0.0,
        "Memory": current.memory_bytes if current else 0,
    }


def rfc3339nano(text: str) -> str:
    """The same time with the fraction's trailing zeros trimmed, as the reference prints them."""
    return _FRACTION.sub(lambda found: f".{found[1].rstrip('0')}".rstrip("."), text, count=1)


def reserved_variables(project: str, version: str, default_domain: str) -> dict[str, str]:
    """What every project's environment has unasked, for its template and for who reads it back."""
    reserved = {PROJECT_NAME_KEY: project, PROJECT_VERSION_KEY: version}
    return reserved | ({DEFAULT_DOMAIN_KEY: default_domain} if default_domain else {})


def _environment(view: ProjectView, default_domain: str) -> dict[str, str]:
    record = view.record
    hidden = dict.fromkeys(record.environment.keys() & set(record.hidden_variables), HIDDEN)
    reserved = reserved_variables(record.name, record.version, default_domain)
    return {**record.environment, **hidden, **reserved}


def _operation(view: ProjectView) -> dict[str, Any]:
    operation = view.record.operation
    if operation is None:
        return {}
    named = {"service": operation.service} if operation.service else {}
    started = rfc3339nano(operation.started)
    return {"operation": {"id": operation.id, "verb": operation.verb, **named, "started": started}}


def _extensions(service: ServiceView) -> dict[str, Any]:
    template = service.record.template
    is_global = {"global": True} if template.is_global else {}
    # Scale last: a label must not hide what a scale command has made of it.
    return {**template.extensions, **is_global, "scale": service.record.scale}


def _health(current: ContainerCurrent) -> str:
    # The reference shows `success` for a container that nothing checks: healthy by default.
    if current.health is Health.NONE and current.running:
        return Health.SUCCESS.value
    return current.health.value


def _status_in_words(container: ContainerView) -> str:
    current = container.current
    words = []
    if container.is_stale:
        words.append("as last seen, its node or engine does not answer")
    if container.is_leftover:
        words.append("no longer placed here")
    if current.oom_killed:
        words.append("out of memory")
    if not current.running and current.exit_code is not None:
        words.append(f"exit code {current.exit_code}")
    return ", ".join(words)


def _ports(container: ContainerView) -> dict[str, list[dict[str, str]]]:
    shown = {}
    for port, bindings in sorted(container.current.ports.items()):
        # By its own kind where the node's address is of the other: nothing may listen there.
        places = {
            (each.address_on(container.address) or each.host_ip, each.host_port)
            for each in bindings
        }
        shown[port] = [
            {"host_ip": address, "host_port": str(host_port)}
            for address, host_port in sorted(places, key=lambda each: (":" in each[0], *each))
        ]
    return shown
