"""Views to the API's bodies, field by field. `answer` gives every query its body.

What is shown of a project is decided here; what is true of it, in `coordinator.views.rollup`.
"""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, assert_never

from coordinator.errors import NotFound
from coordinator.views.rollup import ContainerView, NodePicture, ProjectView, ServiceView
from coordinator.views.sightings import doubt
from coordinator.volumes.render import render_inspected, render_volumes
from coordinator.volumes.views import VolumeView
from schemas import views
from schemas.current import ContainerCurrent
from schemas.fingerprint import fingerprint
from schemas.names import service_id, split_service_id
from schemas.query import (
    AnyQuery,
    InspectService,
    InspectVolume,
    ListNodes,
    ListProjects,
    ListServices,
    ListVolumes,
    ViewProject,
)
from schemas.states import Health
from schemas.volume import BASE_DIRECTORY

#: the reference's clients take these out when they read a project back
PROJECT_NAME_KEY = "COMPOSE_PROJECT_NAME"
PROJECT_VERSION_KEY = "ACS_PROJECT_VERSION"
DEFAULT_DOMAIN_KEY = "ACS_DEFAULT_DOMAIN"
#: shown instead of a secret
HIDDEN = "***"

_FRACTION = re.compile(r"\.(\d+)")
_EVERY_INTERFACE = ("", "0.0.0.0", "::")


def answer(  # noqa: PLR0911  one answer for each query
    query: AnyQuery,
    projects: Mapping[str, ProjectView],
    nodes: Sequence[NodePicture],
    volumes: Mapping[str, VolumeView] = MappingProxyType({}),
    *,
    default_domain: str = "",
    mount_base: str = BASE_DIRECTORY,
) -> Any:
    """The query's body, as plain JSON values.

    Raises:
        NotFound: nothing has the name that was asked for.
    """
    match query:
        case ListProjects():
            shown = [_present(projects, name) for name in sorted(projects) if query.q in name]
            return [
                render_project(
                    view, query.services, query.containers, default_domain=default_domain
                )
                for view in shown
                if view is not None
            ]
        case ViewProject():
            view = _project_of(projects, query.name)
            return render_project(
                view, query.services, query.containers, default_domain=default_domain
            )
        case ListServices():
            return [
                render_service(view, name, query.containers)
                for view, name in _services_by_id(projects)
                if query.q in name
            ]
        case InspectService():
            view, name = _service_of(projects, query.service_id)
            return render_service(view, name, query.containers)
        case ListVolumes():
            return render_volumes(volumes.values(), nodes, mount_base)
        case InspectVolume():
            return render_inspected(volumes, query.name, nodes, mount_base)
        case ListNodes():
            return [render_node(node) for node in sorted(nodes, key=lambda each: each.name)]
        case _:
            assert_never(query)


def render_project(
    view: ProjectView, with_services: bool, with_containers: bool, *, default_domain: str = ""
) -> dict[str, Any]:
    """One project. Without services the key stays, empty: typed clients decode it."""
    record = view.record
    services = [
        render_service(view, name, with_containers)
        for name in sorted(view.services if with_services else ())
    ]
    body = views.Project(
        name=record.name,
        description=record.description,
        template=record.shown_template or record.template,
        version=record.version,
        environment=_environment(view, default_domain),
        created=rfc3339nano(record.created),
        updated=rfc3339nano(record.updated),
        desired_state=view.desired_state,
        current_state=view.current_state,
        services=(),
        reasons=view.reasons,
        warnings=record.warnings,
        **_operation(view),
    )
    return {**body.model_dump(mode="json", exclude_unset=True), "services": services}


