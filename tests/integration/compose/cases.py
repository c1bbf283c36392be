"""Templates for the engine, key by key."""

from typing import Any

#: Each key in a service of its own, so that a difference names the key.
CASES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "command_text": {"command": "sh -c \"echo 'a b' | cat\""},
    "command_list": {"command": ["sh", "-c", "echo a b"]},
    "entrypoint_text": {"entrypoint": "/bin/sh -c"},
    "entrypoint_empty": {"image": "spoken:1", "entrypoint": ""},
    "entrypoint_no_words": {"image": "spoken:1", "entrypoint": []},
    "entrypoint_of_the_image": {"image": "spoken:1", "command": "again"},
    "entrypoint_without_command": {"image": "spoken:1", "entrypoint": "/bin/true"},
    "entrypoint_list": {"entrypoint": ["/bin/sh"], "command": ["-c", "true"]},
    "environment_list": {"environment": ["A=1", "B=x=y", "C="]},
    "environment_map": {"environment": {"A": 1, "B": "two words", "C": ""}},
    "labels_map": {"labels": {"a.b": "c", "n": 5}},
    "labels_list": {"labels": ["a=b", "c"]},
    "ports_short": {"ports": ["80", "18080:81", "127.0.0.1:18081:82", "15353:53/udp"]},
    "ports_range": {"ports": ["18090-18092:90-92"], "expose": ["3000", "3001/udp"]},
    "ports_choice": {"ports": ["18100-18110:80"]},
    "ports_long": {"ports": [{"target": 80, "published": 18120, "protocol": "tcp"}]},
    "volumes_short": {"volumes": ["data:/a", "data:/b:ro", "/tmp:/c", "/tmp:/d:ro", "/e"]},
    "volumes_nocopy": {"volumes": ["data:/a:nocopy", "/tmp:/b:rslave"]},
    "volumes_long": {
        "volumes": [
            {"type": "volume", "source": "data", "target": "/a", "read_only": True},
            {"type": "bind", "source": "/tmp", "target": "/b", "read_only": True},
            {"type": "volume", "source": "data", "target": "/c", "volume": {"nocopy": True}},
            {"type": "tmpfs", "target": "/d", "tmpfs": {"size": 1048576}},
            {"type": "tmpfs", "target": "/e"},
        ]
    },
    "volumes_from": {"volumes_from": ["nothing", "volumes_short:ro"]},
    "tmpfs_text": {"tmpfs": "/run"},
    "tmpfs_list": {"tmpfs": ["/run:size=64m,mode=755", "/tmp"]},
    "user": {"user": "1000:1000"},
    "working_dir": {"working_dir": "/srv"},
    "hostname": {"hostname": "box", "domainname": "example.com"},
    "mac_address": {"mac_address": "02:42:ac:11:65:43"},
    "tty": {"tty": True},
    "stdin_open": {"stdin_open": True},
    "stop_signal": {"stop_signal": "SIGUSR1"},
    "stop_grace_period": {"stop_grace_period": "1m30s"},
    "restart": {"restart": "always"},
    "capabilities": {"cap_add": ["NET_ADMIN", "SYS_TIME"], "cap_drop": ["MKNOD"]},
    "privileged": {"privileged": True},
    "read_only": {"read_only": True},
    "init": {"init": True},
    "group_add": {"group_add": ["mail", "1000"]},
    "security_opt": {"security_opt": ["no-new-privileges:true"]},
    "devices": {"devices": ["/dev/null:/dev/nothing", "/dev/zero:/dev/zero:r"]},
    "device_cgroup_rules": {"device_cgroup_rules": ["c 1:3 mr"]},
    "pid_host": {"pid": "host"},
    "ipc_host": {"ipc": "host"},
    "ipc_shareable": {"ipc": "shareable"},
    "userns_mode": {"userns_mode": "host"},
    "network_host": {"network_mode": "host"},
    "network_none": {"network_mode": "none"},
    "networks": {
        "networks": {
            "back": {"aliases": ["db", "store"], "ipv4_address": "172.30.7.9", "priority": 5}
        }
    },
    "mem_limits": {"mem_limit": "64m", "memswap_limit": "128m", "mem_reservation": "32m"},
    "mem_swappiness": {"mem_limit": "64m", "mem_swappiness": 10},
    "shm_size": {"shm_size": "32m"},
    "oom": {"oom_kill_disable": True, "oom_score_adj": 500, "mem_limit": "64m"},
    "pids_limit": {"pids_limit": 99},
    "cpus": {"cpus": 0.5},
    "cpu_shares": {"cpu_shares": 512},
    "cpu_quota": {"cpu_quota": 50000, "cpu_period": 100000},
    "cpuset": {"cpuset": "0"},
    "blkio": {"blkio_config": {"device_read_bps": [{"path": "/dev/null", "rate": "1mb"}]}},
    "ulimits": {"ulimits": {"nproc": 65535, "nofile": {"soft": 2000, "hard": 4000}}},
    "sysctls": {"sysctls": {"net.core.somaxconn": 1024}},
    "dns": {"dns": ["8.8.8.8"], "dns_search": "example.com", "dns_opt": ["use-vc"]},
    "extra_hosts": {"extra_hosts": ["a:10.0.0.1", "b:10.0.0.2"]},
    "extra_hosts_map": {"extra_hosts": {"a": "10.0.0.1"}},
    "logging": {"logging": {"driver": "json-file", "options": {"max-size": "1m"}}},
    "logging_default": {"logging": {"options": {"max-file": "2"}}},
    "cgroup_parent": {"cgroup_parent": "/troopers-test"},
    "platform": {"platform": "linux/amd64"},
    "volumes_external": {"volumes": ["kept:/a", "later:/b:ro"]},
    "networks_external": {"networks": ["outer"]},
    "runtime": {"runtime": "runc"},
    "isolation": {"isolation": "default"},
    "healthcheck": {
        "healthcheck": {
            "test": ["CMD", "true"],
            "interval": "1m30s",
            "timeout": "10s",
            "retries": 3,
            "start_period": "40s",
        }
    },
    "healthcheck_text": {"healthcheck": {"test": "exit 1"}},
    "healthcheck_off": {"healthcheck": {"disable": True}},
}
SECTIONS: dict[str, Any] = {
    "volumes": {
        "data": {"driver_opts": {"type": "tmpfs", "device": "tmpfs"}, "labels": {"x": "y"}},
        "kept": {"external": True},
        "later": {"external": {"name": "elsewhere.kept"}},
    },
    "networks": {
        "back": {
            "driver": "bridge",
            "internal": True,
            "labels": {"x": "y"},
            "driver_opts": {"com.docker.network.driver.mtu": "1400"},
            "ipam": {"config": [{"subnet": "172.30.7.0/24", "gateway": "172.30.7.1"}]},
        },
        "front": {"ipam": {"config": [{"subnet": "172.30.8.0/24"}]}},
        "outer": {"external": True},
    },
}
#: What the sections above say exists already.
EXISTING = {"volumes": ("kept", "elsewhere.kept"), "networks": ("outer",)}
#: These name another container, or join what docker-compose joins only to start.
NAMING: dict[str, dict[str, Any]] = {
    "first": {"ipc": "shareable"},
    "pid_service": {"pid": "service:first"},
    "ipc_service": {"ipc": "service:first"},
    "network_service": {"network_mode": "service:first"},
    "network_container": {"network_mode": "container:elsewhere"},
    "pid_container": {"pid": "container:elsewhere"},
    "external_links": {"external_links": ["elsewhere:other"]},
    "volumes_from_container": {"volumes_from": ["container:elsewhere:ro"]},
    "network_name": {"network_mode": "outer"},
    "network_default": {"network_mode": "default"},
    "networks_several": {
        "networks": {
            "back": {"ipv4_address": "172.30.7.10", "aliases": ["one"], "priority": 10},
            "front": {"ipv4_address": "172.30.8.10", "aliases": ["two"]},
            "outer": {"aliases": ["three"]},
        }
    },
}
FIRST: dict[str, dict[str, Any]] = {
    "base": {"volumes": ["/data"]},
    "log_driver": {"log_driver": "json-file", "log_opt": {"max-size": "1m"}},
    "volumes_from": {"volumes_from": ["base"]},
    "volume_driver": {"volume_driver": "local", "volumes": ["plain:/a", "/b"]},
    "net_host": {"net": "host"},
    "net_none": {"net": "none"},
    "net_bridge": {"net": "bridge"},
    "net_name": {"net": "outer"},
}
#: The same with `docker-compose --compatibility`, which alone reads what is meant for Swarm mode.
DEPLOY: dict[str, dict[str, Any]] = {
    "deploy_limits": {"deploy": {"resources": {"limits": {"cpus": "0.5", "memory": "64M"}}}},
    "deploy_reservations": {"deploy": {"resources": {"reservations": {"memory": "32M"}}}},
    "deploy_restart": {"deploy": {"restart_policy": {"condition": "any"}}},
    "deploy_mode": {"deploy": {"mode": "replicated", "replicas": 1}},
}
#: Keys whose engine field docker-compose 1.29.2 can't set, or this engine can't take, and what the
#: engine must be asked for.
ASKED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "cgroup": ({"cgroup": "private"}, {"CgroupnsMode": "private"}),
    "cgroupns_mode": ({"cgroupns_mode": "host"}, {"CgroupnsMode": "host"}),
    "uts": ({"uts": "host"}, {"UTSMode": "host"}),
    "cpu_rt_period": ({"cpu_rt_period": 950000}, {"CpuRealtimePeriod": 950000}),
    "cpu_rt_runtime": ({"cpu_rt_runtime": "95ms"}, {"CpuRealtimeRuntime": 95000}),
    "kernel_memory": ({"kernel_memory": "64m"}, {"KernelMemory": 64 << 20}),
    "storage_opt": ({"storage_opt": {"size": "1G"}}, {"StorageOpt": {"size": "1G"}}),
    "gpus": (
        {"gpus": "all"},
        {
            "DeviceRequests": [
                {
                    "Driver": "",
                    "Count": -1,
                    "DeviceIDs": [],
                    "Capabilities": [["gpu"]],
                    "Options": {},
                }
            ]
        },
    ),
    "dns_options": ({"dns_options": ["use-vc"]}, {"DnsOptions": ["use-vc"]}),
}
#: Keys that no container shows, or only together with another part, and what looks at them instead.
ELSEWHERE = {
    "extends": "resolved before any engine is asked: tests/compose_corpus",
    "profiles": "decides which services there are: tests/compose_corpus",
    "scale": "decides how many containers there are: tests/unit/scheduler",
    "depends_on": "decides when a container starts: tests/unit/coordinator",
    "pull_policy": "decides when an image is pulled: tests/unit/agent",
    "configs": "docker-compose knows files only: tests/contract",
    "secrets": "docker-compose knows files only: tests/contract",
    "external": "has no container: tests/unit/compose",
    "links": "a name of its target: test_a_link_is_found_as_docker_compose_has_it",
}
