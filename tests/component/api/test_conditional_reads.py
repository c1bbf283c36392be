"""A client that has a body already is told so, without the body."""

import pytest
from aiohttp.test_utils import TestClient, TestServer

from coordinator.faces.http.application import build_app
from tests.fakes.door import FakeDoor
from tests.fakes.pictures import a_node, a_project

READS = [
    "/projects/",
    "/projects/wordpress",
    "/projects/wordpress?services=0",
    "/services/",
    "/services/wordpress_db",
    "/volumes",
    "/hosts/",
]


@pytest.mark.parametrize("path", READS)
async def test_every_read_has_a_strong_tag_by_which_it_is_not_sent_again(client, path):
    first = await client.get(path)
    tag = first.headers["ETag"]
    assert tag.startswith('"')
    second = await client.get(path, headers={"If-None-Match": tag})
    assert (second.status, await second.read()) == (304, b"")
    assert second.headers["ETag"] == tag
    assert second.headers["Cache-Control"] == "no-cache"
    assert "Content-Type" not in second.headers


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ("{tag}", 304),
        ("W/{tag}", 304),
        ('"other", W/"another" ,{tag}', 304),
        ("*", 304),
        (" * ", 304),
        ('"*"', 200),
        ('"other"', 200),
        ("unquoted", 200),
        ("", 200),
    ],
)
async def test_any_of_the_tags_that_a_client_has_will_do(client, given, status):
    tag = (await client.get("/projects/wordpress")).headers["ETag"]
    headers = {"If-None-Match": given.format(tag=tag)}
    assert (await client.get("/projects/wordpress", headers=headers)).status == status


async def test_tags_may_come_in_several_headers(client):
    tag = (await client.get("/projects/wordpress")).headers["ETag"]
    headers = [("If-None-Match", '"other"'), ("If-None-Match", tag)]
    assert (await client.get("/projects/wordpress", headers=headers)).status == 304


async def test_a_change_is_sent(client, door):
    tag = (await client.get("/projects/")).headers["ETag"]
    door.projects["blog"] = a_project("blog", version="2.0")
    response = await client.get("/projects/", headers={"If-None-Match": tag})
    assert response.status == 200
    assert [each["version"] for each in await response.json()] == ["2.0", "1.0"]
    assert response.headers["ETag"] != tag


@pytest.mark.parametrize("path", READS)
async def test_head_has_the_same_headers_and_no_body(client, path):
    shown, head = await client.get(path), await client.head(path)
    assert (head.status, await head.read()) == (200, b"")
    for name in ("ETag", "Content-Length", "Content-Type", "Cache-Control"):
        assert head.headers[name] == shown.headers[name]
    same = await client.head(path, headers={"If-None-Match": shown.headers["ETag"]})
    assert same.status == 304


async def test_another_coordinator_gives_the_same_tag(client):
    other = FakeDoor({"blog": a_project("blog"), "wordpress": a_project()}, (a_node(),))
    async with TestClient(TestServer(build_app(other))) as second:
        for path in READS:
            tags = {(await each.get(path)).headers["ETag"] for each in (client, second)}
            assert len(tags) == 1


async def test_what_is_not_found_has_no_tag_and_ignores_the_client_s(client):
    response = await client.get("/projects/nix", headers={"If-None-Match": "*"})
    assert response.status == 404
    assert "ETag" not in response.headers


async def test_a_standby_s_answer_is_marked_as_stale_also_when_it_is_not_sent(client, door):
    tag = (await client.get("/projects/")).headers["ETag"]
    door.closed_because = "a standby"
    response = await client.get("/projects/", headers={"If-None-Match": tag})
    assert response.status == 304
    assert response.headers["Warning"] == '110 troopers "Response is Stale"'
    assert response.headers["X-Request-Id"]
