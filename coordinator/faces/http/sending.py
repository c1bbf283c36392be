"""Answers to queries on their way out: not sent when the client has them, in chunks when long.

A long answer is never joined: chunks are made of its pieces as fast as the client reads them.
"""

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus

from aiohttp import web

from coordinator.faces.http.answers import JSON_TYPE
from coordinator.ports import Answer

#: A turn of the loop sends one for each reader: small enough for all lists at once to take some
#: milliseconds, large enough for one of 20 MiB not to need hundreds of turns.
CHUNK_BYTES = 128 * 1024
#: A client that takes less than a chunk in this time has gone, or holds on to what is kept for it.
STALL_S = 30.0

#: weak or strong: for a read it makes no difference (RFC 9110, 13.1.2)
_TAGS = re.compile(r'(?:W/)?"([^"]*)"')


async def send(
    request: web.Request, answer: Answer, headers: Mapping[str, str]
) -> web.StreamResponse:
    """The response to a query, already sent when it is long."""
    tagged = {**headers, "ETag": f'"{answer.tag}"'}
    if _has_it(request, answer.tag):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=tagged)
    typed = {**tagged, "Content-Type": JSON_TYPE}
    if answer.size <= CHUNK_BYTES:
        return web.Response(body=b"".join(answer.pieces), headers=typed)
    response = web.StreamResponse(headers=typed)
    response.content_length = answer.size
    if request.method != "HEAD":
        await response.prepare(request)
        await _write(request, response, answer.pieces)
    return response


async def _write(
    request: web.Request, response: web.StreamResponse, pieces: Iterable[bytes]
) -> None:
    try:
        for chunk in chunks(pieces):
            async with asyncio.timeout(STALL_S):
                await response.write(chunk)
            # A client that reads as fast as this writes never makes it wait; others must not.
            await asyncio.sleep(0)
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
    except ConnectionError:
        # It has hung up; the server notices that by itself.
        return


def chunks(pieces: Iterable[bytes], size_max: int = CHUNK_BYTES) -> Iterator[bytes]:
    """The same bytes in parts of at most `size_max`, all but few of them nearly as long."""
    pending: list[bytes | memoryview] = []
    size = 0
    for piece in pieces:
        for start in range(0, len(piece), size_max):
            part = memoryview(piece)[start : start + size_max]
            if size + len(part) > size_max:
                yield b"".join(pending)
                pending, size = [], 0
            pending.append(part)
            size += len(part)
    if pending:
        yield b"".join(pending)


def _has_it(request: web.Request, tag: str) -> bool:
    given = ",".join(request.headers.getall("If-None-Match", ()))
    return given.strip() == "*" or tag in _TAGS.findall(given)
