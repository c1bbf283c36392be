"""Which containers a project's routes lead to."""

import pytest

from coordinator.releases.groups import slot_groups
from coordinator.releases.routes import Claim, claims_of, owners_of_claims, routes_of
from schemas.release import ReleaseKind, ReleaseState
from schemas.states import State
from tests.builders import a_project, a_service
from tests.unit.coordinator.routing import (
    a_release,
    a_routed,
    containers_of,
    published,
    routes,
    shares,
)


def test_a_project_without_routes_has_no_document():
    project = a_project(a_service("web"))
    assert routes_of(project, slot_groups(project), containers_of(), generation=1) is None


def test_a_project_that_is_deleted_has_no_document():
    project = a_project(a_routed(), state=State.DELETED)
    assert routes_of(project, slot_groups(project), containers_of(), generation=1) is None


def test_a_published_port_is_reached_at_its_node_and_another_one_at_the_container():
    one = containers_of(ports=published(80, 32768))
    two = containers_of(first=2)
    document = routes(a_project(a_routed(scale=2)), [*one, *two], generation=7)
    assert (document.project, document.generation, document.conflicts) == ("shop", 7, ())
    (route,) = document.routes
    assert (route.domain, route.path, route.service, route.internal) == (
        "shop.com",
        "",
        "web",
        False,
    )
    assert [(b.container, b.node, b.address, b.port) for b in route.backends] == [
        ("web-1", "n1", "10.0.0.1", 32768),
        ("web-2", "n2", "172.17.0.2", 80),
    ]
    assert [(b.ip, b.container_port) for b in route.backends] == [
        ("172.17.0.1", 80),
        ("172.17.0.2", 80),
    ]


@pytest.mark.parametrize(
    ("host_ip", "reached"),
    [
        ("0.0.0.0", ("10.0.0.1", 8080)),
        # Only IPv6 clients get there, and the node's address is none of theirs.
        ("::", ("172.17.0.1", 80)),
        ("2001:db8::1", ("2001:db8::1", 8080)),
        ("10.9.9.9", ("10.9.9.9", 8080)),
        ("127.0.0.1", ("172.17.0.1", 80)),
        ("::1", ("172.17.0.1", 80)),
    ],
)
def test_a_port_that_is_published_at_one_address_is_reached_there(host_ip, reached):
    found = containers_of(ports=published(80, 8080, host_ip))
    (backend,) = routes(a_project(a_routed()), found).routes[0].backends
    assert (backend.address, backend.port) == reached


def test_a_container_in_its_nodes_network_is_reached_at_the_node():
    project = a_project(a_routed(network_mode="host"))
    (backend,) = routes(project, containers_of(ip="")).routes[0].backends
    assert (backend.address, backend.port, backend.ip) == ("10.0.0.1", 80, "")


def test_what_has_no_address_or_is_not_healthy_or_not_wanted_is_no_back_end():
    project = a_project(a_routed(scale=2))
    found = [
        *containers_of(ip=""),
        *containers_of(first=2, is_healthy=False),
        *containers_of(first=3),
        *containers_of(set_name="r9"),
        *containers_of("other"),
    ]
    (route,) = routes(project, found).routes
    assert route.backends == ()


def test_a_stopped_service_keeps_its_routes():
    project = a_project(a_routed(state=State.STOPPED), a_routed("b", "b.com", scale=0))
    assert [route.domain for route in routes(project).routes] == ["b.com", "shop.com"]


@pytest.mark.parametrize(
    ("domain", "default", "whole"),
    [
        ("shop", "lab.example.com", "shop.lab.example.com"),
        ("shop", ".Lab.example.com.", "shop.lab.example.com"),
        ("shop.com", "lab.example.com", "shop.com"),
        ("shop", "", "shop"),
    ],
)
def test_a_prefix_is_completed_by_the_clusters_domain(domain, default, whole):
    document = routes(a_project(a_routed("web", domain)), default_domain=default)
    assert [route.domain for route in document.routes] == [whole]


def test_local_domains_are_for_the_inside_but_the_clusters_own_is_not():
    project = a_project(a_routed("web", "api.local", "shop"))
    inside = {r.domain: r.internal for r in routes(project, default_domain="lab.local").routes}
    assert inside == {"api.local": True, "shop.lab.local": False}


def test_of_one_services_ports_the_first_has_the_route():
    service = a_routed("web", "a.com", port=80)
    second = a_routed("web", "a.com", "b.com", port=8080).template.routes
    rules = {"routes": (*service.template.routes, *second)}
    service = service.model_copy(update={"template": service.template.model_copy(update=rules)})
    document = routes(a_project(service), containers_of())
    assert [(r.domain, r.backends[0].port) for r in document.routes] == [
        ("a.com", 80),
        ("b.com", 8080),
    ]
    assert document.conflicts == ("web: a.com leads to port 80, and not to 8080 as well",)


def test_of_two_services_the_first_by_name_has_the_route():
    project = a_project(a_routed("web", "a.com/x", "b.com"), a_routed("api", "a.com/x"))
    document = routes(project, [*containers_of("web"), *containers_of("api")])
    assert [(r.domain, r.path, r.service) for r in document.routes] == [
        ("a.com", "x", "api"),
        ("b.com", "", "web"),
    ]
    assert document.conflicts == ("web: a.com/x is a route of api",)


