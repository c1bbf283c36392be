"""`ServiceSpec`: what one container of a service must look like on an engine.

It is the resolved form of a Compose service: no variables, no shorthands, units as the engine
takes them. Where a container runs, and how many of them, is not its business.
"""

from typing import Literal

from pydantic import Field, PositiveInt

from schemas.document import Part


class Port(Part):
    """A published port. Without `host_port` the engine picks one."""

    container_port: int = Field(ge=1, le=65535)
    protocol: Literal["tcp", "udp", "sctp"] = "tcp"
    host_ip: str = ""
    host_port: int | None = Field(default=None, ge=1, le=65535)


class VolumeMount(Part):
    """A mount inside the container.

    `source` is an engine volume's name (already prefixed with the project), an absolute host path
    for a bind, or empty for an anonymous volume or a tmpfs.
    """

    type: Literal["volume", "bind", "tmpfs"]
    target: str
    source: str = ""
    read_only: bool = False
    #: of a volume: don't fill it with what the image has there
    no_copy: bool = False
    #: of a bind: give it an SELinux label that containers share, or one of this container's own
    selinux: Literal["", "shared", "private"] = ""
    #: of a bind: how mounts below it travel between host and container; empty: the engine's rprivate
    propagation: Literal["", "private", "rprivate", "shared", "rshared", "slave", "rslave"] = ""
    #: of a tmpfs
    tmpfs_size_bytes: PositiveInt | None = None
    #: of a tmpfs: permission bits
    tmpfs_mode: int | None = Field(default=None, ge=0, le=0o7777)


class NetworkAttachment(Part):
    """A network to join, by its name on the engine, and the names to answer to there."""

    name: str
    aliases: tuple[str, ...] = ()


class Healthcheck(Part):
    """Docker's HEALTHCHECK; None keeps what the image says. `("NONE",)` switches it off."""

    test: tuple[str, ...] | None = None
    interval_s: float | None = Field(default=None, ge=0)
    timeout_s: float | None = Field(default=None, ge=0)
    start_period_s: float | None = Field(default=None, ge=0)
    retries: int | None = Field(default=None, ge=0)


class Probe(Part):
    """`aliyun.probe.*`: a check that the agent runs. One of `url` and `cmd` is set.

    A failing probe takes a container out of routing; it never restarts it.
    """

    url: str | None = None
    cmd: str | None = None
    timeout_s: float = Field(default=10.0, gt=0)
    initial_delay_s: float = Field(default=0.0, ge=0)
    interval_s: float = Field(default=2.0, gt=0)


class Restart(Part):
    """When the agent starts an exited container again.

    `default` stands for a template that says nothing: a service is there to run, so it is started
    again after any exit, as Swarm mode does. `no` runs a container once.
    """

    policy: Literal["default", "always", "unless-stopped", "on-failure", "no"] = "default"
    max_retries: int | None = Field(default=None, ge=0)


class ServiceSpec(Part):
    """Everything that decides how one container is created. Its fingerprint is its identity."""

    image: str
    command: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    environment: dict[str, str] = Field(default_factory=dict)
    labels: dict[str, str] = Field(default_factory=dict)
    user: str = ""
    working_dir: str = ""
    hostname: str = ""
    ports: tuple[Port, ...] = ()
    expose: tuple[str, ...] = ()
    volumes: tuple[VolumeMount, ...] = ()
    networks: tuple[NetworkAttachment, ...] = ()
    #: host, none or bridge instead of project networks
    network_mode: str = ""
    healthcheck: Healthcheck | None = None
    probe: Probe | None = None
    restart: Restart = Restart()
    stop_signal: str = ""
    #: None: the engine's ten seconds
    stop_grace_s: float | None = Field(default=None, ge=0)
    mem_limit_bytes: PositiveInt | None = None
    mem_reservation_bytes: PositiveInt | None = None
    #: a hard limit, in cores
    cpus: float | None = Field(default=None, gt=0)
    cpu_shares: PositiveInt | None = None
