"""The one link to NATS, and servers that hang up, refuse, hang, or are not what they should be."""

import asyncio
import time
from collections.abc import Callable

import pytest
from nats.errors import ConnectionClosedError
from structlog.testing import capture_logs

from daemon import nats_link
from daemon.nats_link import NATS_ERRORS, NatsLink
from daemon.settings import NatsServer, nats_urls
from tests.contract.real_bus import a_link, running
from tests.integration.daemon.fake_server import FakeServer

GOOD_BYES = {
    "nothing": b"",
    "not allowed": b"-ERR 'Authorization Violation'\r\n",
    "not allowed any more": b"-ERR 'User Authentication Expired'\r\n",
    "too many": b"-ERR 'maximum connections exceeded'\r\n",
    "a protocol error": b"-ERR 'Unknown Protocol Operation'\r\n",
    "nonsense": b"\xff\x00 what?\r\n",
    "a message without its end": b"MSG x 1 999\r\nhalf",
}


async def until(is_true: Callable[[], bool], within_s: float = 10.0) -> None:
    async with asyncio.timeout(within_s):
        while not is_true():  # noqa: ASYNC110 - what is watched sets no event
            await asyncio.sleep(0.01)


def a_link_to(*servers: FakeServer, credentials: str = "") -> NatsLink:
    return a_link(",".join(f"nats://{credentials}127.0.0.1:{each.port}" for each in servers))


def port_of(link: NatsLink) -> int:
    """Of the server that it is on."""
    url = link.client.connected_url
    assert url
    assert url.port
    return int(url.port)


@pytest.mark.parametrize("last_words", GOOD_BYES.values(), ids=GOOD_BYES)
async def test_it_comes_back_whatever_the_server_says(last_words: bytes) -> None:
    async with FakeServer() as server:
        link = a_link_to(server)
        told: list[int] = []
        link.on_connect(lambda: told.append(server.connections))
        async with running(link):
            await until(lambda: link.is_connected)
            await server.say(last_words)
            await until(lambda: server.connections == 2 and link.is_connected)
            assert told == [1, 2]


async def test_it_comes_back_from_refusals_though_they_go_on_for_a_while() -> None:
    async with FakeServer() as server:
        link = a_link_to(server)
        async with running(link):
            for count in range(1, 6):
                await until(lambda: server.connections == count and link.is_connected)  # noqa: B023
                await server.say(GOOD_BYES["not allowed"])
            await until(lambda: server.connections == 6 and link.is_connected)


async def test_a_half_open_link_is_given_up_with_its_requests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(nats_link, "_PING_S", 0.1)
    async with FakeServer() as server:
        link = a_link_to(server)
        async with running(link):
            await until(lambda: link.is_connected)
            server.is_silent = True
            with pytest.raises(ConnectionClosedError):
                await link.request("x", b"", within_s=60.0)
            assert link.settled_since is None
            server.is_silent = False
            await until(lambda: link.is_connected)


async def test_a_dead_link_whose_socket_is_full_is_given_up_and_made_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(nats_link, "_PING_S", 0.1)
    async with FakeServer() as server:
        link = a_link_to(server)
        async with running(link):
            await until(lambda: link.is_connected)
            # nats-py waits for what is queued to leave before it calls a connection closed.
            server.stop_reading()
            while server.connections == 1 and link.is_connected:
                await link.publish("x", bytes(1_000_000))
            await until(lambda: server.connections == 2 and link.is_connected)


async def test_a_publisher_that_waits_for_a_full_socket_can_be_cancelled() -> None:
    async with FakeServer() as server:
        link = a_link_to(server)
        async with running(link):
            await until(lambda: link.is_connected)
            server.stop_reading()

            async def publish_for_ever() -> None:
                while True:
                    await link.publish("x", bytes(1_000_000))

            publishing = asyncio.create_task(publish_for_ever())
            await until(lambda: link.client.pending_data_size > 2_000_000)
            publishing.cancel()
            _, late = await asyncio.wait({publishing}, timeout=1)
            assert not late


async def test_requests_end_with_the_link() -> None:
    async with FakeServer() as server:
        link = a_link_to(server)
        async with running(link):
            await until(lambda: link.is_connected)
            asking = asyncio.create_task(link.request("asked", b"", within_s=60.0))
            await until(lambda: any(b"PUB asked" in line for line in server.heard))
            await server.say(b"")
            began = time.monotonic()
            with pytest.raises(ConnectionClosedError):
                await asking
            assert time.monotonic() - began < 2


async def test_without_a_link_requests_fail_at_once_and_messages_are_dropped() -> None:
    link = a_link("nats://127.0.0.1:1")
    with pytest.raises(ConnectionClosedError):
        await link.request("x", b"")
    await link.publish("x", b"")
    assert link.settled_since is None


