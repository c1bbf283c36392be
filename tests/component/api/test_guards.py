import pytest
from aiohttp.test_utils import TestClient, TestServer

from coordinator.faces.http.application import build_app
from coordinator.faces.http.guards import LOOPBACK_HOSTS

START = "/projects/wordpress/start"


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:4280", "127.0.0.1", "127.0.0.1:1", "[::1]:4280", "localhost.:1"],
)
async def test_loopback_names_are_served(client, host):
    assert (await client.get("/healthz", headers={"Host": host})).status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example:80", "localhost.evil.example", "10.0.0.1"]
)
async def test_another_hosts_name_is_refused(client, door, host):
    assert (await client.post(START, headers={"Host": host})).status == 403
    assert door.submitted == []


@pytest.mark.parametrize("host", ["", "a b", "user@localhost", "localhost:", "localhost:x", "::1"])
async def test_an_invalid_host_is_refused(client, door, host):
    assert (await client.post(START, headers={"Host": host})).status == 400
    assert door.submitted == []


async def test_a_configured_name_is_served_and_none_means_any(door):
    for hosts, expected in ((LOOPBACK_HOSTS | {"Cluster.example"}, 403), (None, 200)):
        async with TestClient(TestServer(build_app(door, hosts=hosts))) as client:
            named = await client.get("/healthz", headers={"Host": "cluster.example:4243"})
            assert named.status == 200
            other = await client.get("/healthz", headers={"Host": "other.example"})
            assert other.status == expected


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "", "http://localhost:1", "file://"]
)
async def test_another_origin_is_refused(client, door, origin):
    response = await client.post(START, headers={"Origin": origin, "Host": "localhost:4280"})
    assert response.status == 403
    assert door.submitted == []


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_its_own_origin_is_served(client, door, scheme):
    headers = {"Origin": f"{scheme}://localhost:4280", "Host": "localhost:4280"}
    assert (await client.post(START, headers=headers)).status == 200


async def test_a_request_keeps_its_id_or_gets_one(client):
    given = await client.get("/nix", headers={"X-Request-Id": "mine-1"})
    assert given.headers["X-Request-Id"] == "mine-1"
    bad = await client.get("/nix", headers={"X-Request-Id": "not an id"})
    assert bad.headers["X-Request-Id"] not in ("", "not an id")


@pytest.mark.parametrize(
    ("method", "path", "control"),
    [
        ("GET", "/projects/", "no-cache"),
        ("GET", "/projects/nix", "no-store"),
        ("GET", "/readyz", "no-store"),
        ("POST", "/projects/wordpress/start", "no-store"),
    ],
)
async def test_no_answer_is_used_again_unasked_or_sniffed_or_names_its_server(
    client, method, path, control
):
    headers = (await client.request(method, path)).headers
    assert headers["Cache-Control"] == control
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Server"] == "troopers"


async def test_readiness_is_the_doors(client, door):
    assert (await client.get("/readyz")).status == 200
    door.closed_because = "NATS does not answer"
    response = await client.get("/readyz")
    assert (response.status, await response.json()) == (503, {"message": "NATS does not answer"})
    assert (await client.get("/healthz")).status == 200


async def test_requests_are_counted_by_route_not_by_path(client, metrics):
    for path in ("/projects/wordpress", "/projects/nix", "/nix/1", "/nix/2"):
        await client.get(path)
    response = await client.get("/metrics")
    assert response.content_type == "text/plain"
    text = await response.text()
    total = "troopers_coordinator_http_requests_total"
    assert f'{total}{{method="GET",route="/projects/{{name}}",status="200"}} 1.0' in text
    assert f'{total}{{method="GET",route="/projects/{{name}}",status="404"}} 1.0' in text
    assert f'{total}{{method="GET",route="unmatched",status="404"}} 2.0' in text
    assert 'http_request_duration_seconds_count{method="GET",route="/projects/{name}"} 2.0' in text
