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
    UpdateProject,
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


@pytest.mark.parametrize(
    ("project", "command"), [("shop", CreateProject), ("wordpress", UpdateProject)]
)
async def test_a_plan_is_shown_and_nothing_else_is_asked_for(run, door, tmp_path, project, command):
    file = tmp_path / "compose.yml"
    file.write_text("services: {web: {image: 'nginx:${TAG:-1}'}}\n")
    change = {
        "container": f"{project}_web_1",
        "service": "web",
        "action": "move",
        "reason": "n1 is down",
        "node": "n2",
        "from_node": "n1",
    }
    plan = {"version": "2.0", "changes": [change], "warnings": ["web: told"]}
    planned = Reply(outcome="accepted", result=plan, warnings=("web: told",))
    # Before each of them the project is looked at.
    door.script.extend([Reply(outcome="accepted"), planned] * 2)
    done = await run("deploy", project, "-f", str(file), "--plan")
    assert (done.code, done.err) == (0, "warning: web: told\n")
    assert done.out.splitlines()[1].split() == [
        *(f"{project}_web_1", "web", "move", "n1", "->", "n2", "n1", "is", "down"),
    ]
    shown = await run("deploy", project, "-f", str(file), "--plan", "--json")
    assert json.loads(shown.out) == plan
    assert [(type(each), each.dry_run) for each in door.submitted] == [(command, True)] * 2


async def test_what_there_is_is_listed(run):
    assert (await run("ls", "-q")).out.splitlines() == ["blog", "wordpress"]
    assert json.loads((await run("inspect", "wordpress")).out)["name"] == "wordpress"
    lines = (await run("ps", "wordpress")).out.splitlines()
    assert lines[1].split()[:4] == ["wordpress_db_1", "db", "n1", "running"]
