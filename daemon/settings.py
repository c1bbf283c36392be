"""`DaemonSettings`: environment variables with a prefix, and the kinds of values they have."""

import socket
from typing import Annotated, Literal

from pydantic import AfterValidator
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.names import is_node_name


def _one_token(name: str) -> str:
    if not is_node_name(name):
        raise ValueError("must be letters, digits, hyphens and underscores")
    return name


def _with_a_port(listen: str) -> str:
    host, separator, port = listen.rpartition(":")
    if not separator or not host or not port.isdigit() or int(port) > 65535:
        raise ValueError("must be HOST:PORT")
    return listen


#: a name that is one token of a NATS subject
Token = Annotated[str, AfterValidator(_one_token)]
#: HOST:PORT
Listen = Annotated[str, AfterValidator(_with_a_port)]


def host_name() -> str:
    """This machine's name, without its domain."""
    return socket.gethostname().partition(".")[0]


def host_and_port(listen: Listen) -> tuple[str, int]:
    """What to bind to."""
    host, _, port = listen.rpartition(":")
    return host.strip("[]"), int(port)


class DaemonSettings(BaseSettings):
    """What every daemon can be told. Subclasses set the prefix."""

    model_config = SettingsConfigDict(frozen=True)

    log_level: Literal["debug", "info", "warning", "error"] = "info"
