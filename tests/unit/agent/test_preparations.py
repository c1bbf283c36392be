"""Images are had before they are needed, at nobody's expense."""

from dataclasses import replace
from typing import Any

import pytest

from agent.domain.actions import PullImage, PullOrder
from agent.domain.attempts import fold
from agent.domain.observation import Attempts, Observation, Pulled, SeenContainer
from agent.domain.outcomes import Failed, Outcome, Succeeded
from agent.domain.plan import Plan, plan
from agent.domain.preparing import fold_preparing, preparations_current
from agent.domain.pulls import remember
from agent.domain.slot_order import references
from agent.errors import ImageNotFound, PullFailed
from schemas.current import PreparationCurrent
from schemas.desired import NodeDesired, PullPolicy
from schemas.fingerprint import fingerprint
from schemas.states import Wanted
from tests.fakes.orders import a_preparation, a_slot, a_spec, orders
from tests.unit.agent.seen import IMAGES, NOW, a_container, an_observation

NEXT = a_spec("next:1")
HERE = IMAGES | {"next:1": "sha256:next"}
REFUSAL = PullFailed("pull next:1: connection refused")
ASKING = [PullPolicy.NEWER, PullPolicy.ALWAYS]
ORDER = PullOrder("shop", "web", fingerprint(NEXT), "", 0)


def document(pull: PullPolicy = PullPolicy.MISSING, **slot: Any) -> NodeDesired:
    """`web` runs, and will be `next:1`."""
    return orders(a_slot(prepares=a_preparation(pull=pull), **slot), ahead=[NEXT])


def successor(pull: PullPolicy) -> NodeDesired:
    """`web` is what was prepared."""
    return orders(a_slot(spec=NEXT, pull=pull, set_name="r7"), generation=2)


def after(desired: NodeDesired, observed: Observation, *outcomes: Outcome) -> Observation:
    return replace(
        observed,
        attempts=fold(desired, observed, outcomes),
        preparing=fold_preparing(desired, observed, outcomes),
        pulled=remember(desired, observed, outcomes),
    )


def pulls(planned: Plan) -> list[PullImage]:
    return [action for action in planned.actions if isinstance(action, PullImage)]


def report(desired: NodeDesired, observed: Observation) -> PreparationCurrent:
    (current,) = preparations_current(desired, observed)
    return current


@pytest.mark.parametrize("pull", [PullPolicy.MISSING, *ASKING])
def test_an_image_that_is_missing_is_pulled_beside_what_runs(pull: PullPolicy) -> None:
    desired = document(pull)
    planned = plan(desired, an_observation(a_container()))
    assert planned.actions == (PullImage("next:1"),)
    (action,) = pulls(planned)
    assert action.orders == {ORDER}
    assert action.is_ahead
    assert report(desired, an_observation()).image_id == ""


def test_nothing_else_is_done_for_a_slot_that_waits_for_its_turn() -> None:
    desired = document(wanted=Wanted.STOPPED, spec=NEXT, set_name="r7")
    assert plan(desired, an_observation()).actions == (PullImage("next:1"),)
    assert plan(desired, an_observation(images=HERE)).is_empty


def test_an_image_that_is_here_is_not_pulled_and_reported() -> None:
    desired = document()
    observed = an_observation(a_container(), images=HERE)
    assert plan(desired, observed).is_empty
    assert report(desired, observed) == PreparationCurrent(
        project="shop", service="web", spec=fingerprint(NEXT), image_id="sha256:next"
    )


@pytest.mark.parametrize("pull", ASKING)
def test_the_registry_is_asked_once_for_the_preparation_and_not_again_for_its_slot(
    pull: PullPolicy,
) -> None:
    desired, observed = document(pull), an_observation(a_container(), images=HERE)
    (action,) = pulls(plan(desired, observed))
    assert report(desired, observed).image_id == ""
    done = after(desired, observed, Succeeded(action))
    assert plan(desired, done).is_empty
    assert report(desired, done).image_id == "sha256:next"
    later = after(successor(pull), done)
    kinds = [type(each).__name__ for each in plan(successor(pull), later).actions]
    assert kinds == ["CreateContainer", "StartContainer"]


