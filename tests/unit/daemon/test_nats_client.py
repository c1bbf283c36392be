"""A cancellation that arrives together with an answer is not lost, and breaks nothing else."""

import asyncio

import pytest
from nats.aio import client as upstream
from nats.errors import ConnectionClosedError

from daemon.nats_client import Client, cancellation_kept


async def cancelled_with_its_answer(client: Client) -> asyncio.Task[object]:
    """A request whose answer and whose cancellation arrive in one turn of the loop."""
    task: asyncio.Task[object] = asyncio.create_task(client.request("x"))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    return task


@pytest.mark.parametrize("outcome", ["answers", "fails"])
async def test_a_request_cancelled_as_it_ends_is_cancelled(
    monkeypatch: pytest.MonkeyPatch, outcome: str
) -> None:
    async def swallows(_self: upstream.Client, _subject: str) -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if outcome == "fails":
                raise ValueError("refused") from None
        return "answer"

    monkeypatch.setattr(upstream.Client, "request", swallows)
    assert (await cancelled_with_its_answer(Client())).cancelled()


async def test_a_cancellation_that_the_wait_for_of_old_forgets_is_kept() -> None:
    answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def wait() -> str:
        with cancellation_kept():
            return await asyncio.wait_for(answer, 5.0)

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    answer.set_result("answer")
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()


async def test_a_timeout_around_it_still_is_a_timeout() -> None:
    async def wait() -> None:
        async with asyncio.timeout(0.01):
            with cancellation_kept():
                await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await wait()


async def test_a_wait_that_nobody_cancelled_ends_as_one_on_a_lost_connection() -> None:
    answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(answer.cancel)
    with pytest.raises(ConnectionClosedError), cancellation_kept():
        await answer


async def test_a_cleanup_after_a_cancellation_may_use_it() -> None:
    said: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            with cancellation_kept():
                await asyncio.sleep(0)
            said.append("cleaned up")

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    assert said == ["cleaned up"]


async def test_the_pong_of_a_cancelled_flush_is_counted_and_breaks_nothing() -> None:
    client = Client()
    loop = asyncio.get_running_loop()
    cancelled, awaited = loop.create_future(), loop.create_future()
    cancelled.cancel()
    client._pongs = [cancelled, awaited]
    client._pings_outstanding = 2
    await client._process_pong()
    assert client._pings_outstanding == 0
    assert not awaited.done()
    await client._process_pong()
    assert awaited.result() is True
