"""What a change of each field means for what runs: containers, networks and volumes.

One table each for all sides: a fingerprint leaves out what never reaches the engine, so the agent,
the coordinator's `hash` and a reader of labels agree on what a container is. A test fails when a
field has no line here.
"""

from collections.abc import Mapping
from enum import StrEnum


class Consequence(StrEnum):
    """How what is there already follows a change of what is wanted."""

    #: the agent alone acts on it, or it says which one is meant: what is there is as wanted
    UP_TO_DATE = "up to date"
    #: fixed when a container is created; docs/adr/0012 says why nothing is changed in place
    RECREATE = "recreate"
    #: fixed when it is created. A network is made anew once nothing uses it, a volume never, for
    #: it holds data; until then the services that use it say so
    KEEP = "keep and tell"


#: The agent reads these anew at every pass.
_AGENTS_OWN = ("probe", "restart")
_CREATED_WITH = (
    "image command entrypoint environment labels user working_dir hostname ports expose volumes "
    "networks network_mode healthcheck stop_signal stop_grace_s mem_limit_bytes "
    "mem_reservation_bytes cpus cpu_shares pid_mode ipc_mode uts_mode userns_mode cgroup_mode "
    "domainname mac_address tty stdin_open init read_only privileged cap_add cap_drop group_add "
    "security_opt tmpfs volumes_from volume_driver devices device_requests device_cgroup_rules dns "
    "dns_search dns_options extra_hosts logging sysctls ulimits cgroup_parent platform runtime "
    "storage_opt memswap_limit_bytes mem_swappiness kernel_memory_bytes shm_size_bytes "
    "files oom_kill_disable oom_score_adj pids_limit cpu_quota_us cpu_period_us cpu_rt_period_us "
    "cpu_rt_runtime_us cpuset blkio"
)

#: of a `ServiceSpec`
CONSEQUENCES: Mapping[str, Consequence] = {
    **dict.fromkeys(_AGENTS_OWN, Consequence.UP_TO_DATE),
    **dict.fromkeys(_CREATED_WITH.split(), Consequence.RECREATE),
}

#: of a `DesiredNetwork`
NETWORK_CONSEQUENCES: Mapping[str, Consequence] = {
    **dict.fromkeys(("project", "name"), Consequence.UP_TO_DATE),
    **dict.fromkeys(
        ("driver", "options", "labels", "internal", "attachable", "enable_ipv6", "addresses"),
        Consequence.KEEP,
    ),
}

#: of a `DesiredVolume`
VOLUME_CONSEQUENCES: Mapping[str, Consequence] = {
    **dict.fromkeys(("project", "name", "wanted"), Consequence.UP_TO_DATE),
    **dict.fromkeys(("driver", "options", "labels"), Consequence.KEEP),
}
