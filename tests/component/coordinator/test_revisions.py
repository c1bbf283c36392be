"""What is kept of each revision: the newest twenty, each as its own update asked for it."""

from typing import Any

import pytest

from coordinator.errors import RevisionLost
from coordinator.releases.steps import REVISIONS_KEPT
from schemas.command import DeleteProject
from schemas.query import ViewRevision
from schemas.reply import ReasonCode, Reply
from tests.component.coordinator.releasing import roll_back, update
from tests.component.coordinator.world import World, code, creation
from tests.fakes import buckets
from tests.fakes.answers import parsed
from tests.fakes.buckets import FakeBucket

#: changes no container, so that each update is completed at once
PLAIN = "web: {image: 'web:1', labels: {aliyun.scale: '%d'}}"


def bucket(world: World) -> FakeBucket:
    assert isinstance(world.buckets.revisions, FakeBucket)
    return world.buckets.revisions


async def created(world: World) -> None:
    world.hear(1)
    assert (await world.intake.submit(creation(version="1.0"))).outcome == "accepted"
    await world.settle()


async def asked(world: World, number: int, **fields: Any) -> Reply:
    return await world.intake.submit(update(PLAIN % number, version=f"{number}.0", **fields))


async def shown(world: World, number: int) -> Any:
    return parsed(await world.intake.ask(ViewRevision(name="shop", number=number)))


def numbers(world: World) -> list[int]:
    return sorted(int(key.split(".")[1]) for key in bucket(world).values)


async def test_as_many_are_kept_as_are_noted_and_none_is_left_of_a_deleted_project() -> None:
    world = World()
    await created(world)
    for number in range(2, REVISIONS_KEPT + 4):
        assert (await asked(world, number)).outcome == "accepted"
        await world.settle()
    assert numbers(world) == list(range(4, REVISIONS_KEPT + 4))
    assert len(bucket(world)._newest) == REVISIONS_KEPT
    bucket(world).write("shop.2", b"{}")
    gone = DeleteProject(command_id="d", name="shop", force=True)
    assert (await world.intake.submit(gone)).outcome == "accepted"
    await world.settle()
    assert numbers(world) == []


async def test_an_update_whose_save_was_not_acknowledged_keeps_its_own_text() -> None:
    world = World()
    await created(world)
    world.projects.lose("put", happened=True)
    assert code(await asked(world, 2)) is ReasonCode.UNAVAILABLE
    other = update(PLAIN % 9, version="9.0", command_id="other")
    # Decided on the record as it was, and refused once that is read again.
    await world.intake.submit(other)
    await world.loop.read()
    await world.settle()
    record = world.record()
    assert record is not None
    for note in record.history:
        assert (await shown(world, note.number))["template"] == (
            PLAIN % int(note.version.split(".")[0]) if note.number > 1 else creation().template
        )
    assert [note.version for note in record.history][:2] == ["1.0", "2.0"]


async def test_of_a_lost_project_no_revision_is_left_when_it_is_created_again() -> None:
    world = World()
    await created(world)
    assert (await asked(world, 2)).outcome == "accepted"
    await world.settle()
    world.projects.lose_key("shop")
    await world.loop.read()
    await world.do_pass()
    assert "shop" in world.store.doubts
    again = await world.intake.submit(creation("c-2", version="5.0"))
    assert again.outcome == "accepted"
    assert numbers(world) == [1]
    await world.settle()
    assert (await shown(world, 1))["version"] == "5.0"


async def test_what_cant_be_dropped_now_fails_no_update_and_goes_with_the_next_one() -> None:
    world = World()
    await created(world)
    bucket(world).write("shop.7", b"{}")
    bucket(world).lose("keys", happened=False)
    assert (await asked(world, 2)).outcome == "accepted"
    assert numbers(world) == [1, 2, 7]
    await world.settle()
    assert (await asked(world, 3)).outcome == "accepted"
    assert numbers(world) == [1, 2, 3]


@pytest.mark.parametrize("found", [b"{}", b"nonsense", None])
async def test_one_that_cant_be_read_is_not_the_fault_of_who_asks(found: bytes | None) -> None:
    world = World()
    await created(world)
    assert (await asked(world, 2)).outcome == "accepted"
    await world.settle()
    (key,) = (key for key in bucket(world).values if key.startswith("shop.1."))
    if found is None:
        bucket(world).lose_key(key)
    else:
        bucket(world).write(key, found)
    reply = await world.intake.submit(roll_back(to=1))
    assert code(reply) is ReasonCode.FAILED
    with pytest.raises(RevisionLost, match="revision r1 of project shop"):
        await shown(world, 1)


async def test_an_update_whose_templates_dont_fit_together_is_refused_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(buckets, "PAYLOAD_BYTES_MAX", 100_000)
    world = World()
    world.hear(1)
    template = "web: {image: 'web:1'}\n# " + "x" * 60_000
    assert (await world.intake.submit(creation(template=template))).outcome == "accepted"
    await world.settle()
    before = world.record()
    reply = await world.intake.submit(update(template.replace("web:1", "web:2")))
    assert code(reply) is ReasonCode.INVALID
    assert reply.reason is not None
    assert "both together are larger" in reply.reason.message
    assert world.record() == before
