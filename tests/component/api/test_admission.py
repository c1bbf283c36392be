"""What an overloaded coordinator refuses, over HTTP, and what it answers all the same."""

import asyncio
import re

import pytest
from aiohttp.test_utils import TestClient, TestServer

from coordinator.faces.admission import BOUNDS, Admission, Bound, Cause, Kind
from coordinator.faces.http.application import build_app

READ = ("GET", "/projects/wordpress")
LIST = ("GET", "/projects/")
COMMAND = ("POST", "/projects/wordpress/start?wait=0")
WAITING = ("POST", "/projects/wordpress/start?wait=5")
CREATION = {"name": "new", "template": "web: {image: nginx}"}
PROBES = [("GET", path) for path in ("/healthz", "/readyz", "/metrics", "/openapi.json")]


@pytest.fixture
def at_once():
    """Bounds of this test's own, by kind."""
    return {}


@pytest.fixture
async def client(door, metrics, lateness, at_once):
    bounds = {
        kind: Bound(at_once.get(kind, bound.at_once), bound.lag_s_max)
        for kind, bound in BOUNDS.items()
    }
    app = build_app(
        door,
        meter=metrics,
        exposition=metrics.exposition,
        admission=Admission(lateness, metrics, bounds),
    )
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.fixture
def held(door, monkeypatch):
    """Commands are decided once this is set, and then wait for `door.effect`."""
    may_decide, door.effect, submit = asyncio.Event(), asyncio.Event(), door.submit
    door.effect.set()

    async def slowly(command, decided):
        door.arrived.set()
        await may_decide.wait()
        decided()
        door.waits.set()
        await door.effect.wait()
        return await submit(command)

    door.arrived, door.waits = asyncio.Event(), asyncio.Event()
    monkeypatch.setattr(door, "submit", slowly)
    return may_decide


@pytest.mark.parametrize(
    ("lag_s", "refused"),
    [
        (0.1, set()),
        (0.11, {LIST}),
        (0.26, {LIST, COMMAND}),
        (0.51, {LIST, COMMAND, READ}),
    ],
)
async def test_a_late_loop_refuses_what_costs_most_first(client, door, lateness, lag_s, refused):
    lateness.lag_s = lag_s
    for method, path in (LIST, COMMAND, READ):
        response = await client.request(method, path)
        is_refused = (method, path) in refused
        assert response.status == (503 if is_refused else 200)
        assert response.headers.get("Retry-After") == ("2" if is_refused else None)
    assert len(door.submitted) == (COMMAND not in refused)


@pytest.mark.parametrize(("method", "path"), PROBES)
async def test_what_watches_is_never_refused(client, lateness, method, path):
    lateness.lag_s = 60.0
    assert (await client.request(method, path)).status == 200


async def test_what_is_refused_is_counted(client, metrics, lateness):
    lateness.lag_s = 60.0
    await client.get("/hosts/")
    await client.post("/projects/", json=CREATION)
    shown = metrics.exposition()[0].decode()
    found = re.findall(r'refusals_total{cause="(\w+)",kind="(\w+)"} (\S+)', shown)
    assert sorted(found) == [(Cause.LATE, Kind.LIST, "1.0"), (Cause.LATE, Kind.TEMPLATE, "1.0")]


async def test_a_refused_command_is_not_read(client, lateness, door):
    lateness.lag_s = 60.0
    response = await client.post("/projects/", data=b"no JSON at all")
    assert response.status == 503
    assert door.submitted == []


@pytest.mark.parametrize("at_once", [{Kind.COMMAND: 1}])
async def test_more_commands_than_are_decided_at_once_are_refused(client, door, held):
    first = asyncio.create_task(client.request(*COMMAND))
    await door.arrived.wait()
    second = await client.request(*COMMAND)
    assert (second.status, second.headers["Retry-After"]) == (429, "1")
    assert (await second.json())["message"] == "too many at once: commands"
    assert (await client.request(*READ)).status == 200
    held.set()
    assert (await first).status == 200
    assert (await client.request(*COMMAND)).status == 200
    assert len(door.submitted) == 2


@pytest.mark.parametrize("at_once", [{Kind.TEMPLATE: 1}])
async def test_templates_take_no_other_commands_place(client, door, held):
    first = asyncio.create_task(client.post("/projects/", json=CREATION))
    await door.arrived.wait()
    assert (await client.post("/projects/", json=CREATION)).status == 429
    other = asyncio.create_task(client.request(*COMMAND))
    held.set()
    assert (await other).status == 200
    assert (await first).status == 201


@pytest.mark.parametrize("at_once", [{Kind.COMMAND: 1}])
async def test_a_command_that_waits_for_its_effect_is_in_no_other_commands_way(client, door, held):
    door.effect.clear()
    held.set()
    waiting = asyncio.create_task(client.request(*WAITING))
    await door.waits.wait()
    other = asyncio.create_task(client.request(*COMMAND))
    door.waits.clear()
    await door.waits.wait()
    door.effect.set()
    assert {(await waiting).status, (await other).status} == {200}


@pytest.mark.parametrize("at_once", [{Kind.WAIT: 1}])
async def test_more_than_may_wait_are_told_that_without_a_wait_they_are_taken(client, door, held):
    held.set()
    door.effect.clear()
    first = asyncio.create_task(client.request(*WAITING))
    await door.waits.wait()
    second = await client.request(*WAITING)
    assert (second.status, second.headers["Retry-After"]) == (429, "1")
    assert "without a wait, this one is taken" in (await second.json())["message"]
    door.effect.set()
    assert (await client.request(*COMMAND)).status == 200
    assert (await first).status == 200
    assert (await client.request(*WAITING)).status == 200


@pytest.mark.parametrize("at_once", [{Kind.LIST: 1}])
async def test_more_lists_than_are_made_at_once_are_refused(client, door, monkeypatch):
    arrived, release, ask = asyncio.Event(), asyncio.Event(), door.ask

    async def slowly(query):
        arrived.set()
        await release.wait()
        return await ask(query)

    monkeypatch.setattr(door, "ask", slowly)
    first = asyncio.create_task(client.request(*LIST))
    await arrived.wait()
    assert (await client.request(*LIST)).status == 429
    read = asyncio.create_task(client.request(*READ))
    release.set()
    assert (await read).status == 200
    assert (await first).status == 200
    assert (await client.request(*LIST)).status == 200


@pytest.mark.parametrize("at_once", [{Kind.READ: 1}])
async def test_an_error_gives_its_place_back(client):
    assert (await client.get("/projects/nix")).status == 404
    assert (await client.request(*READ)).status == 200
