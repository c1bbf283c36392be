"""Keys that go to the engine nearly as they are written, and their limits."""

from typing import Any

import pytest

from schemas.desired import PullPolicy
from schemas.service import BlockIo, Device, DeviceRate, DeviceRequest, Logging, Ulimit
from tests.unit.compose.templates import compiled, warnings, web, web_refused


@pytest.mark.parametrize(
    ("keys", "field", "wanted"),
    [
        ("tty: true", "tty", True),
        ("tty: 'yes'", "tty", True),
        ("stdin_open: true", "stdin_open", True),
        ("read_only: true", "read_only", True),
        ("privileged: true", "privileged", True),
        ("init: false", "init", False),
        ("domainname: example.com", "domainname", "example.com"),
        ("mac_address: 02:42:ac:11:65:43", "mac_address", "02:42:ac:11:65:43"),
        ("cap_add: [NET_ADMIN, ALL, NET_ADMIN]", "cap_add", ("NET_ADMIN", "ALL")),
        ("cap_drop: [SYS_ADMIN]", "cap_drop", ("SYS_ADMIN",)),
        ("group_add: [mail, 1000]", "group_add", ("mail", "1000")),
        (
            "security_opt: ['no-new-privileges:true', 'seccomp:unconfined']",
            "security_opt",
            ("no-new-privileges:true", "seccomp:unconfined"),
        ),
        ("dns: 8.8.8.8", "dns", ("8.8.8.8",)),
        ("dns: [8.8.8.8, 9.9.9.9]", "dns", ("8.8.8.8", "9.9.9.9")),
        ("dns_search: a.com", "dns_search", ("a.com",)),
        ("dns_opt: [use-vc]", "dns_options", ("use-vc",)),
        ("dns_options: [use-vc]", "dns_options", ("use-vc",)),
        ("extra_hosts: ['db:10.0.0.1', 'six:fd::1']", "extra_hosts", ("db:10.0.0.1", "six:fd::1")),
        ("extra_hosts: {db: 10.0.0.1}", "extra_hosts", ("db:10.0.0.1",)),
        (
            "extra_hosts: ['db=[fd::1]', 'h:host-gateway']",
            "extra_hosts",
            ("db:fd::1", "h:host-gateway"),
        ),
        ("tmpfs: /run", "tmpfs", {"/run": ""}),
        (
            "tmpfs: ['/run:size=64m,mode=755', /tmp]",
            "tmpfs",
            {"/run": "size=64m,mode=755", "/tmp": ""},
        ),
        ("devices: [/dev/null]", "devices", (Device(source="/dev/null", target="/dev/null"),)),
        (
            "devices: ['/dev/null:/dev/x:r', {source: /dev/zero}]",
            "devices",
            (
                Device(source="/dev/null", target="/dev/x", permissions="r"),
                Device(source="/dev/zero", target="/dev/zero"),
            ),
        ),
        ("device_cgroup_rules: ['c 1:3 mr']", "device_cgroup_rules", ("c 1:3 mr",)),
        ("gpus: all", "device_requests", (DeviceRequest(count=-1, capabilities=(("gpu",),)),)),
        (
            "gpus: [{driver: nvidia, device_ids: [a, 1]}]",
            "device_requests",
            (DeviceRequest(driver="nvidia", device_ids=("a", "1"), capabilities=(("gpu",),)),),
        ),
        (
            "deploy: {resources: {reservations: {devices: [{capabilities: [gpu, tpu], count: 2}]}}}",
            "device_requests",
            (DeviceRequest(count=2, capabilities=(("gpu", "tpu"),)),),
        ),
        ("sysctls: {net.core.somaxconn: 1024}", "sysctls", {"net.core.somaxconn": "1024"}),
        ("sysctls: [a.b=0]", "sysctls", {"a.b": "0"}),
        ("storage_opt: {size: 1G}", "storage_opt", {"size": "1G"}),
        (
            "ulimits: {nproc: 65535, nofile: {soft: 20000, hard: 40000}}",
            "ulimits",
            (
                Ulimit(name="nofile", soft=20000, hard=40000),
                Ulimit(name="nproc", soft=65535, hard=65535),
            ),
        ),
        (
            "logging: {driver: syslog, options: {syslog-address: 'tcp://1.2.3.4', n: 5}}",
            "logging",
            Logging(driver="syslog", options={"syslog-address": "tcp://1.2.3.4", "n": "5"}),
        ),
        ("logging: {options: {max-size: 1m}}", "logging", Logging(options={"max-size": "1m"})),
        ("cgroup_parent: m-executor", "cgroup_parent", "m-executor"),
        ("cgroup: private", "cgroup_mode", "private"),
        ("uts: host", "uts_mode", "host"),
        ("userns_mode: host", "userns_mode", "host"),
        ("pid: host", "pid_mode", "host"),
        ("ipc: shareable", "ipc_mode", "shareable"),
        ("platform: linux/amd64", "platform", "linux/amd64"),
        ("runtime: runc", "runtime", "runc"),
        ("mem_limit: 1g, memswap_limit: 2g", "memswap_limit_bytes", 2 << 30),
        ("memswap_limit: -1", "memswap_limit_bytes", -1),
        ("kernel_memory: 64m", "kernel_memory_bytes", 64 << 20),
        ("shm_size: 128m", "shm_size_bytes", 128 << 20),
        ("mem_swappiness: 0", "mem_swappiness", 0),
        ("oom_kill_disable: true", "oom_kill_disable", True),
        ("oom-kill-disable: true", "oom_kill_disable", True),
        ("oom_score_adj: -500", "oom_score_adj", -500),
        ("pids_limit: 99", "pids_limit", 99),
        ("pids_limit: -1", "pids_limit", -1),
        ("deploy: {resources: {limits: {pids: 99}}}", "pids_limit", 99),
        ("cpu_quota: 50000", "cpu_quota_us", 50_000),
        ("cpu_quota: 50ms", "cpu_quota_us", 50_000),
        ("cpu_period: 25ms", "cpu_period_us", 25_000),
        ("cpu_rt_runtime: '400us'", "cpu_rt_runtime_us", 400),
        ("cpu_rt_period: 1400", "cpu_rt_period_us", 1400),
        ("cpuset: 0-2", "cpuset", "0-2"),
        (
            (
                "blkio_config: {weight: 300, weight_device: [{path: /dev/sda, weight: 400}], "
                "device_read_bps: [{path: /dev/sdb, rate: 12mb}]}"
            ),
            "blkio",
            BlockIo(
                weight=300,
                weight_device=(DeviceRate(path="/dev/sda", amount=400),),
                device_read_bps=(DeviceRate(path="/dev/sdb", amount=12 << 20),),
            ),
        ),
    ],
)
def test_a_key_arrives_at_the_engine(keys: str, field: str, wanted: Any) -> None:
    assert getattr(web(keys).spec, field) == wanted


