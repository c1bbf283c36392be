"""What each verb makes of a record."""

from typing import Any

import pytest

from coordinator.commands.catalogue import Decision, apply, bury
from coordinator.commands.operations import Moment, remembered
from coordinator.errors import Conflict
from schemas.command import (
    SCALE_MAX,
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
from schemas.records import ProjectRecord
from schemas.release import ServiceRecord
from schemas.states import State
from tests.builders import a_project, a_service

NOW = Moment(now="2026-11-23T13:00:00Z", operation_id="op-new")
STOPPED = State.STOPPED
RUNNING = State.RUNNING


def verb(command: Any) -> str:
    return type(command).__name__


def decided(command: Any, held: ProjectRecord | None = None, **facts: Any) -> Decision:
    return apply(held or a_project(), command, NOW, **facts)


def service_after(command: Any, *services: ServiceRecord, name: str = "web") -> Any:
    return decided(command, a_project(*services)).record.services[name]


class TestStartAndStop:
    def test_start_takes_back_how_the_last_stop_was_asked(self) -> None:
        stopped = a_service(state=STOPPED, stopped_with="KILL", stopped_within_s=0.0)
        service = service_after(StartProject(command_id="c", name="shop"), stopped)
        assert (service.desired_state, service.stop_signal) == (RUNNING, "")
        assert service.stop_timeout_s is None
        assert service.updated == NOW.now

    @pytest.mark.parametrize(
        "command",
        [
            StartProject(command_id="c", name="shop"),
            StartService(command_id="c", service_id="shop_web"),
            ScaleService(command_id="c", service_id="shop_web", type="scale_to", value=1),
        ],
        ids=lambda command: type(command).__name__,
    )
    def test_start_tries_anew_what_is_not_up_and_leaves_the_rest(self, command: Any) -> None:
        held = a_project(a_service("web"), a_service("db"))
        services = decided(command, held, unsettled={"web"}).record.services
        assert (services["web"].tries, services["db"].tries) == (1, 0)

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
