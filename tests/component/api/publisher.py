"""A broker, a coordinator's face on it, and somebody who publishes commands."""

import asyncio
import contextlib
import json
import shutil
import sys
from pathlib import Path

import nats

from coordinator.faces.nats import NatsFace
from daemon.nats_link import NatsLink
from daemon.settings import nats_urls
from schemas import codec, subjects
from schemas.command import COMMANDS
from schemas.query import QUERIES
from schemas.reply import Reply

NATS_SERVER = shutil.which("nats-server", path=str(Path(sys.executable).parent)) or "nats-server"


def ports(folder):
    """What the server listens on; None until it has written that down in full."""
    texts = [path.read_text() for path in folder.glob("*.ports")]
    return json.loads(texts[0]) if texts and texts[0].rstrip().endswith("}") else None


async def until(look):
    async with asyncio.timeout(10):
        while not (seen := look()):  # noqa: ASYNC110 - another process, or the face, is awaited
            await asyncio.sleep(0.01)
    return seen


class Broker:
    """One nats-server without a store, on the same port after a restart."""

    def __init__(self, folder):
        self._folder = folder
        self._port = -1
        self._process: asyncio.subprocess.Process | None = None
        self.url = ""

    async def start(self):
        config = self._folder / "nats.conf"
        config.write_text(
            f'listen: "127.0.0.1:{self._port}"\nports_file_dir: "{self._folder}"\nmax_payload: 4MB\n'
        )
        quiet = asyncio.subprocess.DEVNULL
        self._process = await asyncio.create_subprocess_exec(
            NATS_SERVER, "-c", str(config), stdout=quiet, stderr=quiet
        )
        self.url = (await until(lambda: ports(self._folder)))["nats"][0]
        self._port = int(self.url.rpartition(":")[2])

    async def stop(self):
        assert self._process
        self._process.terminate()
        await self._process.wait()


async def until_listed(broker):
    """Every verb; the answer is behind their subscriptions on its way."""
    async with await nats.connect(broker.url) as client, asyncio.timeout(10):
        while True:
            with contextlib.suppress(nats.errors.NoRespondersError):
                if len(await listed(client)) == len(COMMANDS | QUERIES):
                    return
            await asyncio.sleep(0.02)


async def listed(client):
    """What discovery says: each subject with its request's schema."""
    answer = await client.request(f"$SRV.INFO.{subjects.SERVICE_NAME}", b"", timeout=5)
    endpoints = json.loads(answer.data)["endpoints"]
    return {each["subject"]: each["metadata"]["request_schema"] for each in endpoints}


@contextlib.asynccontextmanager
async def answering(broker, door, **settings):
    """A coordinator's face on its link, once it answers."""
    link = NatsLink(nats_urls(broker.url), name="c1", inbox="_INBOX.c1", spread_s=0.0)
    face = NatsFace(link, door, **settings)
    keeping, running = asyncio.create_task(link.run()), asyncio.create_task(face.run())
    try:
        await until_listed(broker)
        yield face
    finally:
        running.cancel()
        await face.stop()
        keeping.cancel()
        await asyncio.wait({keeping, running})


async def ask(bus, noun, verb, payload):
    sent = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    answer = await bus.request(subjects.command(noun, verb), sent, timeout=5)
    return codec.decode(Reply, answer.data)


def starting(bus, number, **more):
    command = {"command_id": f"c{number}", "name": "wordpress", **more}
    return asyncio.create_task(ask(bus, "project", "start", command))
