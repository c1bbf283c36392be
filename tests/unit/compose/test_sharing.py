"""Namespaces and volumes of other containers, and services that are only addresses."""

import pytest

from tests.unit.compose.templates import compiled, refused, web_refused


def test_a_service_shares_with_the_first_container_of_another() -> None:
    web, _ = compiled(
        """
        version: '2.4'
        services:
          web: {image: x, network_mode: 'service:db', pid: 'service:db', ipc: 'container:other',
                volumes_from: [db, 'db:ro', 'container:elsewhere:ro']}
          db: {image: x}
        """
    ).services
    assert web.spec.network_mode == "service:db"
    assert web.spec.pid_mode == "service:db"
    assert web.spec.ipc_mode == "container:other"
    assert web.spec.volumes_from == ("service:db:rw", "service:db:ro", "elsewhere:ro")
    assert web.spec.networks == ()
    assert (web.depends_on, web.placement.together_with) == (("db",), ("db",))


def test_in_the_first_format_a_container_may_be_a_service() -> None:
    web, _ = compiled(
        "web: {image: x, net: 'container:db', volumes_from: [db]}\ndb: {image: x}"
    ).services
    assert web.spec.network_mode == "service:db"
    (web,) = compiled("web: {image: x, net: 'container:db'}").services
    assert web.spec.network_mode == "container:db"


@pytest.mark.parametrize(
    ("keys", "where"),
    [
        ("volumes_from: ['db:rx']", "web.volumes_from[0]"),
        ("net: 'service:'", "web.net"),
        ("pid: 'service:nobody'", "web.pid"),
        ("net: 'container:db', ports: ['80']", "web.ports"),
        ("net: 'container:db', hostname: web", "web.hostname"),
        ("net: 'container:db', extra_hosts: ['a:1.1.1.1']", "web.extra_hosts"),
        ("net: host, mac_address: '02:42:ac:11:00:02'", "web.mac_address"),
        (
            "net: 'container:db', labels: {aliyun.probe.url: 'http://container'}",
            "web.labels.aliyun.probe.url",
        ),
    ],
)
def test_what_cannot_be_shared_is_refused(keys: str, where: str) -> None:
    assert refused(f"web: {{image: x, {keys}}}\ndb: {{image: x}}").where == where


def test_volumes_of_nobody_are_a_container_s_in_the_first_format_only() -> None:
    (web,) = compiled("web: {image: x, volumes_from: ['other:ro']}").services
    assert (web.spec.volumes_from, web.depends_on) == (("other:ro",), ())
    error = refused("services: {web: {image: x, volumes_from: ['other:ro']}}")
    assert error.where == "services.web.volumes_from[0]"


@pytest.mark.parametrize(
    "text", ["web: {image: x, net: %s}", "services: {web: {image: x, network_mode: %s}}"]
)
def test_the_network_of_an_engine_is_joined_by_its_name_and_that_is_told(text: str) -> None:
    template = compiled(text % "host_lan")
    (service,) = template.services
    assert (service.spec.network_mode, service.spec.networks) == ("host_lan", ())
    (told,) = template.warnings
    assert "host_lan must be a network on every node already" in told
    default = compiled(text % "default")
    assert (default.services[0].spec.network_mode, default.warnings) == ("default", ())


def test_a_network_of_the_template_is_no_network_mode() -> None:
    error = web_refused("network_mode: back", "networks: {back: }")
    assert error.where == "services.web.network_mode"
    assert "joined with networks" in str(error)
    there = compiled("""
        services: {web: {image: x, network_mode: lan}}
        networks: {lan: {external: true}}
    """)
    assert there.services[0].spec.network_mode == "lan"


def test_a_hostname_is_the_node_s_own_where_its_namespace_is() -> None:
    assert web_refused("uts: host, hostname: web").where == "services.web.hostname"


def test_an_outside_address_is_a_name_for_the_projects_services() -> None:
    template = compiled(
        """
        web: {image: x, links: ['db:database'], labels: {aliyun.depends: db}}
        db: {external: {host: $HOST, ports: [3306]}}
        """,
        HOST="10.0.0.5",
    )
    (web,) = template.services
    assert web.spec.extra_hosts == ("database:10.0.0.5", "db:10.0.0.5")
    assert web.depends_on == ()
    assert any("not listed" in warning for warning in template.warnings)
    assert any("has all its ports" in warning for warning in template.warnings)


def test_only_who_names_an_outside_address_gets_its_names() -> None:
    template = compiled("""
        services:
          a: {image: x}
          b: {image: x, links: ['db:mysql']}
          c: {image: x, depends_on: [db]}
          db: {external: {host: 10.0.0.5}}
    """)
    assert [one.spec.extra_hosts for one in template.services] == [
        (),
        ("db:10.0.0.5", "mysql:10.0.0.5"),
        ("db:10.0.0.5",),
    ]


def test_an_outside_name_cannot_be_renamed_and_that_is_told_with_those_who_need_it() -> None:
    template = compiled("web: {image: x}\ndb: {external: {host: rds.example.com}}")
    assert template.services[0].spec.extra_hosts == ()
    (told,) = template.warnings
    assert "db will not be found; use rds.example.com itself" in told
    linking = "web: {image: x, links: ['db:mysql']}\napi: {image: x, labels: {aliyun.depends: db}}"
    (told,) = compiled(f"{linking}\ndb: {{external: {{host: rds.example.com}}}}").warnings
    assert "db will not be found by web, api;" in told


def test_labels_of_an_outside_address_are_checked_and_told_to_do_nothing() -> None:
    text = "web: {image: x}\ndb: {external: {host: 1.2.3.4}, labels: {%s}}"
    told = compiled(text % "aliyun.scale: 3, foo: bar").warnings
    assert "db.labels: no container carries them: no effect" in told
    assert refused(text % "aliyun.nope: 1").where == "db.labels.aliyun.nope"
    assert refused(text % "aliyun.scale: many").where == "db.labels.aliyun.scale"


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("web: {image: x}\ndb: {external: {host: ''}}", "db.external.host"),
        ("web: {image: x}\ndb: {external: {host: a, port: 1}}", "db.external.port"),
        ("web: {image: x}\ndb: {external: {host: a, ports: [0]}}", "db.external.ports[0]"),
        ("web: {image: x}\ndb: {image: y, external: {host: a}}", "db.external"),
        ("db: {external: {host: a}}", ""),
    ],
)
def test_what_is_no_outside_address_is_refused(text: str, where: str) -> None:
    assert refused(text).where == where
