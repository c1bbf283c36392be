"""What Troopers makes of every key of a service and of the top: one table per level.

A key that isn't in a table is unknown and refused. Nothing is dropped in silence.
`docs/compose.md` is written from these tables and from those of `section_keys`.
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
    #: understood, has no effect or another one, and the user is told
    WARNED = "warned"
    #: zero asks for nothing and is found in real templates; anything else is refused
    ZERO_ONLY = "zero only"
    #: says how `image` was made: refused without one, else it has no effect and the user is told
    IMAGE_INSTEAD = "image instead"
    #: known, and not acted on yet
    LATER = "refused yet"
    #: will never be
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class KeyRule:
    """A verdict, and the advice that goes with a refusal or a warning."""

    verdict: Verdict
    advice: str = ""

    def refuses(self, value: Tree) -> bool:
        """Whether this value of the key must be refused."""
        if value is None:
            return False
        match self.verdict:
            case Verdict.HONOURED | Verdict.IGNORED | Verdict.WARNED | Verdict.IMAGE_INSTEAD:
                return False
            case Verdict.ZERO_ONLY:
                return isinstance(value, bool) or value not in (0, "0")
            case Verdict.LATER:
                # `credential_spec: {}` asks for what is the case anyway.
                return value is not False and value not in ([], {})
            case _:
                # `env_file: []` names no file.
                return value not in ([], {})

    @property
    def reason(self) -> str:
        match self.verdict:
            case Verdict.ZERO_ONLY:
                return "only zero is supported"
            case Verdict.REFUSED | Verdict.IMAGE_INSTEAD:
                return f"not supported: {self.advice}"
            case _:
                return f"not supported yet{': ' if self.advice else ''}{self.advice}"


def rules(verdict: Verdict, names: str) -> dict[str, KeyRule]:
    """The same verdict for several keys, separated by blanks."""
    return {name: KeyRule(verdict) for name in names.split()}


def advised(verdict: Verdict, advice: Mapping[str, str]) -> dict[str, KeyRule]:
    """A verdict for several keys, each with its own advice."""
    return {name: KeyRule(verdict, text) for name, text in advice.items()}


_NO_DIRECTORY = "a template has no directory to read it from"
_WINDOWS = "it is for Windows"

_IN_BOTH = {
    **rules(
        Verdict.HONOURED,
        "cap_add cap_drop cgroup_parent command cpu_quota cpu_shares cpuset devices dns dns_opt "
        "dns_options dns_search domainname entrypoint environment expose extends external "
        "external_links extra_hosts hostname image ipc kernel_memory labels links mac_address "
        "mem_limit mem_swappiness memswap_limit oom_kill_disable pid ports privileged read_only "
        "restart security_opt shm_size stdin_open stop_signal tty ulimits user volumes "
        "volumes_from working_dir",
    ),
    **rules(Verdict.IGNORED, "name"),
    **rules(Verdict.ZERO_ONLY, "memswap_reservation"),
    **advised(
        Verdict.WARNED,
        {
            "container_name": "containers are named project_service_number, so that every service "
            "can be scaled; the name is kept as an alias in the service's networks",
        },
    ),
    **advised(
        Verdict.IMAGE_INSTEAD,
        {
            "build": "the nodes don't have your directory; build the image, push it to a registry "
            "that they reach, and name it in image",
        },
    ),
    **advised(
        Verdict.REFUSED,
        {
            "env_file": f"{_NO_DIRECTORY}; write the variables under environment",
        },
    ),
}

V1_SERVICE_KEYS: Mapping[str, KeyRule] = {
    **_IN_BOTH,
    **rules(Verdict.HONOURED, "log_driver log_opt net volume_driver"),
    **advised(Verdict.IMAGE_INSTEAD, {"dockerfile": _IN_BOTH["build"].advice}),
}

SERVICE_KEYS: Mapping[str, KeyRule] = {
    **_IN_BOTH,
    **rules(
        Verdict.HONOURED,
        "blkio_config cgroup cgroupns_mode configs cpu_period cpu_rt_period cpu_rt_runtime cpus "
        "depends_on deploy device_cgroup_rules gpus group_add healthcheck init isolation logging mem_reservation "
        "network_mode networks oom_score_adj pids_limit platform profiles pull_policy runtime "
        "scale secrets stop_grace_period storage_opt sysctls tmpfs userns_mode uts",
    ),
    **advised(
        Verdict.WARNED,
        {
            "attach": "no terminal is attached to a cluster: no effect",
            "develop": "nothing is built or watched on a cluster: no effect",
        },
    ),
    **advised(
        Verdict.LATER,
        {
            "annotations": "engines before API 1.43 drop them without a word",
            "post_start": "",
            "pre_stop": "",
        },
    ),
    **advised(
        Verdict.REFUSED,
        {
            "net": "from version 2 on it is called network_mode",
            "log_driver": "from version 2 on it is called logging",
            "log_opt": "from version 2 on it is called logging",
            "volume_driver": "from version 2 on a volume's driver is set in the section volumes",
            "label_file": f"{_NO_DIRECTORY}; write them under labels",
            "cpu_count": _WINDOWS,
            "cpu_percent": _WINDOWS,
            "credential_spec": _WINDOWS,
            "models": "a service names the model's address in its environment",
            "provider": "a cluster runs containers only",
            "use_api_socket": "it would hand the whole engine to the container",
        },
    ),
}

TOP_LEVEL_KEYS: Mapping[str, KeyRule] = {
    **rules(Verdict.HONOURED, "version services networks volumes configs secrets"),
    **advised(
        Verdict.WARNED, {"name": "ignored where it isn't the name that the project is created by"}
    ),
    **advised(
        Verdict.REFUSED,
        {
            "include": "a template has no directory to read other files from",
            "models": "a service names the model's address in its environment",
        },
    ),
}

#: Hyphens where Compose has underscores, as real templates write it.
SPELLINGS = {"oom-kill-disable": "oom_kill_disable", "dns_opt": "dns_options"}