def test_of_two_projects_the_first_by_name_has_the_route():
    shop, blog = (
        a_project(a_routed("web", "a", "b")),
        a_project(a_routed("x", "a.lab"), name="blog"),
    )
    claims = {one.name: claims_of(slot_groups(one), "lab") for one in (shop, blog)}
    owners = owners_of_claims(claims)
    assert owners == {Claim("a.lab", ""): "blog", Claim("b.lab", ""): "shop"}
    lost = routes(shop, default_domain="lab", owners=owners)
    assert [route.domain for route in lost.routes] == ["b.lab"]
    assert lost.conflicts == ("web: a.lab is a route of the project blog",)
    assert routes(blog, default_domain="lab", owners=owners).conflicts == ()


BLUE = containers_of(count=2)
GREEN = containers_of(count=3, set_name="r2", version="2.0")


def test_both_sets_of_a_blue_green_release_share_the_route_and_the_next_begins_with_nothing():
    project = a_release(a_routed(scale=2), to=[a_routed(scale=3, set_name="r2")], begun=3)
    document = routes(project, [*GREEN, *BLUE])
    assert [(b.version, b.weight) for b in document.routes[0].backends] == [
        *[("1.0", 256)] * 2,
        *[("2.0", 0)] * 3,
    ]


def test_weights_are_of_versions_however_many_containers_they_have():
    weights = {"web": {"1.0": 100, "2.0": 100}}
    to = [a_routed(scale=3, set_name="r2")]
    document = routes(
        a_release(a_routed(scale=2), to=to, begun=3, weights=weights), [*BLUE, *GREEN]
    )
    assert [b.weight for b in document.routes[0].backends] == [255, 255, 170, 170, 170]


def test_a_version_of_weight_zero_gets_nothing_though_the_other_has_nobody():
    project = a_release(a_routed(scale=2), to=[a_routed(scale=3, set_name="r2")], begun=3)
    assert shares(routes(project, GREEN)) == {"2.0": 0}


def test_a_set_whose_containers_still_wait_has_no_part_in_the_routes():
    to = [a_routed("web", "new.com", scale=3, set_name="r2")]
    project = a_release(a_routed(scale=2), to=to, begun=0, state=ReleaseState.PULLING)
    document = routes(project, BLUE)
    assert [route.domain for route in document.routes] == ["shop.com"]
    assert shares(document) == {"1.0": 512}


def test_a_domain_that_one_version_alone_has_is_all_its_own():
    to = [a_routed("web", "shop.com", "new.com", scale=3, set_name="r2", port=8080)]
    document = routes(a_release(a_routed(scale=2), to=to, begun=3), [*BLUE, *GREEN])
    of = {route.domain: [(b.port, b.weight) for b in route.backends] for route in document.routes}
    assert of["shop.com"] == [*[(80, 256)] * 2, *[(8080, 0)] * 3]
    assert of["new.com"] == [(8080, 256)] * 3


def test_in_a_rolling_update_old_and_new_containers_count_alike():
    to = [a_routed(scale=10)]
    project = a_release(
        a_routed(scale=10),
        to=to,
        kind=ReleaseKind.STANDARD,
        state=ReleaseState.UPDATING,
        replaced=1,
    )
    found = [*containers_of(version="2.0"), *containers_of(count=9, first=2)]
    document = routes(project, found)
    assert {b.weight for b in document.routes[0].backends} == {256}
    assert shares(document) == {"1.0": 9 * 256, "2.0": 256}
    weights = {"web": {"1.0": 50, "2.0": 50}}
    set_for_both = project.model_copy(update={"weights": weights})
    assert shares(routes(set_for_both, found)) == {"1.0": 252, "2.0": 252}


def test_a_container_that_updates_left_alone_is_of_the_current_version():
    project = a_project(a_routed(scale=2), version="3.0")
    found = [*containers_of(version="1.0"), *containers_of(first=2, version="3.0")]
    assert shares(routes(project, found)) == {"3.0": 512}


def test_an_old_container_whose_slot_starts_first_elsewhere_gets_nothing_new():
    project = a_release(
        a_routed(scale=2),
        to=[a_routed(scale=2, set_name="r2")],
        kind=ReleaseKind.STANDARD,
        state=ReleaseState.UPDATING,
        begun=1,
        replaced=1,
    )
    document = routes(project, [*BLUE, *GREEN[:1]])
    assert [b.container for b in document.routes[0].backends] == ["web-2", "webr2-1"]


def test_a_service_that_takes_anothers_place_shares_its_route():
    old, new = a_routed("nginx-v1", scale=2), a_routed("nginx-v2", set_name="r2")
    found = [
        *containers_of("nginx-v1", 2),
        *containers_of("nginx-v2", set_name="r2", version="2.0"),
    ]
    document = routes(a_release(old, to=[new]), found)
    assert (shares(document), document.conflicts) == ({"1.0": 512, "2.0": 0}, ())
    weights = {"nginx-v1": {"1.0": 100}, "nginx-v2": {"2.0": 100}}
    assert shares(routes(a_release(old, to=[new], weights=weights), found)) == {
        "1.0": 256,
        "2.0": 256,
    }
    rolling = a_release(old, to=[new], kind=ReleaseKind.STANDARD, state=ReleaseState.UPDATING)
    assert routes(rolling, found).conflicts == ("nginx-v2: shop.com is a route of nginx-v1",)


def test_clients_are_held_only_where_both_versions_hold_them():
    to = [a_routed(sticky=False, set_name="r2")]
    assert routes(a_project(a_routed())).routes[0].sticky is True
    assert routes(a_release(a_routed(), to=to)).routes[0].sticky is False
