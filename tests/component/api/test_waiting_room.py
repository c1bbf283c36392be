import asyncio

from aiohttp.test_utils import TestClient, TestServer

from coordinator.faces.http.application import build_app
from coordinator.faces.waiting_room import WaitingRoom

START = "/projects/wordpress/start"


def test_a_seat_is_free_again_after_its_block():
    room = WaitingRoom(seats=1)
    with room.seat() as first:
        with room.seat() as second:
            assert (first, second) == (True, False)
        with room.seat() as third:
            assert not third
    with room.seat() as last:
        assert last


async def test_more_who_would_wait_than_there_are_seats_are_sent_away_for_a_moment(
    door, monkeypatch
):
    seated, release, submit = asyncio.Event(), asyncio.Event(), door.submit

    async def wait(command):
        if command.wait:
            seated.set()
            await release.wait()
        return await submit(command)

    monkeypatch.setattr(door, "submit", wait)
    async with TestClient(TestServer(build_app(door, seats=1))) as client:
        first = asyncio.create_task(client.post(f"{START}?wait=5"))
        await seated.wait()
        second = await client.post(f"{START}?wait=5")
        assert (second.status, second.headers["Retry-After"]) == (503, "2")
        assert (await client.post(f"{START}?wait=0")).status == 200
        assert (await client.get("/projects/")).status == 200
        release.set()
        assert (await first).status == 200
        assert (await client.post(f"{START}?wait=5")).status == 200
