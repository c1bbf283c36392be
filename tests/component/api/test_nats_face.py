import asyncio
import contextlib
import json
import shutil
import sys
from pathlib import Path

import nats
import pytest

from coordinator.faces.nats import NatsFace
from daemon.nats_link import NatsLink
from daemon.settings import nats_urls
from schemas import codec, subjects
from schemas.command import COMMANDS, Reply, StopProject
from schemas.query import QUERIES, ListProjects
from schemas.strict_json import PAYLOAD_BYTES_MAX
from tests.fakes.door import OPERATION

pytestmark = pytest.mark.bus

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


@pytest.fixture
async def broker(tmp_path):
    made = Broker(tmp_path)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def bus(broker):
    client = await nats.connect(broker.url, reconnect_time_wait=0.05, max_reconnect_attempts=-1)
    yield client
    await client.close()


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


@pytest.fixture
async def face(broker, door):
    async with answering(broker, door, deciding_max=4, seats=2) as face:
        yield face


async def ask(bus, noun, verb, payload):
    sent = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    answer = await bus.request(subjects.command(noun, verb), sent, timeout=5)
    return codec.decode(Reply, answer.data)


async def test_discovery_lists_every_verb_with_its_schemas(bus, face):
    expected = {
        subjects.command(noun, verb): f"{model.__name__}.schema.json"
        for (noun, verb), model in (COMMANDS | QUERIES).items()
    }
    assert await listed(bus) == expected


async def test_a_command_reaches_the_door_and_its_reply_the_publisher(bus, face, door):
    reply = await ask(
        bus, "project", "stop", {"command_id": "c1", "name": "wordpress", "timeout": 3}
    )
    assert (reply.outcome, reply.operation_id, reply.command_id) == ("accepted", OPERATION, "c1")
    assert door.submitted == [StopProject(command_id="c1", name="wordpress", timeout=3)]


async def test_a_query_is_answered_with_the_http_body(bus, face):
    reply = await ask(bus, "project", "view", {"name": "wordpress"})
    assert reply.result["name"] == "wordpress"


async def test_an_empty_query_asks_with_every_default(bus, face, door):
    reply = await ask(bus, "project", "list", b"")
    assert len(reply.result) == 2
    assert door.asked == [ListProjects()]


async def test_an_unknown_name_is_rejected(bus, face):
    reply = await ask(bus, "project", "view", {"name": "nix"})
    assert (reply.outcome, reply.reason.code) == ("rejected", "not_found")


