"""A nats-server as in production: permissions pin each agent to what is its own."""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Self

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.api import KeyValueConfig, StreamConfig

from cli.listening import answers, free_ports
from cli.nats_server import find_program
from cli.processes import Child
from coordinator.bus.stores import Stores
from daemon.nats_link import NatsLink
from daemon.settings import nats_urls
from schemas import subjects
from schemas.codec import encode
from schemas.desired import NodeDesired

_HOST = "127.0.0.1"

#: the broker that operators are told to run: what it permits is what the tests prove
_EXAMPLE = Path(__file__).parents[2] / "examples" / "production" / "nats-server.conf"
#: as in the example
PASSWORD = "change-me"


def _config(port: int, directory: Path, nodes: Iterable[str]) -> str:
    """The example's text, listening here and with a user for each node."""
    example = _EXAMPLE.read_text()
    user = re.search(r"^ *\{ user: node1,.*?^    \} \}$", example, re.MULTILINE | re.DOTALL)
    assert user is not None
    users = "\n".join(user[0].replace("node1", node) for node in nodes)
    changed = example.replace(user[0], users)
    for said, meant in (
        ("0.0.0.0:4222", f"{_HOST}:{port}"),
        ("/var/lib/nats", f"{directory}/store"),
    ):
        assert said in changed
        changed = changed.replace(said, meant)
    return changed


class RealServer:
    """One nats-server with its store in `directory`: users coordinator, operator, n1 and n2."""

    def __init__(self, directory: Path) -> None:
        (self._port,) = free_ports(_HOST, 1)
        config = _config(self._port, directory, ("n1", "n2"))
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "nats.conf").write_text(config)
        self._child = Child(
            "nats-server",
            [find_program(), "--config", str(directory / "nats.conf")],
            directory,
            ready=lambda: answers(_HOST, self._port, greeting=b"INFO "),
        )

    def url(self, user: str) -> str:
        return f"nats://{user}:{PASSWORD}@{_HOST}:{self._port}"

    def start(self) -> None:
        self._child.start()

    def kill(self) -> None:
        """SIGKILL: nothing is said to anybody."""
        self._child.kill()

    def pause(self) -> None:
        self._child.pause()

    def resume(self) -> None:
        self._child.resume()

    def stop(self) -> None:
        self._child.stop()


class Coordinator:
    """The other end of the bus, without any of our code but the subjects. Use as a context."""

    def __init__(self, server: RealServer) -> None:
        self._url = server.url("coordinator")
        self.client = Client()
        self.heartbeats: list[bytes] = []

    async def __aenter__(self) -> Self:
        self.client = await nats.connect(self._url, max_reconnect_attempts=-1)
        stream = self.client.jetstream()
        for bucket in (subjects.DESIRED_BUCKET, subjects.STATUS_BUCKET):
            await stream.create_key_value(KeyValueConfig(bucket=bucket, direct=True))
        await stream.add_stream(
            StreamConfig(name=subjects.EVENTS_STREAM, subjects=[subjects.EVENTS_SUBJECTS])
        )

        async def beat(message: Msg) -> None:
            self.heartbeats.append(message.data)

        await self.client.subscribe(subjects.ALL_HEARTBEATS, cb=beat)
        # The first PING overtakes the subscription.
        await self.client.flush()
        await self.client.flush()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.close()

    async def put_desired(self, document: NodeDesired) -> None:
        await self.put_raw(subjects.DESIRED_BUCKET, document.node, encode(document))

    async def put_raw(self, bucket: str, key: str, payload: bytes) -> None:
        """Insist: right after a restart the server may not have its streams yet."""
        for _ in range(50):
            try:
                answer = await self.client.request(subjects.kv_key(bucket, key), payload, timeout=1)
                assert "seq" in json.loads(answer.data), answer.data
            except NatsError:
                await asyncio.sleep(0.1)
            else:
                return
        raise AssertionError("the server takes nothing")

    async def delete_desired(self, node: str) -> None:
        bucket = await self.client.jetstream().key_value(subjects.DESIRED_BUCKET)
        await bucket.delete(node)

    async def newest(self, stream: str) -> list[bytes]:
        """Every message that the stream holds, oldest first."""
        jetstream = self.client.jetstream()
        state = (await jetstream.stream_info(stream)).state
        if not state.messages:
            return []
        messages = [
            await jetstream.get_msg(stream, sequence)
            for sequence in range(state.first_seq, state.last_seq + 1)
        ]
        return [message.data or b"" for message in messages]

    async def ask(self, node: str, verb: str, payload: bytes) -> bytes:
        answer = await self.client.request(subjects.node_request(node, verb), payload, timeout=5)
        return answer.data


@contextlib.asynccontextmanager
async def linked(
    server: RealServer, name: str = "c1", replicas: int = 1
) -> AsyncIterator[NatsLink]:
    """A coordinator's link to a server that runs, with every bucket and stream."""
    link = a_link(server.url("coordinator"), name)
    async with running(link):
        await until_connected(lambda: link.is_connected)
        await Stores(link, replicas).ensure()
        yield link


def a_link(urls: str, name: str = "c1", spread_s: float = 0.1) -> NatsLink:
    return NatsLink(nats_urls(urls), name=name, inbox=f"_INBOX.{name}", spread_s=spread_s)


@contextlib.asynccontextmanager
async def running(link: NatsLink) -> AsyncIterator[None]:
    """Kept in the background, until the end of the block."""
    work = asyncio.create_task(link.run())
    try:
        yield
    finally:
        work.cancel()
        await asyncio.wait({work})
        assert work.cancelled()


async def until_connected(is_connected: Callable[[], bool], within_s: float = 10.0) -> None:
    async with asyncio.timeout(within_s):
        while not is_connected():  # noqa: ASYNC110 - a property sets no event
            await asyncio.sleep(0.01)
