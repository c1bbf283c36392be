"""What was read back and is sent again: what is hidden there stays as it was."""

from typing import Any

from schemas.command import CreateProject
from schemas.query import ViewProject
from schemas.reply import ReasonCode, Reply
from tests.component.coordinator.releasing import update
from tests.component.coordinator.world import World, code, creation
from tests.fakes.answers import parsed

TEMPLATE = """
services: {web: {image: 'web:1', secrets: [pw, token]}}
secrets:
  pw: {content: hunter2}
  token: {environment: TOKEN}
"""
ENVIRONMENT = {"TOKEN": "t0ken", "LEVEL": "***"}


async def created() -> World:
    world = World()
    world.hear(1)
    fields: dict[str, Any] = {"environment": ENVIRONMENT, "description": "a shop"}
    create = creation(template=TEMPLATE, version="1.0", **fields)
    assert (await world.intake.submit(create)).outcome == "accepted"
    await world.settle()
    return world


async def shown(world: World) -> Any:
    return parsed(await world.intake.ask(ViewProject(name="shop")))


def target(world: World) -> Any:
    record = world.record()
    assert record is not None
    return record.release.target if record.release else record


async def test_a_project_that_is_read_back_and_sent_again_keeps_its_secrets() -> None:
    world = await created()
    body = await shown(world)
    assert "hunter2" not in body["template"]
    assert body["environment"]["TOKEN"] == "***"
    assert (
        await world.intake.submit(
            update(body["template"].replace("web:1", "web:2"), environment=body["environment"])
        )
    ).outcome == "accepted"
    asked = target(world)
    assert "hunter2" in asked.template
    assert "***" not in asked.template
    assert {name: asked.environment[name] for name in ENVIRONMENT} == ENVIRONMENT
    body = await shown(world)
    assert "hunter2" not in str(body)
    assert "t0ken" not in str(body)


async def test_a_hidden_variable_that_is_given_anew_is_taken() -> None:
    world = await created()
    given = {"TOKEN": "new"}
    assert (await world.intake.submit(update(TEMPLATE, environment=given))).outcome == "accepted"
    assert target(world).environment == given


async def test_what_stands_for_a_secret_that_nobody_knows_is_refused() -> None:
    def refused(reply: Reply, where: str) -> None:
        assert code(reply) is ReasonCode.INVALID
        assert reply.reason is not None
        assert (reply.reason.where, "***" in reply.reason.message) == (where, True)

    world = await created()
    other = TEMPLATE.replace("pw", "other").replace("hunter2", '"***"')
    refused(await world.intake.submit(update(other)), "secrets.other")
    other = TEMPLATE.replace("TOKEN", "OTHER")
    given = {"OTHER": "***"}
    refused(await world.intake.submit(update(other, environment=given)), "environment.OTHER")

    def copy(**fields: Any) -> CreateProject:
        return creation("c-2", "copy", version="1.0", **fields)

    hidden = TEMPLATE.replace("hunter2", '"***"')
    refused(await world.intake.submit(copy(template=hidden, environment=ENVIRONMENT)), "secrets.pw")
    refused(
        await world.intake.submit(copy(template=TEMPLATE, environment={"TOKEN": "***"})),
        "environment.TOKEN",
    )


async def test_an_empty_description_is_none_and_keeps_the_old_one() -> None:
    world = await created()
    assert (await world.intake.submit(update(TEMPLATE, description=""))).outcome == "accepted"
    assert target(world).description == "a shop"
    await world.settle()
    again = update(TEMPLATE, version="3.0", description="a better shop")
    assert (await world.intake.submit(again)).outcome == "accepted"
    assert target(world).description == "a better shop"
