"""Whether a template is what the published schema of its own format says.

What a version doesn't have but the Compose Specification has is read as the Specification says,
with a warning: today's tools do the same. What neither has is refused with its path.
"""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files

from compose.errors import TemplateError, below
from compose.json_schema import Fault, JsonSchema, Node
from compose.notes import Notes
from compose.shape import SPECIFICATION, Sections, Shape
from compose.tree import Tree, is_extension

#: The reference's own additions to Compose, in every version.
_OWN_KEYS = frozenset({"external", "memswap_reservation"})
#: Keys that every format may have, because real templates have them.
_EVERYWHERE = frozenset(
    {
        "kernel_memory",
        "oom_kill_disable",
        "dns_options",
        "dns_opt",
        "stop_signal",
        "stop_grace_period",
    }
)


_DEFINITIONS = {
    "networks": "network",
    "volumes": "volume",
    "configs": "config",
    "secrets": "secret",
}
#: Our own addition to Compose, and a fault could repeat it.
_NEVER_SHOWN = frozenset({("secrets", "content")})


def check_published(
    parts: Sections, services: Mapping[str, Mapping[str, Tree]], notes: Notes
) -> None:
    """Check services (with their keys' proper names) and the other sections.

    Raises:
        TemplateError: at the first thing that the schemas don't allow.
    """
    version = _file_of(parts)
    for where, name, key, value in _pieces(parts, services):
        fault = _fault(version, name, key, value, where)
        if fault is None or key in _OWN_KEYS or (key in _EVERYWHERE and name == "service"):
            continue
        if version != SPECIFICATION:
            of_specification = _fault(SPECIFICATION, name, key, value, where)
            if of_specification is None:
                notes.warn(
                    f"not part of version {parts.version}: read as the Specification has it",
                    where=fault.where,
                )
                continue
            fault = of_specification
        raise TemplateError(fault.message, where=fault.where)


def _pieces(
    parts: Sections, services: Mapping[str, Mapping[str, Tree]]
) -> Iterator[tuple[str, str, str, Tree]]:
    """Path, definition, key and value of everything to check."""
    for name, service in services.items():
        at = below(parts.services_at, name)
        for key, value in service.items():
            yield below(at, key), "service", key, value
    for section, definition in _DEFINITIONS.items():
        for name, value in getattr(parts, section).items():
            at = below(section, name)
            if isinstance(value, dict):
                for key, item in value.items():
                    if not is_extension(key) and (section, key) not in _NEVER_SHOWN:
                        yield below(at, key), definition, key, item


def _fault(version: str, name: str, key: str, value: Tree, where: str) -> Fault | None:
    schema = _schema(version)
    known = _properties(schema.part(name)) if schema.has_part(name) else {}
    if key not in known:
        return Fault(where, f"{key} is not part of it", 0)
    return schema.fault(value, known[key], where)


def _properties(part: Node) -> Node:
    found: Node = part.get("properties", {})
    return found


def _file_of(parts: Sections) -> str:
    if parts.shape is Shape.V1:
        return "v1"
    if parts.version.startswith("2"):
        return "v2"
    if parts.version == "3":
        return "v3.0"
    return f"v{parts.version}" if parts.version.startswith("3.") else SPECIFICATION


@lru_cache
def _schema(version: str) -> JsonSchema:
    # Part of the program, like its code: read once, and never again.
    return JsonSchema(json.loads((files("compose") / "published" / f"{version}.json").read_text()))
