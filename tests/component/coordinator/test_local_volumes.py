"""A project that is deleted with its volumes leaves none behind, on whatever node they are."""

from schemas.command import DeleteProject
from schemas.states import State, Wanted
from tests.component.coordinator.world import World, creation

TEMPLATE = "version: '2'\nservices: {db: {image: 'db:1', volumes: ['%s:/d']}}\nvolumes: {%s: {}}"
GONE = DeleteProject(command_id="d", name="shop", force=True, volumes=True)


def removed(world: World, index: int) -> list[str]:
    document = world.document(index)
    found = document.volumes if document else ()
    return [volume.name for volume in found if volume.wanted is Wanted.ABSENT]


def has(world: World, index: int, **by_project: tuple[str, ...]) -> None:
    """The node has taken its orders, and still has these volumes."""
    names = tuple(name for names in by_project.values() for name in names)
    world.obey(index, volumes=names, volumes_of=by_project)


async def test_volumes_of_earlier_revisions_and_on_nodes_that_slots_have_left_go_too() -> None:
    world = World()
    for index in (1, 2):
        world.hear(index)
    create = creation(template=TEMPLATE % ("d2", "d2"))
    assert (await world.intake.submit(create)).outcome == "accepted"
    await world.settle(1, 2)
    has(world, 1, shop=("shop_d1", "shop_d2"), other=("other_d1",))
    has(world, 2, shop=("shop_d1",))
    await world.do_pass()
    assert (removed(world, 1), removed(world, 2)) == ([], [])

    assert (await world.intake.submit(GONE)).outcome == "accepted"
    await world.do_pass()
    assert (removed(world, 1), removed(world, 2)) == (["shop_d1", "shop_d2"], ["shop_d1"])
    has(world, 1, shop=("shop_d1",), other=("other_d1",))
    has(world, 2)
    await world.do_pass()
    record = world.record()
    assert record is not None
    assert not record.is_gone
    has(world, 1, other=("other_d1",))
    await world.do_pass()
    await world.do_pass()
    record = world.record()
    assert record is not None
    assert (record.is_gone, record.desired_state) == (True, State.DELETED)
    assert (removed(world, 1), removed(world, 2)) == ([], [])


async def test_a_node_that_was_away_loses_them_when_it_is_back() -> None:
    world = World()
    world.hear(1)
    world.hear(2)
    create = creation(template=TEMPLATE % ("d1", "d1"))
    assert (await world.intake.submit(create)).outcome == "accepted"
    await world.settle(1, 2)
    assert (await world.intake.submit(GONE)).outcome == "accepted"
    await world.settle(1, 2)
    record = world.record()
    assert record is not None
    assert record.is_gone
    has(world, 2, shop=("shop_d0",))
    await world.do_pass()
    assert removed(world, 2) == ["shop_d0"]
