"""What a command takes is decided by its model, so both faces say the same of it."""

from typing import Any

import pytest

from schemas import codec
from schemas.bodies import CreateProjectBody, CreateVolumeBody
from schemas.codec import SchemaError
from schemas.command import (
    AnyCommand,
    CreateProject,
    CreateVolume,
    DeleteProject,
    KillProject,
    RollbackUpdate,
    ScaleService,
    SetWeights,
    StopProject,
    UpdateProject,
)

ID = {"command_id": "c", "name": "shop"}
NAME = "name is 1 to 64 letters, digits and hyphens, not starting with a hyphen"


def refusal(model: Any, fields: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(SchemaError) as refused:
        codec.validate(model, fields)
    return refused.value.where, refused.value.message


@pytest.mark.parametrize("name", ["", "-a", "a_b", "a" * 65, "a\n", "é", "a.b"])
def test_both_faces_refuse_a_name_in_the_same_words(name: str) -> None:
    project = {"command_id": "c", "name": name, "template": "web: {}"}
    volume = {"command_id": "c", "name": name, "driver": "nas", "driverOpts": {}}
    for models, fields, noun in (
        ((CreateProject, CreateProjectBody), project, "project"),
        ((CreateVolume, CreateVolumeBody), volume, "volume"),
    ):
        for model in models:
            assert refusal(model, fields) == ("name", f"a {noun}'s {NAME}")


def test_both_faces_refuse_a_driver_in_the_same_words() -> None:
    volume = {"command_id": "c", "name": "data", "driver": "floppy", "driverOpts": {}}
    assert refusal(CreateVolume, volume) == refusal(CreateVolumeBody, volume)


@pytest.mark.parametrize("given", [9, "9", "kill", "SIGKILL", "KILL"])
def test_a_signal_may_be_a_number_or_a_name(given: object) -> None:
    assert codec.validate(KillProject, {**ID, "signal": given}).signal == "KILL"


def test_a_signal_that_is_none_is_refused_by_its_path() -> None:
    assert refusal(KillProject, {**ID, "signal": "BOOM"}) == ("signal", "unknown signal 'BOOM'")


def test_a_deadline_is_written_out() -> None:
    stop: AnyCommand = codec.validate(StopProject, {**ID, "deadline": "2026-11-23T12:00:00Z"})
    assert stop.deadline is not None
    for wrong in (1, "2020", "2026-11-23", "2026-11-23T12:00:00", "2026-13-23T12:00:00Z"):
        where, message = refusal(StopProject, {**ID, "deadline": wrong})
        assert where == "deadline"
        assert message.startswith("must be an RFC 3339 time")


@pytest.mark.parametrize(
    ("model", "fields", "where", "words"),
    [
        (ScaleService, {"type": "up", "value": 1}, "type", "must be 'scale_to', 'scale_out' or"),
        (ScaleService, {"type": "scale_to", "value": "1"}, "value", "must be a whole number"),
        (ScaleService, {"type": "scale_to", "value": -1}, "value", "must be 0 or more"),
        (SetWeights, {"weights": {"web": {"1.0": "x"}}}, "weights.web.1.0", "from 0 to 1000000"),
        (SetWeights, {"weights": {"web": {"1.0": True}}}, "weights.web.1.0", "from 0 to 1000000"),
        (RollbackUpdate, {"to": "x"}, "to", "a revision's number, such as 17 or r17"),
        (DeleteProject, {"force": "maybe"}, "force", "must be true or false"),
        (UpdateProject, {"template": 1}, "template", "must be a text"),
        (UpdateProject, {}, "template", "is missing"),
        (StopProject, {"wait": "long"}, "wait", "must be a number"),
        (StopProject, {"command_id": ""}, "command_id", "must not be empty"),
    ],
)
def test_what_does_not_fit_is_told_with_what_to_write_instead(
    model: Any, fields: dict[str, Any], where: str, words: str
) -> None:
    found, message = refusal(model, {**ID, "service_id": "shop_web", **fields})
    assert (found, message.count(words)) == (where, 1)
