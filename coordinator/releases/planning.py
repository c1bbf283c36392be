"""`planned`: the release that an update begins: what changes, what is shared, what is new. Pure.

A service is changed when the engine would make its containers otherwise (`schemas.fingerprint`);
everything else that a template says of it is taken over without touching them.
"""

from dataclasses import dataclass
from typing import Any

from coordinator.releases.groups import own_networks, set_of
from coordinator.releases.specs import Surroundings, owners_of, resolved
from schemas.desired import PullPolicy
from schemas.fingerprint import fingerprint
from schemas.names import age_of_set, set_name
from schemas.records import ProjectRecord
from schemas.release import (
    Operation,
    Release,
    ReleaseKind,
    ReleaseState,
    Rollout,
    ServiceRecord,
    ServiceSet,
)
from schemas.states import State
from schemas.template import ProjectTemplate, ServiceTemplate


@dataclass(frozen=True, slots=True)
class Asked:
    """What an update says besides its template."""

    kind: ReleaseKind
    revision: int
    version: str
    #: the template's text
    text: str
    description: str
    environment: dict[str, str]
    #: ask registries for the newest images
    latest_image: bool
    now: str
    operation: Operation


def planned(project: ProjectRecord, template: ProjectTemplate, asked: Asked) -> Release:
    """The release from the project's current set to what the template says."""
    services = {service.name: _pulled(service, asked) for service in template.services}
    changed = _changed(project, services, template, asked)
    renamed = _renamed(project, services, changed, asked)
    records = {
        name: _record(project, service, asked, in_place=name not in renamed)
        if name in changed | renamed
        else _kept(project.services[name], service)
        for name, service in services.items()
    }
    target = ServiceSet(
        revision=asked.revision,
        description=asked.description,
        template=asked.text,
        version=asked.version,
        environment=asked.environment,
        services=records,
        **compiled_fields(template),
    )
    rollouts = {name: Rollout() for name in services if name in changed | renamed}
    return Release(
        kind=asked.kind,
        state=ReleaseState.PULLING,
        target=target,
        rollouts=rollouts,
        operation=asked.operation,
        decided_by=asked.operation,
    )


def compiled_fields(template: ProjectTemplate) -> dict[str, Any]:
    """What a set of services has from its compiled template, besides the services."""
    return {
        "shown_template": template.shown_text,
        "hidden_variables": template.hidden_variables,
        "compose_version": template.compose_version,
        "networks": template.networks,
        "volumes": template.volumes,
        "warnings": template.warnings,
    }


def _pulled(service: ServiceTemplate, asked: Asked) -> ServiceTemplate:
    return service.model_copy(update={"pull": PullPolicy.ALWAYS}) if asked.latest_image else service


def _changed(
    project: ProjectRecord,
    services: dict[str, ServiceTemplate],
    template: ProjectTemplate,
    asked: Asked,
) -> set[str]:
    """The services that are new, or whose containers must be others."""
    # The newest image of a name may be another one; only its node can tell, which then replaces
    # nothing where it is the same. Beside each other two equal sets would make no sense.
    is_refreshed = asked.latest_image and asked.kind is ReleaseKind.STANDARD
    networks = {network.name for network in template.networks} | own_networks(project)
    return {
        name
        for name, service in services.items()
        if is_refreshed
        or (held := project.services.get(name)) is None
        # The same containers, and other slots: kept under their numbers they would be on wrong nodes.
        or held.template.is_global is not service.is_global
        or _identity(project, held, held.template, networks)
        != _identity(project, held, service, networks)
    }


def _identity(
    project: ProjectRecord, held: ServiceRecord, template: ServiceTemplate, networks: set[str]
) -> str:
    """What the engine would make of a template in the place of the service that is held."""
    around = Surroundings(
        project.name,
        lambda name: set_of(project, name, is_next=False),
        networks if held.network_set else frozenset(),
        held.network_set,
    )
    return fingerprint(resolved(template.spec, around))


def _renamed(
    project: ProjectRecord,
    services: dict[str, ServiceTemplate],
    changed: set[str],
    asked: Asked,
) -> set[str]:
    """The changed services whose new containers run beside the old ones, and so have other names.

    What lives in a container that gets another name must be made anew as well, beside it.
    """
    renamed = {
        name
        for name in changed
        if name in project.services
        and (
            asked.kind is ReleaseKind.BLUE_GREEN
            or services[name].update.order == "start-first"
            # Slots of a global service are node indices, and those of others are not: one set
            # can't have both.
            or services[name].is_global is not project.services[name].template.is_global
        )
    }
    while True:
        followers = {
            name
            for name, service in services.items()
            if name not in renamed
            and name in project.services
            and owners_of(service.spec) & renamed
        }
        if not followers:
            return renamed
        renamed |= followers


def _record(
    project: ProjectRecord, service: ServiceTemplate, asked: Asked, *, in_place: bool
) -> ServiceRecord:
    held = project.services.get(service.name)
    is_beside = asked.kind is ReleaseKind.BLUE_GREEN
    own = set_name(asked.revision)
    return ServiceRecord(
        template=service,
        scale=service.scale,
        changed_by=asked.operation,
        created=held.created if held else asked.now,
        updated=asked.now,
        refresh=(held.refresh if held else 0) + (asked.latest_image and held is not None),
        tries=held.tries if held else 0,
        set_name=(held.set_name if held else "") if in_place else own,
        network_set=own if is_beside else _home(project, held),
    )


def _home(project: ProjectRecord, held: ServiceRecord | None) -> str:
    """The set whose networks a service is in; a new one comes where the youngest are.

    Everything older is joined there, so it finds the others and they find it.
    """
    if held is not None:
        return held.network_set
    sets = {service.network_set for service in project.services.values()}
    return max(sets, key=age_of_set, default="")


def _kept(held: ServiceRecord, service: ServiceTemplate) -> ServiceRecord:
    """A service whose containers stay, as it will be."""
    template = held.template if held.template == service else service
    return held.model_copy(
        update={
            "template": template,
            "scale": service.scale,
            "desired_state": State.RUNNING,
            "stop_signal": "",
            "stop_timeout_s": None,
        }
    )
