"""How a record tells a command that is sent again from another one with its id."""

import pytest

from coordinator.commands.operations import Moment, answered, begun, remembered
from coordinator.errors import Conflict
from schemas import command as commands
from schemas.command import StopProject
from schemas.records import ProjectRecord
from tests.builders import TIME, a_project

STOP = StopProject(command_id="c", name="shop")


class LaterStop(StopProject):
    """As a later version may have it."""

    grace: str = "usual"


@pytest.fixture
def record(monkeypatch: pytest.MonkeyPatch) -> ProjectRecord:
    """One that remembers `STOP`."""
    monkeypatch.setitem(commands._VERBS, LaterStop, ("project", "stop"))
    operation = begun(None, STOP, Moment(now=TIME, operation_id="op"))
    return answered(a_project(), STOP, operation)[0]


def test_a_command_is_the_same_to_a_version_that_knows_more_fields(record: ProjectRecord) -> None:
    again = remembered(record, LaterStop(command_id="c", name="shop"))
    assert again is record.replies[-1]


@pytest.mark.parametrize(
    "other",
    [
        StopProject(command_id="c", name="shop", timeout=11),
        LaterStop(command_id="c", name="shop", grace="none"),
    ],
)
def test_one_that_wants_something_else_is_another(
    record: ProjectRecord, other: StopProject
) -> None:
    with pytest.raises(Conflict, match="used for another command"):
        remembered(record, other)


def test_a_default_that_is_written_out_makes_no_other_command(record: ProjectRecord) -> None:
    written_out = StopProject(command_id="c", name="shop", timeout=10)
    assert remembered(record, written_out) is record.replies[-1]