@pytest.mark.parametrize("pull", ASKING)
@pytest.mark.parametrize("set_name", ["", "r7"])
def test_a_container_that_carries_the_order_proves_its_pull(
    pull: PullPolicy, set_name: str
) -> None:
    made = a_container(slot=2, spec=NEXT, image_id="sha256:next")
    made = replace(made, key=made.key._replace(set_name=set_name))
    assert plan(document(pull), an_observation(a_container(), made, images=HERE)).is_empty


@pytest.mark.parametrize("pull", ASKING)
def test_an_image_that_is_gone_since_its_pull_is_pulled_again(pull: PullPolicy) -> None:
    known = {ORDER: Pulled("sha256:next")}
    assert pulls(plan(document(pull), an_observation(a_container(), pulled=known)))


def test_many_slots_prepare_once_and_are_reported_once_sorted() -> None:
    other = a_spec("web:1", tty=True)
    desired = orders(
        *(a_slot(slot=n, prepares=a_preparation()) for n in (1, 2)),
        a_slot(slot=3, prepares=a_preparation(refresh=1)),
        a_slot("api", prepares=a_preparation(other)),
        ahead=[NEXT, other],
    )
    observed = an_observation(*(a_container(slot=n) for n in (1, 2, 3)), a_container("api"))
    (action,) = pulls(plan(desired, observed))
    assert len(action.orders) == 2
    told = [(each.service, each.refresh) for each in preparations_current(desired, observed)]
    assert told == [("api", 0), ("web", 0), ("web", 1)]


def test_a_slot_and_a_preparation_share_one_pull() -> None:
    desired = orders(
        a_slot("api", spec=NEXT), a_slot(prepares=a_preparation(), slot=1), ahead=[NEXT]
    )
    (action,) = pulls(plan(desired, an_observation(a_container())))
    assert [key.service for key in action.keys] == ["api"]
    assert {order.service for order in action.orders} == {"api", "web"}
    under_way = an_observation(a_container(), in_flight=frozenset({PullImage("next:1")}))
    assert not pulls(plan(desired, under_way))
    assert plan(desired, under_way).awaits_pull


def test_of_two_policies_for_one_order_the_one_that_asks_for_more_counts() -> None:
    desired = orders(
        a_slot(prepares=a_preparation(pull=PullPolicy.ALWAYS)),
        a_slot(slot=2, prepares=a_preparation()),
        ahead=[NEXT],
    )
    observed = an_observation(a_container(), a_container(slot=2), images=HERE)
    assert pulls(plan(desired, observed))


def test_the_image_of_a_preparation_is_asked_about() -> None:
    assert "next:1" in references(document())


