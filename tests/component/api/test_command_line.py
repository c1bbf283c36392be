"""The command line against the real face: what it sends is understood as it was meant."""

import asyncio
import json

import pytest
import structlog.testing

from schemas.command import (
    CreateProject,
    DeleteProject,
    KillService,
    RedeployProject,
    ScaleService,
    StartService,
    StopProject,
)
from schemas.reply import Progress, Reason, ReasonCode, Reply
from tests.unit.cli.stub import Run


@pytest.fixture
def run(client, capsys, monkeypatch):
    """Runs it beside the event loop that serves the face."""
    monkeypatch.setenv("TROOPERS_URL", str(client.make_url("/")))
    troopers = Run(capsys, monkeypatch)

    async def beside(*arguments):
        return await asyncio.to_thread(troopers, *arguments)

    # What the face logs would go to the same standard output.
    with structlog.testing.capture_logs():
        yield beside


@pytest.mark.parametrize(
    ("arguments", "command", "fields"),
    [
        (["start", "wordpress_db"], StartService, {"service_id": "wordpress_db"}),
        (["stop", "wordpress", "-t", "3"], StopProject, {"name": "wordpress", "timeout": 3}),
        (["kill", "wordpress_db", "-s", "HUP"], KillService, {"signal": "HUP"}),
        (["redeploy", "wordpress"], RedeployProject, {"name": "wordpress"}),
        (["rm", "wordpress", "-f"], DeleteProject, {"force": True, "volumes": False}),
        (["scale", "wordpress", "db=2"], ScaleService, {"type": "scale_to", "value": 2}),
    ],
)
async def test_a_command_reaches_the_door_and_its_end_is_waited_for(
    run, door, arguments, command, fields
):
    done = await run(*arguments)
    assert (done.code, done.err) == (0, "")
    accepted, asked_again = door.submitted
    assert isinstance(accepted, command)
    assert {name: getattr(accepted, name) for name in fields} == fields
    assert accepted.command_id == asked_again.command_id
    assert (accepted.wait, asked_again.wait > 0) == (0, True)


async def test_a_file_becomes_a_project(run, door, tmp_path):
    file = tmp_path / "compose.yml"
    file.write_text("services: {web: {image: 'nginx:${TAG:-1}'}}\n")
    done = await run("deploy", "shop", "-f", str(file), "-e", "TAG=1", "-V", "2.0")
    assert (done.code, done.err) == (0, "")
    created = door.submitted[0]
    assert isinstance(created, CreateProject)
    assert (created.template, created.environment) == (file.read_text(), {"TAG": "1"})
    assert (created.name, created.version) == ("shop", "2.0")


async def test_what_fails_after_it_was_accepted_is_a_failure(run, door):
    accepted = Reply(outcome="accepted", operation_id="op")
    why = Reason(code=ReasonCode.FAILED, message="no node takes it")
    failed = accepted.model_copy(update={"progress": Progress.FAILED, "reason": why})
    # The second one is for the look at the project.
    door.script.extend([accepted, accepted, failed])
    done = await run("start", "wordpress")
    assert done.code == 1
    assert "failed: no node takes it" in done.err


async def test_a_plan_is_not_asked_of_a_face_that_has_none(run, door, tmp_path):
    file = tmp_path / "compose.yml"
    file.write_text("services: {web: {image: 'nginx:${TAG:-1}'}}\n")
    done = await run("deploy", "shop", "-f", str(file), "--plan")
    assert done.code == 1
    assert "can't show plans" in done.err
    assert door.submitted == []


async def test_what_there_is_is_listed(run):
    assert (await run("ls", "-q")).out.splitlines() == ["blog", "wordpress"]
    assert json.loads((await run("inspect", "wordpress")).out)["name"] == "wordpress"
    lines = (await run("ps", "wordpress")).out.splitlines()
    assert lines[1].split()[:4] == ["wordpress_db_1", "db", "n1", "running"]
