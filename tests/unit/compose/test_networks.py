"""Networks, modes, links and the names that containers answer to."""

import pytest

from schemas.desired import DesiredNetwork
from schemas.service import NetworkAttachment
from tests.unit.compose.templates import compiled, refused, web, web_refused

DECLARED = """
networks:
  front:
  back: {driver: bridge, internal: true, driver_opts: {mtu: 1400}, labels: {a: b}}
  there: {external: true}
  renamed: {external: {name: elsewhere}}
"""


def test_a_service_joins_the_projects_network_under_its_name() -> None:
    template = compiled("services: {web: {image: x}}")
    assert template.services[0].spec.networks == (
        NetworkAttachment(name="shop_default", aliases=("web",)),
    )
    assert template.networks == (DesiredNetwork(project="shop", name="shop_default"),)


def test_a_service_joins_the_networks_that_it_names() -> None:
    spec = web("networks: [front, there, renamed, default]", DECLARED).spec
    assert [network.name for network in spec.networks] == [
        "shop_front",
        "there",
        "elsewhere",
        "shop_default",
    ]


def test_aliases_belong_to_one_network() -> None:
    spec = web("networks: {front: , back: {aliases: [a, b, a]}}", DECLARED).spec
    assert spec.networks == (
        NetworkAttachment(name="shop_back", aliases=("web", "a", "b")),
        NetworkAttachment(name="shop_front", aliases=("web",)),
    )


def test_only_own_networks_that_are_joined_are_made() -> None:
    text = "services: {web: {image: x, networks: [back, there]}}" + DECLARED
    template = compiled(text)
    assert template.networks == (
        DesiredNetwork(
            project="shop",
            name="shop_back",
            options={"mtu": "1400"},
            labels={"a": "b"},
            internal=True,
        ),
    )
    assert "networks.front: no service joins it: it is not made" in template.warnings


def test_the_default_network_can_be_declared() -> None:
    rest = "networks: {default: {external: {name: ours}}}"
    template = compiled("services: {web: {image: x}}\n" + rest)
    assert template.services[0].spec.networks[0].name == "ours"
    assert template.networks == ()


@pytest.mark.parametrize("mode", ["host", "none", "bridge"])
def test_a_mode_stands_instead_of_networks(mode: str) -> None:
    assert (
        web(f"network_mode: {mode}").spec.network_mode,
        web(f"network_mode: {mode}").spec.networks,
    ) == (mode, ())
    (service,) = compiled(f"web: {{image: x, net: {mode}}}").services
    assert service.spec.network_mode == mode
    assert service.definition["network_mode"] == mode


@pytest.mark.parametrize(
    ("keys", "where"),
    [
        ("network_mode: 'service:db'", "network_mode"),
        ("network_mode: 'container:'", "network_mode"),
        ("network_mode: front", "network_mode"),
        ("network_mode: [host]", "network_mode"),
        ("network_mode: host, networks: [front]", "networks"),
        ("networks: [nowhere]", "networks.nowhere"),
        ("networks: {front: {ipv4_address: 10.0.0.x}}", "networks.front.ipv4_address"),
        ("networks: {front: {ipv4_address: 'fd::1'}}", "networks.front.ipv4_address"),
        ("networks: {front: {mac_address: 02:42:ac:11:00:02}}", "networks.front.mac_address"),
        ("networks: {front: {aliases: ['a b']}}", "networks.front.aliases[0]"),
        ("networks: {front: {aliases: x}}", "networks.front.aliases"),
        ("networks: front", "networks"),
        ("links: ['db:a b']", "links[0]"),
        ("links: [db]", "links[0]"),
    ],
)
def test_what_cannot_be_joined_is_refused(keys: str, where: str) -> None:
    assert web_refused(keys, DECLARED).where == f"services.web.{where}"


@pytest.mark.parametrize(
    ("declaration", "where"),
    [
        ("{a: {attachable: maybe}}", "networks.a.attachable"),
        ("{a: {enable_ipv4: true}}", "networks.a.enable_ipv4"),
        ("{a: {ipam: {config: [{subnet: ten}]}}}", "networks.a.ipam.config[0].subnet"),
        ("{a: {ipam: {config: [{gateway: ten}]}}}", "networks.a.ipam.config[0].gateway"),
        ("{a: {external: {name: host}}}", "networks.a"),
        ("{a: {external: true, internal: true}}", "networks.a.external"),
        ("{a: {colour: red}}", "networks.a.colour"),
    ],
)
def test_what_no_network_can_be_yet_is_refused(declaration: str, where: str) -> None:
    assert refused(f"services: {{web: {{image: x}}}}\nnetworks: {declaration}").where == where


def test_what_asks_a_network_for_nothing_is_accepted() -> None:
    rest = "networks: {default: {attachable: false, ipam: {driver: default}, driver: default}}"
    assert compiled("services: {web: {image: x}}\n" + rest).networks[0].driver == "bridge"


def test_a_links_alias_is_a_name_of_its_target_on_shared_networks() -> None:
    template = compiled(
        """
        services:
          web: {image: x, networks: [a, b], links: ["db:database", "db:store", db]}
          db: {image: x, networks: {b: {aliases: [mine]}, c: }}
        networks: {a: , b: , c: }
        """
    )
    database = template.services[1]
    assert database.spec.networks == (
        NetworkAttachment(name="shop_b", aliases=("db", "mine", "database", "store")),
        NetworkAttachment(name="shop_c", aliases=("db",)),
    )
    assert template.services[0].depends_on == ("db",)


def test_a_link_without_a_shared_network_is_a_warning() -> None:
    template = compiled("web: {image: x, net: bridge, links: ['db:store']}\ndb: {image: x}")
    assert template.warnings == (
        "web.links[0]: web and db share no network: the name store will not be found",
    )
