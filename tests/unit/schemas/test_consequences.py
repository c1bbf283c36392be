"""What a changed field means for a container, and what it means for its fingerprint."""

import pytest

from schemas.consequences import CONSEQUENCES, Consequence, changed
from schemas.fingerprint import fingerprint, spec_key
from schemas.service import Probe, Restart, ServiceSpec

_PLAIN = ServiceSpec(image="nginx")


def test_every_field_of_a_spec_is_classified_and_no_other() -> None:
    assert set(CONSEQUENCES) == set(ServiceSpec.model_fields)


@pytest.mark.parametrize(
    "update", [{"probe": Probe(cmd="true")}, {"restart": Restart(policy="always")}]
)
def test_what_the_agent_alone_acts_on_recreates_nothing(update: dict[str, object]) -> None:
    new = _PLAIN.model_copy(update=update)
    assert set(changed(_PLAIN, new).values()) == {Consequence.UP_TO_DATE}
    assert fingerprint(new) == fingerprint(_PLAIN)
    assert spec_key(new) != spec_key(_PLAIN)


def test_what_a_container_is_created_with_recreates_it() -> None:
    new = _PLAIN.model_copy(update={"tty": True, "image": "nginx:2"})
    assert changed(_PLAIN, new) == {"image": Consequence.RECREATE, "tty": Consequence.RECREATE}
    assert fingerprint(new) != fingerprint(_PLAIN)


def test_a_field_with_its_default_is_not_part_of_the_fingerprint() -> None:
    said = ServiceSpec(image="nginx", tty=False, ulimits=(), logging=None)
    assert fingerprint(said) == fingerprint(_PLAIN)