BAD = {
    "nothing": ("project", "stop", b"", ""),
    "not JSON": ("project", "stop", b"{", ""),
    "null": ("project", "stop", b"null", ""),
    "not UTF-8": ("project", "stop", b"\xff", ""),
    "nested deeply": ("project", "stop", b'{"a":' + b"[" * 200_000, ""),
    "a key twice": ("project", "stop", b'{"name":"a","name":"b"}', "name"),
    "too large": ("project", "list", b" " * (PAYLOAD_BYTES_MAX + 1), ""),
    "no command id": ("project", "stop", {"name": "wordpress"}, "command_id"),
    "an empty command id": ("project", "stop", {"command_id": "", "name": "w"}, "command_id"),
    "no name": ("project", "stop", {"command_id": "c"}, "name"),
    "a negative timeout": ("project", "stop", {"command_id": "c", "name": "w", "timeout": -1}, "timeout"),
    "a long wait": ("project", "start", {"command_id": "c", "name": "w", "wait": 3601}, "wait"),
    "a naive deadline": (
        "project", "start", {"command_id": "c", "name": "w", "deadline": "2030-01-01T00:00:00"},
        "deadline",
    ),
    "a text to scale to": (
        "service", "scale",
        {"command_id": "c", "service_id": "w_d", "type": "scale_to", "value": "3"}, "value",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("noun", "verb", "payload", "where"), BAD.values(), ids=BAD)
async def test_a_bad_request_is_rejected_and_changes_nothing(
    bus, face, door, noun, verb, payload, where
):
    reply = await ask(bus, noun, verb, payload)
    assert (reply.outcome, reply.reason.code, reply.reason.where) == ("rejected", "invalid", where)
    assert reply.reason.message
    assert not reply.reason.message.startswith(f"{where}:")
    assert door.submitted == []


async def test_a_rejection_names_its_command(bus, face):
    assert (await ask(bus, "project", "stop", {"command_id": "c1"})).command_id == "c1"


async def test_a_defect_is_a_rejection_without_a_traceback(bus, face, door):
    door.script.append(RuntimeError("password=hunter2"))
    reply = await ask(bus, "project", "list", b"")
    assert (reply.outcome, reply.reason.code) == ("rejected", "failed")
    assert "hunter2" not in reply.reason.message


async def test_an_answer_too_large_for_the_broker_says_so(bus, face, door):
    door.script.append(Reply(outcome="accepted", result="x" * 5_000_000))
    reply = await ask(bus, "project", "list", b"")
    assert (reply.outcome, reply.reason.code) == ("rejected", "failed")
    assert "larger" in reply.reason.message


async def test_a_published_command_is_carried_out_too(bus, face, door):
    command = StopProject(command_id="c1", name="wordpress")
    await bus.publish(subjects.command("project", "stop"), codec.encode(command))
    await until(lambda: door.submitted)
    assert (await ask(bus, "project", "list", b"")).outcome == "accepted"


@pytest.fixture
def held(door, monkeypatch):
    """Commands wait at the door until this is set."""
    release = asyncio.Event()
    submit = door.submit

    async def wait(command):
        await release.wait()
        return await submit(command)

    monkeypatch.setattr(door, "submit", wait)
    return release


def starting(bus, number, **more):
    command = {"command_id": f"c{number}", "name": "wordpress", **more}
    return asyncio.create_task(ask(bus, "project", "start", command))


async def test_a_waiting_command_holds_up_no_other(bus, face, held):
    waiting = starting(bus, 1)
    assert (await ask(bus, "project", "list", b"")).outcome == "accepted"
    assert not waiting.done()
    held.set()
    assert (await waiting).outcome == "accepted"


async def test_more_than_the_bound_are_rejected_at_once(bus, face, held):
    waiting = [starting(bus, number) for number in range(5)]
    done, _ = await asyncio.wait(waiting, timeout=5, return_when=asyncio.FIRST_COMPLETED)
    (first,) = done
    assert first.result().reason.code == "unavailable"
    held.set()
    replies = await asyncio.gather(*waiting)
    assert sorted(reply.outcome for reply in replies) == ["accepted"] * 4 + ["rejected"]


async def test_those_who_wait_take_nobody_s_place(bus, face, door, held):
    everybody = [starting(bus, number, wait=5 * (number not in {2, 4})) for number in range(6)]
    await until(lambda: len(face._in_flight) == 6)
    assert (await ask(bus, "project", "list", b"")).outcome == "accepted"
    held.set()
    assert {(await each).outcome for each in everybody} == {"accepted"}
    assert sum(command.wait > 0 for command in door.submitted) == 2


async def test_stopping_waits_for_what_is_in_flight(bus, broker, door, held):
    async with answering(broker, door) as face:
        waiting = starting(bus, 1)
        await until(lambda: face._in_flight)
        stopping = asyncio.create_task(face.stop())
        await until(lambda: face._service is None)
        held.set()
        await stopping
        assert (await waiting).outcome == "accepted"
        with pytest.raises(nats.errors.NoRespondersError):
            await ask(bus, "project", "list", b"")


async def test_stopping_cancels_what_never_ends(bus, broker, door, held, monkeypatch):
    monkeypatch.setattr("coordinator.faces.nats.STOP_GRACE_S", 0.05)
    async with answering(broker, door) as face:
        waiting = starting(bus, 1)
        await until(lambda: face._in_flight)
        await face.stop()
    waiting.cancel()
    await asyncio.wait({waiting})
    assert door.submitted == []


async def test_every_new_connection_has_the_face_and_its_discovery(bus, broker, face):
    await broker.stop()
    await broker.start()
    await until_listed(broker)
    assert (await ask(bus, "project", "list", b"")).outcome == "accepted"


async def test_a_reply_outlives_the_connection_on_which_it_was_asked(bus, broker, face, held):
    waiting = starting(bus, 1)
    await until(lambda: face._in_flight)
    await broker.stop()
    held.set()
    await broker.start()
    assert (await waiting).outcome == "accepted"
