"""What each command makes of a record, and what is refused."""

from typing import Any

import pytest

from coordinator.domain.catalogue import (
    REPLIES_MAX,
    Decision,
    Moment,
    apply,
    bury,
    check_new_name,
    create,
    remembered,
)
from coordinator.errors import Conflict, NotFound
from schemas.command import (
    SCALE_MAX,
    AnyCommand,
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
from schemas.desired import DesiredVolume
from schemas.errors import InvalidInput
from schemas.records import ProjectRecord, ProjectTemplate, ServiceRecord
from schemas.states import State
from tests.builders import a_project, a_service

NOW = Moment(now="2026-11-23T13:00:00Z", operation_id="op-new")
STOPPED = State.STOPPED
RUNNING = State.RUNNING
EVERY: list[AnyCommand] = [
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


def verb(command: AnyCommand) -> str:
    return type(command).__name__


def decided(command: AnyCommand, held: ProjectRecord | None = None, **facts: Any) -> Decision:
    return apply(held or a_project(), command, NOW, **facts)


def service_after(command: AnyCommand, *services: ServiceRecord, name: str = "web") -> Any:
    return decided(command, a_project(*services)).record.services[name]


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

    @pytest.mark.parametrize("name", ["", "-a", "a_b", "a" * 65, "a\n", "é", "a.b"])
    def test_of_a_bad_name_is_refused_by_its_path(self, name: str) -> None:
        with pytest.raises(InvalidInput) as refused:
            check_new_name(None, a_creation(name))
        assert refused.value.where == "name"

    def test_can_not_be_applied_to_a_project_that_is_there(self) -> None:
        with pytest.raises(InvalidInput):
            decided(a_creation())


class TestNames:
    @pytest.mark.parametrize("command", EVERY, ids=verb)
    @pytest.mark.parametrize(
        "held", [None, a_project(state=State.DELETED, is_gone=True)], ids=["never", "gone"]
    )
    def test_what_is_not_there_is_not_found(
        self, command: AnyCommand, held: ProjectRecord | None
    ) -> None:
        with pytest.raises(NotFound, match="Not Found: "):
            apply(held, command, NOW)

    @pytest.mark.parametrize("service_id", ["shop_db", "shop", "shop_", "shop_web_1"])
    def test_a_service_that_is_not_there_is_not_found(self, service_id: str) -> None:
        with pytest.raises(NotFound, match="Not Found: service"):
            decided(StartService(command_id="c", service_id=service_id))

    def test_a_service_may_have_underscores(self) -> None:
        held = a_project(a_service("a_b", state=STOPPED))
        record = decided(StartService(command_id="c", service_id="shop_a_b"), held).record
        assert record.services["a_b"].desired_state is RUNNING

    @pytest.mark.parametrize("command", ALL_BUT_DELETE, ids=verb)
    def test_a_project_that_is_being_deleted_takes_no_other_command(
        self, command: AnyCommand
    ) -> None:
        with pytest.raises(Conflict, match="being deleted"):
            decided(command, a_project(state=State.DELETED))


class TestStartAndStop:
    def test_start_takes_back_how_the_last_stop_was_asked(self) -> None:
        stopped = a_service(state=STOPPED, stopped_with="KILL", stopped_within_s=0.0)
        service = service_after(StartProject(command_id="c", name="shop"), stopped)
        assert (service.desired_state, service.stop_signal) == (RUNNING, "")
        assert service.stop_timeout_s is None
        assert service.updated == NOW.now

    def test_stop_keeps_its_timeout(self) -> None:
        service = service_after(StopProject(command_id="c", name="shop", timeout=42))
        assert (service.desired_state, service.stop_timeout_s) == (STOPPED, 42.0)

    def test_a_project_is_wanted_running_as_long_as_one_service_is(self) -> None:
        held = a_project(a_service("db"), a_service("web"))
        one = decided(StopService(command_id="c", service_id="shop_web"), held).record
        assert one.desired_state is RUNNING
        none = apply(one, StopService(command_id="d", service_id="shop_db"), NOW).record
        assert none.desired_state is STOPPED
        again = apply(none, StartService(command_id="e", service_id="shop_db"), NOW).record
        assert (again.desired_state, again.services["web"].desired_state) == (RUNNING, STOPPED)

    def test_the_operation_names_the_service_it_is_about(self) -> None:
        record = decided(StopService(command_id="c", service_id="shop_web")).record
        assert record.operation is not None
        assert (record.operation.verb, record.operation.service) == ("service.stop", "web")
        record = decided(StopProject(command_id="c", name="shop")).record
        assert record.operation is not None
        assert record.operation.service == ""

    def test_redeploy_starts_everything_and_asks_for_fresh_images(self) -> None:
        service = service_after(
            RedeployProject(command_id="c", name="shop"), a_service(state=STOPPED, refresh=4)
        )
        assert (service.desired_state, service.refresh) == (RUNNING, 5)


class TestKill:
    @pytest.mark.parametrize("text", ["KILL", "SIGKILL", "kill", "9"])
    def test_with_kill_the_service_is_wanted_stopped_at_once(self, text: str) -> None:
        service = service_after(KillProject(command_id="c", name="shop", signal=text))
        assert (service.desired_state, service.stop_signal) == (STOPPED, "KILL")
        assert service.stop_timeout_s == 0.0

    @pytest.mark.parametrize(("own", "sent"), [("", "TERM"), ("SIGQUIT", "QUIT"), ("QUIT", "3")])
    def test_with_the_services_own_stop_signal_it_is_wanted_stopped(
        self, own: str, sent: str
    ) -> None:
        held = a_project(a_service(stop_signal=own))
        decision = decided(KillProject(command_id="c", name="shop", signal=sent), held)
        service = decision.record.services["web"]
        assert (service.desired_state, service.stop_timeout_s) == (STOPPED, None)
        assert decision.signalled == ()

    def test_with_another_signal_nothing_else_is_wanted(self) -> None:
        decision = decided(KillService(command_id="c", service_id="shop_web", signal="SIGHUP"))
        assert decision.record.services["web"].desired_state is RUNNING
        assert (decision.signal, decision.signalled) == ("HUP", ("web",))

    def test_dependents_are_signalled_first(self) -> None:
        held = a_project(
            a_service("web", after=["api"]), a_service("api", after=["db"]), a_service("db")
        )
        decision = decided(KillProject(command_id="c", name="shop", signal="HUP"), held)
        assert decision.signalled == ("web", "api", "db")

    def test_a_circle_of_dependencies_is_signalled_all_the_same(self) -> None:
        held = a_project(a_service("a", after=["b"]), a_service("b", after=["a"]))
        decision = decided(KillProject(command_id="c", name="shop", signal="HUP"), held)
        assert sorted(decision.signalled) == ["a", "b"]

    def test_with_an_unknown_signal_is_refused_by_its_path(self) -> None:
        with pytest.raises(InvalidInput) as refused:
            decided(KillProject(command_id="c", name="shop", signal="BOOM"))
        assert refused.value.where == "signal"


class TestScale:
    @pytest.mark.parametrize(
        ("kind", "value", "expected"),
        [
            ("scale_to", 5, 5),
            ("scale_to", 0, 0),
            ("scale_out", 2, 5),
            ("scale_in", 2, 1),
            ("scale_in", 9, 0),
        ],
    )
    def test_to_out_and_in(self, kind: Any, value: int, expected: int) -> None:
        command = ScaleService(command_id="c", service_id="shop_web", type=kind, value=value)
        assert service_after(command, a_service(scale=3)).scale == expected

    def test_starts_what_is_stopped(self) -> None:
        command = ScaleService(command_id="c", service_id="shop_web", type="scale_to", value=2)
        assert service_after(command, a_service(state=STOPPED)).desired_state is RUNNING

    def test_of_a_global_service_is_refused(self) -> None:
        command = ScaleService(command_id="c", service_id="shop_web", type="scale_to", value=2)
        with pytest.raises(InvalidInput, match="global"):
            decided(command, a_project(a_service(is_global=True)))

    def test_beyond_reason_is_refused(self) -> None:
        command = ScaleService(
            command_id="c", service_id="shop_web", type="scale_out", value=SCALE_MAX
        )
        with pytest.raises(InvalidInput) as refused:
            decided(command, a_project(a_service(scale=1)))
        assert refused.value.where == "value"


class TestDelete:
    def test_what_runs_is_deleted_only_with_force(self) -> None:
        with pytest.raises(Conflict, match="stop it first, or use force"):
            decided(DeleteProject(command_id="c", name="shop"), running=True)
        forced = decided(DeleteProject(command_id="c", name="shop", force=True), running=True)
        assert (forced.record.desired_state, forced.record.force) == (State.DELETED, True)

    def test_what_does_not_run_is_deleted(self) -> None:
        record = decided(DeleteProject(command_id="c", name="shop", volumes=True)).record
        assert (record.desired_state, record.force) == (State.DELETED, False)
        assert record.remove_volumes

    def test_again_may_add_force_and_volumes_but_not_take_them_back(self) -> None:
        held = a_project(state=State.DELETED)
        more = decided(
            DeleteProject(command_id="c", name="shop", force=True, volumes=True),
            held,
            running=True,
        ).record
        assert (more.force, more.remove_volumes) == (True, True)
        less = apply(more, DeleteProject(command_id="d", name="shop"), NOW, running=True).record
        assert (less.force, less.remove_volumes) == (True, True)

    def test_leaves_a_tombstone_that_only_remembers_commands(self) -> None:
        volume = DesiredVolume(project="shop", name="shop_data")
        held = a_project(template="web: {}", environment={"PASSWORD": "x"}, volumes=[volume])
        command = DeleteProject(command_id="c", name="shop")
        tombstone = bury(decided(command, held).record)
        assert tombstone.is_gone
        assert (tombstone.template, tombstone.environment) == ("", {})
        assert (tombstone.services, tombstone.volumes) == ({}, ())
        assert remembered(tombstone, command) is not None


class TestMemory:
    @pytest.mark.parametrize("command", EVERY, ids=verb)
    def test_an_accepted_command_is_remembered_by_its_id(self, command: AnyCommand) -> None:
        decision = decided(command)
        assert remembered(decision.record, command) == decision.reply
        other = command.model_copy(update={"command_id": "other"})
        assert remembered(decision.record, other) is None

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
