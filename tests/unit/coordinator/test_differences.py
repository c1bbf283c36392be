"""What differs between two specs, in words that give nothing away."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.releases.differences import harmless, recreating
from schemas.fingerprint import fingerprint
from schemas.service import Healthcheck, InlineFile, Port, Probe, Restart, ServiceSpec

SECRET = "hunter2"


def a_spec(**fields: Any) -> ServiceSpec:
    return ServiceSpec(**{"image": "web:1"} | fields)


@pytest.mark.parametrize(
    ("was", "is_now", "words"),
    [
        ({"image": "web:1"}, {"image": "web:2"}, "image web:1 -> web:2"),
        (
            {"environment": {"A": "1", "B": SECRET}},
            {"environment": {"B": SECRET * 2, "C": SECRET}},
            "environment A removed, B changed, C added",
        ),
        ({"labels": {}}, {"labels": {"of": SECRET}}, "labels of added"),
        (
            {"files": (InlineFile(target="/run/secrets/key", content=SECRET),)},
            {"files": (InlineFile(target="/run/secrets/key", content="other"),)},
            "files /run/secrets/key changed",
        ),
        ({}, {"ports": (Port(container_port=80),)}, "ports changed"),
        ({}, {"command": ("run", SECRET)}, "command changed"),
        ({"hostname": "a"}, {"hostname": SECRET}, "hostname changed"),
        ({}, {"healthcheck": Healthcheck(test=("CMD", SECRET))}, "healthcheck changed"),
        ({}, {"mem_limit_bytes": 1024}, "mem_limit_bytes unset -> 1024"),
        ({"read_only": True}, {}, "read_only true -> false"),
    ],
)
def test_each_field_is_named_and_no_secret_quoted(
    was: dict[str, Any], is_now: dict[str, Any], words: str
) -> None:
    assert recreating(a_spec(**was), a_spec(**is_now)) == (words,)
    assert SECRET not in words


def test_of_many_names_only_some_are_told() -> None:
    many = {f"N{number}": "1" for number in range(9)}
    (words,) = recreating(a_spec(), a_spec(environment=many))
    assert words.endswith("N4 added and 4 more")


def test_what_makes_no_container_anew_is_told_apart() -> None:
    before = a_spec()
    after = a_spec(probe=Probe(url="http://x"), restart=Restart(policy="no"))
    assert recreating(before, after) == ()
    assert harmless(before, after) == ("probe changed", "restart changed")


_specs = st.builds(
    a_spec,
    image=st.sampled_from(["web:1", "web:2"]),
    environment=st.dictionaries(st.sampled_from("AB"), st.sampled_from("12")),
    user=st.sampled_from(["", "root"]),
    init=st.sampled_from([None, True, False]),
    restart=st.sampled_from([Restart(), Restart(policy="no")]),
)


@given(_specs, _specs)
def test_there_are_differences_exactly_where_fingerprints_differ(
    before: ServiceSpec, after: ServiceSpec
) -> None:
    assert bool(recreating(before, after)) is (fingerprint(before) != fingerprint(after))
