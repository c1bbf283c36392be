import asyncio

import pytest

from coordinator.faces.http.application import build_app
from coordinator.faces.http.serving import serve
from tests.fakes.door import FakeDoor


@pytest.fixture
async def port():
    runner, port = await serve(build_app(FakeDoor()), "127.0.0.1", 0)
    yield port
    await runner.cleanup()


async def spoken(port, raw):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(raw)
    async with asyncio.timeout(5):
        answer = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    return answer.split()[1]


NO_HTTP = {
    "garbage": b"garbage\r\n\r\n",
    "no Host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "two Hosts": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n",
    "bytes in the path": b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a bad chunk": b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
}


@pytest.mark.parametrize("raw", NO_HTTP.values(), ids=NO_HTTP)
async def test_what_is_no_http_is_refused_and_not_logged(port, caplog, raw):
    assert await spoken(port, raw) == b"400"
    assert caplog.records == []


async def test_a_load_balancers_old_probe_is_answered(port):
    assert await spoken(port, b"GET /healthz HTTP/1.0\r\n\r\n") == b"200"


async def test_no_stranger_makes_us_decompress(port, caplog):
    head = b"POST /projects HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\n"
    assert await spoken(port, head + b"Content-Length: 4\r\n\r\nabcd") == b"415"
    await asyncio.sleep(0.05)
    assert caplog.records == []


async def test_a_client_that_leaves_in_its_body_harms_nobody(port, caplog):
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /projects HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{")
    await writer.drain()
    await asyncio.sleep(0.05)
    writer.transport.abort()
    assert await spoken(port, b"GET /healthz HTTP/1.0\r\n\r\n") == b"200"
    assert caplog.records == []


async def test_a_taken_address_is_an_error(port):
    with pytest.raises(OSError, match="address already in use"):
        await serve(build_app(FakeDoor()), "127.0.0.1", port)
