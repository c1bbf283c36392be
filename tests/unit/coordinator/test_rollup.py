"""From containers to the public words, and to the reasons beside them."""

import pytest

from coordinator.store.nodes import NodePicture
from coordinator.store.placements import Placement
from coordinator.views.rollup import ServiceView, roll_up
from coordinator.views.services import REASONS_MAX
from schemas.current import ContainerCurrent, EngineCurrent
from schemas.states import EngineState, Health, NodeState, State
from tests.builders import (
    ONCE,
    TIME,
    a_container,
    a_node,
    a_problem,
    a_project,
    a_service,
    exited,
    follows,
    viewed,
)

JOB = a_service("job", restart=ONCE)
STOPPED = a_service(state=State.STOPPED)


def web(*nodes: NodePicture, scale: int = 1, state: State = State.RUNNING) -> ServiceView:
    """The service `web`, whose slots are wherever they are seen."""
    return viewed(a_project(a_service(scale=scale, state=state)), nodes).services["web"]


class TestService:
    @pytest.mark.parametrize(
        ("scale", "containers", "expected"),
        [
            pytest.param(1, [], State.STARTING, id="nothing there yet"),
            pytest.param(1, [a_container()], State.RUNNING, id="all there"),
            pytest.param(2, [a_container()], State.STARTING, id="one of two"),
            pytest.param(1, [exited(exit_code=1)], State.STARTING, id="crashed"),
            pytest.param(
                1, [a_container(health=Health.STARTING)], State.STARTING, id="not yet healthy"
            ),
            pytest.param(0, [], State.STOPPED, id="scaled to nothing"),
            pytest.param(0, [a_container()], State.RUNNING, id="still being scaled down"),
        ],
    )
    def test_that_is_wanted_running(
        self, scale: int, containers: list[ContainerCurrent], expected: State
    ) -> None:
        view = web(a_node(1, *containers), scale=scale)
        assert view.current_state is expected
        assert view.desired_state is State.RUNNING
        assert view.is_up is (expected is not State.STARTING)

    @pytest.mark.parametrize(
        ("containers", "expected"),
        [
            ([a_container()], State.STOPPING),
            ([a_container(status="paused")], State.STOPPING),
            ([exited()], State.STOPPED),
            ([], State.STOPPED),
        ],
    )
    def test_that_is_wanted_stopped(
        self, containers: list[ContainerCurrent], expected: State
    ) -> None:
        view = web(a_node(1, *containers), state=State.STOPPED)
        assert (view.current_state, view.desired_state) == (expected, State.STOPPED)
        assert view.is_settled is (expected is State.STOPPED)
        assert not view.is_up

    def test_run_once_containers_that_completed_are_settled(self) -> None:
        view = viewed(a_project(JOB), [a_node(1, exited("job.1", of=JOB))]).services["job"]
        assert (view.current_state, view.is_up, view.is_settled) == (State.STOPPED, True, True)

    def test_what_is_too_much_is_not_settled_though_up(self) -> None:
        view = web(a_node(1, a_container("web.1"), a_container("web.2")))
        assert (view.is_up, view.is_settled) == (True, False)

    def test_a_leftover_elsewhere_is_not_settled(self) -> None:
        nodes = [a_node(1, a_container()), a_node(2, a_container())]
        view = viewed(a_project(), nodes, {"web.1": "n2"}).services["web"]
        assert (view.is_up, view.is_settled) == (True, False)

    def test_a_leftover_that_nobody_can_reach_holds_up_nobody(self) -> None:
        nodes = [a_node(1, a_container(), state=NodeState.DOWN), a_node(2, a_container())]
        view = viewed(a_project(), nodes, {"web.1": "n2"}).services["web"]
        assert (view.is_up, view.is_settled) == (True, True)

    def test_a_lost_node_fills_no_slot(self) -> None:
        view = web(a_node(1, a_container(), state=NodeState.DOWN))
        assert view.current_state is State.STARTING
        assert view.reasons == (f"node n1 is down, silent since {TIME}",)

    def test_a_global_service_is_up_when_it_is_on_each_of_its_nodes(self) -> None:
        service = a_service("log", is_global=True)
        nodes = [a_node(1, a_container("log.1")), a_node(2)]
        project = a_project(service)
        assert viewed(project, nodes, {"log.1": "n1"}).services["log"].is_up
        assert not viewed(project, nodes, {"log.1": "n1", "log.2": "n2"}).services["log"].is_up

    def test_a_global_service_that_a_node_has_no_room_for_is_not_up(self) -> None:
        project = a_project(a_service("log", is_global=True))
        nodes = [a_node(1, a_container("log.1")), a_node(2)]
        view = viewed(project, nodes, {"log.1": "n1"}, {"log.2": "port 80"}).services["log"]
        assert not view.is_up
        assert view.definite == ("shop_log_2: port 80",)

    @pytest.mark.parametrize(
        ("containers", "expected"), [([a_container()], State.STOPPING), ([], State.DELETED)]
    )
    def test_of_a_project_that_is_being_deleted(
        self, containers: list[ContainerCurrent], expected: State
    ) -> None:
        project = a_project(state=State.DELETED)
        view = viewed(project, [a_node(1, *containers)]).services["web"]
        assert (view.current_state, view.desired_state) == (expected, State.DELETED)