async def test_subscriptions_are_made_on_every_connection_and_before_anybody_is_told() -> None:
    async with FakeServer() as server:
        link = a_link_to(server)
        heard: list[int] = []

        async def hear(_message: object) -> None:
            return None

        link.subscribe("news", hear)
        link.on_connect(lambda: heard.append(b"".join(server.heard).count(b"SUB news")))
        async with running(link):
            await until(lambda: link.is_connected)
            await server.say(b"")
            await until(lambda: len(heard) == 2)
        assert heard == [1, 2]


async def test_a_defect_of_a_listener_costs_neither_the_link_nor_the_other_listeners() -> None:
    async with FakeServer() as server:
        link, heard = a_link_to(server), asyncio.Event()

        def defect() -> None:
            raise RuntimeError("a defect")

        link.on_connect(defect)
        link.on_connect(heard.set)
        async with running(link):
            await heard.wait()
            assert link.is_connected


async def test_it_moves_to_another_server_when_its_own_hangs_up_or_never_answers() -> None:
    async with FakeServer() as one, FakeServer() as other:
        link = a_link_to(one, other)
        async with running(link):
            for _ in range(4):
                await until(lambda: link.is_connected)
                before = port_of(link)
                held = one if before == one.port else other
                await held.say(b"")
                await until(lambda: not link.is_connected)
                await until(lambda: link.is_connected)
                assert port_of(link) != before


async def test_daemons_try_the_servers_in_different_orders() -> None:
    urls = nats_urls(",".join(f"nats://127.0.0.1:{port}" for port in range(1, 7)))
    orders = {
        tuple(NatsLink(urls, name="c", inbox="_INBOX")._servers)  # the one thing that is random
        for _ in range(20)
    }
    assert len(orders) > 1


async def test_every_client_is_given_once_to_each_who_follows() -> None:
    async with FakeServer() as server:
        link = a_link_to(server)
        seen: list[object] = []

        async def follow() -> None:
            async for client in link.clients():
                seen.append(client)  # noqa: PERF401 - it never ends

        following = asyncio.create_task(follow())
        async with running(link):
            await until(lambda: len(seen) == 1)
            await server.say(b"")
            await until(lambda: len(seen) == 2)
        following.cancel()
        await asyncio.wait({following})
        assert len(set(map(id, seen))) == 2


async def test_credentials_reach_the_server_decoded_and_the_log_not_at_all() -> None:
    with capture_logs() as logs:
        async with FakeServer(auth_required=True) as server:
            link = a_link_to(server, credentials="coord:p%40ss%2Cword@")
            async with running(link):
                await until(lambda: link.is_connected)
                await server.say(GOOD_BYES["not allowed"])
                await until(lambda: server.connections == 2 and link.is_connected)
        connect = next(line for line in server.heard if line.startswith(b"CONNECT"))
    assert b'"user": "coord"' in connect
    assert b'"pass": "p@ss,word"' in connect
    assert logs
    assert "p%40ss" not in repr(logs)
    assert "p@ss" not in repr(logs)
    assert f"127.0.0.1:{server.port}" in repr(logs)


async def test_a_server_that_stays_away_is_complained_of_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(nats_link, "_PAUSE_S_MAX", 0.01)
    tried, hold = [], NatsLink._hold

    async def counted(link: NatsLink, server: NatsServer) -> float:
        tried.append(await hold(link, server))
        return tried[-1]

    monkeypatch.setattr(NatsLink, "_hold", counted)
    with capture_logs() as logs:
        async with running(a_link("nats://127.0.0.1:1", spread_s=0.0)):
            await until(lambda: len(tried) == 4)
    assert len(logs) == 1


async def test_a_tls_server_that_speaks_plain_text_is_told_no_password() -> None:
    async with FakeServer(auth_required=True) as server:
        link = a_link(f"tls://coord:secret@127.0.0.1:{server.port}")
        async with running(link):
            await until(lambda: server.connections >= 2)
        assert not link.is_connected
        assert server.heard == []


async def test_a_block_that_outlives_its_time_ends_with_a_time_out_and_the_link_stays() -> None:
    async with FakeServer() as server:
        link = a_link_to(server)
        async with running(link):
            await until(lambda: link.is_connected)
            with pytest.raises(TimeoutError):
                await link.request("x", b"", within_s=0.05)
            assert link.is_connected
            assert TimeoutError in NATS_ERRORS


async def test_a_flush_that_is_cancelled_leaves_the_link_as_it_is() -> None:
    async with FakeServer() as server:
        link = a_link_to(server)
        async with running(link):
            await until(lambda: link.is_connected)
            flushing = asyncio.create_task(link.client.flush())
            await asyncio.sleep(0)
            flushing.cancel()
            await asyncio.wait({flushing})
            async with asyncio.timeout(2):
                await link.client.flush()
            assert server.connections == 1
