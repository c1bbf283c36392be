"""`aliyun.routing.*`: which domains lead to which port."""

import pytest

from schemas.template import RouteRule
from tests.unit.compose.templates import warnings, web


@pytest.mark.parametrize(
    ("written", "domain", "path"),
    [
        ("wordpress", "wordpress", ""),
        ("http://wordpress", "wordpress", ""),
        ("http://wp.sample.com/context", "wp.sample.com", "context"),
        ("wp.sample.com:context/of/it", "wp.sample.com", "context/of/it"),
        ("wp.sample.com:/context/", "wp.sample.com", "context"),
        ("wp.sample.com/", "wp.sample.com", ""),
        ("WP.Sample.com/Context", "wp.sample.com", "Context"),
        ("restserver.local", "restserver.local", ""),
        ("*.sample.com", "*.sample.com", ""),
    ],
)
def test_an_entry_is_a_domain_and_a_path_below_it(written: str, domain: str, path: str) -> None:
    service = web(f"labels: {{aliyun.routing.port_80: '{written}'}}")
    assert service.routes == (RouteRule(port=80, domain=domain, path=path),)
    assert service.extensions["routing"]["port_80"] == [written]


def test_ports_and_their_domains_keep_their_order_whatever_that_of_labels_is() -> None:
    one, two = "aliyun.routing.port_8080: b", "aliyun.routing.port_80: c;a;c"
    first, second = web(f"labels: {{{one}, {two}}}"), web(f"labels: {{{two}, {one}}}")
    assert first.routes == second.routes
    assert [(rule.port, rule.domain) for rule in first.routes] == [
        (80, "c"),
        (80, "a"),
        (8080, "b"),
    ]


def test_clients_stay_with_their_container_unless_told_otherwise() -> None:
    routed = "aliyun.routing.port_80: shop"
    assert web("user: a").is_sticky is True
    assert web(f"labels: {{{routed}}}").is_sticky is True
    assert web(f"labels: {{{routed}, aliyun.routing.session_sticky: 'false'}}").is_sticky is False


def test_routes_are_acted_on() -> None:
    assert warnings("labels: {aliyun.routing.port_80: a, aliyun.routing.session_sticky: no}") == ()
    assert web("user: a").routes == ()
