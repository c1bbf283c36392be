"""What must hold whatever happens: commands, passes, agents, faults in any interleaving.

The promises that hold at every moment are asserted by `Cluster`, most of them at every write:

- no slot is commanded to run on two nodes that are believed;
- what is started finds its dependencies running;
- containers of unknown projects are in no document;
- generations and epochs only grow.

At the end the faults stop, and everything must become what was wanted last, and stay so.
"""

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from coordinator.commands.catalogue import apply, create
from coordinator.commands.operations import Moment
from coordinator.errors import Conflict, NotFound
from coordinator.releases.groups import slot_groups
from schemas.command import (
    CreateProject,
    DeleteProject,
    KillProject,
    RedeployProject,
    ScaleService,
    StartProject,
    StartService,
    StopProject,
    StopService,
)
from schemas.fingerprint import fingerprint
from schemas.names import SlotKey
from schemas.states import State
from schemas.template import ProjectTemplate
from tests.builders import a_service
from tests.unit.coordinator.cluster import STRANGER, Cluster
from tests.unit.coordinator.obeying import Agent, ended

SIZE = 3
TEMPLATE = ProjectTemplate(
    services=tuple(
        service.template
        for service in (
            a_service("db", reschedule=True),
            a_service("api", after=["db"], scale=2),
            a_service("web", after=["api"], reschedule=True),
            a_service("log", is_global=True),
        )
    )
)
SERVICES = [template.name for template in TEMPLATE.services]
SCALED = ["db", "api", "web"]
AGENTS = st.integers(0, SIZE - 1)
ANY: dict[str, str] = {"command_id": "c", "name": "shop"}


def on_services(model: type[Any]) -> st.SearchStrategy[Any]:
    return st.sampled_from(SERVICES).map(
        lambda name: model.model_validate({"command_id": "c", "service_id": f"shop_{name}"})
    )


COMMANDS: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(
        [
            StartProject.model_validate(ANY),
            StopProject.model_validate(ANY),
            KillProject.model_validate(ANY),
            RedeployProject.model_validate(ANY),
        ]
    ),
    st.builds(
        DeleteProject, **{name: st.just(value) for name, value in ANY.items()}, force=st.booleans()
    ),
    on_services(StartService),
    on_services(StopService),
    st.builds(
        ScaleService,
        command_id=st.just("c"),
        service_id=st.sampled_from(SCALED).map(lambda name: f"shop_{name}"),
        type=st.just("scale_to"),
        value=st.integers(0, 4),
    ),
)


class AnyHistory(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.cluster = Cluster(SIZE)
        self.moments = 0
        self.create()

    def moment(self) -> Moment:
        self.moments += 1
        return Moment(now="2026-11-23T13:00:00Z", operation_id=f"op-{self.moments}")

    def agent(self, number: int) -> Agent:
        return self.cluster.agents[number]

    @invariant()
    def no_slot_is_commanded_twice(self) -> None:
        self.cluster.check_commands()

    @rule()
    def create(self) -> None:
        command = CreateProject(**ANY, template="")
        held = self.cluster.projects.get("shop")
        if held is None or held.is_gone:
            self.cluster.decide(create(held, command, TEMPLATE, self.moment()))

    @rule(command=COMMANDS)
    def command(self, command: Any) -> None:
        held = self.cluster.projects.get("shop")
        runs = any(key.project == "shop" for key in self.cluster.running())
        try:
            decision = apply(held, command, self.moment(), running=runs)
        except (Conflict, NotFound):
            return
        self.cluster.decide(decision)

    @rule(frozen=st.booleans())
    def do_pass(self, frozen: bool) -> None:
        self.cluster.do_pass(frozen=frozen)

    @rule(writes=st.integers(0, SIZE))
    def die_in_a_pass(self, writes: int) -> None:
        self.cluster.do_pass(dies_after=writes)

    @rule()
    def restart_coordinator(self) -> None:
        self.cluster.restart_coordinator()

    @rule(number=AGENTS)
    def cut_off(self, number: int) -> None:
        self.agent(number).is_cut_off = True

    @rule(number=AGENTS)
    def come_back(self, number: int) -> None:
        self.agent(number).is_cut_off = False

    @rule(number=AGENTS)
    def reboot(self, number: int) -> None:
        agent = self.agent(number)
        agent.containers = {key: ended(each, 137) for key, each in agent.containers.items()}

    @rule()
    def judge(self) -> None:
        self.cluster.judge()

    @rule(number=AGENTS)
    def read(self, number: int) -> None:
        self.cluster.read(self.agent(number))

    @rule(number=AGENTS, share=st.integers(0, 9))
    def act(self, number: int, share: int) -> None:
        agent = self.agent(number)
        for entry in agent.held.slots[share::2]:
            agent.act(entry)

    @rule(number=AGENTS)
    def report(self, number: int) -> None:
        self.cluster.report(self.agent(number))

    @rule(number=AGENTS)
    def deliver(self, number: int) -> None:
        self.cluster.deliver(self.agent(number))

    @rule(number=AGENTS)
    def crash(self, number: int) -> None:
        agent = self.agent(number)
        ours = sorted(key for key in agent.containers if key.project != STRANGER)
        for key in ours[:1]:
            agent.containers[key] = ended(agent.containers[key], 1)

    @precondition(lambda self: self.moments % 3 == 0)
    @rule()
    def a_quiet_while(self) -> None:
        """Long histories need calm as well, or they never get beyond their first steps."""
        self.cluster.heal()
        self.cluster.run_until_quiet()

    def teardown(self) -> None:
        self.cluster.heal()
        self.cluster.run_until_quiet()
        self.everything_is_as_wanted()
        self.cluster.restart_coordinator()
        self.cluster.heal()
        assert not self.cluster.do_pass(), "what has converged must stay as it is"

    def everything_is_as_wanted(self) -> None:
        project = self.cluster.projects["shop"]
        running = self.cluster.running()
        strangers = [
            key
            for agent in self.cluster.agents
            for key in agent.containers
            if key.project == STRANGER
        ]
        assert len(strangers) == SIZE
        assert all(len(nodes) == 1 for nodes in running.values())
        ours = {
            key: each
            for agent in self.cluster.agents
            for key, each in agent.containers.items()
            if key.project != STRANGER
        }
        if project.desired_state is State.DELETED:
            assert project.is_gone
            assert not ours
            return
        specs: dict[SlotKey, str] = {}
        for group in slot_groups(project):
            if group.is_held or group.record.desired_state is not State.RUNNING:
                continue
            count = SIZE if group.record.template.is_global else group.last
            for number in range(group.first, count + 1):
                slot = SlotKey("shop", group.key.service, number, group.key.set_name)
                specs[slot] = fingerprint(group.spec)
        assert running.keys() == specs.keys()
        assert {key: each.fingerprint for key, each in ours.items() if each.running} == specs


TestAnyHistory = AnyHistory.TestCase
TestAnyHistory.settings = settings(
    max_examples=120,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
