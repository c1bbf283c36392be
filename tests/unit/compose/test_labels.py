"""Labels, and those that are for Troopers."""

from typing import Any

import pytest

from schemas.desired import PullPolicy
from schemas.service import Probe
from schemas.template import ServiceTemplate
from tests.unit.compose.templates import compiled, warnings, web, web_refused


@pytest.mark.parametrize(
    "labels",
    ["{a: 1, b: true, c: , d: 1.50, on: yes}", "[a=1, b=true, c, 'd=1.5', on=yes]"],
)
def test_labels_are_a_map_of_text(labels: str) -> None:
    service = web(f"labels: {labels}")
    assert service.spec.labels == {"a": "1", "b": "true", "c": "", "d": "1.5", "on": "yes"}
    assert service.definition["labels"] == service.spec.labels


@pytest.mark.parametrize("labels", ["5", "{a: [b]}", "{a: {b: c}}", "[[a]]", "[{a: b}]"])
def test_what_is_no_label_is_refused(labels: str) -> None:
    assert web_refused(f"labels: {labels}").where.startswith("services.web.labels")


def test_own_labels_are_not_the_containers() -> None:
    service = web("labels: {aliyun.scale: 2, mine: x}")
    assert service.spec.labels == {"mine": "x"}
    assert service.definition["labels"] == {"mine": "x"}
    assert "labels" not in web("labels: {aliyun.scale: 2}").definition


@pytest.mark.parametrize("value", ["3", "'3'"])
def test_scale_is_a_number_of_containers_and_no_extension(value: str) -> None:
    service = web(f"labels: {{aliyun.scale: {value}}}")
    assert (service.scale, service.extensions) == (3, {})


def test_scale_is_one_by_default_and_may_be_none() -> None:
    assert web("user: a").scale == 1
    assert web("labels: {aliyun.scale: 0}").scale == 0


@pytest.mark.parametrize(
    ("labels", "extensions"),
    [
        ("aliyun.global: 'true'", {"global": True}),
        ("aliyun.latest_image: true", {"latest_image": True}),
        ("aliyun.probe.url: http://container", {"probe": {"url": "http://container"}}),
        (
            (
                "aliyun.probe.cmd: /check.sh, aliyun.probe.timeout_seconds: '10', "
                "aliyun.probe.initial_delay_seconds: 1.5"
            ),
            {"probe": {"cmd": "/check.sh", "timeout_seconds": 10, "initial_delay_seconds": 1.5}},
        ),
        ("aliyun.rolling_updates: 'true'", {"rolling_updates": {"parallelism": 1}}),
        (
            "aliyun.rolling_updates: true, aliyun.rolling_updates.parallelism: '2'",
            {"rolling_updates": {"parallelism": 2}},
        ),
        (
            "aliyun.rolling_updates: true, aliyun.rolling_updates.parallelism: many",
            {"rolling_updates": {"parallelism": 1}},
        ),
        ("aliyun.rolling_updates: false", {"rolling_updates": False}),
        ("aliyun.rolling_updates.parallelism: 2", {}),
        (
            (
                "aliyun.routing.port_80: wordpress;http://wp.sample.com/context, "
                "aliyun.routing.session_sticky: true"
            ),
            {
                "routing": {
                    "port_80": ["wordpress", "http://wp.sample.com/context"],
                    "session_sticky": True,
                }
            },
        ),
        ("aliyun.lb.port_53: 'udp://slb:53'", {"lb": {"port_53": ["udp://slb:53"]}}),
        ("aliyun.logs: /var/log/mysql", {"logs": ["/var/log/mysql"]}),
        ("aliyun.logs: a; b", {"logs": ["a", "b"]}),
        ("aliyun.logs.access: stdout", {"logs": {"access": "stdout"}}),
        (
            "aliyun.log_store_x: stdout, aliyun.log_ttl_x: 30, aliyun.log.timestamp: true",
            {"log_store": {"x": "stdout"}, "log_ttl": {"x": 30}, "log": {"timestamp": True}},
        ),
        (
            "aliyun.auto_scaling.max_cpu: 70, aliyun.auto_scaling.step: '1'",
            {"auto_scaling": {"max_cpu": 70, "step": 1}},
        ),
        ("aliyun.proxy.VIRTUAL_HOST: a.com", {"proxy": {"VIRTUAL_HOST": "a.com"}}),
    ],
)
def test_extensions_are_natural_and_nest_at_the_dots(
    labels: str, extensions: dict[str, Any]
) -> None:
    assert web(f"labels: {{{labels}}}").extensions == extensions


