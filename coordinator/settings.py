"""The coordinator's settings: environment variables `TROOPERS_COORDINATOR_*`, checked once."""

import socket
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.names import is_node_name


class Settings(BaseSettings):
    """Every default runs the embedded cluster on one machine."""

    model_config = SettingsConfigDict(env_prefix="TROOPERS_COORDINATOR_", frozen=True)

    #: of this coordinator; another process of the same name counts as its successor
    name: str = Field(default_factory=lambda: socket.gethostname().split(".")[0])
    nats_url: str = "nats://127.0.0.1:4222"
    #: the plain HTTP face; it has no authentication, so it belongs on loopback
    listen: str = "127.0.0.1:4280"
    #: more names that clients may call the HTTP face by, separated by commas
    allowed_hosts: str = ""
    #: copies of every bucket and stream: 3 on a NATS cluster
    replicas: Literal[1, 3, 5] = 1
    #: shown to applications as ACS_DEFAULT_DOMAIN
    default_domain: str = ""
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("name")
    @classmethod
    def _is_one_token(cls, name: str) -> str:
        if not is_node_name(name):
            raise ValueError("must be letters, digits, hyphens and underscores")
        return name

    @field_validator("listen")
    @classmethod
    def _has_a_port(cls, listen: str) -> str:
        host, separator, port = listen.rpartition(":")
        if not separator or not host or not port.isdigit() or int(port) > 65535:
            raise ValueError("must be HOST:PORT")
        return listen

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)
