"""Published and exposed ports."""

import pytest

from compose.ports import port_text
from schemas.service import Port
from tests.unit.compose.templates import compiled, warnings, web, web_refused


def port(
    container_port: int, host_port: int | None = None, protocol: str = "tcp", host_ip: str = ""
) -> Port:
    return Port.model_validate(
        {
            "container_port": container_port,
            "host_port": host_port,
            "protocol": protocol,
            "host_ip": host_ip,
        }
    )


@pytest.mark.parametrize(
    ("entry", "ports"),
    [
        ("80", (port(80),)),
        ("'80'", (port(80),)),
        ("22:22", (port(22, 22),)),
        ("8080:80", (port(80, 8080),)),
        ("53:53/udp", (port(53, 53, "udp"),)),
        ("53/UDP", (port(53, None, "udp"),)),
        ("127.0.0.1:80:8080", (port(8080, 80, host_ip="127.0.0.1"),)),
        ("127.0.0.1::80", (port(80, host_ip="127.0.0.1"),)),
        ("'[::1]:80:8080'", (port(8080, 80, host_ip="::1"),)),
        ("'::1:80:8080'", (port(8080, 80, host_ip="::1"),)),
        ("3000-3001", (port(3000), port(3001))),
        ("8000-8001:9000-9001", (port(9000, 8000), port(9001, 8001))),
        ("$P:80", (port(80, 8080),)),
        ("{target: 80}", (port(80),)),
        ("{target: '80', published: 8080}", (port(80, 8080),)),
        ("{target: 80, published: '8080', protocol: udp}", (port(80, 8080, "udp"),)),
        ("{target: 80, published: 0}", (port(80),)),
        ("{target: 80, host_ip: 10.0.0.1, mode: host, name: web}", (port(80, host_ip="10.0.0.1"),)),
    ],
)
def test_every_syntax_says_the_same(entry: str, ports: tuple[Port, ...]) -> None:
    assert web(f"ports: [{entry}]", P="8080").spec.ports == ports


@pytest.mark.parametrize(
    "entry",
    [
        "0",
        "65536",
        "99999",
        "-1",
        "80.5",
        "true",
        "http",
        "''",
        "'80:'",
        "80:80:80",
        "80/icmp",
        "a:80:80",
        "127.0.0.1:80",
        "300.0.0.1:80:80",
        "10-5",
        "1-3:4-5",
        "-5:80",
        "1-1001",
        "[]",
        "{published: 80}",
        "{target: 0}",
        "{target: 80, published: x}",
        "{target: 80, published: 5-1}",
        "{target: 80, mode: other}",
        "{target: 80, host_ip: x}",
        "{target: 80, protocol: x}",
    ],
)
def test_what_is_no_port_is_refused_with_its_path(entry: str) -> None:
    assert web_refused(f"ports: [80, {entry}]").where.startswith("services.web.ports[1]")


def test_the_same_port_twice_is_one_port() -> None:
    assert web("ports: [80:80, 80:80/tcp, 80, 80]").spec.ports == (port(80, 80), port(80))


@pytest.mark.parametrize("other", ["80:81", "127.0.0.1:80:80", "0.0.0.0:80:82", "79-81:1-3"])
def test_a_service_cannot_take_a_host_port_twice(other: str) -> None:
    assert "published twice" in str(web_refused(f"ports: [80:80, '{other}']"))
    assert "published twice" in str(web_refused(f"ports: ['{other}', 80:80]"))


def test_one_host_port_can_be_taken_on_two_addresses_or_protocols() -> None:
    ports = web("ports: ['127.0.0.1:80:80', '10.0.0.1:80:80', '80:80/udp']").spec.ports
    assert len(ports) == 3


def test_two_services_on_one_host_port_are_a_warning() -> None:
    template = compiled("a: {image: x, ports: [80:80]}\nb: {image: x, ports: ['1.2.3.4:80:90']}")
    assert template.warnings == (
        "b.ports: the host port 80 is published by a too: they can't share a node",
    )


def test_ingress_is_a_warning() -> None:
    assert "not on all" in warnings("ports: [{target: 80, mode: ingress}]")[0]


def test_the_network_of_the_host_publishes_nothing() -> None:
    assert web("network_mode: host, ports: [80]").spec.ports == ()
    assert warnings("network_mode: host, ports: [80]") == (
        "services.web.ports: no effect: all ports are the host's own",
    )


@pytest.mark.parametrize(
    ("entries", "ports"),
    [
        ("[80, '81']", ("80/tcp", "81/tcp")),
        ("[53/udp, 53, 53]", ("53/udp", "53/tcp")),
        ("[1-3]", ("1/tcp", "2/tcp", "3/tcp")),
    ],
)
def test_exposed_ports_have_a_protocol(entries: str, ports: tuple[str, ...]) -> None:
    assert web(f"expose: {entries}").spec.expose == ports


@pytest.mark.parametrize("entry", ["80:80", "x", "0", "70000", "80/x", "[80]", "5-1"])
def test_what_cannot_be_exposed_is_refused(entry: str) -> None:
    assert web_refused(f"expose: [{entry}]").where == "services.web.expose[0]"


@pytest.mark.parametrize(
    "text", ["80", "80/udp", "8080:80", "1.2.3.4:8080:80", "1.2.3.4::80", "[::1]:80:80/udp"]
)
def test_a_port_is_shown_in_the_short_syntax(text: str) -> None:
    (only,) = web(f"ports: ['{text}']").spec.ports
    assert port_text(only) == text