class TestReasons:
    def test_what_lasts_comes_before_what_passes(self) -> None:
        crashed = a_problem("web.1", "exited with code 1", definite=False)
        node = a_node(1, problems=[crashed, a_problem("web.2", "no such image")])
        view = viewed(
            a_project(a_service(scale=3)),
            [node],
            {"web.1": "n1", "web.2": "n1"},
            {"web.3": "no node satisfies: memory"},
        ).services["web"]
        definite = ("shop_web_3: no node satisfies: memory", "no such image (node n1)")
        assert view.definite == definite
        assert view.reasons == (*definite, "exited with code 1 (node n1)")

    @pytest.mark.parametrize(
        ("container", "reason"),
        [
            (a_container(health=Health.STARTING), "is not healthy yet"),
            (a_container(health=Health.FAILURE), "fails its health check"),
            (a_container(fingerprint="other"), "is of an older definition"),
            (a_container(status="paused"), "is paused"),
            (a_container(stopping=True), "is being stopped"),
        ],
        ids=lambda each: each if isinstance(each, str) else "",
    )
    def test_a_container_that_runs_and_is_not_what_is_wanted_says_why(
        self, container: ContainerCurrent, reason: str
    ) -> None:
        view = web(a_node(1, container))
        assert view.current_state is State.STARTING
        assert view.reasons == (f"shop_web_1 {reason} (node n1)",)

    def test_a_container_whose_probe_fails_says_so(self) -> None:
        probed = a_service(probe={"cmd": "false"})
        node = a_node(1, a_container(of=probed, health=Health.FAILURE))
        view = viewed(a_project(probed), [node]).services["web"]
        assert view.reasons == ("shop_web_1 fails its probe (node n1)",)

    def test_what_the_agent_says_of_a_container_is_not_said_twice(self) -> None:
        node = a_node(1, a_container(health=Health.FAILURE), problems=[a_problem("web.1", "sick")])
        assert web(node).reasons == ("sick (node n1)",)

    def test_slots_that_fit_nowhere_for_one_reason_are_told_together(self) -> None:
        reasons = {f"web.{number}": "no node satisfies: memory" for number in range(2, 10_001)}
        view = viewed(
            a_project(a_service(scale=10_000)), [a_node(1, a_container())], {"web.1": "n1"}, reasons
        ).services["web"]
        assert view.definite == ("shop_web_2 and 9998 more: no node satisfies: memory",)
        assert view.reasons == view.definite

    def test_a_reason_is_told_once_and_not_all_of_a_thousand(self) -> None:
        problems = [a_problem(f"web.{number}", "no such image") for number in (1, 2)]
        others = [a_problem(f"web.{number}", f"port {number}") for number in range(3, 53)]
        node = a_node(1, problems=problems + others)
        placed = {f"web.{number}": "n1" for number in range(1, 53)}
        view = viewed(a_project(a_service(scale=52)), [node], placed).services["web"]
        assert view.reasons[:2] == ("no such image (node n1)", "port 3 (node n1)")
        assert view.reasons[-1] == "and 31 more reasons"
        assert len(view.reasons) == REASONS_MAX + 1

    def test_while_a_node_is_suspect_a_slot_without_a_node_may_still_find_one(self) -> None:
        nodes = [a_node(1, state=NodeState.SUSPECT)]
        view = viewed(a_project(), nodes, {}, {"web.1": "no node is ready"}).services["web"]
        assert view.definite == ()
        assert view.reasons == ("shop_web_1: no node is ready",)

    def test_an_engine_that_does_not_answer_is_named(self) -> None:
        node = a_node(1, a_container(), engine=EngineState.DOWN)
        assert node.current is not None
        engine = EngineCurrent(state=EngineState.DOWN, reason="connection refused")
        told = node.current.model_copy(update={"engine": engine})
        for current, expected in (
            (node.current, "node n1 has an engine that is down"),
            (told, "node n1 has an engine that is down: connection refused"),
        ):
            picture = NodePicture("n1", 1, "", NodeState.READY, current=current)
            assert web(picture).reasons == (expected,)

    def test_a_node_that_refuses_its_orders_is_named(self) -> None:
        view = web(a_node(1, a_container(), refusal="epoch 3 is older than 100"))
        assert view.reasons == ("node n1 refuses its orders: epoch 3 is older than 100",)

    def test_what_ran_on_a_lost_node_is_stopping_and_holds_up_nobody(self) -> None:
        view = web(a_node(1, a_container(), state=NodeState.DOWN), state=State.STOPPED)
        assert (view.current_state, view.is_settled) == (State.STOPPING, True)
        assert view.reasons == (f"node n1 is down, silent since {TIME}",)

    def test_problems_of_what_is_stopping_are_told(self) -> None:
        node = a_node(1, a_container(), problems=[a_problem("web.1", "can't be stopped")])
        assert web(node, state=State.STOPPED).reasons == ("can't be stopped (node n1)",)

    def test_a_service_says_what_it_waits_for(self) -> None:
        shop = a_project(a_service("db"), a_service("web", after=["db"]))
        view = viewed(shop, [a_node()], {})
        assert view.services["web"].reasons == ("waits for db",)
        assert view.reasons == ("web: waits for db",)

    def test_a_service_that_has_begun_waits_for_nothing(self) -> None:
        shop = a_project(a_service("db"), a_service("web", after=["db"]))
        view = viewed(shop, [a_node(1, a_container(status="created"))])
        assert view.services["web"].reasons == ()


