"""Streams of an engine that break off or say nonsense: whoever follows them hears of their end."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent import follower
from agent.adapters import docker_events
from agent.adapters.docker_events import DockerEvents
from agent.errors import EngineFailed, EngineUnavailable
from agent.follower import follow_events
from agent.ports import EngineEvents
from agent.wakes import Wakes
from tests.integration.agent.scripted_engine import ScriptedEngine

EVENT = (
    b'{"Action": "die", "timeNano": 1, "Actor": {"ID": "4f0e", "Attributes": '
    b'{"troopers.project": "shop", "troopers.service": "web", "troopers.slot": "1"}}}\n'
)


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[ScriptedEngine]:
    async with ScriptedEngine(tmp_path / "engine.sock") as made:
        yield made


async def heard(events: EngineEvents) -> list[str]:
    actions: list[str] = []
    async with asyncio.timeout(5), events.subscribe() as stream:
        try:
            async for event in stream:
                actions += [event.action]
        except EngineFailed as error:
            actions += [str(error)]
    return actions


@pytest.mark.parametrize(
    "line",
    [
        b'{"Action": "die", "Actor": {"ID": "4f',
        b'{"Action": "die"}\n',
        b'{"message": "the engine is confused"}\n',
        b"nonsense\n",
        b"\xff\xfe\n",
        b"[1]\n",
        b'{"Action": "die", "timeNano": "soon", "Actor": {"ID": "4f0e"}}\n',
        b'{"Action": "die", "timeNano": 1, "Actor": {"ID": "4f0e", "Attributes": [1]}}\n',
    ],
)
async def test_a_line_that_is_no_event_ends_the_stream_after_what_was_heard_before(
    engine: ScriptedEngine, line: bytes
) -> None:
    engine.say("events", EVENT + line)
    before, end = await heard(DockerEvents(engine.url))
    assert before == "die"
    assert end.startswith("follow the engine's events: this is no event: ")


async def test_a_defect_in_the_reader_ends_the_stream(
    engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_line: bytes) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(docker_events, "_event", broken)
    engine.say("events", EVENT)
    assert await heard(DockerEvents(engine.url)) == [
        "follow the engine's events: ZeroDivisionError: a defect"
    ]


async def test_events_are_followed_again_after_every_broken_line(
    engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "RETRY_S", 0.01)
    engine.say("events", EVENT[:50])
    following = asyncio.create_task(follow_events(DockerEvents(engine.url), Wakes()))
    async with asyncio.timeout(5):
        while engine.asked["events"] < 3:  # noqa: ASYNC110 - the engine sets no event
            await asyncio.sleep(0.01)
    following.cancel()
    done, _ = await asyncio.wait({following}, timeout=5)
    assert done
    assert following.cancelled()


async def test_an_engine_that_refuses_the_question_is_asked_again(
    engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "RETRY_S", 0.01)
    # As a proxy before the engine may: a 400 is permanent everywhere else.
    engine.refuse("version", "400 Bad Request", "what?")
    following = asyncio.create_task(follow_events(DockerEvents(engine.url), Wakes()))
    async with asyncio.timeout(5):
        while engine.asked["version"] < 3:  # noqa: ASYNC110 - the engine sets no event
            await asyncio.sleep(0.01)
    assert not following.done()
    following.cancel()
    await asyncio.wait({following})


async def test_no_thread_left_for_a_reader_is_told_on_entering(
    engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(EngineUnavailable, match="can't start new thread"):
        async with DockerEvents(engine.url).subscribe():
            pass
