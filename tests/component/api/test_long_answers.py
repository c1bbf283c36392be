"""Long answers are sent in chunks, as fast as their reader takes them."""

import asyncio
import contextlib
import itertools
import json

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.faces.admission import BOUNDS, Admission, Bound, Kind
from coordinator.faces.http import sending
from coordinator.faces.http.application import build_app
from coordinator.faces.http.sending import chunks
from coordinator.faces.http.serving import serve
from coordinator.ports import Answer
from tests.fakes.pictures import a_project

#: more than the kernel buffers between the two ends of a connection
ENDLESS = Answer((b"[0" + b" " * 2**20, *([b" " * 2**20] * 63), b"]"), "a-tag", 64 * 2**20 + 3)


@given(st.lists(st.binary(max_size=70), max_size=20), st.integers(1, 16))
def test_chunks_are_the_same_bytes_in_parts_of_bounded_size(pieces, size_max):
    parts = list(chunks(pieces, size_max))
    assert b"".join(parts) == b"".join(pieces)
    assert all(0 < len(part) <= size_max for part in parts)
    # No two neighbours would have fitted into one.
    assert all(len(a) + len(b) > size_max for a, b in itertools.pairwise(parts))


async def test_a_list_of_more_than_a_mebibyte_arrives_whole(client, door):
    door.projects = {
        f"p{number:03}": a_project(f"p{number:03}", description="ü" * 512) for number in range(1000)
    }
    response = await client.get("/projects/")
    body = await response.read()
    assert len(body) == int(response.headers["Content-Length"]) > 2**20
    assert [each["name"] for each in json.loads(body)] == sorted(door.projects)
    assert response.headers["Content-Type"] == "application/json;charset=UTF-8"
    assert response.headers["Cache-Control"] == "no-cache"
    assert response.headers["X-Request-Id"]
    again = await client.get("/projects/", headers={"If-None-Match": response.headers["ETag"]})
    assert again.status == 304


async def test_the_head_of_a_long_list_names_its_length_and_keeps_the_connection(client, door):
    door.answers += [ENDLESS, ENDLESS]
    head = await client.head("/projects/")
    assert (head.status, int(head.headers["Content-Length"])) == (200, ENDLESS.size)
    assert (await client.get("/healthz")).status == 200
    assert len(await (await client.get("/projects/")).read()) == ENDLESS.size


@contextlib.asynccontextmanager
async def reader(port):
    """A client that has the head of a list, and of its body only what a test reads."""
    reading, writing = await asyncio.open_connection("127.0.0.1", port)
    writing.write(b"GET /projects/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await reading.readuntil(b"\r\n\r\n")
    yield reading
    writing.transport.abort()


@pytest.fixture
async def port(door):
    bounds = {**BOUNDS, Kind.LIST: Bound(at_once=1, lag_s_max=0.1)}
    runner, port = await serve(build_app(door, admission=Admission(bounds=bounds)), "127.0.0.1", 0)
    yield port
    await runner.cleanup()


@pytest.fixture
async def others(port):
    """Whoever asks at the same time."""
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
        yield client


async def until_lists_are_answered(others):
    async with asyncio.timeout(10):
        while (await others.get("/projects/")).status != 200:  # noqa: ASYNC110 - the server acts
            await asyncio.sleep(0.01)


async def test_a_slow_reader_is_waited_for_and_others_are_answered(door, port, others, monkeypatch):
    made = []

    def counted(pieces):
        for chunk in chunks(pieces):
            made.append(len(chunk))
            yield chunk

    monkeypatch.setattr(sending, "chunks", counted)
    door.answers.append(ENDLESS)
    async with reader(port) as slow:
        for _ in range(50):
            assert (await others.get("/projects/wordpress")).status == 200
        assert sum(made) < ENDLESS.size
        # It still has its place among the lists.
        assert (await others.get("/services/")).status == 429
        assert len(await slow.readexactly(ENDLESS.size)) == ENDLESS.size
        assert sum(made) == ENDLESS.size
        await until_lists_are_answered(others)


async def test_a_reader_that_hangs_up_leaves_its_place(door, port, others, caplog):
    door.answers.append(ENDLESS)
    async with reader(port):
        assert (await others.get("/services/")).status == 429
    await until_lists_are_answered(others)
    assert caplog.records == []


async def test_a_reader_that_reads_nothing_is_cut_off(door, port, others, caplog, monkeypatch):
    monkeypatch.setattr(sending, "STALL_S", 0.05)
    door.answers.append(ENDLESS)
    async with reader(port) as stalled:
        await until_lists_are_answered(others)
        with contextlib.suppress(ConnectionError):
            assert len(await stalled.read(-1)) < ENDLESS.size
    assert caplog.records == []
