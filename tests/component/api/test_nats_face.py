import asyncio

import nats
import pytest

from coordinator.errors import RevisionLost
from coordinator.ports import Answer
from schemas import codec, subjects
from schemas.command import COMMANDS, StopProject
from schemas.query import QUERIES, ListProjects
from schemas.reply import Reply
from schemas.strict_json import PAYLOAD_BYTES_MAX
from tests.component.api.publisher import (
    answering,
    ask,
    listed,
    starting,
    until,
    until_listed,
)
from tests.fakes.door import OPERATION

pytestmark = pytest.mark.bus


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


async def test_what_the_bus_does_not_have_now_is_no_defect(bus, face, door):
    door.script.append(RevisionLost("revision r1 of project shop is lost"))
    reply = await ask(bus, "project", "revision", {"name": "shop", "number": 1})
    assert (reply.reason.code, reply.reason.message) == (
        "failed",
        "revision r1 of project shop is lost",
    )


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


async def test_an_answer_s_bytes_are_those_of_the_http_body(bus, face, door):
    request = subjects.command("project", "view")
    answer = await bus.request(request, b'{"name":"wordpress"}', timeout=5)
    body = b"".join((await door.ask(door.asked[0])).pieces)
    assert answer.data == codec.encode(Reply(outcome="accepted"))[: -len(b"null}")] + body + b"}"


async def test_an_answer_too_large_for_the_broker_says_so(bus, face, door):
    door.answers.append(Answer((b"0" * 5_000_000,), "a-tag", 5_000_000))
    reply = await ask(bus, "project", "list", b"")
    assert (reply.outcome, reply.reason.code) == ("rejected", "failed")
    assert "larger" in reply.reason.message


async def test_a_published_command_is_carried_out_too(bus, face, door):
    command = StopProject(command_id="c1", name="wordpress")
    await bus.publish(subjects.command("project", "stop"), codec.encode(command))
    await until(lambda: door.submitted)
    assert (await ask(bus, "project", "list", b"")).outcome == "accepted"


async def test_a_waiting_command_holds_up_no_other(bus, face, held):
    waiting = starting(bus, 1)
    assert (await ask(bus, "project", "list", b"")).outcome == "accepted"
    assert not waiting.done()
    held.set()
    assert (await waiting).outcome == "accepted"


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
