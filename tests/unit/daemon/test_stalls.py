"""How late the loop is, and who is told."""

import asyncio
import threading
import time
from types import SimpleNamespace

from daemon import stalls
from daemon.stalls import BEAT_S, WINDOW_S, Stalls


class Hand:
    """Sets a clock."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Meter:
    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.counted = asyncio.Event()

    def count_stall(self, seconds: float) -> None:
        self.seconds.append(round(seconds, 3))
        self.counted.set()


def hold_the_loop(seconds: float) -> None:
    time.sleep(seconds)


def test_a_beat_in_time_is_no_stall() -> None:
    hand, meter = Hand(), Meter()
    kept = Stalls(meter, hand)
    hand.now += BEAT_S
    kept.beat()
    assert (meter.seconds, kept.lag_s(), kept.longest_s) == ([0.0], 0.0, 0.0)


def test_a_late_beat_is_counted() -> None:
    hand, meter = Hand(), Meter()
    kept = Stalls(meter, hand)
    hand.now += BEAT_S + 0.3
    assert round(kept.lag_s(), 3) == 0.3
    kept.beat()
    assert meter.seconds == [0.3]
    assert round(kept.lag_s(), 3) == 0.3
    assert round(kept.longest_s, 3) == 0.3


def test_one_stall_is_no_overload_and_beats_that_are_all_late_are() -> None:
    hand = Hand()
    kept = Stalls(None, hand)
    for late in (0.2, 0.15, 0.12):
        kept._due = hand.now
        hand.now += late
        kept.beat()
    assert round(kept.lag_s(), 3) == 0.12
    kept._due = hand.now
    kept.beat()
    assert kept.lag_s() == 0.0
    hand.now += WINDOW_S + 0.1
    assert round(kept.lag_s(), 3) == round(WINDOW_S + 0.1, 3)


async def test_what_really_holds_the_loop_is_seen() -> None:
    meter = Meter()
    kept = Stalls(meter)
    work = asyncio.create_task(kept.keep())
    await asyncio.sleep(0)
    hold_the_loop(0.2)
    await meter.counted.wait()
    assert meter.seconds[0] >= 0.15
    assert kept.lag_s() >= 0.15
    work.cancel()
    await asyncio.wait({work})


async def test_a_loop_that_stands_still_is_told_once_with_what_held_it(monkeypatch) -> None:
    monkeypatch.setattr(stalls, "LONG_S", 0.04)
    told = threading.Event()
    logs: list[str] = []

    def tell(_event: str, *, stack: str, **_fields: object) -> None:
        logs.append(stack)
        told.set()

    def a_slow_answer() -> None:
        assert told.wait(10)
        hold_the_loop(0.1)

    monkeypatch.setattr(stalls, "log", SimpleNamespace(error=tell))
    work = asyncio.create_task(Stalls().keep())
    await asyncio.sleep(0)
    a_slow_answer()
    work.cancel()
    await asyncio.wait({work})
    assert len(logs) == 1
    assert "a_slow_answer" in logs[0]


async def test_its_thread_ends_with_it() -> None:
    before = threading.active_count()
    work = asyncio.create_task(Stalls().keep())
    await asyncio.sleep(0)
    assert threading.active_count() == before + 1
    work.cancel()
    await asyncio.wait({work})
    assert threading.active_count() == before
