"""Configs and secrets, which are written when a container is made."""

from agent.domain.observation import SeenContainer
from agent.domain.plan import plan
from schemas.fingerprint import fingerprint
from tests.fakes.orders import a_slot, a_spec, orders
from tests.unit.agent.seen import a_container, an_observation

WITH_FILES = a_spec(files=({"target": "/run/secrets/key", "content": "the-secret"},))


def kinds(seen: SeenContainer) -> list[str]:
    planned = plan(orders(a_slot(spec=WITH_FILES)), an_observation(seen))
    return [type(action).__name__ for action in planned.actions]


def test_a_container_that_never_ran_is_made_again_because_its_files_may_be_missing() -> None:
    label = fingerprint(WITH_FILES)
    never_ran = a_container(status="created", started_at=None, fingerprint=label)
    assert kinds(never_ran) == ["CreateContainer", "StartContainer"]
    assert kinds(a_container(fingerprint=label)) == []


def test_another_content_is_another_container() -> None:
    assert kinds(a_container(fingerprint="older"))[-2:] == ["CreateContainer", "StartContainer"]


def test_no_plan_tells_a_secret() -> None:
    planned = plan(orders(a_slot(spec=WITH_FILES)), an_observation())
    told = "".join(action.describe() for action in planned.actions) + repr(planned)
    assert "the-secret" not in told
