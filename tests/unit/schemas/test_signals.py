import signal

import pytest
from pydantic import BaseModel, ValidationError

from schemas.errors import InvalidInput
from schemas.signals import NUMBERS, SignalName, canonical


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("KILL", "KILL"),
        ("SIGKILL", "KILL"),
        ("sigkill", "KILL"),
        ("9", "KILL"),
        ("2", "INT"),
        ("IOT", "ABRT"),
        ("SIGCLD", "CHLD"),
        ("RTMIN", "RTMIN"),
        ("34", "RTMIN"),
        ("SIGRTMIN+3", "RTMIN+3"),
        ("49", "RTMIN+15"),
        ("50", "RTMAX-14"),
        ("64", "RTMAX"),
    ],
)
def test_every_spelling_has_one_name(given, name):
    assert canonical(given) == name


@pytest.mark.parametrize(
    "given",
    ["", "0", "-9", "09", "32", "33", "65", "999999999999", "BOOM", "SIG", "9.0", " 9", "٩"],
)
def test_an_unknown_signal_is_refused(given):
    with pytest.raises(InvalidInput, match="unknown signal"):
        canonical(given)


@pytest.mark.parametrize("name", [name for name in NUMBERS if "RT" not in name])
def test_numbers_are_those_of_linux(name):
    assert signal.Signals[f"SIG{name}"].value == NUMBERS[name]


class Killing(BaseModel):
    signal: SignalName = "KILL"


@pytest.mark.parametrize("given", ["SIGTERM", "15", 15])
def test_a_field_takes_text_and_numbers(given):
    assert Killing(signal=given).signal == "TERM"


@pytest.mark.parametrize("given", ["BOOM", 0, True, None, 1.5])
def test_a_field_refuses_the_rest(given):
    with pytest.raises(ValidationError):
        Killing(signal=given)