class TestFailure:
    """The image can't be had."""

    def failed(
        self, error: Exception = REFUSAL, *, times: int = 1, pull: PullPolicy = PullPolicy.MISSING
    ) -> tuple[NodeDesired, Observation]:
        desired, observed = document(pull), an_observation(a_container())
        for _ in range(times):
            failure = Failed(PullImage("next:1", orders=frozenset({ORDER})), error)  # type: ignore[arg-type]
            observed = after(desired, observed, failure)
        return desired, observed

    def test_it_backs_off_and_is_no_problem_of_the_slot(self) -> None:
        desired, observed = self.failed()
        planned = plan(desired, observed)
        assert planned.is_empty
        assert (planned.problems, planned.retry_at) == ((), None)
        assert NOW + 2.5 <= (planned.prepare_at or 0) <= NOW + 5
        assert observed.attempts[a_container().key].failures == 0
        again = plan(desired, replace(observed, now=NOW + 6))
        assert pulls(again)

    def test_the_slot_is_looked_after_meanwhile(self) -> None:
        desired, observed = self.failed(times=3)
        gone = replace(observed, containers=())
        kinds = [type(each).__name__ for each in plan(desired, gone).actions]
        assert kinds == ["CreateContainer", "StartContainer"]

    def test_it_is_definite_when_it_failed_twice_or_the_registry_does_not_have_it(self) -> None:
        assert not report(*self.failed()).definite
        assert report(*self.failed(times=2)).definite
        told = report(*self.failed(ImageNotFound("pull next:1: manifest unknown")))
        assert told.definite
        assert told.message == (
            "image next:1 cannot be pulled and is not on node n1: pull next:1: manifest unknown"
        )

    def test_an_image_that_is_brought_by_hand_ends_it(self) -> None:
        desired, observed = self.failed(times=3)
        brought = after(desired, replace(observed, images=HERE))
        assert brought.preparing == {}
        assert report(desired, brought).message == ""

    def test_with_newer_the_nodes_own_image_will_do(self) -> None:
        desired = document(PullPolicy.NEWER)
        observed = an_observation(a_container(), images=HERE)
        (action,) = pulls(plan(desired, observed))
        done = after(desired, observed, Failed(action, REFUSAL))
        assert plan(desired, done).is_empty
        assert report(desired, done).image_id == "sha256:next"
        later = plan(successor(PullPolicy.NEWER), done)
        assert not pulls(later)
        assert "runs the image that the node has" in later.notes[0]

    def test_with_always_it_will_not(self) -> None:
        desired = document(PullPolicy.ALWAYS)
        observed = an_observation(a_container(), images=HERE)
        (action,) = pulls(plan(desired, observed))
        told = report(desired, after(desired, observed, Failed(action, REFUSAL)))
        assert (told.image_id, told.message) == (
            "",
            "image next:1 cannot be pulled to node n1: pull next:1: connection refused",
        )

    def test_what_is_no_longer_prepared_is_forgotten(self) -> None:
        desired, observed = self.failed()
        assert observed.preparing
        other = orders(a_slot())
        assert fold_preparing(other, observed, []) == {}
        known = replace(observed, pulled={ORDER: Pulled("sha256:next")})
        assert remember(desired, known, []) == known.pulled
        assert remember(other, known, []) == {}

    def test_a_clock_that_was_set_back_delays_nothing(self) -> None:
        before = {ORDER: Attempts(failures=1, last_failure_at=NOW + 9999, is_pull=True)}
        observed = after(document(), an_observation(a_container(), preparing=before))
        assert (plan(document(), observed).prepare_at or 0) <= NOW + 5


class TestNever:
    """Its policy forbids to pull it."""

    def test_an_image_that_is_here_is_ready(self) -> None:
        desired = document(PullPolicy.NEVER)
        assert report(desired, an_observation(images=HERE)).image_id == "sha256:next"

    def test_an_image_that_is_missing_is_a_definite_message_and_looked_for(self) -> None:
        desired = document(PullPolicy.NEVER)
        planned = plan(desired, an_observation(a_container()))
        assert planned.is_empty
        assert planned.prepare_at == NOW + 30
        told = report(desired, an_observation(a_container()))
        assert told.definite
        assert told.message == "image next:1 is not on node n1, and its pull policy is never"


@pytest.mark.parametrize("pull", list(PullPolicy))
@pytest.mark.parametrize("seen", [(), (a_container(),)])
def test_unknown_images_are_neither_here_nor_missing(
    pull: PullPolicy, seen: tuple[SeenContainer, ...]
) -> None:
    desired = document(pull)
    failed = {ORDER: Attempts(failures=3, message="no", definite=True, is_pull=True)}
    observed = an_observation(*seen, images=None, preparing=failed)
    assert not pulls(plan(desired, observed))
    told = report(desired, observed)
    assert (told.image_id, told.message, told.definite) == ("", "", False)
    # What was known of the failures is known still.
    assert fold_preparing(desired, observed, []) == failed


def test_unknown_networks_don_t_keep_an_image_from_being_pulled() -> None:
    assert pulls(plan(document(), an_observation(a_container(), networks=None)))


def test_a_preparation_without_its_spec_says_so() -> None:
    desired = orders(a_slot(prepares=a_preparation()))
    observed = an_observation(a_container())
    assert plan(desired, observed).is_empty
    told = report(desired, observed)
    assert (told.message, told.definite) == ("the document has no spec for it", True)
