"""What each command makes of a record, and what is refused."""

from typing import Any

import pytest

from coordinator.commands.catalogue import Decision, apply, bury, create
from coordinator.commands.operations import REPLIES_MAX, Moment, remembered
from coordinator.errors import Conflict, NotFound
from schemas.command import (
    CreateProject,
    DeleteProject,
    KillProject,
    KillService,
    RedeployProject,
    ScaleService,
    StartProject,
    StartService,
    StopProject,
    StopService,
)
from schemas.desired import PullPolicy
from schemas.errors import InvalidInput
from schemas.records import ProjectRecord
from schemas.release import ServiceRecord
from schemas.states import State
from schemas.template import ProjectTemplate
from tests.builders import a_project, a_service

NOW = Moment(now="2026-11-23T13:00:00Z", operation_id="op-new")
STOPPED = State.STOPPED
RUNNING = State.RUNNING
EVERY: list[Any] = [
    StartProject(command_id="c", name="shop"),
    StopProject(command_id="c", name="shop"),
    KillProject(command_id="c", name="shop"),
    RedeployProject(command_id="c", name="shop"),
    DeleteProject(command_id="c", name="shop"),
    StartService(command_id="c", service_id="shop_web"),
    StopService(command_id="c", service_id="shop_web"),
    KillService(command_id="c", service_id="shop_web"),
    ScaleService(command_id="c", service_id="shop_web", type="scale_to", value=2),
]
ALL_BUT_DELETE = [command for command in EVERY if not isinstance(command, DeleteProject)]


def verb(command: Any) -> str:
    return type(command).__name__


def decided(command: Any, held: ProjectRecord | None = None, **facts: Any) -> Decision:
    return apply(held or a_project(), command, NOW, **facts)


def a_creation(name: str = "shop", **fields: Any) -> CreateProject:
    return CreateProject(**{"command_id": "c", "name": name, "template": "web: {}"} | fields)


def a_template(*services: ServiceRecord) -> ProjectTemplate:
    chosen = services or (a_service(),)
    return ProjectTemplate(
        compose_version="2",
        services=tuple(each.template for each in chosen),
        warnings=("a key was ignored",),
    )


class TestCreate:
    def test_makes_a_record_that_is_wanted_running(self) -> None:
        command = a_creation(description="A shop", version="7", environment={"A": "b"})
        decision = create(None, command, a_template(a_service(scale=3)), NOW)
        record = decision.record
        assert (record.desired_state, record.version, record.compose_version) == (RUNNING, "7", "2")
        assert (record.description, record.environment) == ("A shop", {"A": "b"})
        assert (record.created, record.updated) == (NOW.now, NOW.now)
        assert (record.services["web"].scale, record.services["web"].desired_state) == (3, RUNNING)
        assert decision.reply.outcome == "accepted"
        assert decision.reply.warnings == ("a key was ignored",)
        assert record.operation is not None
        assert (record.operation.id, record.operation.verb) == ("op-new", "project.create")

    @pytest.mark.parametrize("own", PullPolicy)
    def test_with_the_newest_images_insists_on_them_for_every_service(
        self, own: PullPolicy
    ) -> None:
        template = a_template(a_service("web", pull=own), a_service("db"))
        plain = create(None, a_creation(), template, NOW).record
        assert [s.template.pull for s in plain.services.values()] == [own, PullPolicy.MISSING]
        insisting = create(None, a_creation(latest_image=True), template, NOW).record
        assert {s.template.pull for s in insisting.services.values()} == {PullPolicy.ALWAYS}

    @pytest.mark.parametrize(
        ("held", "message"),
        [
            (a_project(), "already exists"),
            (a_project(state=State.DELETED), "still being deleted"),
        ],
        ids=["taken", "being deleted"],
    )
    def test_of_a_taken_name_is_a_conflict(self, held: ProjectRecord, message: str) -> None:
        with pytest.raises(Conflict, match=message):
            create(held, a_creation(), a_template(), NOW)

    def test_over_a_tombstone_remembers_the_former_owners_commands(self) -> None:
        deletion = DeleteProject(command_id="delete-1", name="shop")
        tombstone = bury(decided(deletion).record)
        record = create(tombstone, a_creation(), a_template(), NOW).record
        assert not record.is_gone
        assert remembered(record, deletion) is not None

    def test_can_not_be_applied_to_a_project_that_is_there(self) -> None:
        with pytest.raises(InvalidInput):
            decided(a_creation())


