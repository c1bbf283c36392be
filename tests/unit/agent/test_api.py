"""What systemd, Prometheus and people ask the agent."""

import socket
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from agent.api import build_app
from daemon.systemd import notify, watchdog_period_s


async def ask(path: str, reasons: list[str]) -> tuple[int, str]:
    app = build_app(lambda: b"troopers_agent_x 1.0\n", lambda: reasons)
    async with TestClient(TestServer(app)) as client:
        answer = await client.get(path)
        return answer.status, await answer.text()


async def test_an_agent_that_answers_is_alive() -> None:
    assert await ask("/healthz", ["NATS is not connected"]) == (200, "ok\n")


async def test_readiness_says_why_not() -> None:
    assert await ask("/readyz", []) == (200, "ready\n")
    assert await ask("/readyz", ["a", "b"]) == (503, "a\nb\n")


async def test_metrics_are_text() -> None:
    assert await ask("/metrics", []) == (200, "troopers_agent_x 1.0\n")


async def test_nothing_else_is_served() -> None:
    assert (await ask("/state", []))[0] == 404


def test_without_systemd_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    notify("READY=1")
    assert watchdog_period_s() is None


def test_systemd_is_told_twice_as_often_as_it_asks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", path)
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(path)
        notify("WATCHDOG=1")
        assert systemd.recv(64) == b"WATCHDOG=1"
    assert watchdog_period_s() == 15.0
