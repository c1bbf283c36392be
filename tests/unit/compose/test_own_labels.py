"""Labels whose names are taken, and labels that are there twice."""

import pytest

from tests.unit.compose.templates import compiled, refused, warnings, web


def test_the_last_of_two_labels_counts_and_is_told() -> None:
    assert web("labels: [a=1, a=2]").spec.labels == {"a": "2"}
    assert warnings("labels: [aliyun.scale=1, aliyun.scale=2]") == (
        "services.web.labels.aliyun.scale: is there twice: the last one counts",
    )


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("services: {a: {image: x, labels: {troopers.foo: b}}}", "services.a.labels"),
        ("services: {a: {image: x, labels: [troopers.foo=b]}}", "services.a.labels"),
        (
            "services: {a: {image: x}}\nnetworks: {n: {labels: {troopers.foo: b}}}",
            "networks.n.labels",
        ),
        (
            "services: {a: {image: x}}\nvolumes: {v: {labels: [troopers.foo=b]}}",
            "volumes.v.labels",
        ),
    ],
)
def test_a_label_that_the_agent_needs_for_itself_is_refused(text: str, where: str) -> None:
    assert refused(text).where == f"{where}.troopers.foo"


def test_compose_s_own_labels_are_left_out_and_told() -> None:
    template = compiled("""
        services: {web: {image: x, networks: [n], labels: {com.docker.compose.project: a, b: c}}}
        networks: {n: {labels: {com.docker.compose.network: n, d: e}}}
        volumes: {v: {labels: [com.docker.compose.volume=v, f=g]}}
    """)
    service = template.services[0]
    assert service.spec.labels == service.definition["labels"] == {"b": "c"}
    assert (template.networks[0].labels, template.volumes[0].labels) == ({"d": "e"}, {"f": "g"})
    assert sum("Compose's own" in warning for warning in template.warnings) == 3
