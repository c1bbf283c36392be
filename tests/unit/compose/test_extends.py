"""`extends` within the template, and `profiles`."""

import pytest

from tests.unit.compose.templates import compiled, refused


def test_a_service_starts_from_another_one() -> None:
    web = compiled(
        """
        services:
          base:
            image: base
            command: [a, b]
            environment: [A=1, B=2]
            labels: {l: m}
            ports: ['80']
            volumes: ['/h:/d', '/h:/e']
            cap_add: [NET_ADMIN]
            healthcheck: {test: a, retries: 3}
            ulimits: {nofile: 5, nproc: 6}
            profiles: [never]
          web:
            extends: {service: base}
            image: web
            environment: {B: 3, C: 4}
            ports: ['80', '81']
            volumes: ['/other:/d:ro']
            cap_add: [SYS_TIME]
            healthcheck: {retries: 5}
            ulimits: {nofile: 7}
        """
    ).services[0]
    assert (web.name, web.spec.image, web.spec.command) == ("web", "web", ("a", "b"))
    assert web.spec.environment == {"A": "1", "B": "3", "C": "4"}
    assert web.spec.labels == {"l": "m"}
    assert [port.container_port for port in web.spec.ports] == [80, 81]
    assert {m.target: m.source for m in web.spec.volumes} == {"/d": "/other", "/e": "/h"}
    assert web.spec.cap_add == ("NET_ADMIN", "SYS_TIME")
    assert web.spec.healthcheck is not None
    assert (web.spec.healthcheck.test, web.spec.healthcheck.retries) == (("CMD-SHELL", "a"), 5)
    assert {u.name: u.soft for u in web.spec.ulimits} == {"nofile": 7, "nproc": 6}


def test_a_chain_of_services_is_followed_and_a_name_alone_is_enough() -> None:
    services = compiled(
        "a: {extends: b, tty: true}\nb: {extends: c}\nc: {image: x, user: u}"
    ).services
    assert [(one.spec.image, one.spec.user) for one in services] == [("x", "u")] * 3
    assert [one.spec.tty for one in services] == [True, False, False]


def test_a_mount_replaces_one_at_the_same_place_in_any_syntax() -> None:
    services = compiled(
        "services: {a: {image: x, volumes: ['/h:/d']}, b: {extends: {service: a}, "
        "volumes: [{type: bind, source: /other, target: /d}]}}"
    ).services
    assert [mount.source for mount in services[1].spec.volumes] == ["/other"]


def test_hosts_are_joined_by_their_names() -> None:
    services = compiled(
        "a: {image: x, extra_hosts: ['h:1.1.1.1', 'i:2.2.2.2']}\n"
        "b: {extends: a, extra_hosts: ['h:3.3.3.3']}"
    ).services
    assert services[1].spec.extra_hosts == ("h:3.3.3.3", "i:2.2.2.2")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("a: {extends: b}", "a.extends"),
        ("a: {extends: a}", "a.extends"),
        ("a: {extends: b}\nb: {extends: a}", "b.extends"),
        ("a: {extends: {file: common.yml, service: b}}", "a.extends.file"),
        ("a: {extends: {}}", "a.extends"),
        ("a: {extends: [b]}\nb: {image: x}", "a.extends"),
        ("a: {extends: b}\nb: {image: x, links: [c]}\nc: {image: x}", "a.extends"),
        ("a: {extends: b}\nb: {image: x, net: 'container:c'}\nc: {image: x}", "a.extends"),
    ],
)
def test_what_cannot_be_extended_is_refused(text: str, where: str) -> None:
    assert refused(text).where == where


def test_a_long_chain_that_grows_is_refused() -> None:
    environment = ", ".join(f"A{i}: 1" for i in range(500))
    links = "\n".join(f"a{i}: {{extends: a{i + 1}}}" for i in range(400))
    text = f"{links}\na400: {{image: x, environment: {{{environment}}}}}"
    assert "too large when extended" in str(refused(text))


PROFILES = """
services:
  web: {image: x}
  debug: {image: x, profiles: [debug, test]}
"""


def test_a_service_with_profiles_is_left_out_with_a_warning() -> None:
    template = compiled(PROFILES)
    assert [one.name for one in template.services] == ["web"]
    assert template.warnings == (
        "services.debug.profiles: left out: COMPOSE_PROFILES has none of debug, test",
    )


@pytest.mark.parametrize("profiles", ["test", "a, debug", "*"])
def test_a_profile_is_asked_for_by_variable(profiles: str) -> None:
    template = compiled(PROFILES, COMPOSE_PROFILES=profiles)
    assert [one.name for one in template.services] == ["web", "debug"]
    assert template.warnings == ()


def test_something_must_be_left() -> None:
    assert refused("services: {debug: {image: x, profiles: [a]}}").where == "services"


def test_who_depends_on_what_a_profile_leaves_out_is_told_so() -> None:
    text = "services: {a: {image: x, profiles: [debug]}, b: {image: x, depends_on: [a]}}"
    error = refused(text)
    assert error.where == "services.b.depends_on"
    assert "a, which is left out: COMPOSE_PROFILES" in str(error)
    assert compiled(text, COMPOSE_PROFILES="debug").services[1].depends_on == ("a",)