@pytest.mark.parametrize(
    ("keys", "where"),
    [
        ("tty: maybe", "tty"),
        ("init: /usr/libexec/init", "init"),
        ("domainname: a b", "domainname"),
        ("mac_address: here", "mac_address"),
        ("cap_add: ['a b']", "cap_add[0]"),
        ("cap_add: NET_ADMIN", "cap_add"),
        ("security_opt: ['seccomp:./profile.json']", "security_opt[0]"),
        ("extra_hosts: [db]", "extra_hosts[0]"),
        ("extra_hosts: ['d b:1.1.1.1']", "extra_hosts[0]"),
        ("tmpfs: relative", "tmpfs[0]"),
        ("devices: ['/dev/a:/dev/b:x']", "devices[0]"),
        ("devices: ['nvidia.com/gpu=all']", "devices[0]"),
        ("devices: ['/a:/b:r:w']", "devices[0]"),
        ("device_cgroup_rules: [all]", "device_cgroup_rules[0]"),
        ("gpus: some", "gpus"),
        ("gpus: [{count: 1, device_ids: [a]}]", "gpus[0]"),
        (
            "deploy: {resources: {reservations: {devices: [{}]}}}",
            "deploy.resources.reservations.devices[0]",
        ),
        (
            "deploy: {resources: {reservations: {generic_resources: [{}]}}}",
            "deploy.resources.reservations.generic_resources",
        ),
        ("ulimits: {nofile: {soft: 5}}", "ulimits.nofile"),
        ("ulimits: {nofile: {soft: 5, hard: 4}}", "ulimits.nofile"),
        ("ulimits: {nofile: {soft: -1, hard: 4}}", "ulimits.nofile"),
        ("ulimits: {nofile: many}", "ulimits.nofile"),
        ("logging: {driver: 'a b'}", "logging"),
        ("logging: {level: info}", "logging.level"),
        ("userns_mode: none", "userns_mode"),
        ("pid: private", "pid"),
        ("ipc: [host]", "ipc"),
        ("platform: '!'", "platform"),
        ("isolation: hyperv", "isolation"),
        ("pull_policy: daily", "pull_policy"),
        ("pull_policy: never, labels: {aliyun.latest_image: true}", "pull_policy"),
        ("mem_swappiness: 101", "mem_swappiness"),
        ("oom_score_adj: 1001", "oom_score_adj"),
        ("pids_limit: -2", "pids_limit"),
        ("cpu_quota: 50 apples", "cpu_quota"),
        ("blkio_config: {weight: 5}", "blkio_config.weight"),
        (
            "blkio_config: {device_read_bps: [{path: sda, rate: 1}]}",
            "blkio_config.device_read_bps[0].path",
        ),
        ("external_links: ['a b']", "external_links[0]"),
        ("container_name: 'a b'", "container_name"),
        ("dns: [nope]", "dns"),
        ("extra_hosts: ['db:abc']", "extra_hosts[0]"),
        ("ulimits: {foo: 5}", "ulimits.foo"),
        ("tmpfs: [/a, '/a:size=1m']", "tmpfs[1]"),
    ],
)
def test_what_no_engine_can_take_is_refused_with_its_path(keys: str, where: str) -> None:
    assert web_refused(keys).where == f"services.web.{where}"


