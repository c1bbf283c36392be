"""What a change of each field of a `ServiceSpec` means for the containers that run.

One table for all sides: the fingerprint leaves out what never reaches the engine, so the agent, the
coordinator's `hash` and a reader of labels agree on what a container is. A test fails when a field
has no line here.
"""

from collections.abc import Mapping
from enum import StrEnum

from schemas.service import ServiceSpec


class Consequence(StrEnum):
    """How a running container follows a change of its spec."""

    #: the agent alone acts on it: the container is as wanted already
    UP_TO_DATE = "up to date"
    #: the engine can change it while the container runs
    UPDATE = "update in place"
    #: fixed when a container is created
    RECREATE = "recreate"


#: The agent reads these anew at every pass.
_AGENTS_OWN = ("probe", "restart")
#: Nothing is updated in place: the limits that an engine could change would leave the label of the
#: container's fingerprint behind, and with it the proof of what the container is.
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

CONSEQUENCES: Mapping[str, Consequence] = {
    **dict.fromkeys(_AGENTS_OWN, Consequence.UP_TO_DATE),
    **dict.fromkeys(_CREATED_WITH.split(), Consequence.RECREATE),
}


def changed(old: ServiceSpec, new: ServiceSpec) -> dict[str, Consequence]:
    """The fields in which two specs differ, and what that means for a container."""
    return {
        name: CONSEQUENCES[name]
        for name in ServiceSpec.model_fields
        if getattr(old, name) != getattr(new, name)
    }
