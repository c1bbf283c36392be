"""What a changed field means for what is there, and what it means for its fingerprint."""

from typing import Any

import pytest

from schemas.consequences import (
    CONSEQUENCES,
    NETWORK_CONSEQUENCES,
    VOLUME_CONSEQUENCES,
    Consequence,
)
from schemas.desired import AddressPlan, AddressPool, DesiredNetwork, DesiredVolume
from schemas.fingerprint import (
    fingerprint,
    network_fingerprint,
    spec_key,
    volume_fingerprint,
)
from schemas.service import Probe, Restart, ServiceSpec
from schemas.states import Wanted

_PLAIN = ServiceSpec(image="nginx")
_NETWORK = DesiredNetwork(project="shop", name="shop_back")
_VOLUME = DesiredVolume(project="shop", name="shop_data")


def test_every_field_of_what_is_made_is_classified_and_no_other() -> None:
    for model, table in (
        (ServiceSpec, CONSEQUENCES),
        (DesiredNetwork, NETWORK_CONSEQUENCES),
        (DesiredVolume, VOLUME_CONSEQUENCES),
    ):
        assert set(table) == set(model.model_fields)


@pytest.mark.parametrize(
    "update", [{"probe": Probe(cmd="true")}, {"restart": Restart(policy="always")}]
)
def test_what_the_agent_alone_acts_on_recreates_nothing(update: dict[str, object]) -> None:
    new = _PLAIN.model_copy(update=update)
    assert {CONSEQUENCES[field] for field in update} == {Consequence.UP_TO_DATE}
    assert fingerprint(new) == fingerprint(_PLAIN)
    assert spec_key(new) != spec_key(_PLAIN)


@pytest.mark.parametrize("update", [{"tty": True}, {"image": "nginx:2"}, {"mem_limit_bytes": 1}])
def test_what_a_container_is_created_with_recreates_it(update: dict[str, Any]) -> None:
    assert {CONSEQUENCES[field] for field in update} == {Consequence.RECREATE}
    assert fingerprint(_PLAIN.model_copy(update=update)) != fingerprint(_PLAIN)


@pytest.mark.parametrize(
    ("update", "is_same"),
    [
        ({"name": "other"}, True),
        ({"driver": "macvlan"}, False),
        ({"addresses": AddressPlan(driver="custom")}, False),
        ({"addresses": AddressPlan(pools=(AddressPool(gateway="10.0.0.1"),))}, False),
        ({"addresses": AddressPlan(pools=(AddressPool(aux_addresses={"a": "b"}),))}, False),
    ],
)
def test_a_network_is_what_it_is_made_with(update: dict[str, Any], is_same: bool) -> None:
    new = _NETWORK.model_copy(update=update)
    assert (network_fingerprint(new) == network_fingerprint(_NETWORK)) == is_same


@pytest.mark.parametrize(
    ("update", "is_same"),
    [
        ({"name": "other"}, True),
        ({"wanted": Wanted.ABSENT}, True),
        ({"options": {"a": "b"}}, False),
    ],
)
def test_a_volume_is_what_it_is_made_with(update: dict[str, Any], is_same: bool) -> None:
    new = _VOLUME.model_copy(update=update)
    assert (volume_fingerprint(new) == volume_fingerprint(_VOLUME)) == is_same


def test_a_field_with_its_default_is_not_part_of_the_fingerprint() -> None:
    said = ServiceSpec(image="nginx", tty=False, ulimits=(), logging=None)
    assert fingerprint(said) == fingerprint(_PLAIN)
    assert volume_fingerprint(_VOLUME.model_copy(update={"driver": "local"})) == (
        volume_fingerprint(_VOLUME)
    )
