"""Every template of the corpus, field by field: what we make of it and what Docker's tools do."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from compose.keys import SERVICE_KEYS, V1_SERVICE_KEYS, Verdict
from compose.template import compile_template
from schemas.service import Restart
from schemas.template import ServiceTemplate
from tests.compose_corpus.oracles import PROJECT, Sample, samples
from tests.compose_corpus.reading import expected

#: Where the first format says nothing, its services have this mode; a project of ours has a network.
_FIRST_FORMAT_MODE = "bridge"


@pytest.mark.parametrize("sample", samples(), ids=str)
def test_a_template_means_what_docker_s_own_tool_says(sample: Sample) -> None:
    template = compile_template(PROJECT, sample.text, sample.environment)
    said = sample.recorded
    ours = {service.name: service for service in template.services}
    wanted = {name for name, one in said["services"].items() if "profiles" not in one}
    assert set(ours) == wanted
    for name in wanted:
        for field, value in expected(PROJECT, said, name).items():
            if field == "network_mode" and value == _FIRST_FORMAT_MODE and said["version"] == "1":
                assert ours[name].spec.network_mode in {"", _FIRST_FORMAT_MODE}
                continue
            assert (field, _ours(field, ours[name], template.services)) == (
                field,
                _normal(field, value, said),
            )


def test_a_network_or_volume_has_what_docker_s_own_tool_says() -> None:
    seen = 0
    for sample in samples():
        template = compile_template(PROJECT, sample.text, sample.environment)
        own = {network.name: network for network in template.networks}
        for key, said in sample.recorded.get("networks", {}).items():
            network = own.get(said.get("name", f"{PROJECT}_{key}"))
            assert (network is None) == bool(said.get("external")), (sample, key)
            if network is not None:
                seen += 1
                pools = said.get("ipam", {}).get("config", [])
                plan = network.addresses
                assert [pool["subnet"] for pool in pools] == [
                    pool.subnet for pool in (plan.pools if plan else ())
                ]
                assert network.options == said.get("driver_opts", {})
                assert network.labels == said.get("labels", {})
                assert network.internal == said.get("internal", False)
                assert network.enable_ipv6 == said.get("enable_ipv6", False)
        volumes = {volume.name: volume for volume in template.volumes}
        for key, said in sample.recorded.get("volumes", {}).items():
            volume = volumes.get(said.get("name", f"{PROJECT}_{key}"))
            assert (volume is None) == bool(said.get("external")), (sample, key)
            if volume is not None:
                seen += 1
                assert volume.options == said.get("driver_opts", {})
                assert volume.labels == said.get("labels", {})
    assert seen >= 10


def test_the_corpus_has_every_key_that_an_oracle_knows() -> None:
    written: set[str] = set()
    for sample in samples():
        for service in sample.recorded["services"].values():
            written |= set(service)
    honoured = {
        key
        for rules in (SERVICE_KEYS, V1_SERVICE_KEYS)
        for key, rule in rules.items()
        if rule.verdict is Verdict.HONOURED
    }
    # Resolved before an oracle answers, or newer than both oracles, or the reference's own.
    resolved = {"extends", "net", "log_driver", "log_opt"}
    newer = {
        "cgroup",
        "cgroupns_mode",
        "gpus",
        "pull_policy",
        "uts",
        "cpu_rt_period",
        "cpu_rt_runtime",
        # Both oracles know them as files only.
        "configs",
        "secrets",
    }
    own = {"external", "dns_options", "kernel_memory"}
    assert honoured - written == resolved | newer | own
    assert len(samples()) >= 60


def _normal(field: str, value: Any, said: Mapping[str, Any]) -> Any:
    """The oracle's value, in the few cases where our rule differs."""
    if field in {"network_mode", "pid_mode", "ipc_mode"}:
        kind, _, name = value.partition(":")
        is_service = kind == "service" or (kind == "container" and name in said["services"])
        return f"service:{name}" if is_service else value
    return value


Readers = Mapping[str, Callable[[ServiceTemplate], Any]]

_READ: Readers = {
    "networks": lambda one: {
        (a.name, a.aliases, a.ipv4_address, a.ipv6_address, a.link_local_ips)
        for a in one.spec.networks
    },
    "extra_hosts": lambda one: set(one.spec.extra_hosts),
    "ports": lambda one: {
        (p.host_ip, p.host_choice or str(p.host_port or ""), p.container_port, p.protocol)
        for p in one.spec.ports
    },
    "expose": lambda one: set(one.spec.expose),
    "volumes": lambda one: {
        (m.type, m.source, m.target, m.read_only, m.no_copy, m.propagation, m.tmpfs_size_bytes)
        for m in one.spec.volumes
    },
    "healthcheck": lambda one: (
        one.spec.healthcheck and one.spec.healthcheck.model_dump(exclude_none=True)
    ),
    "restart": lambda one: (one.spec.restart.policy, one.spec.restart.max_retries),
    "ulimits": lambda one: {u.name: (u.soft, u.hard) for u in one.spec.ulimits},
    "devices": lambda one: [(d.source, d.target, d.permissions) for d in one.spec.devices],
    "logging": lambda one: one.spec.logging and (one.spec.logging.driver, one.spec.logging.options),
    "log_driver": lambda one: one.spec.logging and one.spec.logging.driver,
    "log_opt": lambda one: one.spec.logging and one.spec.logging.options,
    "scale": lambda one: one.scale,
    "is_global": lambda one: one.is_global,
    "depends_on": lambda one: set(one.depends_on),
    "conditions": lambda one: one.conditions,
    "constraints": lambda one: [
        f"{e.key}{'!=' if e.negated else '=='}{e.value}" for e in one.placement.expressions
    ],
    "external_links": lambda one: one.spec.networks[0].links,
    "container_name": lambda one: one.spec.networks[0].aliases[-1],
    "userns_mode": lambda one: one.spec.userns_mode,
    "oom_kill_disable": lambda one: one.spec.oom_kill_disable,
    "blkio": lambda one: (
        one.spec.blkio
        and {
            key: value if key == "weight" else [(rate["path"], rate["amount"]) for rate in value]
            for key, value in one.spec.blkio.model_dump().items()
            if key == "weight" or value
        }
    ),
}


def _ours(field: str, one: ServiceTemplate, every: tuple[ServiceTemplate, ...]) -> Any:
    if field == "links":
        return _links(one, every)
    if field in _READ:
        return _READ[field](one)
    return getattr(one.spec, field)


def _links(one: ServiceTemplate, every: tuple[ServiceTemplate, ...]) -> set[tuple[str, str]]:
    """Every name that a service needs and its dependencies answer to, as far as links gave it."""
    return {
        (other.name, alias)
        for other in every
        if other.name in one.depends_on
        for network in other.spec.networks
        for alias in network.aliases
        if alias in {link.partition(":")[2] or link for link in one.definition["links"]}
    }


def test_a_template_without_a_restart_policy_is_the_one_exception_of_all() -> None:
    # Docker's tools leave an exited container alone; a service of a cluster is there to run.
    (service,) = compile_template(PROJECT, "web: {image: x}", {}).services
    assert service.spec.restart == Restart(policy="default")
