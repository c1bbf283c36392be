"""The order of start."""

import pytest

from compose import resolve
from tests.unit.compose.templates import compiled, refused


def test_all_kinds_of_dependencies_add_up_in_the_templates_order() -> None:
    template = compiled(
        """
        services:
          db: {image: x}
          cache: {image: x}
          web:
            image: x
            depends_on: {queue: {condition: service_healthy}, db: {condition: service_started}}
            links: [cache, queue]
            labels: {aliyun.depends: "db, once"}
          queue: {image: x}
          once: {image: x}
          last: {image: x, depends_on: {once: {condition: service_completed_successfully}}}
        """
    )
    services = {service.name: service for service in template.services}
    assert services["web"].depends_on == ("db", "cache", "queue", "once")
    assert services["web"].conditions == {"queue": "healthy"}
    assert services["web"].extensions == {"depends": ["db", "once"]}
    assert services["last"].conditions == {"once": "completed"}


@pytest.mark.parametrize(
    ("services", "where", "words"),
    [
        ("a: {image: x, depends_on: [a]}", "services.a.depends_on", "a -> a"),
        (
            (
                "{a: {image: x, links: [b]}, b: {image: x, labels: {aliyun.depends: c}}, "
                "c: {image: x, depends_on: [a]}}"
            ),
            "services.a.links[0]",
            "a -> b -> c -> a",
        ),
        (
            "{z: {image: x, links: [a]}, a: {image: x, links: [b]}, b: {image: x, links: [a]}}",
            "services.a.links[0]",
            "a -> b -> a",
        ),
        ("a: {image: x, depends_on: [b]}", "services.a.depends_on", "b, which"),
        (
            "a: {image: x, labels: {aliyun.depends: b}}",
            "services.a.labels.aliyun.depends",
            "b, which",
        ),
        (
            "a: {image: x, depends_on: {a: {condition: x}}}",
            "services.a.depends_on.a.condition",
            "must be",
        ),
        (
            "a: {image: x, depends_on: {b: {condition: service_started, need: 1}}}",
            "services.a.depends_on.b.need",
            "unknown",
        ),
        ("a: {image: x, depends_on: b}", "services.a.depends_on", "mapping"),
    ],
)
def test_an_order_of_start_must_exist(services: str, where: str, words: str) -> None:
    error = refused(f"services:\n  {services}")
    assert (error.where, words in str(error)) == (where, True)


def test_a_diamond_of_dependencies_is_no_cycle() -> None:
    services = "{a: {image: x, links: [b, c]}, b: {image: x, links: [d]}, c: {image: x, links: [d]}, d: {image: x}}"
    assert compiled(f"services: {services}").services[0].depends_on == ("b", "c")


def test_compiling_twice_gives_the_same() -> None:
    text = "services: {b: {image: x, links: [a]}, a: {image: x, environment: {B: 1, A: 2}}}"
    assert compiled(text) == compiled(text)


def test_what_a_model_refuses_is_a_fault_of_the_template(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolve, "definition", lambda _: "no mapping")
    error = refused("services: {web: {image: x}}")
    assert (error.where, "definition" in str(error)) == ("services.web", True)


def test_a_dependency_that_is_not_required_may_be_missing() -> None:
    options = "{condition: service_started, required: false, restart: true}"
    template = compiled(f"services: {{a: {{image: x, depends_on: {{b: {options}}}}}}}")
    assert template.services[0].depends_on == ()
    assert "no effect" in template.warnings[0]
