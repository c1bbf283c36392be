"""What is true of every project's routes."""

from fractions import Fraction
from math import gcd, lcm

from hypothesis import given
from hypothesis import strategies as st

from coordinator.releases.groups import slot_groups
from coordinator.releases.routes import routes_of
from coordinator.releases.shares import Share, shared_out
from schemas.records import ProjectRecord
from schemas.release import ReleaseKind
from schemas.routing import BACKEND_WEIGHT_MAX
from schemas.versions import WEIGHT_MAX
from tests.builders import a_project
from tests.unit.coordinator.routing import (
    a_release,
    a_routed,
    containers_of,
    published,
    routes,
    shares,
)

SHARES = st.dictionaries(
    st.sampled_from("abc"),
    st.builds(
        Share,
        weight=st.sampled_from([0, 1, 50, 99, 100, WEIGHT_MAX]) | st.integers(0, WEIGHT_MAX),
        containers=st.integers(0, 40),
    ),
    min_size=2,
)
DOMAINS = st.sampled_from(["a", "a.com", "a.com/x", "b.local"])


@st.composite
def releases(draw: st.DrawFn, *, services: int = 2) -> ProjectRecord:
    """A project of some services, in a release or in none, with weights or without."""
    names = ["api", "web"][: draw(st.integers(1, services))]
    scale = st.integers(0, 4)
    old = [a_routed(name, draw(DOMAINS), scale=draw(scale)) for name in names]
    weights = draw(
        st.dictionaries(
            st.sampled_from(names),
            st.dictionaries(st.sampled_from(["1.0", "2.0"]), st.integers(0, 300)),
        )
    )
    if draw(st.booleans()):
        return a_project(*old, weights=weights)
    in_set = draw(st.sampled_from(["", "r2"]))
    new = [a_routed(name, draw(DOMAINS), scale=draw(scale), set_name=in_set) for name in names]
    begun, replaced = sorted((draw(scale), draw(scale)), reverse=True)
    kind = ReleaseKind.BLUE_GREEN if in_set and draw(st.booleans()) else ReleaseKind.STANDARD
    return a_release(*old, to=new, kind=kind, begun=begun, replaced=replaced, weights=weights)


CONTAINERS = st.lists(
    st.builds(
        lambda service, fields: containers_of(service, **fields)[0],
        st.sampled_from(["api", "web", "gone"]),
        st.fixed_dictionaries(
            {
                "set_name": st.sampled_from(["", "r2"]),
                "version": st.sampled_from(["0.9", "1.0", "2.0"]),
                "first": st.integers(1, 5),
                "ip": st.sampled_from(["", "172.17.0.9"]),
                "ports": st.sampled_from([{}, published(80, 8080)]),
                "is_healthy": st.booleans(),
            }
        ),
    ),
    max_size=12,
    unique_by=lambda one: one.id,
)


@given(SHARES)
def test_exactly_the_weights_shares_come_out_where_whole_numbers_can_say_them(found):
    weights = shared_out(found)
    count = {name: one for name, one in found.items() if one.weight and one.containers}
    quotients = [Fraction(one.weight, one.containers) for one in count.values()]
    common = lcm(*(one.denominator for one in quotients)) if quotients else 1
    largest = max(quotients, default=Fraction(1)) * common
    largest /= gcd(*(int(one * common) for one in quotients)) if quotients else 1
    total, wanted = sum(sum(weights[n]) for n in count), sum(o.weight for o in count.values())
    for name, one in count.items():
        each = weights[name]
        assert len(each) == one.containers
        assert all(1 <= weight <= BACKEND_WEIGHT_MAX for weight in each)
        assert max(each) - min(each) <= 1
        if largest <= BACKEND_WEIGHT_MAX:
            assert Fraction(sum(each), total) == Fraction(one.weight, wanted)
        else:
            exact = one.weight * BACKEND_WEIGHT_MAX / max(quotients)
            assert abs(sum(each) - exact) <= Fraction(1, 2) or sum(each) == one.containers > exact
    for name in found.keys() - count.keys():
        assert weights[name] == (0,) * found[name].containers


@given(st.integers(0, WEIGHT_MAX), st.integers(0, 40))
def test_one_version_alone_has_everything_whatever_its_weight(weight, containers):
    (each,) = shared_out({"a": Share(weight, containers)}).values()
    assert len(set(each)) <= 1
    assert all(each)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 12), st.integers(1, 12))
def test_a_routes_traffic_is_shared_as_the_versions_weights_say(old, new, many, few):
    weights = {"web": {"1.0": old, "2.0": new}}
    project = a_release(
        *[a_routed(scale=many)],
        to=[a_routed(scale=few, set_name="r2")],
        begun=few,
        weights=weights,
    )
    next_ones = containers_of(count=few, set_name="r2", version="2.0")
    found = shares(routes(project, [*containers_of(count=many), *next_ones]))
    assert Fraction(found["1.0"], found["2.0"]) == Fraction(old, new)


@given(st.integers(0, 300), st.integers(1, 5))
def test_a_version_that_is_the_only_one_has_all_traffic(weight, count):
    project = a_project(a_routed(scale=count), weights={"web": {"1.0": weight}})
    backends = routes(project, containers_of(count=count)).routes[0].backends
    assert len(backends) == count
    assert {backend.weight for backend in backends} == {BACKEND_WEIGHT_MAX}


@given(releases(), CONTAINERS)
def test_nothing_unhealthy_unreachable_or_foreign_is_a_back_end(project, containers):
    known = {one.id: one for one in containers}
    slots = {
        (g.key.service, g.key.set_name, n)
        for g in slot_groups(project)
        for n in range(9)
        if g.has(n)
    }
    for route in routes(project, containers).routes:
        assert len({backend.container for backend in route.backends}) == len(route.backends)
        for backend in route.backends:
            one = known[backend.container]
            assert one.is_healthy
            assert backend.address
            assert (one.service, one.set_name, one.slot) in slots
            assert backend.version in {"1.0", "2.0"}


@given(releases(), CONTAINERS, st.randoms(use_true_random=False))
def test_the_same_facts_in_any_order_make_the_same_document(project, containers, chance):
    document = routes(project, containers, default_domain="lab")
    groups, others = list(slot_groups(project)), list(containers)
    chance.shuffle(groups)
    chance.shuffle(others)
    services = dict(reversed(list(project.services.items())))
    turned = project.model_copy(update={"services": services})
    assert routes_of(turned, groups, others, generation=1, default_domain="lab") == document
    claims = [(route.domain, route.path) for route in document.routes]
    assert claims == sorted(set(claims))