def test_the_first_formats_own_keys_arrive_too() -> None:
    (service,) = compiled(
        "web: {image: x, log_driver: json-file, log_opt: {max-size: 1m}, volume_driver: local}"
    ).services
    assert service.spec.logging == Logging(driver="json-file", options={"max-size": "1m"})
    assert service.spec.volume_driver == "local"


def test_an_own_name_becomes_an_alias_and_a_warning() -> None:
    assert web("container_name: the-db").spec.networks[0].aliases == ("web", "the-db")
    assert "scaled" in warnings("container_name: the-db")[0]


def test_a_foreign_container_gets_a_name_in_the_services_networks() -> None:
    keys = "external_links: ['other_db_1:db', redis]"
    assert web(keys).spec.networks[0].links == ("other_db_1:db", "redis:redis")
    assert len(warnings(keys)) == 2


@pytest.mark.parametrize(
    ("keys", "policy"),
    [
        ("user: a", PullPolicy.MISSING),
        ("pull_policy: missing", PullPolicy.MISSING),
        ("pull_policy: if_not_present", PullPolicy.MISSING),
        ("pull_policy: always", PullPolicy.ALWAYS),
        ("pull_policy: missing, labels: {aliyun.latest_image: true}", PullPolicy.ALWAYS),
        ("pull_policy: always, labels: {aliyun.latest_image: false}", PullPolicy.ALWAYS),
        ("pull_policy: never", PullPolicy.NEVER),
    ],
)
def test_key_and_label_say_when_the_registry_is_asked(keys: str, policy: PullPolicy) -> None:
    assert web(keys).pull is policy


def test_a_port_may_have_a_choice_of_host_ports() -> None:
    (port,) = web("ports: ['8000-8010:80']").spec.ports
    assert (port.host_port, port.host_choice) == (None, "8000-8010")
    assert web("ports: ['8000-8010:80']").definition["ports"] == ["8000-8010:80"]


def test_an_image_that_would_be_built_is_pulled() -> None:
    template = compiled("services: {web: {image: x, pull_policy: build}}")
    assert template.services[0].pull is PullPolicy.MISSING
    assert template.warnings == (
        "services.web.pull_policy: nothing is built here: the nodes pull the image",
    )
