"""`DaemonSettings`: environment variables with a prefix, and the kinds of values they have."""

import socket
import ssl
from dataclasses import dataclass, field
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, PlainValidator, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

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


@dataclass(frozen=True, slots=True)
class NatsServer:
    """One NATS server, and who we are to it. Shown without credentials."""

    host: str
    port: int
    is_tls: bool = False
    #: with a password: the user; without one: a token
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """Without credentials."""
        return f"{'tls' if self.is_tls else 'nats'}://{self}"


def nats_urls(urls: str | tuple[NatsServer, ...]) -> tuple[NatsServer, ...]:
    """Read `nats://` and `tls://` URLs, separated by commas.

    Raises ValueError, which names the bad one without its credentials.
    """
    if isinstance(urls, tuple):
        return urls
    return tuple(_nats_server(part.strip()) for part in urls.split(","))


def _nats_server(text: str) -> NatsServer:
    shown = text.rpartition("@")[2]
    if not text.startswith(("nats://", "tls://")):
        raise ValueError(f"{shown!r} does not begin with nats:// or tls://")
    try:
        url = urlsplit(text)
        host, port = url.hostname, url.port or 4222
    except ValueError:
        raise ValueError(f"{shown!r} is not HOST or HOST:PORT") from None
    if not host or url.path.strip("/") or url.query or url.fragment:
        raise ValueError(f"{shown!r} is not HOST or HOST:PORT")
    user, password = (unquote(one) if one else None for one in (url.username, url.password))
    return NatsServer(host, port, url.scheme == "tls", user, password)


#: a name that is one token of a NATS subject
Token = Annotated[str, AfterValidator(_one_token)]
#: HOST:PORT
Listen = Annotated[str, AfterValidator(_with_a_port)]
#: servers of one NATS cluster, as `nats_urls` reads them
NatsUrls = Annotated[tuple[NatsServer, ...], NoDecode, PlainValidator(nats_urls)]


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

    #: debug, info, warning or error
    log_level: Literal["debug", "info", "warning", "error"] = "info"


class BusSettings(DaemonSettings):
    """What every daemon with a link to NATS can be told."""

    #: `nats://[USER:PASSWORD@]HOST[:PORT]` or `tls://…`; of a cluster every server, by commas
    nats_url: NatsUrls = nats_urls("nats://127.0.0.1:4222")
    #: a file with the certificates (PEM) to trust for tls://; empty: those of the machine
    nats_ca: str = ""

    @field_validator("nats_ca")
    @classmethod
    def _has_certificates(cls, path: str) -> str:
        try:
            ssl.create_default_context(cafile=path or None)
        except OSError as error:
            raise ValueError(f"{path!r} has no certificates: {error.strerror}") from error
        return path
