"""Pulls that an engine ends in ways of its own."""

import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent.adapters.docker_engine import DockerEngine
from agent.errors import EngineFailed, EngineUnavailable
from tests.integration.agent.scripted_engine import ScriptedEngine


@pytest.fixture
async def scripted(tmp_path: Path) -> AsyncIterator[ScriptedEngine]:
    async with ScriptedEngine(tmp_path / "engine.sock") as made:
        yield made


@pytest.fixture
async def engine(scripted: ScriptedEngine) -> AsyncIterator[DockerEngine]:
    made = DockerEngine(scripted.url)
    yield made
    made.close()


async def test_a_pull_whose_stream_breaks_off_fails_for_now(
    scripted: ScriptedEngine, engine: DockerEngine
) -> None:
    scripted.say("create", b'{"status": "Pulling from lib')
    with pytest.raises(EngineFailed, match="pull web:1: the engine's answer broke off"):
        await engine.pull("web:1")


async def test_no_thread_left_for_a_call_fails_that_call_for_now(
    engine: DockerEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        with pytest.raises(EngineUnavailable, match="pull web:1: can't start new thread"):
            await engine.pull("web:1")
