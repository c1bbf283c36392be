"""Errands that fail, hang or talk nonsense."""

import asyncio
import os
import sys
import time

import pytest

from mountd import dispatch as dispatching
from mountd.dispatch import Dispatch, ErrandLostError, ErrandVoidError
from mountd.errands.result import Result


@pytest.fixture
def freed() -> list[str]:
    return []


@pytest.fixture
def dispatch(freed: list[str], monkeypatch: pytest.MonkeyPatch) -> Dispatch:
    monkeypatch.setattr(dispatching, "_ALARM_GRACE_S", 0.2)
    monkeypatch.setattr(dispatching, "_KILL_GRACE_S", 0.2)
    return Dispatch(freed.append)


def program(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(dispatching, "_PROGRAM", (sys.executable, "-I", "-S", "-c", text))


async def test_an_errand_gets_its_order_and_its_result_comes_back(
    dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    echo = "import json,sys; o = json.load(sys.stdin); print(json.dumps(dict(word=o['w'])))"
    program(monkeypatch, echo)
    assert await dispatch.run("nas/a", {"w": "answered"}, 5.0) == Result("answered")


async def test_the_real_program_probes(dispatch: Dispatch) -> None:
    # /proc is mounted, and answers for ever.
    order = {"kind": "probe", "base": "/", "incarnation": "", "sub_paths": None}
    assert (await dispatch.run("nas/a", {**order, "mount_path": "proc"}, 5.0)).word == "answered"
    result = await dispatch.run("nas/a", {**order, "mount_path": "usr"}, 5.0)
    assert (result.word, result.reason) == ("dead", "nothing is mounted there any more")


@pytest.mark.parametrize(
    "text",
    [
        "import sys; sys.exit(3)",
        "raise KeyError('base')",
        "print('nonsense')",
        "print('{}')",
        "print('[1]')",
        # By somebody else, and not for its time: a kernel that is short of memory.
        "import os; os.kill(os.getpid(), 9)",
    ],
)
async def test_an_errand_that_ends_by_itself_without_a_result_blames_no_server(
    dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    program(monkeypatch, text)
    with pytest.raises(ErrandVoidError, match="an errand of ours failed"):
        await dispatch.run("nas/a", {}, 5.0)


async def test_what_an_errand_said_before_its_alarm_counts(
    dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = """
import signal, sys, time
print('{"word": "silent"}', flush=True)
print('{"word": "answered"}', flush=True)
print('{"word": "do', end="", flush=True)
signal.setitimer(signal.ITIMER_REAL, %s)
time.sleep(60)
"""
    program(monkeypatch, told % 0.1)
    assert await dispatch.run("nas/a", {}, 5.0) == Result("answered")
    # Or before we ended it.
    program(monkeypatch, told % 60)
    assert await dispatch.run("nas/a", {}, 0.5) == Result("answered")
    # Or before it hung where it can't be ended.
    monkeypatch.setattr(os, "killpg", lambda _pid, _number: None)
    program(monkeypatch, told % 2)
    assert await dispatch.run("nas/a", {}, 0.5) == Result("answered")
    assert dispatch.hanging == 1
    async with asyncio.timeout(10):
        while dispatch.hanging:  # noqa: ASYNC110 # processes end when they end
            await asyncio.sleep(0.05)


async def test_half_a_line_is_no_result(
    dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = "import time; print('{\"word\": \"answered\"}', end='', flush=True); time.sleep(60)"
    program(monkeypatch, half)
    with pytest.raises(ErrandLostError, match="no answer within"):
        await dispatch.run("nas/a", {}, 0.5)


async def test_an_errand_that_sleeps_is_killed_with_all_that_it_has_started(
    dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = "import subprocess; subprocess.run(['sleep', '987654'])"
    program(monkeypatch, child)
    began = time.monotonic()
    with pytest.raises(ErrandLostError, match="no answer within") as lost:
        await dispatch.run("nas/a", {}, 0.3)
    assert not isinstance(lost.value, ErrandVoidError)
    assert time.monotonic() - began < 5
    assert dispatch.hanging == 0
    search = await asyncio.create_subprocess_exec(
        "pgrep", "-f", "^sleep 987654$", stdout=asyncio.subprocess.DEVNULL
    )
    assert await search.wait() == 1


async def test_what_can_not_be_killed_is_left_behind_and_no_more_than_two_are_sent(
    dispatch: Dispatch, freed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A signal that isn't sent stands for one that the kernel doesn't deliver.
    monkeypatch.setattr(os, "killpg", lambda _pid, _number: None)
    program(monkeypatch, "import time; time.sleep(2.5)")
    for _ in range(2):
        with pytest.raises(ErrandLostError, match="still hangs"):
            await dispatch.run("nas/a", {}, 0.1)
    assert dispatch.hanging == 2
    began = time.monotonic()
    with pytest.raises(ErrandLostError, match="2 processes hang on it"):
        await dispatch.run("nas/a", {}, 0.1)
    assert time.monotonic() - began < 0.1
    # Another share is not concerned.
    program(monkeypatch, 'print(\'{"word": "answered"}\')')
    assert (await dispatch.run("nas/b", {}, 5.0)).word == "answered"
    # And none at all is, however many hang elsewhere.
    monkeypatch.setattr(dispatching, "ERRANDS_MAX", 2)
    assert (await dispatch.run("nas/b", {}, 5.0)).word == "answered"
    while dispatch.hanging:  # noqa: ASYNC110 # processes end when they end
        await asyncio.sleep(0.05)
    assert freed == ["nas/a", "nas/a"]
    assert (await dispatch.run("nas/a", {}, 5.0)).word == "answered"


async def test_who_finds_no_place_was_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatching, "ERRANDS_MAX", 1)
    monkeypatch.setattr(dispatching, "_PLACE_S_MAX", 0.1)
    dispatch = Dispatch(lambda _key: None)
    program(monkeypatch, "import time; time.sleep(0.5)")
    first = asyncio.create_task(dispatch.run("nas/a", {}, 5.0))
    await asyncio.sleep(0)
    with pytest.raises(ErrandVoidError, match="too many shares"):
        await dispatch.run("nas/b", {}, 5.0)
    with pytest.raises(ErrandLostError):
        await first
    # Its place is free again.
    program(monkeypatch, 'print(\'{"word": "answered"}\')')
    assert (await dispatch.run("nas/b", {}, 5.0)).word == "answered"
