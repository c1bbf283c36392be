"""What an overloaded coordinator refuses over NATS."""

import asyncio

import pytest

from tests.component.api.publisher import ask, starting, until

pytestmark = pytest.mark.bus


@pytest.mark.parametrize(
    ("lag_s", "refused"),
    [
        (0.11, {"list"}),
        (0.26, {"list", "start", "create"}),
        (0.51, {"list", "start", "create", "view"}),
    ],
)
async def test_a_late_loop_refuses_what_costs_most_first(bus, face, door, lateness, lag_s, refused):
    lateness.lag_s = lag_s
    named = {"name": "wordpress"}
    requests = {
        "list": named,
        "start": {"command_id": "c1", **named},
        "create": {"command_id": "c2", "name": "new", "template": "web: {image: nginx}"},
        "view": named,
    }
    for verb, payload in requests.items():
        reply = await ask(bus, "project", verb, payload)
        assert reply.outcome == ("rejected" if verb in refused else "accepted")
        if verb in refused:
            assert reply.reason.code == "unavailable"
            assert reply.reason.message.endswith("ask again in 2 s")
    assert len(door.submitted) == 2 - len(refused & {"start", "create"})


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
