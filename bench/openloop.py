"""HTTP requests at a fixed rate, whether or not the earlier ones have been answered.

A latency counts from the moment the request was due, so that what queues up behind a slow answer is
counted too, as its senders would feel it.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import aiohttp

#: who waits longer has given up
PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True)
class Request:
    """One request; with a body it is a POST."""

    path: str
    body: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    """Requests of one kind: `make` gives the one with a number, from 0."""

    kind: str
    per_s: float
    make: Callable[[int], Request]


@dataclass(slots=True)
class Latencies:
    """Of one kind, in seconds. A request without a good answer counts as long as it was awaited."""

    seconds: list[float] = field(default_factory=list)
    failed: int = 0

    def quantile(self, share: float) -> float:
        """The latency that this share of the requests doesn't exceed."""
        ranked = sorted(self.seconds)
        return ranked[min(len(ranked) - 1, int(share * len(ranked)))] if ranked else 0.0

    def __str__(self) -> str:
        quantiles = (
            f"{name} {self.quantile(share) * 1000:,.0f} ms"
            for name, share in (("p50", 0.5), ("p99", 0.99))
        )
        return f"{', '.join(quantiles)} ({len(self.seconds)} requests, {self.failed} failed)"


async def load(url: str, streams: Sequence[Stream], seconds: float) -> Mapping[str, Latencies]:
    """Send everything that becomes due within so many seconds; by kind, how long answers took."""
    found: defaultdict[str, Latencies] = defaultdict(Latencies)
    async with session(url) as client, asyncio.TaskGroup() as tasks:
        began = time.monotonic()
        for stream in streams:
            tasks.create_task(_send(client, stream, began, seconds, found[stream.kind]))
    return found


def session(url: str) -> aiohttp.ClientSession:
    """A client with as many connections as it takes."""
    return aiohttp.ClientSession(
        url,
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(total=PATIENCE_S),
    )


async def succeeds(client: aiohttp.ClientSession, request: Request) -> bool:
    """Ask, and read the whole answer."""
    method = "GET" if request.body is None else "POST"
    try:
        async with client.request(method, request.path, json=request.body) as answer:
            await answer.read()
            return answer.ok
    except (aiohttp.ClientError, TimeoutError):
        return False


async def _send(
    client: aiohttp.ClientSession,
    stream: Stream,
    began: float,
    seconds: float,
    latencies: Latencies,
) -> None:
    async def one(request: Request, due: float) -> None:
        is_good = await succeeds(client, request)
        latencies.seconds.append(time.monotonic() - due)
        latencies.failed += not is_good

    async with asyncio.TaskGroup() as tasks:
        for number in range(int(seconds * stream.per_s)):
            due = began + number / stream.per_s
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            tasks.create_task(one(stream.make(number), due))
