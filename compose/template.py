"""`compile_template`: the only way into this package."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from compose import declared
from compose.errors import TemplateError, below
from compose.extends import extended, wanted
from compose.external import split_external, warn_of_names
from compose.files import check_uses
from compose.inline import hidden_variables, inlines
from compose.interpolate import interpolate
from compose.limits import PROJECT_PORTS_MAX, WARNINGS_MAX
from compose.normalise import NormalService, normalise
from compose.notes import Notes
from compose.parse import parse
from compose.published_schemas import check_published
from compose.redaction import shown_text
from compose.resolve import own_volumes, resolve, used_networks
from compose.shape import SPECIFICATION, Sections, Shape, sections
from compose.specs import Scope
from compose.validate import understood
from schemas.template import ProjectTemplate
from schemas.volume import BASE_DIRECTORY

#: Compose's own variable: every template may use it, and no environment can change it.
PROJECT_VARIABLE = "COMPOSE_PROJECT_NAME"

__all__ = ["PROJECT_VARIABLE", "TemplateError", "compile_template"]


def compile_template(
    project: str,
    text: str,
    environment: Mapping[str, str],
    shared: Mapping[str, str] = MappingProxyType({}),
    *,
    mount_base: str = BASE_DIRECTORY,
    warnings_max: int = WARNINGS_MAX,
) -> ProjectTemplate:
    """Turn a Compose template into what the coordinator keeps.

    Deterministic, and quick for every text: size, depth and expansion are bounded. `project` must
    be a valid project name. `environment` is the project's: it fills in variables, and nothing of
    the machine's own environment does. `shared` are the cluster's volumes: name -> mount path
    below `mount_base`.
    Of the warnings, the `warnings_max` most telling ones are kept.

    Raises:
        TemplateError: the template can't be used; nothing else is ever raised for its contents.
    """
    notes = Notes()
    known = {**environment, PROJECT_VARIABLE: project}
    top = parse(text)
    parts = sections(interpolate(top, known, notes), project, notes)
    chosen = wanted(extended(parts.services, parts.services_at), parts.services_at, known, notes)
    own, external = split_external(chosen, parts.services_at, notes)
    services = _services(replace(parts, services=own), known, notes)
    warn_of_names(external, services, notes)
    is_first = parts.shape is Shape.V1
    inlined = inlines({"configs": parts.configs, "secrets": parts.secrets}, known, notes)
    scope = Scope(
        project=project,
        networks=declared.networks(parts.networks, project, notes),
        volumes=declared.volumes(parts.volumes, project, notes),
        volumes_are_plain=is_first,
        paths_must_exist=parts.version != SPECIFICATION,
        shared=shared,
        mount_base=mount_base,
        inlines=inlined,
        external=external,
        left_out=frozenset(parts.services) - frozenset(chosen),
        plain_services=frozenset(own) if is_first else frozenset(),
    )
    resolved = tuple(resolve(services, scope, notes))
    check_uses([use for service in services for use in service.files], inlined, notes)
    return ProjectTemplate(
        compose_version=parts.version,
        services=resolved,
        networks=used_networks(services, scope, notes),
        volumes=own_volumes(services, scope, notes),
        warnings=notes.warnings(warnings_max),
        shown_text=shown_text(text, top) if parts.secrets else "",
        hidden_variables=hidden_variables(inlined),
    )


def _services(parts: Sections, environment: Mapping[str, str], notes: Notes) -> list[NormalService]:
    found = {
        name: understood(service, below(parts.services_at, name), parts.shape, notes)
        for name, service in parts.services.items()
    }
    check_published(parts, found, notes)
    services: list[NormalService] = []
    ports = 0
    for name, keys in found.items():
        where = below(parts.services_at, name)
        services.append(normalise(name, keys, where, project=environment, notes=notes))
        ports += len(services[-1].ports) + len(services[-1].expose)
        if ports > PROJECT_PORTS_MAX:
            raise TemplateError(
                f"a template may have {PROJECT_PORTS_MAX} ports at most", where=where
            )
    return services
