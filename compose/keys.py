"""What Troopers makes of every key: one table per level.

A key that isn't in a table is unknown and refused. Nothing is dropped in silence.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from compose.tree import Tree


class Verdict(StrEnum):
    """What happens to a key."""

    HONOURED = "honoured"
    #: without meaning, and found in real templates
    IGNORED = "ignored"
    #: zero asks for nothing and is found in real templates; anything else is refused
    ZERO_ONLY = "zero only"
    #: known, and not acted on yet
    LATER = "not supported yet"
    #: will never be
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class KeyRule:
    """A verdict, and the advice that goes with a refusal."""

    verdict: Verdict
    advice: str = ""

    def refuses(self, value: Tree) -> bool:
        """Whether this value of the key must be refused."""
        if value is None:
            return False
        match self.verdict:
            case Verdict.HONOURED | Verdict.IGNORED:
                return False
            case Verdict.ZERO_ONLY:
                return isinstance(value, bool) or value not in (0, "0")
            case Verdict.LATER:
                # `privileged: false` and `cap_add: []` ask for what is the case anyway.
                return value is not False and value not in ([], {})
            case _:
                return True

    @property
    def reason(self) -> str:
        match self.verdict:
            case Verdict.ZERO_ONLY:
                return "only zero is supported yet"
            case Verdict.REFUSED:
                return f"not supported: {self.advice}"
            case _:
                return f"not supported yet{': ' if self.advice else ''}{self.advice}"


def _rules(verdict: Verdict, names: str) -> dict[str, KeyRule]:
    return {name: KeyRule(verdict) for name in names.split()}


def _refused(advice: Mapping[str, str]) -> dict[str, KeyRule]:
    return {name: KeyRule(Verdict.REFUSED, text) for name, text in advice.items()}


_IN_BOTH = {
    **_rules(
        Verdict.HONOURED,
        "command cpu_shares entrypoint environment expose hostname image labels links mem_limit "
        "ports restart stop_signal user volumes working_dir",
    ),
    **_rules(Verdict.IGNORED, "name"),
    **_rules(Verdict.ZERO_ONLY, "kernel_memory memswap_limit memswap_reservation shm_size"),
    **_rules(
        Verdict.LATER,
        "cap_add cap_drop cgroup_parent cpu_quota cpuset devices dns dns_opt dns_options dns_search "
        "domainname extends external external_links extra_hosts ipc mac_address mem_swappiness "
        "oom_kill_disable pid privileged read_only security_opt stdin_open tty ulimits volumes_from",
    ),
    **_refused(
        {
            "build": "the nodes don't have your directory; build the image, push it to a registry "
            "that they reach, and name it in image",
            "env_file": "a template has no directory to read it from; write the variables under "
            "environment",
            "container_name": "containers are named project_service_number, so that every service "
            "can be scaled",
        }
    ),
}

V1_SERVICE_KEYS: Mapping[str, KeyRule] = {
    **_IN_BOTH,
    **_rules(Verdict.HONOURED, "net"),
    **_rules(Verdict.LATER, "log_driver log_opt volume_driver"),
    **_refused({"dockerfile": _IN_BOTH["build"].advice}),
}

SERVICE_KEYS: Mapping[str, KeyRule] = {
    **_IN_BOTH,
    **_rules(
        Verdict.HONOURED,
        "cpus depends_on deploy healthcheck mem_reservation network_mode networks scale "
        "stop_grace_period",
    ),
    **_rules(
        Verdict.LATER,
        "annotations blkio_config cgroup configs cpu_count cpu_percent cpu_period cpu_rt_period "
        "cpu_rt_runtime credential_spec device_cgroup_rules gpus group_add init isolation logging "
        "oom_score_adj pids_limit platform post_start pre_stop profiles pull_policy runtime secrets "
        "storage_opt sysctls tmpfs userns_mode uts",
    ),
    **_refused(
        {
            "net": "from version 2 on it is called network_mode",
            "log_driver": "from version 2 on it is called logging",
            "log_opt": "from version 2 on it is called logging",
            "volume_driver": "from version 2 on a volume's driver is set in the section volumes",
            "develop": "nothing is built or watched on a cluster",
        }
    ),
}

TOP_LEVEL_KEYS: Mapping[str, KeyRule] = {
    **_rules(Verdict.HONOURED, "version name services networks volumes"),
    **_rules(Verdict.LATER, "configs secrets"),
    **_refused({"include": "a template has no directory to read other files from"}),
}

#: Hyphens where Compose has underscores, as real templates write it.
SPELLINGS = {"oom-kill-disable": "oom_kill_disable"}
