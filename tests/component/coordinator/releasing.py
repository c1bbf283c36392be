"""A project of two nodes that is updated, and agents whose containers fail when they are told to."""

import asyncio
from typing import Any

from schemas.command import (
    AnyCommand,
    ConfirmUpdate,
    DeleteProject,
    RollbackUpdate,
    UpdateProject,
)
from schemas.current import PreparationCurrent, SlotProblem
from schemas.desired import DesiredSlot
from schemas.records import ProjectRecord
from schemas.release import Release, ReleaseState
from schemas.reply import Reply
from schemas.states import State, Wanted
from tests.builders import a_container
from tests.component.coordinator.world import World, creation
from tests.releases import prepared

NODES = (1, 2)
#: where a release waits for somebody
AT_REST = frozenset(
    {
        ReleaseState.PAUSED,
        ReleaseState.AWAITING_CONFIRMATION,
        ReleaseState.PULL_FAILED,
        ReleaseState.ROLLBACK_PAUSED,
    }
)
#: more than any clock of these tests' batches
STEP_S = 1.1
STEPS_MAX = 80

_ROLLING = """
services:
  web:
    image: 'web:{image}'
    deploy:
      replicas: {replicas}
      update_config:
        {{parallelism: 2, order: {order}, monitor: 1s, failure_action: {action}}}
  db: {{image: 'db:1'}}
"""


def rolling(
    image: int, *, replicas: int = 6, order: str = "stop-first", action: str = "pause"
) -> str:
    return _ROLLING.format(image=image, replicas=replicas, order=order, action=action)


def update(template: str, version: str = "2.0", **fields: Any) -> UpdateProject:
    plain = {"command_id": f"u-{version}", "name": "shop", "template": template, "version": version}
    return UpdateProject.model_validate({**plain, **fields})


def confirm(**fields: Any) -> ConfirmUpdate:
    return ConfirmUpdate.model_validate({"command_id": "confirm", "name": "shop", **fields})


def roll_back(**fields: Any) -> RollbackUpdate:
    return RollbackUpdate.model_validate({"command_id": "back", "name": "shop", **fields})


class Shop:
    """A coordinator, two nodes, and the project `shop`."""

    def __init__(self) -> None:
        self.world = World()
        #: images that never become healthy, and those that no registry has
        self.sick: set[str] = set()
        self.missing: set[str] = set()
        #: those whose containers have ended once, and run again
        self.unsteady: set[str] = set()
        #: no image has come yet
        self.is_pulling = False
        #: what ran healthily after each step
        self.seen: list[dict[str, str]] = []

    async def start(self, template: str) -> None:
        for index in NODES:
            self.world.hear(index)
        assert (await self.world.intake.submit(creation(template=template))).outcome == "accepted"
        await self.steps(3)
        assert self.world.view().current_state is State.RUNNING
        self.seen.clear()

    async def say(self, command: AnyCommand) -> Reply:
        """Raises AssertionError where it is refused."""
        reply = await self.world.intake.submit(command)
        assert reply.outcome == "accepted", reply.reason
        return reply

    async def step(self) -> None:
        """A pass, the nodes do what their documents say, and the clocks of batches run out."""
        await self.pass_at_once()
        self.seen.append(self.healthy())
        await asyncio.sleep(STEP_S)

    async def pass_at_once(self) -> None:
        """A pass, and the nodes do what their documents say."""
        await self.world.do_pass()
        await self.obey()

    async def obey(self) -> None:
        """The nodes do what their documents say."""
        for index in NODES:
            self._obey(index)

    async def steps(self, count: int) -> None:
        for _ in range(count):
            await self.step()

    async def rest(self) -> None:
        """Go on until the release has ended, or waits for somebody."""
        for _ in range(STEPS_MAX):
            await self.step()
            release = self.record.release
            if release is None or release.state in AT_REST:
                # What is left over goes.
                await self.steps(2)
                return
        raise AssertionError(self.record.release)

    async def until(self, state: ReleaseState) -> None:
        """Go on until the release is in this state."""
        for _ in range(STEPS_MAX):
            if self.release.state is state:
                return
            await self.step()
        raise AssertionError(self.record.release)

    async def delete(self) -> None:
        """With force, whatever runs."""
        await self.say(DeleteProject(command_id="delete", name="shop", force=True))

    async def succeed(self) -> None:
        """Another coordinator takes over."""
        former, self.world = self.world, await self.world.successor()
        self.world.hear_what(former)

    @property
    def record(self) -> ProjectRecord:
        found = self.world.record()
        assert found is not None
        return found

    @property
    def release(self) -> Release:
        assert self.record.release is not None
        return self.record.release

    def healthy(self) -> dict[str, str]:
        """Every container that is wanted running and can be, with its version."""
        return {
            str(entry.key): entry.version
            for index in NODES
            if (document := self.world.document(index))
            for entry in document.slots
            if entry.wanted is Wanted.RUNNING and document.specs[entry.spec].image not in self.sick
        }

    def versions(self, service: str = "web") -> list[int]:
        """How many healthy containers of the service there were after each step."""
        return [sum(f"_{service}_" in name for name in names) for names in self.seen]

    def _obey(self, index: int) -> None:
        document = self.world.document(index)
        if document is None:
            self.world.hear(index)
            return
        containers, problems = [], []
        for entry in document.slots:
            if entry.wanted is not Wanted.RUNNING:
                continue
            image = document.specs[entry.spec].image
            is_sick = image in self.sick
            exits = int(is_sick or image in self.unsteady)
            containers.append(_container(entry, is_sick=is_sick, exits=exits))
            if is_sick:
                problems.append(_problem(entry))
        self.world.hear(
            index,
            *containers,
            problems=problems,
            preparations=[
                _failed(each) if document.specs[each.spec].image in self.missing else each
                for each in ([] if self.is_pulling else prepared(document))
            ],
        )


def _container(entry: DesiredSlot, *, is_sick: bool, exits: int) -> Any:
    return a_container(
        f"{entry.service}.{entry.slot}",
        project=entry.project,
        set_name=entry.set_name,
        name=str(entry.key),
        id=f"id-{entry.key}",
        fingerprint=entry.spec,
        version=entry.version,
        status="restarting" if is_sick else "running",
        fail_count=exits,
    )


def _problem(entry: DesiredSlot) -> SlotProblem:
    return SlotProblem(
        project=entry.project,
        service=entry.service,
        slot=entry.slot,
        set_name=entry.set_name,
        code="crashed",
        message=f"container {entry.key} exited with code 1",
    )


def _failed(each: PreparationCurrent) -> PreparationCurrent:
    return each.model_copy(update={"image_id": "", "message": "no such image", "definite": True})