@pytest.mark.parametrize(
    ("label", "value"),
    [
        ("scale", "-1"),
        ("scale", "many"),
        ("scale", "10001"),
        ("scale", "1.5"),
        ("scale", ""),
        ("global", "maybe"),
        ("depends", "','"),
        ("latest_image", "2"),
        ("probe.url", "https://container/"),
        ("probe.url", "http://localhost/"),
        ("probe.url", "tcp://container"),
        ("probe.url", "tcp://container:0"),
        ("probe.url", "http://container:70000"),
        ("probe.cmd", "''"),
        ("probe.timeout_seconds", "soon"),
        ("probe.timeout_seconds", "-1"),
        ("probe.timeout_seconds", "100000"),
        ("rolling_updates", "2"),
        ("routing.port_0", "a"),
        ("routing.port_70000", "a"),
        ("routing.port_80", "';'"),
        ("routing.port_80", "ftp://a"),
        ("routing.port_80", "a b"),
        ("routing.session_sticky", "x"),
        ("lb.port_80", "slb:80"),
        ("lb.port_80", "'tcp://slb:0'"),
        ("log_ttl_x", "0"),
        ("log_ttl_x", "366"),
        ("log_store_x", "''"),
        ("auto_scaling.max_cpu", "101"),
        ("auto_scaling.speed", "1"),
        ("unknown", "1"),
        ("scale.x", "1"),
        ("Scale", "1"),
        ("logs.a.b", "x"),
        ("routing.port_x", "a"),
    ],
)
def test_what_the_catalogue_does_not_have_is_refused_with_its_path(label: str, value: str) -> None:
    error = web_refused(f"labels: {{aliyun.{label}: {value}}}")
    assert error.where == f"services.web.labels.aliyun.{label}"


def test_logs_with_and_without_names_do_not_go_together() -> None:
    assert "without names" in str(web_refused("labels: {aliyun.logs: a, aliyun.logs.b: c}"))
    assert "without names" in str(web_refused("labels: {aliyun.logs.b: c, aliyun.logs: a}"))


def test_a_probe_is_the_agents_to_run() -> None:
    assert web("labels: {aliyun.probe.url: 'tcp://container:3306'}").spec.probe == Probe(
        url="tcp://container:3306"
    )
    keys = "aliyun.probe.cmd: x, aliyun.probe.timeout_seconds: 3, aliyun.probe.initial_delay_seconds: 5"
    assert web(f"labels: {{{keys}}}").spec.probe == Probe(
        cmd="x", timeout_s=3.0, initial_delay_s=5.0
    )
    assert web("user: a").spec.probe is None


def test_a_probe_has_a_url_or_a_cmd() -> None:
    error = web_refused("labels: {aliyun.probe.url: http://container, aliyun.probe.cmd: x}")
    assert error.where == "services.web.labels.aliyun.probe.cmd"
    assert "above zero" in str(
        web_refused("labels: {aliyun.probe.cmd: x, aliyun.probe.timeout_seconds: 0}")
    )
    assert warnings("labels: {aliyun.probe.timeout_seconds: 5}") == (
        "services.web.labels.aliyun.probe: has no effect without a url or a cmd",
    )


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("auto_scaling.step", "auto_scaling.step"),
        ("logs", "logs"),
        ("logs.x", "logs.NAME"),
        ("log_store_x", "log_store_NAME"),
        ("proxy.VIRTUAL_HOST", "proxy.VIRTUAL_HOST"),
    ],
)
def test_a_label_that_nobody_acts_on_is_a_warning(label: str, kind: str) -> None:
    assert warnings(f"labels: {{aliyun.{label}: '1'}}") == (
        f"aliyun.{kind} is kept and shown, but nothing acts on it yet: services.web",
    )


