"""One active coordinator at a time, whatever happens to it or to the broker."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Coroutine

import pytest
from pydantic import BaseModel

from coordinator.bus import stores
from coordinator.bus.buckets import KvBucket
from coordinator.bus.lease import Lease
from coordinator.clock import Clock
from coordinator.errors import BusUnavailable, NotActive
from daemon.nats_link import NatsLink
from schemas import subjects
from schemas.records import NodeRecord
from schemas.subjects import LEASE_KEY
from tests.contract.real_bus import RealServer, linked

pytestmark = pytest.mark.bus

#: as short as leaves room for a busy machine
TTL_S = 2.0
#: nothing here takes that long
DEADLINE_S = 30.0


class FaultyBucket(KvBucket):
    """The real one, unless it is told to hang or to fail at once."""

    is_stuck = False
    failures = 0
    loses_acknowledgements = 0

    async def put(self, key: str, value: BaseModel, revision: int) -> int:
        if self.is_stuck:
            await asyncio.Event().wait()
        if self.failures:
            self.failures -= 1
            raise BusUnavailable("refused at once")
        written = await super().put(key, value, revision)
        if self.loses_acknowledgements:
            self.loses_acknowledgements -= 1
            raise BusUnavailable("the acknowledgement was lost")
        return written


class Candidate:
    """A coordinator process that does nothing but to be active."""

    def __init__(
        self, link: NatsLink, name: str, ttl_s: float, history: list[str], above: int
    ) -> None:
        self.link = link
        self.bucket = FaultyBucket(link, subjects.LEASE_BUCKET)
        self.lease = Lease(self.bucket, name, ttl_s, above)
        self.name = name
        self.history = history
        self.epochs: list[int] = []
        self.task = asyncio.create_task(self.lease.run(self._be_active))

    async def _be_active(self, epoch: int) -> None:
        self.epochs.append(epoch)
        self.history.append(f"{self.name} active")
        try:
            await asyncio.Event().wait()
        finally:
            self.history.append(f"{self.name} ended")

    async def die(self) -> None:
        """As by SIGKILL: the lease is not given back."""
        self.task.cancel()
        _, late = await asyncio.wait({self.task}, timeout=DEADLINE_S)
        assert not late, f"{self.name} goes on though it was cancelled"


Candidates = Callable[..., Coroutine[None, None, Candidate]]


@pytest.fixture
def history() -> list[str]:
    return []


@pytest.fixture
async def candidate(
    server: RealServer, monkeypatch: pytest.MonkeyPatch, history: list[str]
) -> AsyncIterator[Candidates]:
    """Makes coordinators that want the lease."""
    server.start()
    made: list[Candidate] = []
    closing = contextlib.AsyncExitStack()

    async def make(name: str, ttl_s: float = TTL_S, above: int = 0) -> Candidate:
        monkeypatch.setattr(stores, "LEASE_TTL_S", {1: ttl_s, 3: ttl_s})
        link = await closing.enter_async_context(linked(server, name))
        made.append(Candidate(link, name, ttl_s, history, above))
        return made[-1]

    yield make
    for each in made:
        await each.die()
    await closing.aclose()


async def until(is_true: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not is_true():  # noqa: ASYNC110 - what is watched sets no event
            await asyncio.sleep(0.01)


async def active(candidate: Candidate) -> None:
    """Wait until it is at work: it has acquired the lease a moment before."""
    await until(lambda: bool(candidate.lease.epoch) and bool(candidate.epochs))


async def renewals(by: Candidate, count: int) -> None:
    """Wait for so many renewals."""
    wanted = (await by.bucket.snapshot())[LEASE_KEY][1] + count
    async with asyncio.timeout(DEADLINE_S):
        while (await by.bucket.snapshot())[LEASE_KEY][1] < wanted:  # noqa: ASYNC110 - nor does a bucket
            await asyncio.sleep(0.05)


async def test_one_of_two_becomes_active_and_the_other_knows_who(candidate: Candidates) -> None:
    one = await candidate("c1")
    await active(one)
    other = await candidate("c2")
    await until(lambda: other.lease.holder_name == "c1")
    assert other.epochs == []


async def test_when_the_holder_dies_another_takes_over_with_a_higher_epoch(
    candidate: Candidates,
) -> None:
    one = await candidate("c1")
    await active(one)
    other = await candidate("c2")
    await one.die()
    died = time.monotonic()
    await active(other)
    assert other.epochs[0] > one.epochs[0]
    assert time.monotonic() - died < TTL_S + DEADLINE_S / 2


async def test_an_epoch_can_be_asked_to_be_above_those_that_were_lost(
    candidate: Candidates,
) -> None:
    first = await candidate("c1", above=1_000_000)
    await active(first)
    assert first.lease.epoch == 1_000_001
    await renewals(first, 2)
    other = await candidate("c2", above=1_000_000)
    await renewals(first, 2)
    assert (len(first.epochs), other.epochs) == (1, [])
    await first.die()
    await active(other)
    assert other.lease.epoch > first.epochs[0]


async def test_a_holder_keeps_the_lease_and_its_epoch_over_many_renewals(
    candidate: Candidates, history: list[str]
) -> None:
    one = await candidate("c1")
    await active(one)
    other = await candidate("c2")
    await renewals(one, 4)
    assert history == ["c1 active"]
    assert other.epochs == []


async def test_a_successor_of_the_same_name_inherits_at_once(candidate: Candidates) -> None:
    one = await candidate("c1", ttl_s=600.0)
    await active(one)
    await one.die()
    successor = await candidate("c1", ttl_s=600.0)
    await active(successor)
    assert successor.epochs[0] > one.epochs[0]


async def test_two_of_one_name_do_not_take_turns(candidate: Candidates, history: list[str]) -> None:
    one = await candidate("c1")
    await active(one)
    twin = await candidate("c1")
    await until(lambda: len(history) == 3)
    await renewals(twin, 3)
    assert (one.epochs[1:], len(twin.epochs)) == ([], 1)
    assert sorted(history) == ["c1 active", "c1 active", "c1 ended"]


async def test_a_holder_whose_renewals_hang_ends_before_another_begins(
    candidate: Candidates, history: list[str]
) -> None:
    one = await candidate("c1")
    await active(one)
    other = await candidate("c2")
    one.bucket.is_stuck = True
    await active(other)
    assert history == ["c1 active", "c1 ended", "c2 active"]


@pytest.mark.parametrize(("fault", "times"), [("failures", 3), ("loses_acknowledgements", 2)])
async def test_renewals_that_are_refused_at_once_or_lose_their_answers_cost_no_epoch(
    candidate: Candidates, history: list[str], fault: str, times: int
) -> None:
    one = await candidate("c1")
    await active(one)
    setattr(one.bucket, fault, times)
    await until(lambda: getattr(one.bucket, fault) == 0)
    await renewals(one, 2)
    assert history == ["c1 active"]


async def test_an_acquisition_whose_acknowledgement_was_lost_is_noticed(
    candidate: Candidates,
) -> None:
    one = await candidate("c1", ttl_s=6.0)
    one.bucket.loses_acknowledgements = 1
    await active(one)
    assert len(one.epochs) == 1


async def test_a_holder_that_can_not_be_read_is_outwaited(candidate: Candidates) -> None:
    one = await candidate("c1")
    await active(one)
    await one.die()
    jetstream = one.link.jetstream()
    await jetstream.publish(subjects.kv_key(subjects.LEASE_BUCKET, LEASE_KEY), b"{not json")
    other = await candidate("c2")
    await active(other)


async def test_after_a_restart_of_the_broker_the_lease_is_held_again_with_a_higher_epoch(
    candidate: Candidates, server: RealServer, history: list[str]
) -> None:
    one = await candidate("c1")
    one.link.on_connect(one.lease.hurry)
    await active(one)
    server.kill()
    await until(lambda: not one.lease.epoch)
    server.start()
    await until(lambda: len(history) == 3)
    assert one.epochs == sorted(set(one.epochs))
    assert history == ["c1 active", "c1 ended", "c1 active"]


async def test_what_crashes_while_active_ends_the_process(server: RealServer) -> None:
    server.start()

    async def crash(_epoch: int) -> None:
        raise RuntimeError("a defect")

    async with linked(server) as link:
        lease = Lease(KvBucket(link, subjects.LEASE_BUCKET), "c1", 6.0)
        with pytest.raises(RuntimeError, match="a defect"):
            await lease.run(crash)
    assert lease.epoch == 0


class TestFence:
    async def test_only_the_holder_writes(self, candidate: Candidates) -> None:
        one = await candidate("c1")
        await active(one)
        other = await candidate("c2")
        await self.write(one, 0)
        with pytest.raises(NotActive):
            await self.write(other, 0)
        await one.die()
        with pytest.raises(NotActive):
            await self.write(one, 0)

    async def test_a_holder_that_was_paused_writes_nothing_though_nobody_told_it_yet(
        self, candidate: Candidates
    ) -> None:
        one = await candidate("c1")
        await active(one)
        one.lease._clock = Clock(monotonic=lambda: time.monotonic() + TTL_S)
        assert one.lease.epoch
        with pytest.raises(NotActive):
            one.lease.fence()

    @staticmethod
    async def write(by: Candidate, revision: int) -> None:
        bucket = KvBucket(by.link, subjects.NODES_BUCKET, by.lease.fence)
        await bucket.put(by.name, NodeRecord(name=by.name, index=1, joined="now"), revision)
        await bucket.delete(by.name, (await bucket.snapshot())[by.name][1])
