"""HTTP requests at a fixed rate, whether or not the earlier ones have been answered.

A latency counts from the moment the request was due, so that what queues up behind a slow answer is
counted too, as its senders would feel it.
"""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

import aiohttp

from cli.errors import ApiError

#: who waits longer has given up
PATIENCE_S = 20.0
#: what a refused request waits before it is sent again
RETRY_S = 1.0
#: instead of a status
NO_ANSWER = 0
#: answers that ask to come back later
_WORTH_TRYING_AGAIN = frozenset(
    {NO_ANSWER, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
)


@dataclass(frozen=True, slots=True)
class Request:
    """One request; with a body it is a POST. With an id it may be sent again."""

    path: str
    body: Mapping[str, object] | None = None
    command_id: str = ""


@dataclass(frozen=True, slots=True)
class Stream:
    """Requests of one kind: `make` gives the one with a number, from 0."""

    kind: str
    per_s: float
    make: Callable[[int], Request]


#: told of each answer: the stream's kind, the request, its status, and the seconds since it was due
Note = Callable[[str, Request, int, float], None]


@dataclass(slots=True)
class Latencies:
    """Of one kind, in seconds. A request without a good answer counts as long as it was awaited."""

    seconds: list[float] = field(default_factory=list)
    #: how often each status was the answer that was no success
    failed: Counter[int] = field(default_factory=Counter)

    def quantile(self, share: float) -> float:
        """The latency that this share of the requests doesn't exceed."""
        ranked = sorted(self.seconds)
        return ranked[min(len(ranked) - 1, int(share * len(ranked)))] if ranked else 0.0

    def __str__(self) -> str:
        quantiles = (
            f"{name} {self.quantile(share) * 1000:,.0f} ms"
            for name, share in (("p50", 0.5), ("p99", 0.99))
        )
        faults = (f"{count} x {status or 'no answer'}" for status, count in self.failed.items())
        failed = ", ".join(faults) or "none"
        return f"{', '.join(quantiles)} ({len(self.seconds)} requests; failed: {failed})"


async def load(url: str, streams: Sequence[Stream], seconds: float) -> Mapping[str, Latencies]:
    """Send everything that becomes due within so many seconds; by kind, how long answers took."""
    found: defaultdict[str, Latencies] = defaultdict(Latencies)

    def note(kind: str, _request: Request, status: int, took_s: float) -> None:
        found[kind].seconds.append(took_s)
        if not is_success(status):
            found[kind].failed[status] += 1

    await send_streams(url, streams, seconds, note)
    return found


async def send_streams(url: str, streams: Sequence[Stream], seconds: float, note: Note) -> None:
    """Send everything that becomes due within so many seconds, and note each answer."""
    async with session(url) as client, asyncio.TaskGroup() as tasks:
        began = time.monotonic()
        for stream in streams:
            tasks.create_task(_send(client, stream, began, seconds, note))


def session(url: str) -> aiohttp.ClientSession:
    """A client with as many connections as it takes."""
    return aiohttp.ClientSession(
        url,
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(total=PATIENCE_S),
    )


async def send_all(url: str, requests: Sequence[Request], at_once: int) -> int:
    """Send each until it is accepted, so many at a time; how many answers were no success.

    Raises:
        ApiError: one was refused for good.
    """
    turns = asyncio.Semaphore(at_once)

    async def one(request: Request) -> int:
        async with turns:
            tries = 0
            while not is_success(status := await answer(client, request)):
                if status not in _WORTH_TRYING_AGAIN:
                    raise ApiError(f"{request.path} was answered with {status}", status=status)
                tries += 1
                await asyncio.sleep(RETRY_S)
            return tries

    async with session(url) as client:
        return sum(await asyncio.gather(*map(one, requests)))


def is_success(status: int) -> bool:
    return 200 <= status < 300


async def answer(client: aiohttp.ClientSession, request: Request) -> int:
    """Ask, and read the whole answer; its status, or 0 if there is none."""
    method = "GET" if request.body is None else "POST"
    headers = {"X-Command-Id": request.command_id} if request.command_id else {}
    try:
        async with client.request(
            method, request.path, json=request.body, headers=headers
        ) as response:
            await response.read()
            return response.status
    except (aiohttp.ClientError, TimeoutError):
        return NO_ANSWER


async def _send(
    client: aiohttp.ClientSession,
    stream: Stream,
    began: float,
    seconds: float,
    note: Note,
) -> None:
    async def one(request: Request, due: float) -> None:
        status = await answer(client, request)
        note(stream.kind, request, status, time.monotonic() - due)

    async with asyncio.TaskGroup() as tasks:
        for number in range(int(seconds * stream.per_s)):
            due = began + number / stream.per_s
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            tasks.create_task(one(stream.make(number), due))
