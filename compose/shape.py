"""Which of the Compose formats a template has, and its sections in one form."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from compose.errors import TemplateError, below, clipped, shown
from compose.inline import check_entries
from compose.keys import TOP_LEVEL_KEYS
from compose.limits import SERVICES_MAX
from compose.notes import Notes
from compose.tree import Tree, hint, is_extension, mapping, text
from schemas.names import is_service_name

#: what the version of a template without one is called
SPECIFICATION = "spec"
_VERSION_2 = re.compile(r"2(\.[0-4])?")
_VERSION_3 = re.compile(r"3(\.([0-9]|1[0-3]))?")


class Shape(StrEnum):
    """V1 has services at the top; all others have sections."""

    V1 = "v1"
    SECTIONS = "sections"


@dataclass(frozen=True, slots=True)
class Sections:
    """A template's parts. Values are still as the user wrote them."""

    shape: Shape
    #: as the API shows it: 1, what `version` says, or `spec`
    version: str
    #: the path of the services: empty in V1
    services_at: str
    services: Mapping[str, dict[str, Tree]]
    networks: Mapping[str, Tree] = field(default_factory=dict)
    volumes: Mapping[str, Tree] = field(default_factory=dict)
    configs: Mapping[str, Tree] = field(default_factory=dict)
    secrets: Mapping[str, Tree] = field(default_factory=dict)


def sections(top: Mapping[str, Tree], project: str, notes: Notes) -> Sections:
    """Tell the format by the shape and split the template up.

    Raises:
        TemplateError: an unknown version or section, no services, or a bad service name.
    """
    if "services" not in top and not _is_version(top.get("version")):
        services = {key: value for key, value in top.items() if not is_extension(key)}
        return Sections(Shape.V1, "1", "", _services(services, ""))
    version = _version(top, notes)
    for key in top:
        rule = TOP_LEVEL_KEYS.get(key)
        if rule is None and not is_extension(key):
            raise TemplateError(f"unknown section{hint(key, TOP_LEVEL_KEYS)}", where=below("", key))
        if rule is not None and rule.refuses(top[key]):
            raise TemplateError(rule.reason, where=key)
    name = top.get("name")
    if name is not None and text(name, "name") != project:
        notes.warn(f"ignored: the project's name is {project}", where="name")
    services = mapping(top.get("services"), "services")
    return Sections(
        Shape.SECTIONS,
        version,
        "services",
        _services(services, "services"),
        mapping(top.get("networks") or {}, "networks"),
        mapping(top.get("volumes") or {}, "volumes"),
        _inline(top, "configs"),
        _inline(top, "secrets"),
    )


def _inline(top: Mapping[str, Tree], section: str) -> dict[str, Tree]:
    """A section whose contents no message may repeat."""
    found = top.get(section) or {}
    if not isinstance(found, dict):
        raise TemplateError("must be a mapping", where=section)
    check_entries(section, found)
    return found


def _is_version(value: Tree) -> bool:
    """Whether `version` is one, and not a V1 service that is called so."""
    return value is not None and not isinstance(value, dict)


def _version(top: Mapping[str, Tree], notes: Notes) -> str:
    value = top.get("version")
    if value is None:
        return SPECIFICATION
    version = text(value, "version")
    if version == "2.0":
        return "2"
    if _VERSION_2.fullmatch(version) or _VERSION_3.fullmatch(version):
        return version
    notes.warn(
        f"{shown(value)} is no known version: read as the Specification has it", where="version"
    )
    return SPECIFICATION


def _services(found: Mapping[str, Tree], where: str) -> dict[str, dict[str, Tree]]:
    if not found:
        raise TemplateError("a template needs at least one service", where=where)
    if len(found) > SERVICES_MAX:
        raise TemplateError(f"a template may have {SERVICES_MAX} services at most", where=where)
    for name in found:
        if not is_service_name(name):
            raise TemplateError(
                f"{clipped(name)} can't name a service: 1 to 63 letters, digits, _ . and -, "
                "starting with a letter or digit",
                where=below(where, name),
            )
    return {name: mapping(value, below(where, name)) for name, value in found.items()}
