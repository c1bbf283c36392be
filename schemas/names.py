"""Names: their grammar, and the names derived from them.

A project's name has no underscore, so `{project}_{service}` splits at its first one. A node's name
is one token of a NATS subject. Rules: project and volume names 1-64 letters, digits, hyphens, not
starting with a hyphen; the others follow Docker Compose and NATS.
"""

import re
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

PROJECT_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9-]{0,63}$"
SERVICE_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$"
#: the revision that it was made for; empty: the first one, and those of older versions of Troopers
SET_PATTERN = r"^(r[1-9][0-9]{0,8})?$"
NODE_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$"

_NETWORK_OF_SET = re.compile(r"(.+)_r(?!0{9})([0-9]{9})", re.DOTALL)


def _named(noun: str) -> AfterValidator:
    def check(text: str) -> str:
        if not is_project_name(text):
            raise PydanticCustomError(
                "name",
                "a {noun}'s name is 1 to 64 letters, digits and hyphens, not starting with a hyphen",
                {"noun": noun},
            )
        return text

    return AfterValidator(check)


_PROJECT_SCHEMA = WithJsonSchema({"type": "string", "pattern": PROJECT_PATTERN})
ProjectName = Annotated[str, _named("project"), _PROJECT_SCHEMA]
VolumeName = Annotated[str, _named("volume"), _PROJECT_SCHEMA]
ServiceName = Annotated[str, StringConstraints(pattern=SERVICE_PATTERN)]
SetName = Annotated[str, StringConstraints(pattern=SET_PATTERN)]
NodeName = Annotated[str, StringConstraints(pattern=NODE_PATTERN)]


def _plain_number(value: object) -> object:
    """`r17` is 17, as container names and histories show it."""
    if isinstance(value, str) and (found := REVISION.fullmatch(value)):
        return int(found[1])
    if type(value) is not int or not 1 <= value <= _REVISION_MAX:
        raise PydanticCustomError("revision", REVISION_WORDS)
    return value


REVISION = re.compile(r"[rR]?([1-9][0-9]{0,8})")
REVISION_WORDS = "must be a revision's number, such as 17 or r17"
_REVISION_MAX = 999_999_999
RevisionNumber = Annotated[int, BeforeValidator(_plain_number), Field(ge=1, le=_REVISION_MAX)]


class ServiceKey(NamedTuple):
    """A service of one set: while a project is updated, two of the same name may exist."""

    project: str
    service: str
    set_name: str = ""


class SlotKey(NamedTuple):
    """One wanted container of a service. Slots count from 1."""

    project: str
    service: str
    slot: int
    set_name: str = ""

    def __str__(self) -> str:
        return container_name(*self)

    @property
    def service_key(self) -> ServiceKey:
        return ServiceKey(self.project, self.service, self.set_name)


def is_project_name(text: str) -> bool:
    """Whether a project may be created under this name."""
    # fullmatch, because `$` also matches before a trailing newline.
    return re.fullmatch(PROJECT_PATTERN[1:-1], text) is not None


def is_service_name(text: str) -> bool:
    """Whether a template may name a service so."""
    return re.fullmatch(SERVICE_PATTERN[1:-1], text) is not None


def is_node_name(text: str) -> bool:
    """Whether an agent may join under this name."""
    return re.fullmatch(NODE_PATTERN[1:-1], text) is not None


def service_id(project: str, service: str) -> str:
    """The id that the service API uses."""
    return f"{project}_{service}"


def split_service_id(text: str) -> tuple[str, str] | None:
    """Undo `service_id`; None when the text is no such id."""
    project, separator, service = text.partition("_")
    return (project, service) if separator and project and service else None


def set_name(revision: int) -> str:
    """The name of the set that is made for a revision."""
    return f"r{revision}"


def age_of_set(name: str) -> int:
    """The revision that a set was made for; 0: the first one."""
    return int(name[1:] or 0)


def container_name(project: str, service: str, slot: int, in_set: str = "") -> str:
    """A container's name on its engine, without the leading slash that Docker shows.

    The set comes last: no service, whatever its name, has a container that is called so.
    """
    name = f"{project}_{service}_{slot}"
    return f"{name}_{in_set}" if in_set else name


def network_name(project: str, network: str) -> str:
    """A project network's name on an engine."""
    return f"{project}_{network}"


def network_of_set(name: str, in_set: str) -> str:
    """The name on an engine of a set's own network, made as the one of that name.

    The engine asks a container's networks in the order of their names when it looks one up, so
    those of later sets must sort after those of earlier ones.
    """
    return f"{name}_r{in_set[1:]:0>9}" if in_set else name


def split_network_of_set(name: str) -> tuple[str, str]:
    """Undo `network_of_set`: the network's name in the first set, and the set."""
    found = _NETWORK_OF_SET.fullmatch(name)
    return (found[1], set_name(int(found[2]))) if found else (name, "")


def volume_name(project: str, volume: str) -> str:
    """A project's local volume's name on an engine."""
    return f"{project}_{volume}"