class TestNames:
    @pytest.mark.parametrize("command", EVERY, ids=verb)
    @pytest.mark.parametrize(
        "held", [None, a_project(state=State.DELETED, is_gone=True)], ids=["never", "gone"]
    )
    def test_what_is_not_there_is_not_found(self, command: Any, held: ProjectRecord | None) -> None:
        with pytest.raises(NotFound, match=r"there is no (project|service) 'shop"):
            apply(held, command, NOW)

    @pytest.mark.parametrize("service_id", ["shop_db", "shop", "shop_", "shop_web_1"])
    def test_a_service_that_is_not_there_is_not_found(self, service_id: str) -> None:
        with pytest.raises(NotFound, match="there is no service 'shop"):
            decided(StartService(command_id="c", service_id=service_id))

    def test_a_service_may_have_underscores(self) -> None:
        held = a_project(a_service("a_b", state=STOPPED))
        record = decided(StartService(command_id="c", service_id="shop_a_b"), held).record
        assert record.services["a_b"].desired_state is RUNNING

    @pytest.mark.parametrize("command", ALL_BUT_DELETE, ids=verb)
    def test_a_project_that_is_being_deleted_takes_no_other_command(self, command: Any) -> None:
        with pytest.raises(Conflict, match="being deleted"):
            decided(command, a_project(state=State.DELETED))


class TestMemory:
    @pytest.mark.parametrize("command", EVERY, ids=verb)
    def test_an_accepted_command_is_remembered_by_its_id(self, command: Any) -> None:
        decision = decided(command)
        assert remembered(decision.record, command) == decision.reply
        other = command.model_copy(update={"command_id": "other"})
        assert remembered(decision.record, other) is None

    @pytest.mark.parametrize(
        "other",
        [
            StopService(command_id="c", service_id="shop_db"),
            StopService(command_id="c", service_id="shop_web", timeout=3),
            StartService(command_id="c", service_id="shop_web"),
        ],
        ids=["target", "field", "verb"],
    )
    def test_the_id_of_one_command_is_refused_for_another(self, other: Any) -> None:
        record = decided(StopService(command_id="c", service_id="shop_web")).record
        with pytest.raises(Conflict, match=r"was used for another command, service\.stop shop_web"):
            remembered(record, other)

    def test_a_command_sent_again_with_another_patience_is_the_same(self) -> None:
        first = StopService(command_id="c", service_id="shop_web")
        again = first.model_copy(update={"wait": 5.0, "issuer": "somebody else"})
        assert remembered(decided(first).record, again) is not None

    def test_nothing_is_remembered_of_a_project_that_never_was(self) -> None:
        assert remembered(None, EVERY[0]) is None

    def test_the_newest_commands_are_remembered(self) -> None:
        record = a_project()
        commands = [
            StartProject(command_id=f"c{number}", name="shop") for number in range(REPLIES_MAX + 1)
        ]
        for command in commands:
            record = apply(record, command, NOW).record
        assert remembered(record, commands[0]) is None
        assert remembered(record, commands[1]) is not None
        assert len(record.replies) == REPLIES_MAX

    def test_the_newest_command_is_the_operation(self) -> None:
        record = decided(StartProject(command_id="c", name="shop")).record
        newer = Moment(now=NOW.now, operation_id="op-newer")
        record = apply(record, StopProject(command_id="d", name="shop"), newer).record
        assert record.operation is not None
        assert (record.operation.id, record.operation.verb) == ("op-newer", "project.stop")
        assert record.operation.number == 2

    def test_a_service_names_the_operation_that_changed_what_is_wanted_of_it(self) -> None:
        held = a_project(a_service("web"), a_service("db"))
        stopped = decided(StopService(command_id="c", service_id="shop_web"), held).record
        assert stopped.services["web"].changed_by == stopped.operation
        assert stopped.services["db"].changed_by is None
        again = apply(stopped, StopProject(command_id="d", name="shop"), NOW).record
        assert again.services["web"].changed_by == stopped.operation
        assert again.services["db"].changed_by == again.operation
