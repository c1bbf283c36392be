"""The coordinator's settings: environment variables `TROOPERS_COORDINATOR_*`, checked once."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_settings import SettingsConfigDict

from daemon.settings import BusSettings, Listen, Token, host_and_port, host_name
from schemas.volume import BASE_DIRECTORY


def _as_number(given: object) -> object:
    """A variable is a text, which is none of the numbers to choose from."""
    return int(given) if isinstance(given, str) and given.isdigit() else given


class Settings(BusSettings):
    """Every default runs the embedded cluster on one machine."""

    model_config = SettingsConfigDict(env_prefix="TROOPERS_COORDINATOR_")

    #: of this coordinator; another process of the same name counts as its successor
    name: Token = Field(default_factory=host_name)
    #: the plain HTTP face; it has no authentication, so it belongs on loopback
    listen: Listen = "127.0.0.1:4280"
    #: more names that clients may call the HTTP face by, separated by commas
    allowed_hosts: str = ""
    #: copies of every bucket and stream: 3 on a NATS cluster
    replicas: Annotated[Literal[1, 3, 5], BeforeValidator(_as_number)] = 1
    #: go on although NATS has lost data of epochs up to this one (docs/operations.md)
    accept_loss: int = Field(default=0, ge=0)
    #: the directory that shared volumes are below on every node: agents and mountds must say the same
    mount_base: str = Field(default=BASE_DIRECTORY, pattern=r"^(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$")
    #: shown to applications as ACS_DEFAULT_DOMAIN
    default_domain: str = ""

    @property
    def address(self) -> tuple[str, int]:
        return host_and_port(self.listen)
