"""Which weights a project's versions have, and which may be set."""

import pytest

from coordinator.releases.weights import checked_weights, versions_of, weight_of, weights_of
from schemas.errors import InvalidInput
from schemas.release import ReleaseKind
from tests.builders import a_project, a_service
from tests.unit.coordinator.routing import a_release, a_routed

PLAIN = a_project(a_routed("web"))
BLUE_GREEN = a_release(
    *(a_routed("web"), a_routed("db")), to=[a_routed("web"), a_routed("new")], kept=["db"]
)


@pytest.mark.parametrize(
    ("project", "service", "versions"),
    [
        (PLAIN, "web", ("1.0",)),
        (PLAIN, "none", ()),
        (BLUE_GREEN, "web", ("1.0", "2.0")),
        (BLUE_GREEN, "db", ("1.0",)),
        (BLUE_GREEN, "new", ("2.0",)),
    ],
)
def test_the_next_version_exists_during_its_release(project, service, versions):
    assert versions_of(project, service) == versions


def test_the_next_version_of_a_blue_green_release_begins_with_nothing():
    assert [weight_of(BLUE_GREEN, "web", each) for each in ("1.0", "2.0")] == [100, 0]
    assert weight_of(BLUE_GREEN, "db", "1.0") == 100
    rolling = a_release(a_routed("web"), to=[a_routed("web")], kind=ReleaseKind.STANDARD)
    assert [weight_of(rolling, "web", each) for each in ("1.0", "2.0")] == [100, 100]
    told = BLUE_GREEN.model_copy(update={"weights": {"web": {"2.0": 7}}})
    assert [weight_of(told, "web", each) for each in ("1.0", "2.0")] == [100, 7]


def test_what_is_asked_for_changes_that_only():
    held = {"web": {"0.9": 3, "1.0": 50, "2.0": 10}, "db": {"1.0": 9}, "gone": {"1.0": 1}}
    project = BLUE_GREEN.model_copy(update={"weights": held})
    asked = {"web": {"2.0": 100}, "new": {"2.0": 1_000_000}}
    assert checked_weights(project, asked) == {
        "web": {"1.0": 50, "2.0": 100},
        "db": {"1.0": 9},
        "new": {"2.0": 1_000_000},
    }


def test_one_step_after_the_other_moves_all_traffic():
    first = checked_weights(BLUE_GREEN, {"web": {"2.0": 100}})
    project = BLUE_GREEN.model_copy(update={"weights": first})
    assert checked_weights(project, {"web": {"1.0": 0}}) == {"web": {"1.0": 0, "2.0": 100}}


@pytest.mark.parametrize(
    ("asked", "where", "words"),
    [
        ({}, "weights", 'such as {"web": {"1.0": 90, "2.0": 10}}'),
        ({"web": {}}, "weights.web", 'such as {"web": {"1.0": 90, "2.0": 10}}'),
        ({"shop": {"1.0": 1}}, "weights.shop", "there are: db, new, web"),
        ({"web": {"3.0": 1}}, "weights.web.3.0", "there is 1.0 and 2.0"),
        ({"db": {"2.0": 1}}, "weights.db.2.0", "there is 1.0"),
        ({"web": {"1.0": -1}}, "weights.web.1.0", "from 0 to 1000000"),
        ({"web": {"1.0": 1_000_001}}, "weights.web.1.0", "from 0 to 1000000"),
        ({"web": {"1.0": 0.5}}, "weights.web.1.0", "a whole number"),
        ({"web": {"1.0": "1"}}, "weights.web.1.0", "a whole number"),
        ({"web": {"1.0": True}}, "weights.web.1.0", "a whole number"),
        ({"web": {"1.0": None}}, "weights.web.1.0", "a whole number"),
        ({"web": {"1.0": 0, "2.0": 0}}, "weights.web", "one of 1.0, 2.0 must be above 0"),
        # The next version has nothing unless somebody says so.
        ({"web": {"1.0": 0}}, "weights.web", "one of 1.0, 2.0 must be above 0"),
        ({"db": {"1.0": 0}}, "weights.db", "1.0 must be above 0"),
    ],
)
def test_what_cannot_be_weighed_is_refused_with_its_path(asked, where, words):
    with pytest.raises(InvalidInput) as caught:
        checked_weights(BLUE_GREEN, asked)
    assert caught.value.where == where
    assert words in caught.value.message


def test_a_service_without_routes_has_no_weights():
    project = a_release(a_service("job"), to=[a_service("job")])
    assert weights_of(project, "job") == {}
    with pytest.raises(InvalidInput, match="has no routes"):
        checked_weights(project, {"job": {"2.0": 1}})
    comes = a_release(a_service("job"), to=[a_routed("job")])
    assert checked_weights(comes, {"job": {"2.0": 1}}) == {"job": {"2.0": 1}}
