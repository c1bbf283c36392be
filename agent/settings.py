"""The agent's settings: environment variables `TROOPERS_AGENT_*`, checked once."""

import posixpath
import socket
from pathlib import Path

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from daemon.settings import BusSettings, Listen, Token, host_and_port, host_name
from schemas.volume import BASE_DIRECTORY


def _primary_address() -> str:
    """The address that this machine reaches others from. Connecting a UDP socket sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            # No route anywhere: a machine on its own.
            return "127.0.0.1"
        return str(probe.getsockname()[0])


class Settings(BusSettings):
    """Every default runs the embedded cluster on one machine."""

    model_config = SettingsConfigDict(env_prefix="TROOPERS_AGENT_")

    #: this node in the cluster, for ever: its containers and its user on the broker carry it
    node: Token = Field(default_factory=host_name)
    #: where other machines reach the containers' published ports
    address: str = Field(default_factory=_primary_address)
    #: `unix://`, `tcp://` or `https://`; the docker CLI's context is not the agent's business
    engine_url: str = "unix:///var/run/docker.sock"
    #: where mountd listens; empty: this node mounts no shared volumes
    mountd_socket: str = "/run/troopers/mountd.sock"
    #: where mountd mounts them: its own setting must say the same
    mount_base: str = BASE_DIRECTORY
    #: the newest orders are kept there, for when NATS is away
    state_dir: Path = Path("/var/lib/troopers/agent")
    #: metrics and health; without authentication, so on loopback
    listen: Listen = "127.0.0.1:4290"
    #: what `constraint:` expressions are about: KEY=VALUE, by commas
    labels: str = ""
    #: what `availability:az` is about
    zone: str = ""

    @field_validator("engine_url")
    @classmethod
    def _is_an_engine(cls, url: str) -> str:
        if not url.startswith(("unix://", "tcp://", "http://", "https://")):
            raise ValueError("must begin with unix://, tcp://, http:// or https://")
        return url

    @field_validator("mount_base", "mountd_socket")
    @classmethod
    def _is_absolute(cls, path: str, field: ValidationInfo) -> str:
        if (path or field.field_name == "mount_base") and not path.startswith("/"):
            raise ValueError("must be an absolute path")
        # "//x" and "/x/" would never equal what mountd reports.
        return posixpath.normpath(path) if path else ""

    @field_validator("labels")
    @classmethod
    def _are_pairs(cls, labels: str) -> str:
        for pair in filter(None, labels.split(",")):
            if not pair.partition("=")[0].strip() or "=" not in pair:
                raise ValueError(f"{pair!r} is not KEY=VALUE")
        return labels

    @property
    def label_pairs(self) -> dict[str, str]:
        pairs = (pair.partition("=") for pair in self.labels.split(",") if pair)
        return {key.strip(): value.strip() for key, _, value in pairs}

    @property
    def listen_address(self) -> tuple[str, int]:
        return host_and_port(self.listen)
