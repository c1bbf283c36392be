import json
from http import HTTPStatus

import pytest

from coordinator.faces.http.answers import WARNINGS_BYTES_MAX, warnings_value
from schemas.reply import Progress, Reason, ReasonCode, Reply
from tests.fakes.door import OPERATION, rejected

START = "/projects/wordpress/start"


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (ReasonCode.INVALID, 400),
        (ReasonCode.NOT_FOUND, 404),
        (ReasonCode.CONFLICT, 409),
        (ReasonCode.EXPIRED, 412),
        (ReasonCode.FAILED, 500),
        (ReasonCode.UNAVAILABLE, 503),
    ],
)
@pytest.mark.parametrize(("method", "path"), [("POST", START), ("GET", "/projects/wordpress")])
async def test_a_rejections_code_is_the_status(client, door, method, path, code, status):
    door.script.append(rejected(code, "no, because", where="services.web"))
    response = await client.request(method, path)
    assert response.status == status
    prefix = "Not Found: " if status == HTTPStatus.NOT_FOUND else ""
    assert await response.json() == {"message": f"{prefix}services.web: no, because"}
    assert ("Retry-After" in response.headers) == (status == HTTPStatus.SERVICE_UNAVAILABLE)


async def test_what_a_coordinator_shows_that_takes_no_commands_is_marked_as_stale(client, door):
    assert "Warning" not in (await client.get("/projects/wordpress")).headers
    door.closed_because = "this coordinator is a standby"
    for path in ("/projects/", "/projects/wordpress", "/hosts/"):
        response = await client.get(path)
        assert response.status == 200
        assert response.headers["Warning"] == '110 troopers "Response is Stale"'


def accepted(progress, **fields):
    return Reply(outcome="accepted", operation_id=OPERATION, progress=progress, **fields)


@pytest.mark.parametrize(
    ("progress", "status"),
    [(None, 200), (Progress.RUNNING, 200), (Progress.DONE, 200), (Progress.SUPERSEDED, 409)],
)
async def test_an_accepted_commands_progress_is_the_status(client, door, progress, status):
    door.script.append(accepted(progress))
    response = await client.post(START)
    assert response.status == status
    assert response.headers["X-Operation-Id"] == OPERATION


async def test_a_failure_within_the_wait_is_a_server_error_with_the_reason(client, door):
    reason = Reason(code=ReasonCode.FAILED, message="image nix not found (node n2)")
    door.script.append(accepted(Progress.FAILED, reason=reason))
    response = await client.post(START)
    assert response.status == 500
    assert await response.json() == {"message": "image nix not found (node n2)"}
    assert response.headers["X-Operation-Id"] == OPERATION


async def test_a_defect_tells_the_client_only_where_to_look(client, door, caplog):
    door.script.append(RuntimeError("password=hunter2"))
    response = await client.post(START)
    assert response.status == 500
    message = (await response.json())["message"]
    assert message == f"internal error, see the log for request {response.headers['X-Request-Id']}"
    assert (await client.get("/projects/wordpress")).status == 200


@pytest.mark.parametrize(
    ("accept", "is_text"),
    [
        ("text/plain", True),
        ("text/plain;q=0.5, text/*", True),
        ("text/plain, application/json", False),
        ("*/*", False),
        ("", False),
    ],
)
async def test_an_error_is_text_only_where_nothing_else_is_taken(client, accept, is_text):
    response = await client.get("/projects/nix", headers={"Accept": accept})
    assert response.status == 404
    if is_text:
        assert response.content_type == "text/plain"
        assert (await response.text()).endswith("'nix'\n")
    else:
        assert "Not Found" in (await response.json())["message"]


async def test_warnings_ride_in_a_header(client, door):
    warnings = ("unused: ü\r\nSet-Cookie: a=b", "second\x7f")
    door.script.append(accepted(Progress.RUNNING, warnings=warnings))
    body = {"name": "test", "template": "x"}
    response = await client.post("/projects/", json=body)
    assert response.status == 201
    assert "Set-Cookie" not in response.headers
    value = response.headers["X-Troopers-Warnings"]
    assert value.isascii()
    assert value.isprintable()
    assert json.loads(value) == list(warnings)


def test_too_many_warnings_are_counted_instead():
    value = warnings_value(tuple("w" * 100 for _ in range(1000)))
    assert len(value) <= WARNINGS_BYTES_MAX
    shown = json.loads(value)
    assert shown[-1] == f"and {1000 - (len(shown) - 1)} more"


def test_one_endless_warning_is_counted_too():
    assert json.loads(warnings_value(("w" * 10_000,))) == ["and 1 more"]
