from datetime import UTC, datetime

import pytest

from schemas import openapi
from schemas.command import (
    CreateProject,
    DeleteProject,
    KillProject,
    KillService,
    RedeployProject,
    ScaleService,
    StartProject,
    StartService,
    StopProject,
    StopService,
)
from schemas.reply import ReasonCode, Reply
from schemas.routes import ROUTES
from tests.fakes.door import rejected

JSON = {"Content-Type": "application/json"}


def asked(door):
    """The one command, without what every command carries."""
    (command,) = door.submitted
    carried = {"schema_version", "command_id", "issuer", "deadline"}
    return type(command), command.model_dump(exclude=carried)


WORDPRESS = {"name": "wordpress"}
DB = {"service_id": "wordpress_db"}


@pytest.mark.parametrize(
    ("method", "path", "command", "fields"),
    [
        ("POST", "/projects/wordpress/start", StartProject, {**WORDPRESS, "wait": 10}),
        ("POST", "/projects/wordpress/start/", StartProject, {**WORDPRESS, "wait": 10}),
        ("POST", "/projects/wordpress/stop", StopProject, {**WORDPRESS, "timeout": 10, "wait": 20}),
        ("POST", "/projects/wordpress/stop?t=3", StopProject, {**WORDPRESS, "timeout": 3, "wait": 13}),
        (
            "POST", "/projects/wordpress/stop?timeout=0", StopProject,
            {**WORDPRESS, "timeout": 0, "wait": 10},
        ),
        (
            "POST", "/projects/wordpress/stop?timeout=7&t=3", StopProject,
            {**WORDPRESS, "timeout": 3, "wait": 13},
        ),
        (
            "POST", "/projects/wordpress/stop?t=86400", StopProject,
            {**WORDPRESS, "timeout": 86400, "wait": 3600},
        ),
        ("POST", "/projects/wordpress/kill", KillProject, {**WORDPRESS, "signal": "KILL", "wait": 20}),
        (
            "POST", "/projects/wordpress/kill?signal=SIGHUP", KillProject,
            {**WORDPRESS, "signal": "HUP", "wait": 20},
        ),
        ("POST", "/projects/wordpress/redeploy", RedeployProject, {**WORDPRESS, "wait": 20}),
        (
            "POST", "/projects/wordpress/redeploy?wait=0", RedeployProject, {**WORDPRESS, "wait": 0},
        ),
        (
            "POST", "/projects/wordpress/redeploy?wait=2.5&x=1", RedeployProject,
            {**WORDPRESS, "wait": 2.5},
        ),
        (
            "DELETE", "/projects/wordpress", DeleteProject,
            {**WORDPRESS, "force": False, "volumes": False, "wait": 20},
        ),
        (
            "DELETE", "/projects/wordpress?name=x&force=true&volume=false", DeleteProject,
            {**WORDPRESS, "force": True, "volumes": False, "wait": 20},
        ),
        (
            "DELETE", "/projects/wordpress?force=False&v=True", DeleteProject,
            {**WORDPRESS, "force": False, "volumes": True, "wait": 20},
        ),
        ("POST", "/services/wordpress_db/start", StartService, {**DB, "wait": 10}),
        ("POST", "/services/wordpress_db/stop?t=1", StopService, {**DB, "timeout": 1, "wait": 11}),
        ("POST", "/services/wordpress_db/kill?signal=2", KillService, {**DB, "signal": "INT", "wait": 20}),
    ],
)  # fmt: skip
async def test_a_verb_is_a_command(client, door, method, path, command, fields):
    response = await client.request(method, path)
    assert response.status == 200
    assert await response.read() == b""
    assert "Content-Type" not in response.headers
    assert asked(door) == (command, fields)


async def test_scale_takes_the_reference_sample(client, door):
    response = await client.post(
        "/services/wordpress_db/scale", json={"type": "scale_to", "value": 3}
    )
    assert (response.status, await response.read()) == (200, b"")
    assert asked(door) == (ScaleService, {**DB, "type": "scale_to", "value": 3, "wait": 20})


@pytest.mark.parametrize(
    "route", [route for route in ROUTES if not route.is_query and route.body is None],
    ids=lambda route: route.operation,
)  # fmt: skip
async def test_the_answer_waits_as_long_as_the_document_says(client, door, route):
    (wait,) = (
        each["schema"]["default"]
        for each in openapi.document()["paths"][route.path][route.method.lower()]["parameters"]
        if each["name"] == "wait"
    )
    await client.request(route.method, route.path.format(name="wordpress", **DB))
    assert door.submitted[0].wait == wait


@pytest.mark.parametrize("path", ["/projects", "/projects/"])
async def test_create_takes_the_reference_sample(client, door, path):
    sample = {
        "name": "test",
        "description": "This is a test application",
        "template": "web:\r\n image: nginx",
        "version": "1.0",
        "environment": {"USER": "abc", "PWD": "password"},
    }
    response = await client.post(path, json=sample)
    assert (response.status, await response.read()) == (201, b"")
    assert response.headers["Location"] == "/projects/test"
    assert asked(door) == (
        CreateProject,
        {**sample, "latest_image": False, "take_over": False, "dry_run": False, "wait": 0},
    )