class TestProject:
    UP = a_container("db.1")

    @pytest.mark.parametrize(
        ("db", "web_container", "desired", "expected"),
        [
            pytest.param(UP, a_container(), State.RUNNING, State.RUNNING, id="all up"),
            pytest.param(UP, None, State.RUNNING, State.STARTING, id="one is missing"),
            pytest.param(UP, exited(), State.STOPPED, State.STOPPING, id="half stopped"),
            pytest.param(exited("db.1"), exited(), State.STOPPED, State.STOPPED, id="all stopped"),
        ],
    )
    def test_is_what_its_services_are(
        self,
        db: ContainerCurrent,
        web_container: ContainerCurrent | None,
        desired: State,
        expected: State,
    ) -> None:
        there = [db, web_container] if web_container else [db]
        project = a_project(a_service("db", state=desired), a_service("web", state=desired))
        view = viewed(project, [a_node(1, *there)])
        assert (view.current_state, view.desired_state) == (expected, desired)

    @pytest.mark.parametrize(
        ("containers", "expected"),
        [
            ([a_container("db.1"), exited()], State.RUNNING),
            ([a_container("db.1"), a_container()], State.STOPPING),
            ([exited("db.1", 1), a_container()], State.STARTING),
        ],
        ids=["the other has stopped", "the other is stopping", "starting comes first"],
    )
    def test_with_one_service_stopped(
        self, containers: list[ContainerCurrent], expected: State
    ) -> None:
        project = a_project(a_service("db"), STOPPED)
        assert viewed(project, [a_node(1, *containers)]).current_state is expected

    def test_is_stopping_until_it_is_gone_when_it_is_being_deleted(self) -> None:
        view = viewed(a_project(state=State.DELETED), [a_node()])
        assert (view.current_state, view.desired_state) == (State.STOPPING, State.DELETED)

    def test_is_not_shown_when_it_is_gone(self) -> None:
        gone = a_project(state=State.DELETED, is_gone=True)
        assert roll_up([gone], Placement({}, {}, {}), []) == {}

    def test_without_any_node_tells_why_nothing_starts(self) -> None:
        placement = follows(a_project(), []).placement
        view = roll_up([a_project()], placement, [])["shop"]
        assert view.services["web"].definite
        assert view.reasons[0].startswith("web: shop_web_1: ")
