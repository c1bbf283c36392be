"""`deploy`, and what networks and volumes are declared to be."""

import pytest

from tests.unit.compose.templates import compiled, refused, warnings, web, web_refused


def test_a_choice_from_deploy_is_the_same_as_from_the_keys() -> None:
    keys = "deploy: {restart_policy: {condition: on-failure, max_attempts: 3}}"
    assert web(keys).spec.restart == web("restart: 'on-failure:3'").spec.restart
    assert web("deploy: {restart_policy: {condition: none}}").spec.restart.policy == "no"
    assert web("deploy: {restart_policy: {condition: any}}").spec.restart.policy == "always"
    assert web("deploy: {restart_policy: {condition: always}}").spec.restart.policy == "always"
    stopped = web("deploy: {restart_policy: {condition: unless-stopped}}").spec.restart
    assert stopped.policy == "unless-stopped"


def test_attempts_are_counted_after_failures_only() -> None:
    keys = "deploy: {restart_policy: {max_attempts: 2}}"
    assert web(keys).spec.restart == web("restart: always").spec.restart
    assert warnings(keys) == (
        "services.web.deploy.restart_policy.max_attempts: only counts with condition: on-failure",
    )


def test_what_every_node_is_constrains_nothing() -> None:
    keys = "deploy: {placement: {constraints: [node.role == manager, node.platform.os==linux]}}"
    assert web(keys).placement.expressions == ()
    assert len(warnings(keys)) == 2


@pytest.mark.parametrize(
    ("deploy", "where"),
    [
        ("{restart_policy: {condition: often}}", "restart_policy.condition"),
        ("{placement: {constraints: [a]}}", "placement.constraints[0]"),
        ("{placement: {constraints: ['node.role!=manager']}}", "placement.constraints[0]"),
        ("{colour: red}", "colour"),
    ],
)
def test_what_deploy_cannot_mean_is_refused(deploy: str, where: str) -> None:
    assert web_refused(f"deploy: {deploy}").where == f"services.web.deploy.{where}"


def test_constraints_of_deploy_are_scheduling_expressions() -> None:
    keys = (
        "deploy: {placement: {constraints: ['node.labels.disk == ssd', 'node.hostname!=n1', "
        "'engine.labels.os==linux']}}"
    )
    shown = [(e.key, e.negated, e.value) for e in web(keys).placement.expressions]
    assert shown == [("disk", False, "ssd"), ("node", True, "n1"), ("os", False, "linux")]


def test_what_deploy_says_without_effect_is_told() -> None:
    keys = (
        "deploy: {endpoint_mode: dnsrr, labels: {a: b}, placement: {preferences: [{spread: a}]}, "
        "restart_policy: {delay: 5s, window: 1m}}"
    )
    assert len(warnings(keys)) == 5


def test_of_two_ways_to_restart_that_of_deploy_counts() -> None:
    twice = "restart: always, deploy: {restart_policy: {condition: any}}"
    assert web(twice).spec.restart.policy == "always"
    assert warnings(twice) == ()
    both = "restart: 'no', deploy: {restart_policy: {condition: any}}"
    assert web(both).spec.restart.policy == "always"
    assert warnings(both) == (
        "services.web.restart: deploy.restart_policy counts, as with Compose",
    )


def test_networks_have_drivers_addresses_and_options() -> None:
    rest = """
    networks:
      default:
        driver: macvlan
        attachable: true
        enable_ipv6: true
        ipam:
          driver: default
          options: {a: b}
          config: [{subnet: 10.9.0.0/16, ip_range: 10.9.1.0/24, gateway: 10.9.0.1,
                    aux_addresses: {router: 10.9.0.2}}]
    """
    network = compiled("services: {web: {image: x}}" + rest.replace("\n    ", "\n")).networks[0]
    assert (network.driver, network.attachable, network.enable_ipv6) == ("macvlan", True, True)
    assert network.addresses is not None
    assert network.addresses.model_dump() == {
        "driver": "",
        "options": {"a": "b"},
        "pools": (
            {
                "subnet": "10.9.0.0/16",
                "ip_range": "10.9.1.0/24",
                "gateway": "10.9.0.1",
                "aux_addresses": {"router": "10.9.0.2"},
            },
        ),
    }


def test_an_overlay_is_made_as_a_bridge_with_a_warning() -> None:
    template = compiled("services: {web: {image: x}}\nnetworks: {default: {driver: overlay}}")
    assert template.networks[0].driver == "bridge"
    assert "from node to node" in template.warnings[0]


def test_a_service_has_fixed_addresses_and_an_order_of_networks() -> None:
    spec = web(
        "networks: {a: {ipv4_address: 10.9.0.7, ipv6_address: 'fd::7', link_local_ips: [169.254.1.1]}, "
        "b: {priority: 10}}",
        "networks: {a: {ipam: {config: [{subnet: 10.9.0.0/16}, {subnet: 'fd::/64'}]}}, b: }",
    ).spec
    assert [one.name for one in spec.networks] == ["shop_b", "shop_a"]
    second = spec.networks[1]
    assert (second.ipv4_address, second.ipv6_address) == ("10.9.0.7", "fd::7")
    assert second.link_local_ips == ("169.254.1.1",)


def test_a_volume_may_have_any_driver_but_a_clusters() -> None:
    rest = "volumes: {a: {driver: rexray, driver_opts: {size: 5}}}"
    assert compiled("services: {web: {image: x}}\n" + rest).volumes[0].driver == "rexray"
    assert refused("services: {web: {image: x}}\nvolumes: {a: {driver: nas}}").where
