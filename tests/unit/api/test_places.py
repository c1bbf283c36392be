"""Places are counted by kind, and refusals by kind and cause."""

import pytest

from coordinator.faces.admission import (
    BOUNDS,
    Admission,
    Bound,
    Cause,
    Kind,
    Refused,
    kind_of_command,
    kind_of_query,
)
from schemas.command import COMMANDS
from schemas.query import QUERIES


class Counted:
    def __init__(self):
        self.refusals = []

    def count_refusal(self, kind, cause):
        self.refusals.append((kind, cause))


@pytest.fixture
def meter():
    return Counted()


@pytest.fixture
def admission(meter):
    return Admission(meter=meter, bounds=dict.fromkeys(Kind, Bound(at_once=1, lag_s_max=0.1)))


def test_a_place_is_free_again_after_its_block(admission):
    with admission.take(Kind.READ), pytest.raises(Refused):
        admission.take(Kind.READ)
    with admission.take(Kind.READ):
        pass


def test_a_place_that_is_given_back_twice_was_one(admission):
    with admission.take(Kind.COMMAND) as first:
        first.give_back()
        with admission.take(Kind.COMMAND):
            first.give_back()
            with pytest.raises(Refused):
                admission.take(Kind.COMMAND)


def test_a_look_takes_no_place(admission):
    admission.check(Kind.LIST)
    with admission.take(Kind.LIST), pytest.raises(Refused):
        admission.check(Kind.LIST)


@pytest.mark.parametrize("kind", Kind)
def test_no_kind_takes_another_one_s_place(admission, kind):
    with admission.take(kind):
        for other in set(Kind) - {kind}:
            admission.check(other)


def test_refusals_are_counted_and_say_when_to_come_back(admission, meter):
    with admission.take(Kind.LIST), pytest.raises(Refused) as refused:
        admission.take(Kind.LIST)
    assert (refused.value.cause, refused.value.retry_after_s) == (Cause.BUSY, 1)
    late = Admission(lambda: 0.11, meter, {Kind.READ: Bound(at_once=1, lag_s_max=0.1)})
    with pytest.raises(Refused) as refused:
        late.take(Kind.READ)
    assert (refused.value.cause, refused.value.retry_after_s) == (Cause.LATE, 2)
    assert meter.refusals == [(Kind.LIST, Cause.BUSY), (Kind.READ, Cause.LATE)]


def test_what_costs_more_is_refused_earlier():
    lags = [BOUNDS[kind].lag_s_max for kind in (Kind.LIST, Kind.COMMAND, Kind.READ)]
    assert lags == sorted(set(lags))
    assert BOUNDS[Kind.TEMPLATE].lag_s_max == BOUNDS[Kind.COMMAND].lag_s_max


def test_every_verb_has_its_kind():
    commands = {pair: kind_of_command(model) for pair, model in COMMANDS.items()}
    assert {pair for pair, kind in commands.items() if kind is Kind.TEMPLATE} == {
        ("project", "create"),
        ("project", "update"),
        ("project", "rollback"),
    }
    queries = {pair: kind_of_query(model) for pair, model in QUERIES.items()}
    assert {noun for (noun, verb), kind in queries.items() if kind is Kind.LIST} == {
        "project",
        "service",
        "volume",
        "node",
    }
    assert all((kind is Kind.LIST) == (verb == "list") for (_, verb), kind in queries.items())
