"""Every template of the corpus, field by field: what we make of it and what Docker's tools do."""

from collections.abc import Mapping
from typing import Any

import pytest

from compose.keys import SERVICE_KEYS, V1_SERVICE_KEYS, Verdict
from compose.template import compile_template
from schemas.service import Restart
from tests.compose_corpus.fields import ours_of
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
            assert (field, ours_of(field, ours[name], template.services)) == (
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


def test_a_template_without_a_restart_policy_is_the_one_exception_of_all() -> None:
    # Docker's tools leave an exited container alone; a service of a cluster is there to run.
    (service,) = compile_template(PROJECT, "web: {image: x}", {}).services
    assert service.spec.restart == Restart(policy="default")
