"""What the engine is asked for, where an engine of the tests would not show it."""

from agent.adapters.docker_specs import creation
from agent.domain.actions import ContainerLabels
from schemas.names import SlotKey
from schemas.service import Healthcheck
from tests.fakes.orders import a_spec

LABELS = ContainerLabels(SlotKey("shop", "web", 1), "f", "1", 0, 1, 1)


def test_an_interval_during_the_start_is_asked_for_where_it_is_wanted_only() -> None:
    check = Healthcheck(test=("CMD", "true"), start_interval_s=0.5)
    asked = creation(a_spec(healthcheck=check), LABELS, "/mnt")["Healthcheck"]
    assert asked == {"Test": ["CMD", "true"], "StartInterval": 500_000_000}
    plain = creation(a_spec(healthcheck=Healthcheck(retries=2)), LABELS, "/mnt")
    assert plain["Healthcheck"] == {"Retries": 2}


def test_an_empty_entrypoint_is_no_words_and_not_an_empty_one() -> None:
    assert creation(a_spec(entrypoint=()), LABELS, "/mnt")["Entrypoint"] == []
    assert "Entrypoint" not in creation(a_spec(), LABELS, "/mnt")
