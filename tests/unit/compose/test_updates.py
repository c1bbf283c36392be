"""How containers are replaced: `update_config`, `rollback_config` and `aliyun.rolling_updates`."""

from typing import Any

import pytest

from schemas.template import UpdatePolicy
from tests.unit.compose.templates import compiled, warnings, web, web_refused

#: what version 2 has no key for is read as the Specification has it, and told
_OF_SPECIFICATION = "not part of version"


def _own_warnings(keys: str, rest: str = "") -> list[str]:
    return [each for each in warnings(keys, rest) if _OF_SPECIFICATION not in each]


def _update(section: str) -> UpdatePolicy:
    return web(f"deploy: {{update_config: {section}}}").update


def test_without_a_word_all_containers_are_replaced_at_once() -> None:
    service = web("user: a")
    assert service.update == service.rollback == UpdatePolicy()
    assert service.update.parallelism == 0


@pytest.mark.parametrize("section", ["{}", "{x-mine: 1}", "{parallelism: }"])
def test_a_section_that_says_nothing_means_one_container_after_another(section: str) -> None:
    assert _update(section) == UpdatePolicy(
        parallelism=1, delay_s=0, monitor_s=5, max_failure_ratio=0
    )


def test_a_section_without_a_value_is_none() -> None:
    assert _update("") == UpdatePolicy()


@pytest.mark.parametrize(
    ("section", "fields"),
    [
        ("{parallelism: 0}", {"parallelism": 0}),
        ("{parallelism: '3'}", {"parallelism": 3}),
        ("{delay: 1m30s}", {"delay_s": 90}),
        ("{monitor: 500ms}", {"monitor_s": 0.5}),
        ("{monitor: 0s}", {"monitor_s": 5}),
        ("{max_failure_ratio: 0.25}", {"max_failure_ratio": 0.25}),
        ("{max_failure_ratio: '1'}", {"max_failure_ratio": 1}),
        ("{order: start-first}", {"order": "start-first"}),
        ("{failure_action: continue}", {"failure_action": "continue"}),
        ("{failure_action: rollback}", {"failure_action": "rollback"}),
    ],
)
def test_every_key_has_its_meaning(section: str, fields: dict[str, Any]) -> None:
    assert _update(section) == UpdatePolicy(**{"parallelism": 1, **fields})


def test_the_keys_mean_the_same_in_every_version_that_has_them() -> None:
    section = "{parallelism: 2, delay: 10s, order: start-first}"
    for version in ("version: '3.7'\n", ""):
        text = f"{version}services: {{web: {{image: x, deploy: {{update_config: {section}}}}}}}"
        template = compiled(text)
        assert template.warnings == ()
        assert template.services[0].update == _update(section)


@pytest.mark.parametrize(
    ("key", "value", "advice"),
    [
        ("parallelism", "many", "0 for all of them at once"),
        ("parallelism", "-1", "0 for all of them at once"),
        ("parallelism", "1.5", "0 for all of them at once"),
        ("parallelism", "true", "0 for all of them at once"),
        ("delay", "soon", "such as 1m30s"),
        ("delay", "10", "such as 1m30s"),
        ("monitor", "-5s", "such as 1m30s"),
        ("max_failure_ratio", "2", "from 0 to 1"),
        ("max_failure_ratio", "-0.1", "from 0 to 1"),
        ("max_failure_ratio", "half", "from 0 to 1"),
        ("failure_action", "stop", "pause, continue or rollback"),
        ("order", "both", "start-first, stop-first"),
        ("speed", "1", "unknown"),
    ],
)
def test_what_a_key_cannot_mean_is_refused_with_its_path(key: str, value: str, advice: str) -> None:
    error = web_refused(f"deploy: {{update_config: {{{key}: {value}}}}}")
    assert error.where == f"services.web.deploy.update_config.{key}"
    assert advice in error.message


def test_a_rollback_cannot_be_rolled_back() -> None:
    error = web_refused("deploy: {rollback_config: {failure_action: rollback}}")
    assert error.where == "services.web.deploy.rollback_config.failure_action"
    assert "write pause or continue" in error.message


