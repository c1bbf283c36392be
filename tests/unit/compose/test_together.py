"""What an engine would refuse of keys that are fine alone."""

import pytest

from tests.unit.compose.templates import warnings, web, web_refused

SUBNET = "networks: {a: {ipam: {config: [{subnet: 10.9.0.0/16}]}}, b: , c: {external: true}, "
NETWORKS = SUBNET + "d: {ipam: {driver: dhcp}}}"


@pytest.mark.parametrize(
    ("keys", "where", "words"),
    [
        ("tmpfs: /a, volumes: [/a]", "volumes[0]", "by tmpfs"),
        ("memswap_limit: 1g", "memswap_limit", "needs a limit of memory"),
        ("mem_limit: 2g, memswap_limit: 1g", "memswap_limit", "less than"),
        ("networks: {a: {ipv4_address: 10.8.0.1}}", "networks.a.ipv4_address", "in no subnet"),
        ("networks: {a: {ipv6_address: 'fd::1'}}", "networks.a.ipv6_address", "declares a range"),
        ("networks: {b: {ipv4_address: 10.8.0.1}}", "networks.b.ipv4_address", "declares a range"),
        (
            "networks: {default: {ipv4_address: 10.8.0.1}}",
            "networks.default.ipv4_address",
            "declares a range",
        ),
    ],
)
def test_what_an_engine_would_refuse_later_is_refused(keys: str, where: str, words: str) -> None:
    error = web_refused(keys, NETWORKS)
    assert (error.where, words in str(error)) == (f"services.web.{where}", True)


@pytest.mark.parametrize(
    "keys",
    [
        "tmpfs: /a, volumes: [/b]",
        "memswap_limit: -1",
        "memswap_limit: 0",
        "mem_limit: 1g, memswap_limit: 1g",
        "networks: {a: {ipv4_address: 10.9.0.1}}",
        "networks: {c: {ipv4_address: 1.2.3.4}}",
        "networks: {d: {ipv4_address: 1.2.3.4}}",
    ],
)
def test_what_an_engine_takes_is_taken(keys: str) -> None:
    assert web(keys, NETWORKS).name == "web"


def test_one_address_for_several_containers_is_told() -> None:
    keys = "networks: {a: {ipv4_address: 10.9.0.1}}"
    assert any("can't share a node" in one for one in warnings(f"{keys}, scale: 2", NETWORKS))
    assert not any("can't share a node" in one for one in warnings(keys, NETWORKS))
