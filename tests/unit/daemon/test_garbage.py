"""Searches for circular garbage cost what is new; nothing leaks for ever."""

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from daemon.garbage import Garbage, GarbagePace

PACE = GarbagePace(young=1_000_000, recent_s=1.0, thorough_s=60.0)


class Circle:
    """Points at itself, so that only a search frees it."""

    def __init__(self) -> None:
        self.itself = self


class Clock:
    """Passes when it is told to, and a second with every look at it."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def garbage(clock: Clock) -> Iterator[Garbage]:
    """In charge, with all that is there frozen."""
    garbage = Garbage(clock, PACE)
    with garbage.in_charge():
        garbage.settle()
        yield garbage


def test_a_look_frees_the_circles_that_are_new(garbage: Garbage) -> None:
    dead = weakref.ref(Circle())
    garbage.look()
    assert dead() is None


def test_what_a_search_leaves_is_not_searched_again(garbage: Garbage) -> None:
    circle = Circle()
    garbage.look()
    assert not any(each is circle for each in gc.get_objects())


def test_settling_spares_later_searches_what_is_there(garbage: Garbage) -> None:
    held = [Circle() for _ in range(10)]
    garbage.settle()
    assert not any(each is held for each in gc.get_objects())
    assert not garbage.stalls.count


def test_a_circle_that_was_frozen_alive_is_freed_when_everything_is_searched(
    garbage: Garbage, clock: Clock
) -> None:
    circle = Circle()
    lost = weakref.ref(circle)
    garbage.look()
    del circle
    garbage.look()
    assert lost() is not None
    clock.now += PACE.thorough_s
    garbage.look()
    assert lost() is None


def test_everything_is_searched_once_in_a_period(garbage: Garbage, clock: Clock) -> None:
    clock.now += PACE.thorough_s
    garbage.look()
    circle = Circle()
    lost = weakref.ref(circle)
    garbage.look()
    del circle
    clock.now += PACE.thorough_s / 2
    garbage.look()
    assert lost() is not None


def test_what_is_no_circle_is_freed_at_once_though_it_is_frozen(garbage: Garbage) -> None:
    class Plain:
        pass

    plain = Plain()
    gone = weakref.ref(plain)
    garbage.look()
    del plain
    assert gone() is None


def test_no_search_by_itself_looks_at_more_than_is_young() -> None:
    garbage, sizes = Garbage(pace=GarbagePace(young=1_000)), []

    def note(phase: str, _about: dict[str, int]) -> None:
        if phase == "start":
            sizes.append(len(gc.get_objects()))

    with garbage.in_charge():
        garbage.settle()
        gc.callbacks.append(note)
        held = [Circle() for _ in range(20_000)]
        gc.callbacks.remove(note)
    assert len(held) > sum(sizes) / 2 > 5_000
    assert max(sizes) < 2_000


def test_how_long_searches_took_is_added_up(garbage: Garbage) -> None:
    garbage.look()
    garbage.look()
    stalls = garbage.stalls
    assert (stalls.count, stalls.total_s, stalls.longest_s) == (2, 2.0, 1.0)


async def test_it_looks_while_it_is_kept_and_then_all_is_as_before() -> None:
    before = gc.get_threshold(), list(gc.callbacks), gc.get_freeze_count()
    keeping = asyncio.create_task(Garbage(pace=GarbagePace(recent_s=0.0)).keep())
    dead = weakref.ref(Circle())
    async with asyncio.timeout(30):
        while dead() is not None:  # noqa: ASYNC110 - a search sets no event
            await asyncio.sleep(0)
    keeping.cancel()
    await asyncio.wait({keeping})
    assert (gc.get_threshold(), list(gc.callbacks), gc.get_freeze_count()) == before