def test_a_rollback_goes_as_the_update_does_unless_it_has_a_section() -> None:
    update = "{parallelism: 3, delay: 2s, monitor: 9s, order: start-first, failure_action: rollback, max_failure_ratio: 0.5}"
    service = web(f"deploy: {{update_config: {update}}}")
    assert service.rollback == UpdatePolicy(
        parallelism=3, delay_s=2, monitor_s=9, order="start-first"
    )
    own = web(f"deploy: {{update_config: {update}, rollback_config: {{failure_action: continue}}}}")
    assert own.rollback == UpdatePolicy(parallelism=1, failure_action="continue")
    assert own.update == service.update


def test_the_label_says_how_many_at_a_time() -> None:
    label = "aliyun.rolling_updates"
    for labels, parallelism in (
        (f"{label}: 'true'", 1),
        (f"{label}: true, {label}.parallelism: '2'", 2),
        (f"{label}: true, {label}.parallelism: many", 1),
        (f"{label}: false, {label}.parallelism: 2", 0),
        (f"{label}.parallelism: 2", 0),
    ):
        service = web(f"labels: {{{labels}}}")
        assert service.update == service.rollback == UpdatePolicy(parallelism=parallelism)
    assert warnings(f"labels: {{{label}: true, {label}.parallelism: '2'}}") == ()


def test_of_label_and_section_the_section_counts_where_it_says_something() -> None:
    label = "labels: {aliyun.rolling_updates: true, aliyun.rolling_updates.parallelism: 4}"
    kept = web(f"{label}, deploy: {{update_config: {{delay: 3s}}}}")
    assert kept.update == UpdatePolicy(parallelism=4, delay_s=3)
    other = f"{label}, deploy: {{update_config: {{parallelism: 2}}}}"
    assert web(other).update.parallelism == 2
    assert _own_warnings(other) == [
        (
            "services.web.labels.aliyun.rolling_updates: "
            "deploy.update_config counts where both say something"
        )
    ]


_START_FIRST = "deploy: {update_config: {order: start-first}}"


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ("ports: ['8080:80']", "two containers can't share the host port 8080"),
        ("ports: ['80', '8080:80']", "two containers can't share the host port 8080"),
        ("volumes: ['data:/data']", "two containers would write to the volume shop_data"),
        (
            "networks: {default: {ipv4_address: 10.9.0.7}}",
            "two containers can't share the address 10.9.0.7",
        ),
        (
            "labels: {aliyun.global: true}",
            "a global service has one container on every node",
        ),
    ],
)
def test_what_cannot_be_there_twice_is_replaced_stop_first(keys: str, why: str) -> None:
    rest = "volumes: {data: }\nnetworks: {default: {ipam: {config: [{subnet: 10.9.0.0/16}]}}}"
    service = web(f"{keys}, {_START_FIRST}", rest)
    assert (service.update.order, service.rollback.order) == ("stop-first", "stop-first")
    said = [each for each in _own_warnings(f"{keys}, {_START_FIRST}", rest) if "made" not in each]
    where = "services.web.deploy.update_config.order"
    assert said == [f"{where}: web is replaced stop-first: {why}"]


@pytest.mark.parametrize(
    "keys",
    [
        "ports: ['80']",
        "ports: ['8000-8010:80']",
        "volumes: ['data:/data:ro']",
        "volumes: ['/var/data:/data', '/anonymous']",
        "scale: 2, volumes: ['data:/data']",
    ],
)
def test_what_can_be_there_twice_starts_first(keys: str) -> None:
    service = web(f"{keys}, {_START_FIRST}", "volumes: {data: }")
    assert (service.update.order, service.rollback.order) == ("start-first", "start-first")


def test_an_order_of_the_rollback_alone_is_told_at_its_own_place() -> None:
    keys = "ports: ['80:80'], deploy: {rollback_config: {order: start-first}}"
    assert web(keys).rollback.order == "stop-first"
    (said,) = _own_warnings(keys)
    assert said.startswith("services.web.deploy.rollback_config.order: web is replaced stop-first")


def test_the_definition_shows_what_was_written() -> None:
    keys = "ports: ['80:80'], deploy: {update_config: {order: start-first, parallelism: 2}}"
    assert web(keys).definition["deploy"] == {
        "update_config": {"order": "start-first", "parallelism": 2}
    }