def render_service(view: ProjectView, name: str, with_containers: bool) -> dict[str, Any]:
    """One service of the project. Its `scale` is the present one, not the template's."""
    service = view.services[name]
    record = service.record
    containers = service.containers if with_containers else ()
    body = views.Service(
        id=service_id(view.record.name, name),
        name=name,
        project=view.record.name,
        created=rfc3339nano(record.created),
        updated=rfc3339nano(record.updated),
        desired_state=service.desired_state,
        current_state=service.current_state,
        definition=record.template.definition,
        extensions=_extensions(service),
        containers={each.current.id: render_container(each) for each in containers},
        compose_version=view.record.compose_version,
        hash=fingerprint(record.template.spec),
        version=view.record.version,
        reasons=service.reasons,
    )
    return body.model_dump(mode="json", exclude_unset=True)


def render_container(container: ContainerView) -> views.ContainerView:
    """One container, and the node it is on."""
    current = container.current
    return views.ContainerView(
        name=f"/{current.name}",
        node=container.address,
        node_name=container.node,
        vm_id=container.node,
        ip=current.ip,
        running=current.running,
        status=current.status,
        status_ext=_status_in_words(container),
        health=_health(current),
        fail_count=current.fail_count,
        ports=_ports(container),
    )


def render_node(node: NodePicture) -> dict[str, Any]:
    """One node. Of one that was never heard, only what the cluster decided is known."""
    current = node.current
    containers = current.containers if current else ()
    reason = doubt(node)
    body = views.Node(
        name=node.name,
        ip=current.address if current else "",
        healthy=not reason,
        status=node.state,
        reason=reason,
        silent_for_s=round(node.silent_for_s, 1),
        instance_id=node.name,
        zone_id=current.zone if current else "",
        region_id="",
        created=rfc3339nano(node.joined),
        updated=rfc3339nano((current.observed_at if current else "") or node.joined),
        containers=len(containers),
        containers_running=sum(each.status == "running" for each in containers),
        containers_paused=sum(each.status == "paused" for each in containers),
        containers_stopped=sum(each.status not in ("running", "paused") for each in containers),
        agent_version=current.agent_version if current else "",
        engine_version=current.engine.version if current else "",
        labels=current.labels if current else {},
        index=node.index,
        cordoned=node.is_cordoned,
        cpus=current.cpus if current else 0.0,
        memory_bytes=current.memory_bytes if current else 0,
    )
    return body.model_dump(mode="json", by_alias=True)


def rfc3339nano(text: str) -> str:
    """The same time with the fraction's trailing zeros trimmed, as the reference prints them."""
    return _FRACTION.sub(lambda found: f".{found[1].rstrip('0')}".rstrip("."), text, count=1)


def _present(projects: Mapping[str, ProjectView], name: str) -> ProjectView | None:
    """A project that is gone is only remembered for its commands."""
    view = projects.get(name)
    return None if view is None or view.record.is_gone else view


def _project_of(projects: Mapping[str, ProjectView], name: str) -> ProjectView:
    view = _present(projects, name)
    if view is None:
        raise NotFound("project", name)
    return view


def _service_of(projects: Mapping[str, ProjectView], wanted: str) -> tuple[ProjectView, str]:
    project, service = split_service_id(wanted) or ("", "")
    view = _present(projects, project)
    if view is None or service not in view.services:
        raise NotFound("service", wanted)
    return view, service


def _services_by_id(projects: Mapping[str, ProjectView]) -> list[tuple[ProjectView, str]]:
    present = [view for view in map(projects.get, projects) if view and not view.record.is_gone]
    every = [(view, name) for view in present for name in view.services]
    return sorted(every, key=lambda pair: service_id(pair[0].record.name, pair[1]))


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
    shown = views.OperationView(id=operation.id, verb=operation.verb, started=started, **named)
    return {"operation": shown}


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


def _ports(container: ContainerView) -> dict[str, tuple[views.PortView, ...]]:
    shown = {}
    for port, bindings in sorted(container.current.ports.items()):
        # Every interface of a node is no address to its readers: say which node.
        places = {
            (
                container.address if each.host_ip in _EVERY_INTERFACE else each.host_ip,
                each.host_port,
            )
            for each in bindings
        }
        shown[port] = tuple(
            views.PortView(host_ip=address, host_port=str(host_port))
            for address, host_port in sorted(places)
        )
    return shown
