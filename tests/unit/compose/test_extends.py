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
    ).services[1]
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


def test_a_profile_is_extended_too() -> None:
    text = "services: {a: {extends: b}, b: {image: x, profiles: [p]}, c: {image: x}}"
    assert [one.name for one in compiled(text).services] == ["c"]
    assert [one.name for one in compiled(text, COMPOSE_PROFILES="p").services] == ["a", "b", "c"]


def test_what_a_service_needs_is_needed_by_those_that_extend_it() -> None:
    services = {
        one.name: one
        for one in compiled(
            """
            services:
              base: {image: x, depends_on: [db], links: ['db:store'], networks: [back]}
              web:
                extends: base
                depends_on: {cache: {condition: service_healthy}}
                networks: {back: {aliases: [w]}, front: }
              db: {image: x, networks: [back]}
              cache: {image: x, healthcheck: {test: a}}
            networks: {back: , front: }
            """
        ).services
    }
    assert set(services["web"].depends_on) == {"db", "cache"}
    assert services["web"].conditions == {"cache": "healthy"}
    assert [one.name for one in services["web"].spec.networks] == ["shop_back", "shop_front"]
    assert services["web"].spec.networks[0].aliases == ("web", "w")


def test_a_command_is_replaced_and_never_half_of_it() -> None:
    services = compiled(
        "services: {a: {image: x, command: [a, b], healthcheck: {test: [CMD, c], retries: 2}}, "
        "b: {extends: a, command: [d], healthcheck: {test: [CMD, e]}}}"
    ).services
    assert services[1].spec.command == ("d",)
    assert services[1].spec.healthcheck is not None
    assert services[1].spec.healthcheck.test == ("CMD", "e")
    assert services[1].spec.healthcheck.retries == 2


def test_options_of_one_log_driver_are_no_options_of_another() -> None:
    services = compiled(
        "services: {a: {image: x, logging: {driver: local, options: {max-size: 1m}}}, "
        "b: {extends: a, logging: {driver: syslog}}, c: {extends: a, logging: {options: {a: b}}}}"
    ).services
    assert services[1].spec.logging is not None
    assert services[2].spec.logging is not None
    assert services[1].spec.logging.options == {}
    assert services[2].spec.logging.options == {"max-size": "1m", "a": "b"}


def test_every_address_of_a_host_counts() -> None:
    services = compiled(
        "a: {image: x, extra_hosts: ['h:1.1.1.1', 'i:2.2.2.2']}\n"
        "b: {extends: a, extra_hosts: ['h:3.3.3.3']}"
    ).services
    assert services[1].spec.extra_hosts == ("h:1.1.1.1", "i:2.2.2.2", "h:3.3.3.3")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("a: {extends: b}", "a.extends"),
        ("a: {extends: a}", "a.extends"),
        ("a: {extends: b}\nb: {extends: a}", "b.extends"),
        ("a: {extends: {file: common.yml, service: b}}", "a.extends.file"),
        ("a: {extends: {}}", "a.extends"),
        ("a: {extends: [b]}\nb: {image: x}", "a.extends"),
        (
            "services: {a: {extends: b, networks: n}, b: {image: x, networks: [m]}}",
            "services.a.networks",
        ),
        (
            "services: {a: {extends: b, deploy: []}, b: {image: x, deploy: {mode: global}}}",
            "services.a.deploy",
        ),
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
