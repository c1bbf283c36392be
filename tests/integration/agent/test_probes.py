"""`ContainerProbe` against real sockets; the container is this machine's loopback."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from agent.adapters.probes import ContainerProbe
from agent.domain.observation import SeenContainer
from agent.errors import EngineTimeout
from schemas.names import SlotKey
from schemas.service import Probe
from tests.contract.engines import STUBBORN, RealTrial, run
from tests.fakes.engine import FakeEngine


def seen(ip: str = "127.0.0.1", networks: frozenset[str] = frozenset()) -> SeenContainer:
    key = SlotKey("shop", "web", 1)
    return SeenContainer("id", "shop_web_1", key, "running", ip=ip, networks=networks)


class Site:
    """A web server that answers /NUMBER with that status."""

    def __init__(self) -> None:
        self.port = 0
        self.visits: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.visits.append(request.path_qs)
        if request.path == "/slow":
            await asyncio.sleep(30)
        status = int(request.path.strip("/") or 200)
        return web.Response(status=status, headers={"Location": "/200"} if status == 302 else {})


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    made = Site()
    application = web.Application()
    application.router.add_get("/{path:.*}", made.answer)
    runner = web.AppRunner(application, handler_cancellation=True)
    await runner.setup()
    tcp = web.TCPSite(runner, "127.0.0.1", 0)
    await tcp.start()
    made.port = runner.addresses[0][1]
    yield made
    await runner.cleanup()


@pytest.fixture
async def probe() -> AsyncIterator[ContainerProbe]:
    async with ContainerProbe(FakeEngine()) as made:
        yield made


@pytest.mark.parametrize(
    ("status", "is_healthy"), [(200, True), (204, True), (302, True), (404, False), (500, False)]
)
async def test_success_and_redirection_are_healthy(
    site: Site, probe: ContainerProbe, status: int, is_healthy: bool
) -> None:
    asked = Probe(url=f"http://container:{site.port}/{status}?q=1")
    assert await probe.check(seen(), asked) is is_healthy
    assert site.visits == [f"/{status}?q=1"]


async def test_a_check_that_takes_too_long_is_unhealthy(site: Site, probe: ContainerProbe) -> None:
    began = time.monotonic()
    asked = Probe(url=f"http://container:{site.port}/slow", timeout_s=0.3)
    assert await probe.check(seen(), asked) is False
    assert time.monotonic() - began < 1


async def test_a_probe_leads_nowhere_but_to_its_container(
    site: Site, probe: ContainerProbe
) -> None:
    for url in (
        f"http://127.0.0.1:{site.port}/200",
        f"http://localhost:{site.port}/200",
        f"http://container@127.0.0.1:{site.port}/200",
        f"http://container.example:{site.port}/200",
        f"tcp://127.0.0.1:{site.port}",
        f"ftp://container:{site.port}/200",
        "file:///etc/passwd",
        "http://container:99999/",
        "container",
        "",
    ):
        assert await probe.check(seen(), Probe(url=url)) is False, url
    assert site.visits == []


async def test_a_container_without_an_address_is_unhealthy(probe: ContainerProbe) -> None:
    assert await probe.check(seen(ip=""), Probe(url="http://container/")) is False


async def test_a_container_in_the_hosts_network_is_the_host(
    site: Site, probe: ContainerProbe
) -> None:
    hosts = seen(ip="", networks=frozenset({"host"}))
    assert await probe.check(hosts, Probe(url=f"http://container:{site.port}/200")) is True


async def test_a_port_that_accepts_is_healthy(site: Site, probe: ContainerProbe) -> None:
    asked = Probe(url=f"tcp://container:{site.port}")
    assert await probe.check(seen(), asked) is True
    assert await probe.check(seen(ip="127.0.0.99"), asked) is False
    assert await probe.check(seen(), Probe(url="tcp://container")) is False


async def test_an_engine_that_fails_is_unhealthy() -> None:
    engine = FakeEngine()
    engine.fail("run_probe_command", EngineTimeout("probe: too slow"))
    async with ContainerProbe(engine) as probe:
        assert await probe.check(seen(), Probe(cmd="true")) is False


@pytest.mark.engine
async def test_a_command_decides_by_its_exit_code(real: RealTrial) -> None:
    await run(real.engine, STUBBORN)
    (container,) = await real.engine.containers()
    async with ContainerProbe(real.engine) as probe:
        assert await probe.check(container, Probe(cmd="test -d /tmp && exit 0")) is True
        assert await probe.check(container, Probe(cmd="exit 1")) is False
        assert await probe.check(container, Probe(cmd="sleep 5", timeout_s=0.3)) is False