def test_labels_that_nobody_acts_on_are_told_of_once_for_all_services_and_last() -> None:
    stores = ", ".join(f"aliyun.log_store_{i}: stdout" for i in range(12))
    services = "\n".join(f"  s{i}: {{image: x, labels: {{{stores}}}}}" for i in range(10))
    text = f"version: '2'\nservices:\n{services}\nnetworks: {{unused: }}"
    assert compiled(text).warnings == (
        "networks.unused: no service joins it: it is not made",
        (
            "aliyun.log_store_NAME is kept and shown, but nothing acts on it yet: services.s0, "
            "services.s1, services.s2, services.s3, services.s4 and 5 more"
        ),
    )


@pytest.mark.parametrize("said", ["many", "0", "-1"])
def test_a_parallelism_that_is_no_number_means_one_and_is_told(said: str) -> None:
    labels = f"{{aliyun.rolling_updates: true, aliyun.rolling_updates.parallelism: '{said}'}}"
    told = f"services.web.labels.aliyun.rolling_updates.parallelism: '{said}' is taken as 1"
    assert told in warnings(f"labels: {labels}")


def test_what_is_not_kept_is_not_said_to_be_kept() -> None:
    label = "aliyun.rolling_updates.parallelism"
    assert warnings(f"labels: {{{label}: 2}}") == (
        f"services.web.labels.{label}: has no effect without aliyun.rolling_updates",
    )


@pytest.mark.parametrize("of", ["cpu", "memory", "instances"])
def test_a_lowest_number_above_the_highest_is_refused(of: str) -> None:
    error = web_refused(
        f"labels: {{aliyun.auto_scaling.min_{of}: 10, aliyun.auto_scaling.max_{of}: 1}}"
    )
    assert error.where == f"services.web.labels.aliyun.auto_scaling.min_{of}"


def test_a_label_that_is_acted_on_is_no_warning() -> None:
    assert (
        warnings("labels: {aliyun.scale: 1, aliyun.global: true, aliyun.latest_image: 'yes'}") == ()
    )
    assert web("labels: {aliyun.latest_image: 'yes'}").pull is PullPolicy.ALWAYS


@pytest.mark.parametrize(
    ("label", "needed"),
    [
        ("aliyun.log_ttl_web: 30", "aliyun.log_store_web"),
        ("aliyun.routing.session_sticky: true", "aliyun.routing.port_N"),
        ("aliyun.lb.port_53: 'udp://slb:53'", "under ports"),
    ],
)
def test_a_label_that_says_more_about_nothing_is_a_warning(label: str, needed: str) -> None:
    assert any(needed in warning for warning in warnings(f"labels: {{{label}}}"))


@pytest.mark.parametrize(
    "route",
    ["wordpress;http://wp.sample.com/context", "http://wordpress", "restserver.local", "*.a.com"],
)
def test_a_route_is_a_domain_or_a_prefix_with_a_path(route: str) -> None:
    found = web(f"labels: {{aliyun.routing.port_80: '{route}'}}").extensions["routing"]["port_80"]
    assert found == route.split(";")


@pytest.mark.parametrize(
    "route", ["https://a", "a b", "http://", "/path", "a" * 129, f"a/{'b' * 129}"]
)
def test_what_is_no_route_is_refused(route: str) -> None:
    assert web_refused(f"labels: {{aliyun.routing.port_80: '{route}'}}").where


def test_labels_mean_the_same_in_every_form() -> None:
    forms = [
        "{aliyun.scale: 2, aliyun.latest_image: true}",
        "{aliyun.scale: '2', aliyun.latest_image: 'true'}",
        "[aliyun.scale=2, aliyun.latest_image=true]",
        "['aliyun.scale=2', 'aliyun.latest_image=true']",
    ]
    assert {(s.scale, s.pull, str(s.extensions)) for s in map(_with_labels, forms)} == {
        (2, PullPolicy.ALWAYS, "{'latest_image': True}")
    }


def _with_labels(labels: str) -> ServiceTemplate:
    return web(f"labels: {labels}")
