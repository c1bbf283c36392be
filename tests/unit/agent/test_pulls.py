"""When the registry is asked, what follows from its answer, and for how long that holds."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from agent.domain.actions import CreateContainer, PullImage, PullOrder, StartContainer
from agent.domain.attempts import fold
from agent.domain.observation import Attempts, Observation, Pulled, SeenContainer
from agent.domain.outcomes import Failed, Outcome, Succeeded
from agent.domain.plan import Plan, plan
from agent.domain.pulls import remember
from agent.domain.slot_order import order_of
from agent.errors import PullFailed
from schemas.desired import NodeDesired, PullPolicy
from schemas.names import SlotKey
from tests.fakes.orders import a_slot, a_spec, orders
from tests.unit.agent.seen import IMAGES, NOW, a_container, an_observation, exited

KEY = SlotKey("shop", "web", 1)
REFUSAL = PullFailed("pull web:1: connection refused")
ASKING = [PullPolicy.NEWER, PullPolicy.ALWAYS]
OLD = a_container(image_id="sha256:old")


def ordered(*, refresh: int = 1, pull: PullPolicy = PullPolicy.ALWAYS, **slot: Any) -> NodeDesired:
    return orders(a_slot(refresh=refresh, pull=pull, **slot))


def order(desired: NodeDesired) -> PullOrder:
    return order_of(desired.slots[0])


def kinds(planned: Plan) -> list[str]:
    return [type(action).__name__ for action in planned.actions]


def after(desired: NodeDesired, observed: Observation, *outcomes: Outcome) -> Observation:
    """As the loop does it: what ended is folded into what is seen."""
    attempts = fold(desired, observed, outcomes)
    pulled = remember(desired, observed, outcomes)
    return replace(observed, attempts=attempts, pulled=pulled)


def the_pull(desired: NodeDesired, *seen: SeenContainer, **observed: Any) -> PullImage:
    planned = plan(desired, an_observation(*seen, **observed))
    (pull,) = (action for action in planned.actions if isinstance(action, PullImage))
    return pull


@pytest.mark.parametrize("pull", ASKING)
def test_a_redeploy_asks_the_registry_before_it_compares(pull: PullPolicy) -> None:
    assert kinds(plan(ordered(pull=pull), an_observation(OLD))) == ["PullImage"]


@pytest.mark.parametrize("pull", ASKING)
def test_after_the_pull_only_a_container_of_another_image_is_replaced(pull: PullPolicy) -> None:
    desired = ordered(pull=pull)
    done = Succeeded(the_pull(desired, OLD))
    replaced = plan(desired, after(desired, an_observation(OLD), done))
    assert kinds(replaced) == [
        "StopContainer",
        "RemoveContainer",
        "CreateContainer",
        "StartContainer",
    ]
    assert plan(desired, after(desired, an_observation(a_container()), done)).is_empty


@pytest.mark.parametrize("pull", ASKING)
def test_a_new_container_waits_for_the_pull_although_its_image_is_here(pull: PullPolicy) -> None:
    desired = ordered(refresh=0, pull=pull)
    done = Succeeded(the_pull(desired))
    assert kinds(plan(desired, after(desired, an_observation(), done))) == [
        "CreateContainer",
        "StartContainer",
    ]


def test_by_default_only_an_image_that_is_missing_is_pulled() -> None:
    desired = ordered(pull=PullPolicy.MISSING)
    assert kinds(plan(desired, an_observation())) == ["CreateContainer", "StartContainer"]


@pytest.mark.parametrize("pull", ASKING)
@pytest.mark.parametrize(
    "seen",
    [(), (exited(a_container(refresh=1)),), (a_container(refresh=1),)],
    ids=["removed", "crashed", "running"],
)
def test_an_order_that_is_carried_out_needs_no_registry(
    pull: PullPolicy, seen: tuple[SeenContainer, ...]
) -> None:
    desired = ordered(pull=pull)
    known = {order(desired): Pulled(IMAGES["web:1"])}
    assert "PullImage" not in kinds(plan(desired, an_observation(*seen, pulled=known)))


def test_a_container_that_carries_the_order_proves_the_pull_to_a_new_agent() -> None:
    desired = orders(
        a_slot(refresh=1, pull=PullPolicy.ALWAYS),
        a_slot(slot=2, refresh=1, pull=PullPolicy.ALWAYS),
        a_slot(slot=3, refresh=1, pull=PullPolicy.ALWAYS),
    )
    old = a_container(slot=2, image_id="sha256:old")
    planned = plan(desired, an_observation(a_container(refresh=1), old))
    assert "PullImage" not in kinds(planned)
    assert {a.key.slot for a in planned.actions if isinstance(a, CreateContainer)} == {2, 3}


@pytest.mark.parametrize("other", [{"refresh": 0}, {"version": "1"}, {"project": "other"}])
def test_a_container_of_another_order_proves_nothing(other: dict[str, Any]) -> None:
    desired = ordered(slot=2)
    the_pull(desired, a_container(**{"refresh": 1, **other}))


def test_a_newer_order_asks_again() -> None:
    first, second = ordered(refresh=1), ordered(refresh=2)
    known = remember(first, an_observation(OLD), [Succeeded(the_pull(first, OLD))])
    assert order(first) in known
    assert kinds(plan(second, an_observation(OLD, pulled=known))) == ["PullImage"]
    assert remember(second, an_observation(OLD, pulled=known), []) == {}


def test_a_pull_that_was_begun_for_an_older_order_does_not_carry_out_a_newer_one() -> None:
    earlier = Succeeded(the_pull(ordered(refresh=1), OLD))
    newer = ordered(refresh=2)
    assert kinds(plan(newer, after(newer, an_observation(OLD), earlier))) == ["PullImage"]


def test_a_pull_that_ends_during_the_look_is_compared_with_at_the_next() -> None:
    desired = ordered()
    pull = the_pull(desired, OLD)
    stale: dict[str, Any] = {"images": {"web:1": "sha256:old"}}
    ended = after(
        desired, an_observation(OLD, in_flight=frozenset({pull}), **stale), Succeeded(pull)
    )
    assert plan(desired, ended).is_empty
    seen = after(desired, an_observation(OLD, pulled=ended.pulled))
    assert "CreateContainer" in kinds(plan(desired, seen))


def test_somebody_elses_pull_of_the_same_name_replaces_no_container() -> None:
    desired = ordered()
    known = {order(desired): Pulled("sha256:old")}
    assert plan(desired, an_observation(OLD, pulled=known)).is_empty


def test_somebody_elses_pull_of_the_same_name_holds_up_nobody_who_has_the_image() -> None:
    creates = [
        action
        for images in (IMAGES, {})
        for action in plan(orders(a_slot()), an_observation(images=images)).actions
        if isinstance(action, CreateContainer)
    ]
    assert [create.awaits_pull for create in creates] == [False, True]


class TestRefusal:
    """The registry can't be asked."""

    def refused(
        self, pull: PullPolicy, *seen: SeenContainer, **fields: Any
    ) -> tuple[NodeDesired, Observation]:
        desired = ordered(pull=pull)
        failed = Failed(the_pull(desired, *seen), REFUSAL)
        return desired, after(desired, an_observation(*seen, **fields), failed)

    def test_with_always_the_old_container_stays_and_the_problem_says_where_and_why(self) -> None:
        desired, observed = self.refused(PullPolicy.ALWAYS, OLD)
        planned = plan(desired, observed)
        assert planned.is_empty
        assert NOW + 2.5 <= (planned.retry_at or 0) <= NOW + 5
        (problem,) = planned.problems
        assert (problem.code, problem.definite, problem.attempts) == ("pull_failed", False, 1)
        assert problem.message == (
            "image web:1 cannot be pulled to node n1: pull web:1: connection refused"
        )
        again = plan(desired, replace(observed, now=NOW + 10))
        assert kinds(again) == ["PullImage"]
        assert again.problems

    def test_with_always_nothing_is_made(self) -> None:
        desired, observed = self.refused(PullPolicy.ALWAYS)
        assert plan(desired, observed).is_empty
        assert kinds(plan(desired, replace(observed, now=NOW + 10))) == ["PullImage"]

    def test_with_newer_the_nodes_own_image_will_do_and_a_note_says_so(self) -> None:
        desired, observed = self.refused(PullPolicy.NEWER)
        planned = plan(desired, observed)
        assert kinds(planned) == ["CreateContainer", "StartContainer"]
        assert planned.problems == ()
        assert planned.notes == (
            "shop_web_1 runs the image that the node has: pull web:1: connection refused",
        )

    def test_with_newer_an_image_that_is_missing_is_a_problem(self) -> None:
        desired = ordered(pull=PullPolicy.NEWER)
        nothing: dict[str, Any] = {"images": {}}
        failed = Failed(the_pull(desired, **nothing), REFUSAL)
        observed = after(desired, an_observation(**nothing), failed)
        (problem,) = plan(desired, observed).problems
        assert problem.message == (
            "image web:1 cannot be pulled and is not on node n1: pull web:1: connection refused"
        )

    def test_a_crash_meanwhile_is_repaired_at_once(self) -> None:
        desired, observed = self.refused(PullPolicy.ALWAYS, exited(OLD, finished_at=NOW - 1))
        planned = plan(desired, observed)
        assert kinds(planned) == ["StartContainer"]
        assert [problem.code for problem in planned.problems] == ["pull_failed"]

    def test_a_repair_meanwhile_does_not_end_the_problem(self) -> None:
        desired, observed = self.refused(PullPolicy.ALWAYS, OLD)
        restarted = Succeeded(StartContainer(KEY, OLD.id))
        assert fold(desired, observed, [restarted])[KEY].failures == 1

    @pytest.mark.parametrize("pull", ASKING)
    def test_a_pull_that_works_again_ends_the_problem(self, pull: PullPolicy) -> None:
        desired = ordered(pull=pull)
        action = the_pull(desired, OLD)
        attempts = Attempts(failures=3, code="image_not_found", message="no", is_pull=True)
        before = an_observation(OLD, attempts=self._based(desired, attempts))
        assert fold(desired, before, [Succeeded(action)])[KEY].failures == 0

    def test_an_image_that_is_brought_by_hand_ends_the_problem(self) -> None:
        desired = ordered(pull=PullPolicy.MISSING)
        attempts = Attempts(failures=3, code="image_not_found", message="no", is_pull=True)
        before = an_observation(a_container(), attempts=self._based(desired, attempts))
        assert fold(desired, before, [Succeeded(StartContainer(KEY))])[KEY].failures == 0

    def _based(self, desired: NodeDesired, attempts: Attempts) -> Mapping[SlotKey, Attempts]:
        basis = fold(desired, an_observation(), [])[KEY].basis
        return {KEY: replace(attempts, basis=basis)}


class TestNever:
    DESIRED = ordered(pull=PullPolicy.NEVER)

    def test_an_image_that_is_here_is_used_and_compared_with(self) -> None:
        assert kinds(plan(self.DESIRED, an_observation())) == ["CreateContainer", "StartContainer"]
        assert "CreateContainer" in kinds(plan(self.DESIRED, an_observation(OLD)))

    @pytest.mark.parametrize("seen", [(), (a_container(spec=a_spec("web:2")),)])
    def test_an_image_that_is_missing_is_a_clear_problem_and_costs_no_container(
        self, seen: tuple[SeenContainer, ...]
    ) -> None:
        planned = plan(self.DESIRED, an_observation(*seen, images={}))
        assert planned.is_empty
        assert planned.retry_at is not None
        (problem,) = planned.problems
        assert problem.definite
        assert problem.message == "image web:1 is not on node n1, and its pull policy is never"

    def test_an_image_that_is_unknown_is_not_called_missing(self) -> None:
        assert plan(self.DESIRED, an_observation(images=None)).problems == ()
