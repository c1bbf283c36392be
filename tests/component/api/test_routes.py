import pytest

from coordinator.faces.http.application import build_app
from schemas import openapi
from schemas.routes import PLANNED, ROUTES
from tests.fakes.door import FakeDoor

#: served beside the table; /metrics and the documents are for machines that know them
PROBES = {("GET", "/healthz"), ("GET", "/readyz")}
UNDOCUMENTED = {("GET", "/openapi.json"), ("GET", "/metrics")}


def served():
    app = build_app(FakeDoor(), exposition=lambda: (b"", "text/plain"))
    return {(r.method, r.resource.canonical) for r in app.router.routes() if r.resource}


def documented():
    paths = openapi.document()["paths"]
    return {(method.upper(), path) for path, item in paths.items() for method in item}


def bare(pairs):
    return {(method, path.rstrip("/")) for method, path in pairs}


def test_what_is_documented_is_what_is_served():
    planned = {(method, path) for method, path, _ in PLANNED}
    without_head = {pair for pair in bare(served()) if pair[0] != "HEAD"}
    assert without_head == bare(documented() | planned | UNDOCUMENTED)
    assert documented() == {(route.method, route.path) for route in ROUTES} | PROBES


def test_every_path_is_served_with_and_without_its_last_slash():
    for method, path in documented():
        assert {(method, path.rstrip("/")), (method, path.rstrip("/") + "/")} <= served()


def test_every_read_answers_head():
    reads = {path for method, path in served() if method == "GET"}
    assert {path for method, path in served() if method == "HEAD"} == reads


@pytest.mark.parametrize("path", ["/projects", "/projects/", "/services", "/services/", "/hosts"])
async def test_lists_are_served_without_a_redirect(client, path):
    response = await client.get(path, allow_redirects=False)
    assert response.status == 200
    assert response.headers["Content-Type"] == "application/json;charset=UTF-8"
    assert isinstance(await response.json(), list)


async def test_a_project_and_a_service_are_objects(client):
    assert (await (await client.get("/projects/wordpress")).json())["name"] == "wordpress"
    assert (await (await client.get("/services/wordpress_db/")).json())["id"] == "wordpress_db"


async def test_head_has_the_headers_and_no_body(client):
    response = await client.head("/projects/wordpress")
    assert response.status == 200
    assert int(response.headers["Content-Length"]) > 100
    assert await response.read() == b""


async def test_hosts_are_the_nodes(client):
    (node,) = await (await client.get("/hosts/")).json()
    assert (node["Name"], node["Healthy"]) == ("n1", True)


@pytest.mark.parametrize(("method", "path", "about"), PLANNED)
async def test_what_comes_later_says_so(client, door, method, path, about):
    response = await client.request(method, path.replace("{name}", "wordpress"))
    assert response.status == 501
    assert (await response.json())["message"] == f"{about} is not supported yet"
    assert door.submitted == []


async def test_the_misprinted_singular_path_is_not_served(client, door):
    assert (await client.post("/service/wordpress_db/start")).status == 404
    assert door.submitted == []


async def test_the_document_is_served(client):
    response = await client.get("/openapi.json")
    assert await response.json() == openapi.document()
