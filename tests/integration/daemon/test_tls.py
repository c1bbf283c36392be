"""A real broker that speaks TLS only, with a certificate of an authority of our own."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from cli.listening import answers, free_ports
from cli.nats_server import find_program
from cli.processes import Child
from daemon.nats_link import NatsLink
from daemon.settings import nats_urls
from tests.contract.real_bus import running, until_connected
from tests.integration.daemon.certificates import certificate

pytestmark = pytest.mark.bus

HOST = "127.0.0.1"
CONFIG = """\
listen: "{host}:{port}"
tls {{ cert_file: "{certificate}", key_file: "{key}" }}
authorization {{ users: [ {{ user: u, password: "p@ss" }} ] }}
"""


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """Of the broker; its certificate is in broker.pem."""
    (port,) = free_ports(HOST, 1)
    trusted, key = certificate(tmp_path, "broker")
    config = tmp_path / "nats.conf"
    config.write_text(CONFIG.format(host=HOST, port=port, certificate=trusted, key=key))
    server = Child(
        "nats-server",
        [find_program(), "--config", str(config)],
        tmp_path,
        ready=lambda: answers(HOST, port, greeting=b"INFO "),
    )
    server.start()
    yield port
    server.stop()


def a_link(port: int, ca: Path) -> NatsLink:
    urls = nats_urls(f"tls://u:p%40ss@{HOST}:{port}")
    return NatsLink(urls, name="c1", inbox="_INBOX.c1", ca=str(ca), spread_s=0.0)


async def test_a_link_trusts_the_authority_that_it_was_given(port: int, tmp_path: Path) -> None:
    link = a_link(port, tmp_path / "broker.pem")
    async with running(link):
        await until_connected(lambda: link.is_connected)


async def test_a_link_trusts_no_other_authority(port: int, tmp_path: Path) -> None:
    stranger, _ = certificate(tmp_path, "stranger")
    link = a_link(port, stranger)
    with capture_logs() as logs:
        async with running(link):
            async with asyncio.timeout(10):
                while not logs:  # noqa: ASYNC110 - a log sets no event
                    await asyncio.sleep(0.01)
            assert not link.is_connected
    assert "CERTIFICATE_VERIFY_FAILED" in repr(logs)
