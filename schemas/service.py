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
    #: host ports to choose a free one from, such as 8000-8010
    host_choice: str = ""


class VolumeMount(Part):
    """A mount inside the container.

    `source` is an engine volume's name (already prefixed with the project), an absolute host path
    for a bind, or empty for an anonymous volume or a tmpfs.
    """

    type: Literal["volume", "bind", "tmpfs", "cluster"]
    target: str
    source: str = ""
    #: of a shared volume: the directory in it, relative
    sub_path: str = ""
    read_only: bool = False
    #: of a volume: don't fill it with what the image has there
    no_copy: bool = False
    #: of a bind: refuse to create the container where the node has no such path
    must_exist: bool = False
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
    #: `container:alias` of containers that are not the project's
    links: tuple[str, ...] = ()
    ipv4_address: str = ""
    ipv6_address: str = ""
    link_local_ips: tuple[str, ...] = ()


class Healthcheck(Part):
    """Docker's HEALTHCHECK; None keeps what the image says. `("NONE",)` switches it off."""

    test: tuple[str, ...] | None = None
    interval_s: float | None = Field(default=None, ge=0)
    timeout_s: float | None = Field(default=None, ge=0)
    start_period_s: float | None = Field(default=None, ge=0)
    #: between checks during the start; engines before API 1.44 don't know it
    start_interval_s: float | None = Field(default=None, ge=0)
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


class Device(Part):
    """A device of the node, under its path in the container, with r, w and m for mknod."""

    source: str
    target: str
    permissions: str = "rwm"


class DeviceRequest(Part):
    """Devices that a driver of the engine chooses, such as GPUs. A count of -1 is all of them."""

    driver: str = ""
    count: int = 0
    device_ids: tuple[str, ...] = ()
    #: alternatives, each a set of capabilities
    capabilities: tuple[tuple[str, ...], ...] = ()
    options: dict[str, str] = Field(default_factory=dict)


class Ulimit(Part):
    """A limit of the container's processes; -1 is unlimited."""

    name: str
    soft: int = Field(ge=-1)
    hard: int = Field(ge=-1)


class Logging(Part):
    """Where the engine writes what a container prints; no driver: the engine's own choice."""

    driver: str = ""
    options: dict[str, str] = Field(default_factory=dict)


class DeviceRate(Part):
    """A weight, or a limit per second, for one block device of the node."""

    path: str
    amount: int = Field(ge=0)


class BlockIo(Part):
    """How much of the node's disks a container gets."""

    weight: int | None = Field(default=None, ge=0, le=1000)
    weight_device: tuple[DeviceRate, ...] = ()
    device_read_bps: tuple[DeviceRate, ...] = ()
    device_read_iops: tuple[DeviceRate, ...] = ()
    device_write_bps: tuple[DeviceRate, ...] = ()
    device_write_iops: tuple[DeviceRate, ...] = ()


class InlineFile(Part):
    """A config or a secret, written into the container before it is ever started.

    The node keeps it nowhere else than there and in the ledger, which only the agent can read.
    """

    #: absolute, in the container
    target: str
    content: str = Field(repr=False)
    uid: int = Field(default=0, ge=0)
    gid: int = Field(default=0, ge=0)
    mode: int = Field(default=0o400, ge=0, le=0o7777)


class ServiceSpec(Part):
    """Everything that decides how one container is created. Its fingerprint is its identity.

    A new field needs a default that means what was so before, and a line in
    `schemas.consequences`.
    """

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
    #: instead of project networks: host, none, bridge, default, `container:NAME`, or a network that
    #: the engine has already. In a record, `service:NAME` is that service's first container.
    network_mode: str = ""
    #: configs and secrets
    files: tuple[InlineFile, ...] = ()
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
    #: the engine's mode words, or `container:NAME` where they share another container's; in a
    #: record also `service:NAME`
    pid_mode: str = ""
    ipc_mode: str = ""
    uts_mode: str = ""
    userns_mode: str = ""
    cgroup_mode: str = ""
    domainname: str = ""
    mac_address: str = ""
    tty: bool = False
    stdin_open: bool = False
    #: None: the engine's own setting
    init: bool | None = None
    read_only: bool = False
    privileged: bool = False
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    group_add: tuple[str, ...] = ()
    security_opt: tuple[str, ...] = ()
    #: path -> mount options, such as size=64m
    tmpfs: dict[str, str] = Field(default_factory=dict)
    #: containers whose volumes are mounted too: `NAME:rw` or `NAME:ro`; in a record also
    #: `service:NAME:rw`
    volumes_from: tuple[str, ...] = ()
    #: of volumes without a declaration, as the first format has them
    volume_driver: str = ""
    devices: tuple[Device, ...] = ()
    device_requests: tuple[DeviceRequest, ...] = ()
    device_cgroup_rules: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    dns_options: tuple[str, ...] = ()
    #: `name:address`
    extra_hosts: tuple[str, ...] = ()
    logging: Logging | None = None
    sysctls: dict[str, str] = Field(default_factory=dict)
    ulimits: tuple[Ulimit, ...] = ()
    cgroup_parent: str = ""
    platform: str = ""
    runtime: str = ""
    storage_opt: dict[str, str] = Field(default_factory=dict)
    #: memory and swap together; -1: swap without limit
    memswap_limit_bytes: int | None = Field(default=None, ge=-1)
    mem_swappiness: int | None = Field(default=None, ge=0, le=100)
    kernel_memory_bytes: PositiveInt | None = None
    shm_size_bytes: PositiveInt | None = None
    oom_kill_disable: bool = False
    oom_score_adj: int | None = Field(default=None, ge=-1000, le=1000)
    #: -1: without limit
    pids_limit: int | None = Field(default=None, ge=-1)
    cpu_quota_us: int | None = Field(default=None, ge=-1)
    cpu_period_us: PositiveInt | None = None
    cpu_rt_period_us: PositiveInt | None = None
    cpu_rt_runtime_us: PositiveInt | None = None
    #: numbers of cores, such as 0-2,4
    cpuset: str = ""
    blkio: BlockIo | None = None

    @property
    def shared_mounts(self) -> frozenset[str]:
        """The mount paths of the cluster's volumes that a container uses."""
        return frozenset(mount.source for mount in self.volumes if mount.type == "cluster")
