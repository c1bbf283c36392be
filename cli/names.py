"""What a NAME on the command line means: a project, or a service by its id."""

from dataclasses import dataclass
from typing import Self

from schemas.names import split_service_id


@dataclass(frozen=True, slots=True)
class Name:
    """A project, or one of its services."""

    text: str
    project: str
    #: empty: the project is meant
    service: str = ""

    @classmethod
    def of(cls, text: str) -> Self:
        """No project's name has an underscore, every service's id has one."""
        project, service = split_service_id(text) or (text, "")
        return cls(text, project, service)

    @property
    def services(self) -> tuple[str, ...]:
        """Those that it is about; none: all of the project."""
        return (self.service,) if self.service else ()