async def test_create_takes_null_and_empty_for_the_default(client, door):
    body = {
        "name": "test", "template": "x", "version": "", "environment": None,
        "description": None, "latest_image": None, "unknown": [1],
    }  # fmt: skip
    assert (await client.post("/projects/?wait=5", json=body)).status == 201
    (command,) = door.submitted
    assert (command.version, command.environment, command.wait) == ("1.0", {}, 5)


async def test_a_body_may_come_without_a_content_type(client, door):
    body = b'{"type": "scale_in", "value": 1}'
    headers = {"Content-Type": "application/json"}
    response = await client.post(
        "/services/wordpress_db/scale", data=body, skip_auto_headers=["Content-Type"]
    )
    assert response.status == 200
    both = await client.post("/services/wordpress_db/scale", data=body, headers=headers)
    assert both.status == 200
    assert len(door.submitted) == 2


async def test_a_body_cannot_set_what_travels_elsewhere(client, door):
    body = {"type": "scale_to", "value": 1, "service_id": "x", "command_id": "x", "issuer": "root"}
    await client.post("/services/wordpress_db/scale", json=body)
    (command,) = door.submitted
    assert command.service_id == "wordpress_db"
    assert command.command_id != "x"
    assert command.issuer == "http:127.0.0.1"


@pytest.mark.parametrize("body", [b"", b"null", b"{}", b"not json", b'{"force": true}'])
@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_bodies_are_ignored_where_none_is_asked_for(client, door, method, body):
    path = "/projects/wordpress" + ("/start" if method == "POST" else "")
    response = await client.request(method, path, data=body, headers=JSON)
    assert response.status == 200
    assert getattr(door.submitted[0], "force", False) is False


async def test_names_are_percent_decoded(client, door):
    await client.post("/projects/%77ordpress/start")
    assert door.submitted[0].name == "wordpress"


@pytest.mark.parametrize("header", ["X-Command-Id", "Idempotency-Key"])
async def test_a_caller_may_name_its_command(client, door, header):
    await client.post("/projects/wordpress/start", headers={header: "mine-1"})
    assert door.submitted[0].command_id == "mine-1"


async def test_the_first_of_two_names_wins(client, door):
    headers = {"Idempotency-Key": "other", "X-Command-Id": "mine"}
    await client.post("/projects/wordpress/start", headers=headers)
    assert door.submitted[0].command_id == "mine"


async def test_commands_without_a_name_get_one_each(client, door):
    for _ in range(2):
        await client.post("/projects/wordpress/start")
    assert len({command.command_id for command in door.submitted}) == 2


async def test_a_deadline_is_passed_on(client, door):
    headers = {"X-Command-Deadline": "2030-01-01T00:00:00Z"}
    await client.post("/projects/wordpress/start", headers=headers)
    assert door.submitted[0].deadline == datetime(2030, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("path", "services", "containers"),
    [
        ("/projects/", True, True),
        ("/projects/?services=false&containers=False", False, False),
        ("/projects/?services=0&containers=no", False, False),
        ("/projects/?services=None&containers=", False, False),
        ("/projects/?services=%20FALSE%20&containers=Yes", False, True),
        ("/projects/wordpress?services=true&containers=0", True, False),
    ],
)
async def test_flags_are_read_as_the_reference_server_reads_them(
    client, door, path, services, containers
):
    assert (await client.get(path)).status == 200
    assert (door.asked[0].services, door.asked[0].containers) == (services, containers)


async def test_q_filters(client):
    names = [each["name"] for each in await (await client.get("/projects/?q=word")).json()]
    assert names == ["wordpress"]
    assert await (await client.get("/services/?q=nothing")).json() == []


PLAN = {"version": "2.0", "changes": [], "warnings": ["told"]}


@pytest.mark.parametrize("path", ["/projects/", "/projects/wordpress/update"])
async def test_a_dry_run_is_answered_with_its_plan(client, door, path):
    door.script.append(Reply(outcome="accepted", result=PLAN, warnings=("told",)))
    body = {"name": "new", "template": "x"}
    response = await client.post(f"{path}?dry_run=true", json=body)
    assert (response.status, await response.json()) == (200, PLAN)
    assert not {"Location", "X-Operation-Id"} & response.headers.keys()
    (command,) = door.submitted
    assert command.dry_run


async def test_what_a_dry_run_is_refused_for_has_the_status_of_the_real_one(client, door):
    door.script.append(rejected(ReasonCode.CONFLICT, "taken"))
    response = await client.post("/projects/?dry_run=1", json={"name": "new", "template": "x"})
    assert (response.status, await response.json()) == (409, {"message": "taken"})
